//! `POST /api/v2/connections`.

use tenantry_identity::Refusal;
use tenantry_identity::connections::NewConnection;

use super::shown;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(mut call: Call) -> Result<Answer, Refusal> {
    let enabled_clients = call.texts("enabled_clients");
    call.body.shift_remove("enabled_clients");
    let new = NewConnection {
        name: call.take_text("name").unwrap_or_default(),
        strategy: call.take_text("strategy").unwrap_or_default(),
        enabled_clients,
        fields: std::mem::take(&mut call.body),
    };
    let connection = call.identity.create_connection(&call.caller, new).await?;
    Ok(Answer::created(shown(&connection)))
}
