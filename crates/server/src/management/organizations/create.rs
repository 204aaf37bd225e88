//! `POST /api/v2/organizations`.

use serde_json::{Value, json};
use tenantry_identity::Refusal;
use tenantry_identity::account_connections::NewAccountConnection;
use tenantry_identity::accounts::NewAccount;

use super::{connections, shown};
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(mut call: Call) -> Result<Answer, Refusal> {
    let listed = call.body.shift_remove("enabled_connections");
    let connections: Vec<NewAccountConnection> = match listed {
        Some(Value::Array(items)) => items.into_iter().filter_map(connection).collect(),
        _ => Vec::new(),
    };
    let with_connections = !connections.is_empty();
    let new = NewAccount {
        name: call.take_text("name").unwrap_or_default(),
        display_name: call.take_text("display_name"),
        connections,
        fields: std::mem::take(&mut call.body),
        ..NewAccount::default()
    };
    let account = call.identity.create_account(&call.caller, new).await?;
    let mut body = shown(&account);
    if with_connections && let Some(body) = body.as_object_mut() {
        let made = call.identity.given_connections(&call.caller, &account.id).await?;
        body.insert(
            "enabled_connections".to_owned(),
            json!(made.iter().map(connections::shown_enabled).collect::<Vec<_>>()),
        );
    }
    Ok(Answer::created(body))
}

fn connection(item: Value) -> Option<NewAccountConnection> {
    let Value::Object(mut fields) = item else { return None };
    match fields.shift_remove("connection_id") {
        Some(Value::String(connection_id)) => Some(NewAccountConnection { connection_id, fields }),
        _ => None,
    }
}
