//! `POST /api/v2/jobs/users-exports`.

use serde_json::Value;
use tenantry_identity::Refusal;
use tenantry_identity::jobs::{Export, Format};

use super::shown;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(mut call: Call) -> Result<Answer, Refusal> {
    let fields = match call.body.get("fields").and_then(Value::as_array) {
        Some(items) => items
            .iter()
            .filter_map(|item| {
                let name = item.get("name")?.as_str()?;
                Some((name.to_owned(), item.get("export_as").and_then(Value::as_str).unwrap_or(name).to_owned()))
            })
            .collect(),
        None => Vec::new(),
    };
    let format = match call.take_text("format").as_deref() {
        Some("csv") => Format::Csv,
        _ => Format::Json,
    };
    let export = Export {
        connection_id: call.take_text("connection_id"),
        format,
        limit: call.body.get("limit").and_then(Value::as_i64),
        fields,
    };
    let job = call.identity.export_users(&call.caller, export).await?;
    Ok(Answer::ok(shown(&job)))
}
