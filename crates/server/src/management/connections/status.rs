//! `GET /api/v2/connections/{id}/status`: 200 for one that is answered by this server itself.

use axum::http::StatusCode;
use tenantry_identity::Refusal;

use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let connection = call.identity.connection(&call.caller, call.param("id")).await?;
    if connection.strategy == "auth0" {
        return Ok(Answer { status: StatusCode::OK, body: None });
    }
    Err(Refusal::Unsupported("The status of this connection's strategy is not known here."))
}
