//! `POST /portal/v1/clients`.

use crate::own::endpoint::Call;
use crate::own::reply::Made;
use crate::own::shapes::client::{Client, ClientKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tenantry_identity::Refusal;
use tenantry_identity::clients::NewClient;
use tenantry_identity::text::Fields;

/// What a client is made from
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ClientNew")]
pub(super) struct Body {
    #[schemars(length(min = 1, max = 140), regex(pattern = r"^[^<>]+$"))]
    name: String,
    kind: ClientKind,
    #[schemars(length(max = 140))]
    description: Option<String>,
    /// Where logins may lead back to
    #[schemars(length(max = 100), inner(length(min = 1, max = 2048), regex(pattern = r"^[^\s:]+:[^\s]+$")))]
    callbacks: Option<Vec<String>>,
}

/// A client that was made, with its secret
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct MadeClient {
    /// Not shown again here
    client_secret: Option<String>,
    #[serde(flatten)]
    made: Client,
}

/// Answers the call.
pub(super) async fn handle(call: Call<(), Body>) -> Result<Made<MadeClient>, Refusal> {
    let Body { name, kind, description, callbacks } = call.body;
    let mut fields = Fields::new();
    fields.insert("app_type".to_owned(), json!(kind.app_type()));
    if let Some(description) = description {
        fields.insert("description".to_owned(), json!(description));
    }
    if let Some(callbacks) = callbacks {
        fields.insert("callbacks".to_owned(), json!(callbacks));
    }
    if matches!(kind, ClientKind::Machine) {
        fields.insert("grant_types".to_owned(), json!(["client_credentials"]));
    }
    let made = call.identity.create_client(&call.caller, NewClient { name, fields, ..NewClient::default() }).await?;
    Ok(Made(MadeClient { client_secret: made.client_secret.clone(), made: Client::from(&made) }))
}
