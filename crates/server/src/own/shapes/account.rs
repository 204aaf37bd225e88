//! An account as it is shown.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tenantry_identity::accounts;
use tenantry_identity::text::{Fields, time};

/// Whether an account's people may act
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "AccountStatus")]
pub(crate) enum Status {
    Active,
    Suspended,
    Closed,
}

/// A tenant of the platform
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Account {
    /// `org_` and 16 letters and digits
    id: String,
    /// Its name in addresses and tokens
    name: String,
    /// Its name for people
    display_name: Option<String>,
    /// What its rows carry in the sources
    tenant_id: String,
    /// The account above it, by id
    parent_id: Option<String>,
    status: Status,
    /// Logo and colours
    branding: Fields,
    metadata: Fields,
    /// How its data is kept apart
    isolation: Fields,
    /// What it may use up
    limits: Fields,
    created_at: String,
    updated_at: String,
}

impl From<accounts::Account> for Account {
    fn from(mut account: accounts::Account) -> Account {
        let mut member = |name: &str| match account.fields.shift_remove(name) {
            Some(Value::Object(members)) => members,
            _ => Fields::new(),
        };
        let (branding, metadata) = (member("branding"), member("metadata"));
        let (isolation, limits) = (member("isolation"), member("limits"));
        Account {
            id: account.id,
            name: account.name,
            display_name: account.display_name,
            tenant_id: account.tenant_id,
            parent_id: account.parent_id,
            status: account.status.into(),
            branding,
            metadata,
            isolation,
            limits,
            created_at: time(account.created_micros),
            updated_at: time(account.updated_micros),
        }
    }
}

/// Logo and colours
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Branding {
    /// An https address
    #[schemars(length(max = 2048), extend("format" = "strict-https-uri-or-null"))]
    pub(crate) logo_url: Option<String>,
    pub(crate) colors: Option<Colors>,
}

/// Colours, `#` and 3 or 6 hexadecimal digits
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Colors {
    #[schemars(extend("format" = "html-color"))]
    pub(crate) primary: String,
    #[schemars(extend("format" = "html-color"))]
    pub(crate) page_background: String,
}
