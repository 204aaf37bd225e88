//! `POST /portal/v1/accounts/{account_id}/suspend`, `/activate` and `/close`.

use serde_json::{Value, json};
use tenantry_identity::Refusal;
use tenantry_identity::accounts::Status;

use crate::own::endpoint::Call;
use crate::own::reply::Shown;
use crate::own::shapes::account::Account;

/// Suspends.
pub(super) async fn suspend(call: Call) -> Result<Shown<Account>, Refusal> {
    set(&call, Status::Suspended).await
}

/// Lets in again.
pub(super) async fn activate(call: Call) -> Result<Shown<Account>, Refusal> {
    set(&call, Status::Active).await
}

/// Closes.
pub(super) async fn close(call: Call) -> Result<Shown<Account>, Refusal> {
    set(&call, Status::Closed).await
}

async fn set(call: &Call, status: Status) -> Result<Shown<Account>, Refusal> {
    let Value::Object(change) = json!({ "status": status.name() }) else {
        return Err(Refusal::Internal("a status has no name"));
    };
    let account = call.identity.update_account(&call.caller, call.param("account_id"), change).await?;
    Ok(Shown(account.into()))
}
