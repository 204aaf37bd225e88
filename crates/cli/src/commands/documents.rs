//! `tenantry openapi` and `tenantry compatibility`: what the server says of itself; what
//! `spec/openapi.json` and `docs/auth0-compatibility.md` hold.

use serde_json::json;

use crate::output::{Failure, Outcome};

/// The OpenAPI document of our own APIs.
///
/// # Errors
/// When it is not JSON.
pub fn openapi() -> Result<Outcome, Failure> {
    let text = tenantry_server::openapi();
    let document = serde_json::from_str(&text)
        .map_err(|error| Failure::failed("INTERNAL_ERROR", format!("the document is not JSON: {error}")))?;
    Ok(Outcome::new(document, text))
}

/// What is offered of the API that clients of Auth0 know.
#[must_use]
pub fn compatibility() -> Outcome {
    let text = tenantry_server::compatibility();
    Outcome::new(json!({ "markdown": text }), text)
}
