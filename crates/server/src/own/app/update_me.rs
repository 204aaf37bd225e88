//! `PATCH /app/v1/me`.

use crate::own::endpoint::Call;
use crate::own::reply::Shown;
use schemars::JsonSchema;
use serde::Deserialize;
use tenantry_identity::Refusal;
use tenantry_identity::text::Fields;

use super::me::Itself;

/// What users change of themselves
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ProfileChange")]
#[expect(dead_code, reason = "its form is what counts: the members are taken as they were sent")]
pub(super) struct Body {
    #[schemars(length(min = 1, max = 300))]
    name: Option<String>,
    #[schemars(length(min = 1, max = 300))]
    nickname: Option<String>,
    #[schemars(length(min = 1, max = 150))]
    given_name: Option<String>,
    #[schemars(length(min = 1, max = 150))]
    family_name: Option<String>,
    /// Merged at its first level; null takes a member away, `{}` empties it
    #[schemars(with = "Fields")]
    #[serde(default)]
    user_metadata: Option<Fields>,
}

/// Answers the call.
pub(super) async fn handle(mut call: Call<(), Body>) -> Result<Shown<Itself>, Refusal> {
    let change = std::mem::take(&mut call.sent);
    let user = call.identity.update_profile(&call.caller, change).await?;
    Ok(Shown(user.into()))
}
