//! `GET /api/v2/users/{id}/authentication-methods/{authentication_method_id}`.

use tenantry_identity::Refusal;

use super::shown;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let (user, id) = (call.param("id"), call.param("authentication_method_id"));
    let method = call.identity.authentication_method(&call.caller, user, id).await?;
    Ok(Answer::ok(shown(&method, true)))
}
