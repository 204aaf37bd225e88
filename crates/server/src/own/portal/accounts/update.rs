//! `PATCH /portal/v1/accounts/{account_id}`.

use schemars::JsonSchema;
use serde::Deserialize;
use tenantry_identity::Refusal;
use tenantry_identity::text::Fields;

use crate::own::endpoint::Call;
use crate::own::reply::Shown;
use crate::own::shapes::account::{Account, Branding};
use crate::own::shapes::limits::Limits;

/// What the platform may change of an account
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AccountUpdate")]
#[expect(dead_code, reason = "its form is what counts: the members are taken as they were sent")]
pub(super) struct Body {
    /// 1 to 50 of a-z, 0-9, `-` and `_`, beginning with a letter or digit
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", regex(pattern = r"^[a-z0-9][a-z0-9_-]{0,49}$"))]
    name: Option<String>,
    #[schemars(length(min = 1, max = 255))]
    display_name: Option<String>,
    /// The account above it, by id
    #[schemars(length(min = 1, max = 255))]
    parent_id: Option<String>,
    branding: Option<Branding>,
    /// Replaces what was there, whole
    metadata: Option<Fields>,
    /// Replaces what was there, whole
    isolation: Option<Fields>,
    /// Replaces what was there, whole
    limits: Option<Limits>,
}

/// Answers the call.
pub(super) async fn handle(call: Call<(), Body>) -> Result<Shown<Account>, Refusal> {
    let account = call.identity.update_account(&call.caller, call.param("account_id"), call.sent.clone()).await?;
    Ok(Shown(account.into()))
}
