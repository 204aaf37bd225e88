//! The platform's settings as our own API shows them; the compatible API has more.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use tenantry_identity::text::Fields;

/// The platform's settings
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PlatformSettings")]
pub(super) struct Settings {
    friendly_name: Option<String>,
    picture_url: Option<String>,
    support_email: Option<String>,
    support_url: Option<String>,
    default_redirection_uri: Option<String>,
}

impl From<Fields> for Settings {
    fn from(fields: Fields) -> Settings {
        let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
        Settings {
            friendly_name: text("friendly_name"),
            picture_url: text("picture_url"),
            support_email: text("support_email"),
            support_url: text("support_url"),
            default_redirection_uri: text("default_redirection_uri"),
        }
    }
}
