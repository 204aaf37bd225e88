//! `POST /api/v2/jobs/users-imports`.

use serde_json::Value;
use tenantry_identity::Refusal;
use tenantry_identity::jobs::Import;

use super::shown;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(mut call: Call) -> Result<Answer, Refusal> {
    let file = call.upload.take().ok_or_else(|| Refusal::Invalid {
        code: "invalid_body",
        message: "Payload validation error: 'Missing required property: users'.".to_owned(),
    })?;
    let import = Import {
        connection_id: call.take_text("connection_id").unwrap_or_default(),
        upsert: call.body.get("upsert").and_then(Value::as_bool).unwrap_or(false),
        external_id: call.take_text("external_id"),
        file,
    };
    let job = call.identity.import_users(&call.caller, import).await?;
    Ok(Answer::accepted(shown(&job)))
}
