//! `POST /api/v2/users/{id}/authentication-methods`.

use tenantry_identity::Refusal;

use super::{new, shown};
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(mut call: Call) -> Result<Answer, Refusal> {
    let new = new(std::mem::take(&mut call.body));
    let method = call.identity.create_authentication_method(&call.caller, call.param("id"), new).await?;
    Ok(Answer::created(shown(&method, true)))
}
