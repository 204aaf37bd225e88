//! `PATCH /portal/v1/apis/{api_id}`.

use crate::own::endpoint::Call;
use crate::own::reply::Shown;
use crate::own::shapes::api::{Api, ApiPermission};
use schemars::JsonSchema;
use serde::Deserialize;
use tenantry_identity::Refusal;

/// What may be changed of an API
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ApiChange")]
#[expect(dead_code, reason = "some members are taken as they were sent")]
pub(super) struct Body {
    #[schemars(with = "String", length(min = 1, max = 200), regex(pattern = r"^[^<>]+$"))]
    #[serde(default)]
    name: Option<String>,
    /// Replace those that were there, whole
    #[schemars(with = "Vec<ApiPermission>", length(max = 1000))]
    #[serde(default)]
    permissions: Option<Vec<ApiPermission>>,
    /// For how many seconds its tokens are good
    #[schemars(with = "i64", range(min = 1, max = 2_592_000))]
    #[serde(default)]
    token_lifetime: Option<i64>,
    #[schemars(with = "bool")]
    #[serde(default)]
    enforce_policies: Option<bool>,
}

/// Answers the call.
pub(super) async fn handle(mut call: Call<(), Body>) -> Result<Shown<Api>, Refusal> {
    let mut change = std::mem::take(&mut call.sent);
    if change.shift_remove("permissions").is_some()
        && let Some(permissions) = &call.body.permissions
    {
        change.insert("scopes".to_owned(), ApiPermission::scopes(permissions));
    }
    let api = call.identity.update_api(&call.caller, call.param("api_id"), change).await?;
    Ok(Shown(api.into()))
}
