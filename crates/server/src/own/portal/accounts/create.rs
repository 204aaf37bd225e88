//! `POST /portal/v1/accounts`.

use schemars::JsonSchema;
use serde::Deserialize;
use tenantry_identity::Refusal;
use tenantry_identity::accounts::NewAccount;
use tenantry_identity::text::Fields;

use crate::own::endpoint::Call;
use crate::own::reply::Made;
use crate::own::shapes::account::{Account, Branding};
use crate::own::shapes::limits::Limits;

/// What an account is made from
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AccountNew")]
pub(super) struct Body {
    /// 1 to 50 of a-z, 0-9, `-` and `_`, beginning with a letter or digit
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]{0,49}$"))]
    name: String,
    #[schemars(length(min = 1, max = 255))]
    display_name: Option<String>,
    /// What its rows carry in the sources; its id, when nothing else is said
    #[schemars(length(min = 1, max = 255))]
    tenant_id: Option<String>,
    /// The account above it, by id
    #[schemars(length(min = 1, max = 255))]
    parent_id: Option<String>,
    #[expect(dead_code, reason = "taken as it was sent")]
    branding: Option<Branding>,
    #[expect(dead_code, reason = "taken as it was sent")]
    metadata: Option<Fields>,
    #[expect(dead_code, reason = "taken as it was sent")]
    isolation: Option<Fields>,
    #[expect(dead_code, reason = "taken as it was sent")]
    limits: Option<Limits>,
}

/// Answers the call.
pub(super) async fn handle(mut call: Call<(), Body>) -> Result<Made<Account>, Refusal> {
    let mut fields = Fields::new();
    for name in ["branding", "metadata", "isolation", "limits"] {
        if let Some(value) = call.sent.shift_remove(name).filter(|value| !value.is_null()) {
            fields.insert(name.to_owned(), value);
        }
    }
    let Body { name, display_name, tenant_id, parent_id, .. } = call.body;
    let new = NewAccount { name, display_name, tenant_id, parent_id, connections: Vec::new(), fields };
    let account = call.identity.create_account(&call.caller, new).await?;
    Ok(Made(account.into()))
}
