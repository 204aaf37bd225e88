//! `GET /api/v2/users-by-email`.

use tenantry_identity::Refusal;

use super::shape::{chosen, shown};
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let email = call.query.text("email").unwrap_or_default();
    let users = call.identity.users_by_email(&call.caller, email).await?;
    Ok(Answer::ok(users.iter().map(|user| chosen(&call.query, shown(user))).collect::<Vec<_>>()))
}
