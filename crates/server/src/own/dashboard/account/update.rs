//! `PATCH /dashboard/v1/account`.

use schemars::JsonSchema;
use serde::Deserialize;
use tenantry_identity::Refusal;
use tenantry_identity::text::Fields;

use crate::own::endpoint::Call;
use crate::own::reply::Shown;
use crate::own::shapes::account::{Account, Branding};

/// What an account may change of itself
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "its form is what counts: the members are taken as they were sent")]
pub(super) struct AccountChange {
    #[schemars(length(min = 1, max = 255))]
    display_name: Option<String>,
    branding: Option<Branding>,
    /// Replaces what was there, whole
    metadata: Option<Fields>,
}

/// Answers the call.
pub(super) async fn handle(call: Call<(), AccountChange>) -> Result<Shown<Account>, Refusal> {
    let account = call.identity.update_account(&call.caller, call.account(), call.sent.clone()).await?;
    Ok(Shown(account.into()))
}
