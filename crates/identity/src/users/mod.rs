//! Users: people, and what they may log in as.

pub(crate) mod create;
mod delete;
mod link;
mod list;
pub(crate) mod metadata;
pub(crate) mod names;
mod permissions;
pub(crate) mod query;
mod read;
mod roles;
pub(crate) mod terms;
pub(crate) mod update;

use serde_json::{Value, json};
use tenantry_store::identity::users::{User as Row, UserIdentity as IdentityRow};

use crate::text::{Fields, fields};
use crate::{Caller, Permission, Refusal, Target};

pub use create::NewUser;
pub use list::UserFilter;
pub use permissions::{HeldPermission, PermissionName, Source};

/// A user.
#[derive(Debug, Clone, PartialEq)]
pub struct User {
    /// `PROVIDER|SUBJECT` of its first identity.
    pub id: String,
    /// The name of the connection of its first identity.
    pub connection: String,
    /// Its address, in lower case.
    pub email: Option<String>,
    /// Its name for logging in, in lower case.
    pub username: Option<String>,
    /// Its telephone number.
    pub phone: Option<String>,
    /// Has it shown that the address is its own?
    pub email_verified: bool,
    /// Has it shown that the number is its own?
    pub phone_verified: bool,
    /// It may not log in, and holds nothing.
    pub blocked: bool,
    /// It may act for the platform as a whole.
    pub platform: bool,
    /// How often it logged in.
    pub logins: i64,
    /// When it did last, in microseconds since 1970 UTC.
    pub last_login_micros: Option<i64>,
    /// From where it did last.
    pub last_ip: Option<String>,
    /// `name`, `nickname`, `given_name`, `family_name`, `picture`, `user_metadata`, `app_metadata`,
    /// `last_password_reset`; `blocked` when that was ever said.
    pub fields: Fields,
    /// What it may log in as; the first one made it.
    pub identities: Vec<UserIdentity>,
    /// Microseconds since 1970 UTC.
    pub created_micros: i64,
    /// Microseconds since 1970 UTC.
    pub updated_micros: i64,
    version: i64,
}

/// Somebody whom a connection knows.
#[derive(Debug, Clone, PartialEq)]
pub struct UserIdentity {
    /// The strategy of the connection: `auth0` for a database.
    pub provider: String,
    /// Who it is there.
    pub subject: String,
    /// The connection's name.
    pub connection: String,
    /// The profile of a linked identity.
    pub profile: Option<Fields>,
}

impl UserIdentity {
    /// Does a provider of public accounts keep it?
    #[must_use]
    pub fn is_social(&self) -> bool {
        // What an organization or this installation keeps; everything else is public.
        ![
            "auth0",
            "email",
            "sms",
            "ad",
            "adfs",
            "auth0-oidc",
            "custom",
            "google-apps",
            "ip",
            "office365",
            "oidc",
            "okta",
            "pingfederate",
            "samlp",
            "sharepoint",
            "waad",
        ]
        .contains(&self.provider.as_str())
    }
}

impl User {
    pub(crate) fn from_rows(row: Row, identities: Vec<IdentityRow>) -> User {
        let identities = identities.into_iter().map(|row| {
            let profile = match fields(&row.doc).shift_remove("profileData") {
                Some(Value::Object(profile)) => Some(profile),
                _ => None,
            };
            UserIdentity { provider: row.provider, subject: row.subject, connection: row.connection, profile }
        });
        User {
            fields: fields(&row.doc),
            identities: identities.collect(),
            id: row.id,
            connection: row.connection,
            email: row.email,
            username: row.username,
            phone: row.phone,
            email_verified: row.email_verified,
            phone_verified: row.phone_verified,
            blocked: row.blocked,
            platform: row.platform,
            logins: row.logins,
            last_login_micros: row.last_login_micros,
            last_ip: row.last_ip,
            created_micros: row.created_micros,
            updated_micros: row.updated_micros,
            version: row.version,
        }
    }

    pub(crate) fn to_row(&self) -> Row {
        let folded = |name: &str| self.fields.get(name).and_then(Value::as_str).map(names::folded);
        let domain = self.email.as_deref().and_then(|email| email.rsplit_once('@'));
        Row {
            id: self.id.clone(),
            connection: self.connection.clone(),
            email: self.email.clone(),
            email_domain: domain.map(|(_, domain)| domain.to_owned()),
            username: self.username.clone(),
            phone: self.phone.clone(),
            name: folded("name"),
            nickname: folded("nickname"),
            given_name: folded("given_name"),
            family_name: folded("family_name"),
            email_verified: self.email_verified,
            phone_verified: self.phone_verified,
            blocked: self.blocked,
            platform: self.platform,
            logins: self.logins,
            last_login_micros: self.last_login_micros,
            last_ip: self.last_ip.clone(),
            doc: Value::Object(self.fields.clone()).to_string(),
            version: self.version,
            created_micros: self.created_micros,
            updated_micros: self.updated_micros,
        }
    }

    /// A text among its fields.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).and_then(Value::as_str)
    }

    /// What a password is held against, so that it does not repeat it.
    pub(crate) fn about(&self) -> Fields {
        let mut about = Fields::new();
        for (name, value) in [("email", &self.email), ("username", &self.username)] {
            if let Some(value) = value {
                about.insert(name.to_owned(), json!(value));
            }
        }
        for name in ["name", "nickname", "given_name", "family_name"] {
            if let Some(value) = self.fields.get(name) {
                about.insert(name.to_owned(), value.clone());
            }
        }
        about
    }
}

/// Passes when the caller may do this to all users, or to itself when it is that user.
///
/// # Errors
/// As [`Caller::may`].
fn may(caller: &Caller, all: &'static [Permission], own: &'static [Permission], id: &str) -> Result<(), Refusal> {
    match caller.may(all, Target::Platform) {
        Ok(()) => Ok(()),
        Err(refusal) => {
            let is_own = caller.user.as_deref() == Some(id) && !own.is_empty();
            if is_own { caller.may(own, Target::Platform) } else { Err(refusal) }
        }
    }
}

/// An address as it is kept and compared.
///
/// # Errors
/// [`Refusal::Invalid`] for what is no address.
pub fn kept_email(text: &str) -> Result<String, Refusal> {
    names::email(text).map(|email| email.whole)
}

/// A name for logging in as it is kept and compared.
///
/// # Errors
/// [`Refusal::Invalid`] for what cannot be one.
pub fn kept_username(text: &str) -> Result<String, Refusal> {
    names::username(text)
}

/// A telephone number as it is kept.
///
/// # Errors
/// [`Refusal::Invalid`] for what is none.
pub fn kept_phone(text: &str) -> Result<String, Refusal> {
    names::phone(text)
}

/// The part of a user's id behind its strategy, as it is kept.
///
/// # Errors
/// [`Refusal::Invalid`] for what cannot be one.
pub fn kept_subject(text: &str) -> Result<String, Refusal> {
    names::subject(text)
}

/// An id that nobody can have is not looked for.
pub(crate) fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= 2_048 && !id.chars().any(char::is_control)
}
