//! Clients as they are shown.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tenantry_identity::clients;

/// What kind of program a client is
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClientKind {
    Machine,
    Web,
    Native,
    SinglePage,
    Other,
}

impl ClientKind {
    /// The word of the compatible API.
    pub(crate) fn app_type(self) -> &'static str {
        match self {
            ClientKind::Machine | ClientKind::Other => "non_interactive",
            ClientKind::Web => "regular_web",
            ClientKind::Native => "native",
            ClientKind::SinglePage => "spa",
        }
    }

    fn of(app_type: Option<&str>) -> ClientKind {
        match app_type {
            Some("non_interactive") => ClientKind::Machine,
            Some("regular_web") => ClientKind::Web,
            Some("native") => ClientKind::Native,
            Some("spa") => ClientKind::SinglePage,
            _ => ClientKind::Other,
        }
    }
}

/// An application or service that asks for tokens
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Client {
    client_id: String,
    name: String,
    description: Option<String>,
    kind: ClientKind,
    /// Where logins may lead back to
    callbacks: Vec<String>,
    grant_types: Vec<String>,
    /// The platform's own: its users are not asked for consent
    first_party: bool,
}

impl From<&clients::Client> for Client {
    fn from(client: &clients::Client) -> Client {
        let texts = |name: &str| {
            let items = client.fields.get(name).and_then(Value::as_array).into_iter().flatten();
            items.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        Client {
            client_id: client.id.clone(),
            name: client.name.clone(),
            description: client.fields.get("description").and_then(Value::as_str).map(str::to_owned),
            kind: ClientKind::of(client.app_type.as_deref()),
            callbacks: texts("callbacks"),
            grant_types: texts("grant_types"),
            first_party: client.is_first_party,
        }
    }
}
