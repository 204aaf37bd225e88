//! Keys by which programs call models: of an account, of one of its workspaces, or in a user's name. Shown once,
//! kept as a hash, with an end, limited to permissions of APIs and, where said, to some models.

mod create;
mod list;
mod update;

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use tenantry_store::identity::api_keys::ApiKey as Row;

pub use create::NewApiKey;

/// How every key begins.
pub(crate) const PREFIX: &str = "tk_";

/// The longest that a key may live, in seconds: a year.
pub const LONGEST: i64 = 365 * 86_400;

/// How long it lives when nothing is said, in seconds: 90 days.
pub const USUAL: i64 = 90 * 86_400;

/// The most permissions, and the most models, that a key may be limited to.
pub const MOST: usize = 100;

const ACTIVE: &str = "active";
const DISABLED: &str = "disabled";

/// A permission of an API.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct KeyPermission {
    /// The API's identifier.
    pub api: String,
    /// The permission.
    pub name: String,
}

/// What a key may, as it is kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Doc {
    pub(crate) permissions: Vec<KeyPermission>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) models: Option<Vec<String>>,
    /// The member of the account who made it for the account: it never may more than this member still may there. A
    /// key that the platform's own people made has none, and lasts as long as the account and itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) maker: Option<String>,
}

impl Doc {
    /// What cannot be read permits nothing.
    pub(crate) fn read(text: &str) -> Doc {
        serde_json::from_str(text).unwrap_or_else(|_| Doc { models: Some(Vec::new()), ..Doc::default() })
    }
}

/// A key, without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// `key_` and 16 letters and digits.
    pub id: String,
    /// How it begins.
    pub prefix: String,
    /// Its name for people.
    pub name: String,
    /// The account that it is for.
    pub account_id: String,
    /// The one workspace that it is for.
    pub workspace_id: Option<String>,
    /// The user in whose name it acts: it never may more than the user.
    pub user_id: Option<String>,
    /// What it may.
    pub permissions: Vec<KeyPermission>,
    /// The only models that it may call.
    pub models: Option<Vec<String>>,
    /// Is it in force? One that is out of time is not used all the same.
    pub enabled: bool,
    /// Who made it. One that a member of the account made never may more than its maker still may there, and ends
    /// with the membership.
    pub created_by: String,
    /// Microseconds since 1970 UTC.
    pub created_micros: i64,
    /// Microseconds since 1970 UTC.
    pub expires_micros: i64,
    /// About when it was last used, microseconds since 1970 UTC.
    pub last_used_micros: Option<i64>,
}

impl ApiKey {
    fn from_row(row: Row) -> ApiKey {
        let Doc { permissions, models, .. } = Doc::read(&row.doc);
        ApiKey {
            enabled: row.status == ACTIVE,
            id: row.id,
            prefix: row.prefix,
            name: row.name,
            account_id: row.account_id,
            workspace_id: row.workspace_id,
            user_id: row.user_id,
            permissions,
            models,
            created_by: row.created_by,
            created_micros: row.created_micros,
            expires_micros: row.expires_micros,
            last_used_micros: row.last_used_micros,
        }
    }
}

/// The hash that a key is known by. A key holds 238 random bits: nobody guesses one from its hash.
pub(crate) fn hash(key: &str) -> Vec<u8> {
    digest(&SHA256, key.as_bytes()).as_ref().to_vec()
}

/// Is it in force?
pub(crate) fn is_active(row: &Row) -> bool {
    row.status == ACTIVE
}
