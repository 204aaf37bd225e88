//! `PATCH /api/v2/organizations/{id}/connections/{connection_id}` and `…/enabled_connections/{connectionId}`.

use tenantry_identity::Refusal;

use super::{shown, shown_enabled};
use crate::management::route::{Answer, Call};

/// Answers `/connections`.
pub(in super::super) async fn handle(mut call: Call) -> Result<Answer, Refusal> {
    let change = std::mem::take(&mut call.body);
    let (account, connection) = (call.param("id"), call.param("connection_id"));
    let changed = call.identity.update_account_connection(&call.caller, account, connection, change).await?;
    Ok(Answer::ok(shown(&changed)))
}

/// Answers `/enabled_connections`.
pub(in super::super) async fn handle_enabled(mut call: Call) -> Result<Answer, Refusal> {
    let change = std::mem::take(&mut call.body);
    let (account, connection) = (call.param("id"), call.param("connectionId"));
    let changed = call.identity.update_account_connection(&call.caller, account, connection, change).await?;
    Ok(Answer::ok(shown_enabled(&changed)))
}
