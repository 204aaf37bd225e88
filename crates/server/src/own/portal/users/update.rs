//! `PATCH /portal/v1/users/{user_id}`.

use crate::own::endpoint::Call;
use crate::own::reply::Shown;
use crate::own::shapes::user::User;
use schemars::JsonSchema;
use serde::Deserialize;
use tenantry_identity::Refusal;
use tenantry_identity::text::Fields;

/// What may be changed of a user
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "UserChange")]
#[expect(dead_code, reason = "its form is what counts: the members are taken as they were sent")]
pub(super) struct Body {
    #[schemars(with = "String", length(max = 320), extend("format" = "email"))]
    #[serde(default)]
    email: Option<String>,
    #[schemars(with = "bool")]
    #[serde(default)]
    email_verified: Option<bool>,
    #[schemars(with = "bool")]
    #[serde(default)]
    blocked: Option<bool>,
    #[schemars(length(min = 1, max = 300))]
    name: Option<String>,
    #[schemars(length(min = 1, max = 300))]
    nickname: Option<String>,
    #[schemars(length(min = 1, max = 150))]
    given_name: Option<String>,
    #[schemars(length(min = 1, max = 150))]
    family_name: Option<String>,
    #[schemars(length(min = 1, max = 2048), extend("format" = "strict-uri"))]
    picture: Option<String>,
    /// Merged at its first level; null takes a member away, `{}` empties it
    #[schemars(with = "Fields")]
    #[serde(default)]
    user_metadata: Option<Fields>,
    /// What policies decide by; merged like `user_metadata`
    #[schemars(with = "Fields")]
    #[serde(default)]
    app_metadata: Option<Fields>,
}

/// Answers the call.
pub(super) async fn handle(mut call: Call<(), Body>) -> Result<Shown<User>, Refusal> {
    let change = std::mem::take(&mut call.sent);
    let user = call.identity.update_user(&call.caller, call.param("user_id"), change).await?;
    Ok(Shown(user.into()))
}
