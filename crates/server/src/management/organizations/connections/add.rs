//! `POST /api/v2/organizations/{id}/connections` and `…/enabled_connections`.

use tenantry_identity::Refusal;
use tenantry_identity::account_connections::{AccountConnection, NewAccountConnection};

use super::{shown, shown_enabled};
use crate::management::route::{Answer, Call};

/// Answers `/connections`.
pub(in super::super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    Ok(Answer::created(shown(&add(call).await?)))
}

/// Answers `/enabled_connections`.
pub(in super::super) async fn handle_enabled(call: Call) -> Result<Answer, Refusal> {
    Ok(Answer::created(shown_enabled(&add(call).await?)))
}

async fn add(mut call: Call) -> Result<AccountConnection, Refusal> {
    let connection_id = call.take_text("connection_id").unwrap_or_default();
    let new = NewAccountConnection { connection_id, fields: std::mem::take(&mut call.body) };
    call.identity.add_account_connection(&call.caller, call.param("id"), new).await
}
