//! Users as the platform's people and they themselves see them.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use tenantry_identity::text::{Fields, time};
use tenantry_identity::users;

/// A person with a login
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct User {
    user_id: String,
    /// The connection of its first identity
    connection: String,
    email: Option<String>,
    email_verified: bool,
    username: Option<String>,
    phone_number: Option<String>,
    name: Option<String>,
    nickname: Option<String>,
    given_name: Option<String>,
    family_name: Option<String>,
    picture: Option<String>,
    /// It may not log in, and holds nothing
    blocked: bool,
    /// It may act for the platform as a whole
    platform: bool,
    /// What it may change itself
    user_metadata: Fields,
    /// What policies decide by
    app_metadata: Fields,
    identities: Vec<UserIdentity>,
    logins: i64,
    last_login_at: Option<String>,
    created_at: String,
    updated_at: String,
}

/// What a user may log in as
#[derive(Debug, Serialize, JsonSchema)]
struct UserIdentity {
    provider: String,
    /// Who it is there
    subject: String,
    connection: String,
}

impl From<users::User> for User {
    fn from(mut user: users::User) -> User {
        let mut object = |name: &str| match user.fields.shift_remove(name) {
            Some(Value::Object(members)) => members,
            _ => Fields::new(),
        };
        let (user_metadata, app_metadata) = (object("user_metadata"), object("app_metadata"));
        let text = |name: &str| user.text(name).map(str::to_owned);
        User {
            name: text("name"),
            nickname: text("nickname"),
            given_name: text("given_name"),
            family_name: text("family_name"),
            picture: text("picture"),
            user_id: user.id,
            connection: user.connection,
            email: user.email,
            email_verified: user.email_verified,
            username: user.username,
            phone_number: user.phone,
            blocked: user.blocked,
            platform: user.platform,
            user_metadata,
            app_metadata,
            identities: user
                .identities
                .into_iter()
                .map(|one| UserIdentity { provider: one.provider, subject: one.subject, connection: one.connection })
                .collect(),
            logins: user.logins,
            last_login_at: user.last_login_micros.map(time),
            created_at: time(user.created_micros),
            updated_at: time(user.updated_micros),
        }
    }
}
