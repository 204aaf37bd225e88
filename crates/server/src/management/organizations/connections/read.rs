//! `GET /api/v2/organizations/{id}/connections/{connection_id}` and `…/enabled_connections/{connectionId}`.

use tenantry_identity::{Kind, Refusal};

use super::{shown, shown_enabled};
use crate::management::route::{Answer, Call};

/// Answers `/connections`.
pub(in super::super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let (account, connection) = (call.param("id"), call.param("connection_id"));
    let found = call.identity.account_connection(&call.caller, account, connection).await?;
    Ok(Answer::ok(shown(&found)))
}

/// Answers `/enabled_connections`.
pub(in super::super) async fn handle_enabled(call: Call) -> Result<Answer, Refusal> {
    let (account, connection) = (call.param("id"), call.param("connectionId"));
    let found = call.identity.account_connection(&call.caller, account, connection).await?;
    if !found.enabled {
        return Err(Refusal::Missing(Kind::AccountConnection));
    }
    Ok(Answer::ok(shown_enabled(&found)))
}
