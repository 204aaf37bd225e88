//! `Idempotency-Key`: a POST that is sent again is answered again, and not done again.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use tenantry_identity::{Caller, Claim, Identity, Once, Refusal};

use crate::answer;

/// The header.
pub(crate) const KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Told of an answer that was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// What a call comes to before it is made.
pub(crate) enum Begun {
    /// Make it; with a claim, say afterwards how it went.
    Go(Option<Claim>),
    /// It was made before: the answer.
    Before(Box<Response>),
}

/// Looks for the key of a call; only POSTs have one.
///
/// # Errors
/// Those of [`Identity::once`]; a key given twice is none.
pub(crate) async fn begin(
    identity: &Identity,
    method: &str,
    headers: &HeaderMap,
    caller: &Caller,
    parts: &[&[u8]],
) -> Result<Begun, Refusal> {
    let mut all = headers.get_all(KEY).iter();
    let (Some(key), "POST") = (all.next(), method) else { return Ok(Begun::Go(None)) };
    let key = if all.next().is_some() { "" } else { key.to_str().unwrap_or_default() };
    match identity.once(caller, key, parts).await? {
        Once::New(claim) => Ok(Begun::Go(Some(claim))),
        Once::Done { status, body } => {
            let status = StatusCode::from_u16(status).map_err(|_| Refusal::Internal("a kept status"))?;
            let mut response = match body {
                Some(body) => answer::json(status, body),
                None => {
                    let mut response = Response::new(Body::empty());
                    *response.status_mut() = status;
                    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
                    response
                }
            };
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
            Ok(Begun::Before(Box::new(response)))
        }
    }
}

/// Says how a call went, where that is kept. To be awaited in the call's own task: a caller that hangs up
/// must not leave its key without an answer.
pub(crate) async fn end(
    identity: &Identity,
    claim: Option<&Claim>,
    outcome: Result<(StatusCode, Option<String>), &Refusal>,
) {
    let Some(claim) = claim else { return };
    match &outcome {
        Ok((status, body)) => identity.settle(claim, Ok((status.as_u16(), body.as_ref().map(String::as_bytes)))).await,
        Err(refusal) => identity.settle(claim, Err(refusal)).await,
    }
}
