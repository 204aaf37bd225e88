//! What other identity providers give about users: groups, their tokens, their judgement of risk. Nothing
//! of it is kept here, so the lists are empty and there is nothing to remove; that a user exists is checked.

mod groups;
mod of_user;

use crate::management::route::{Route, route};

/// The family's endpoints.
pub(crate) const ROUTES: &[Route] = &[
    route!("GET /groups", groups::list),
    route!("GET /groups/{id}", groups::missing),
    route!("DELETE /groups/{id}", groups::missing),
    route!("GET /groups/{id}/members", groups::members),
    route!("GET /users/{id}/groups", of_user::groups),
    route!("GET /users/{id}/connected-accounts", of_user::connected_accounts),
    route!("GET /users/{id}/federated-connections-tokensets", of_user::tokensets),
    route!("DELETE /users/{id}/federated-connections-tokensets/{tokenset_id}", of_user::delete_tokenset),
    route!("POST /users/{id}/risk-assessments/clear", of_user::clear_risk),
];
