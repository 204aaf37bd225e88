//! `POST /portal/v1/users`.

use crate::own::endpoint::Call;
use crate::own::reply::Made;
use crate::own::shapes::user::User;
use schemars::JsonSchema;
use serde::Deserialize;
use tenantry_identity::Refusal;
use tenantry_identity::text::Fields;
use tenantry_identity::users::NewUser;
use zeroize::Zeroizing;

/// The connection that exists from the start.
const USUAL: &str = "Username-Password-Authentication";

/// What is kept as it was sent.
const FIELDS: [&str; 9] = [
    "email_verified",
    "blocked",
    "name",
    "nickname",
    "given_name",
    "family_name",
    "picture",
    "user_metadata",
    "app_metadata",
];

/// What a user is made from
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "UserNew")]
#[expect(dead_code, reason = "some members are taken as they were sent")]
pub(super) struct Body {
    /// The connection's name; the one for passwords that exists from the start when nothing is said
    #[schemars(length(min = 1, max = 255))]
    connection: Option<String>,
    #[schemars(length(max = 320), extend("format" = "email"))]
    email: String,
    email_verified: Option<bool>,
    #[schemars(length(min = 1, max = 128))]
    username: Option<String>,
    /// Without one the user sets it by a ticket
    #[schemars(length(min = 1, max = 500))]
    password: Option<String>,
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
    blocked: Option<bool>,
    /// It may act for the platform as a whole
    platform: Option<bool>,
    /// What it may change itself
    user_metadata: Option<Fields>,
    /// What policies decide by
    app_metadata: Option<Fields>,
}

/// Answers the call.
pub(super) async fn handle(mut call: Call<(), Body>) -> Result<Made<User>, Refusal> {
    let mut fields = std::mem::take(&mut call.sent);
    fields.retain(|name, value| FIELDS.contains(&name.as_str()) && !value.is_null());
    let body = call.body;
    let new = NewUser {
        connection: body.connection.unwrap_or_else(|| USUAL.to_owned()),
        email: Some(body.email),
        username: body.username,
        password: body.password.map(Zeroizing::new),
        platform: body.platform.unwrap_or(false),
        fields,
        ..NewUser::default()
    };
    let user = call.identity.create_user(&call.caller, new).await?;
    Ok(Made(user.into()))
}
