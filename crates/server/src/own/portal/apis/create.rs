//! `POST /portal/v1/apis`.

use crate::own::endpoint::Call;
use crate::own::reply::Made;
use crate::own::shapes::api::{Api, ApiPermission};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use tenantry_identity::Refusal;
use tenantry_identity::apis::NewApi;
use tenantry_identity::text::Fields;

/// What an API is made from
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ApiNew")]
pub(super) struct Body {
    /// What tokens name as their audience; it never changes
    #[schemars(length(min = 1, max = 600))]
    identifier: String,
    #[schemars(length(min = 1, max = 200), regex(pattern = r"^[^<>]+$"))]
    name: Option<String>,
    #[schemars(length(max = 1000))]
    permissions: Option<Vec<ApiPermission>>,
    /// For how many seconds its tokens are good
    #[schemars(range(min = 1, max = 2_592_000))]
    token_lifetime: Option<i64>,
    /// Do its tokens carry only what roles permit? They do when nothing is said
    enforce_policies: Option<bool>,
}

/// Answers the call.
pub(super) async fn handle(call: Call<(), Body>) -> Result<Made<Api>, Refusal> {
    let Body { identifier, name, permissions, token_lifetime, enforce_policies } = call.body;
    let mut fields = Fields::new();
    fields.insert("scopes".to_owned(), ApiPermission::scopes(&permissions.unwrap_or_default()));
    if let Some(seconds) = token_lifetime {
        fields.insert("token_lifetime".to_owned(), json!(seconds));
    }
    fields.insert("enforce_policies".to_owned(), json!(enforce_policies.unwrap_or(true)));
    let api = call.identity.create_api(&call.caller, NewApi { identifier, name, fields }).await?;
    Ok(Made(api.into()))
}
