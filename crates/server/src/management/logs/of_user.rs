//! `GET /api/v2/users/{id}/logs`.

use tenantry_identity::Refusal;

use super::{list, wanted};
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let wanted = wanted(&call.query)?;
    let listed = call.identity.user_logs(&call.caller, call.param("id"), &wanted).await?;
    Ok(list::answer(&call.query, &wanted, listed))
}
