//! `DELETE /portal/v1/users/{user_id}`.

use crate::own::endpoint::Call;
use crate::own::reply::Gone;
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Gone, Refusal> {
    let user = call.param("user_id");
    // Removing nobody is a mistake here, where the operation itself leaves it alone.
    call.identity.known_to_all(&call.caller, call.any_of, user).await?;
    call.identity.delete_user(&call.caller, user).await?;
    Ok(Gone)
}
