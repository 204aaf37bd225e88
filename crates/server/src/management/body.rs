//! Bodies: JSON or form, checked against the operation's form.

use axum::body::Body;
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt, Limited};
use serde_json::Value;
use tenantry_identity::Refusal;
use tenantry_identity::text::Fields;

use crate::management::schema;
use crate::management::surface::Operation;

/// The largest body but for a job's file, in bytes.
const LARGEST: usize = 1024 * 1024;

/// The body's members.
///
/// # Errors
/// `invalid_body`.
pub(crate) async fn read(
    operation: &Operation,
    form: &Value,
    headers: &HeaderMap,
    sent: Body,
) -> Result<Fields, Refusal> {
    let wrong = |message: String| Refusal::Invalid { code: "invalid_body", message };
    let whole = Limited::new(sent, LARGEST).collect();
    let bytes = match tokio::time::timeout(crate::body::SLOWEST, whole).await {
        Ok(Ok(collected)) => collected.to_bytes(),
        Ok(Err(_)) => return Err(wrong(format!("The body did not arrive whole, or is larger than {LARGEST} bytes."))),
        Err(_) => return Err(wrong("The body took too long to arrive.".to_owned())),
    };
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let body = if bytes.is_empty() {
        if operation.body_required {
            return Err(wrong("Payload validation error: 'Expected type object but found type null'.".to_owned()));
        }
        Value::Object(Fields::new())
    } else if kind.starts_with("application/x-www-form-urlencoded") {
        let pairs = url::form_urlencoded::parse(&bytes);
        Value::Object(pairs.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect())
    } else {
        // A member given twice would let whoever checks first see another value than whoever reads later.
        tenantry_guard::json::parse(&bytes).map_err(|_| wrong("Invalid request payload JSON format".to_owned()))?;
        serde_json::from_slice(&bytes).map_err(|_| wrong("Invalid request payload JSON format".to_owned()))?
    };
    schema::check(&body, form).map_err(|misfit| wrong(misfit.sentence("Payload")))?;
    match body {
        Value::Object(fields) => Ok(fields),
        other => Ok([("items".to_owned(), other)].into_iter().collect()),
    }
}
