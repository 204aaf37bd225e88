//! `POST /api/v2/organizations`.

use tenantry_identity::Refusal;
use tenantry_identity::accounts::NewAccount;

use super::shown;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(mut call: Call) -> Result<Answer, Refusal> {
    let new = NewAccount {
        name: call.take_text("name").unwrap_or_default(),
        display_name: call.take_text("display_name"),
        tenant_id: None,
        parent_id: None,
        fields: std::mem::take(&mut call.body),
    };
    let account = call.identity.create_account(&call.caller, new).await?;
    Ok(Answer::created(shown(&account)))
}
