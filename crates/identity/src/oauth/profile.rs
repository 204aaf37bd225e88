//! What ID tokens and `/userinfo` say of a user (OpenID Connect Core, sections 2, 5.1 and 5.4).

use serde_json::{Map, Value, json};
use tenantry_store::identity::users::User;

use crate::Identity;
use crate::keys::{Algorithm, Form};
use crate::oauth::registry::Client;
use crate::oauth::{OAuthError, OAuthKind};
use crate::text::{fields, time};

/// How long an ID token is good, in seconds, where the client says nothing else.
const USUAL: i64 = 36_000;

/// The claims that these scopes stand for.
pub(crate) fn claims(user: &User, scope: &[String]) -> Map<String, Value> {
    let doc = fields(&user.doc);
    let asked = |name: &str| scope.iter().any(|one| one == name);
    let mut claims = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value.filter(|value| !value.is_null()) {
            claims.insert(name.to_owned(), value);
        }
    };
    let told = |name: &str| doc.get(name).cloned();
    let text = |name: &str, column: &Option<String>| told(name).or_else(|| column.clone().map(Value::String));
    if asked("profile") {
        put("name", text("name", &user.name));
        put("given_name", text("given_name", &user.given_name));
        put("family_name", text("family_name", &user.family_name));
        put("nickname", text("nickname", &user.nickname));
        put("picture", told("picture"));
        put("updated_at", Some(Value::String(time(user.updated_micros))));
    }
    if asked("email") && user.email.is_some() {
        put("email", text("email", &user.email));
        put("email_verified", Some(Value::Bool(user.email_verified)));
    }
    if asked("phone") && user.phone.is_some() {
        put("phone_number", text("phone_number", &user.phone));
        put("phone_number_verified", Some(Value::Bool(user.phone_verified)));
    }
    claims
}

/// What an ID token says beside the user's profile.
pub(crate) struct About<'a> {
    pub(crate) org: Option<(&'a str, Option<&'a str>)>,
    pub(crate) session: Option<&'a str>,
    /// When the user logged in, in seconds since 1970 UTC.
    pub(crate) auth_time: Option<i64>,
    /// What the client sent to find again here.
    pub(crate) nonce: Option<&'a str>,
    pub(crate) act: Option<&'a crate::claims::Act>,
}

impl Identity {
    /// An ID token of the user for the client.
    pub(crate) fn id_token(
        &self,
        client: &Client,
        user: &User,
        scope: &[String],
        about: &About<'_>,
    ) -> Result<String, OAuthError> {
        let failed = |_| OAuthError::new(OAuthKind::Internal, "The ID token could not be made.");
        let mut claims = claims(user, scope);
        let iat = self.issuer.now_seconds();
        let configuration = client.known.fields.get("jwt_configuration");
        let lifetime = configuration.and_then(|all| all.get("lifetime_in_seconds")?.as_i64()).unwrap_or(USUAL);
        let mut put = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        put("iss", json!(self.issuer.url()));
        put("sub", json!(user.id));
        put("aud", json!(client.id()));
        put("iat", json!(iat));
        put("exp", json!(iat.saturating_add(lifetime.max(1))));
        if let Some(time) = about.auth_time {
            put("auth_time", json!(time));
        }
        if let Some(nonce) = about.nonce {
            put("nonce", json!(nonce));
        }
        if let Some(session) = about.session {
            put("sid", json!(session));
        }
        if let Some((id, name)) = about.org {
            put("org_id", json!(id));
            if let Some(name) = name {
                put("org_name", json!(name));
            }
        }
        if let Some(act) = about.act {
            put("act", serde_json::to_value(act).map_err(failed)?);
        }
        let payload = serde_json::to_vec(&claims).map_err(failed)?;
        Ok(self.issuer.sign(Algorithm::Rs256, Form::Plain, &payload)?)
    }
}
