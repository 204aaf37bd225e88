//! Bodies, read within limits.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tenantry_guard::json::LARGEST;
use tenantry_policy::{Code, Denied};

use crate::answer::{refused, refused_as};

/// How long a caller may take to send its body.
pub(crate) const SLOWEST: Duration = Duration::from_secs(20);

/// How much of a refused call's body is read, in bytes, and how long that may take.
const DRAINED: (usize, Duration) = (2 * LARGEST, Duration::from_secs(1));

/// Reads a body that nobody wants, as far as it is small: a client that still sends when it is answered takes the
/// answer for a broken connection.
pub(crate) async fn drain(body: Body) {
    let (most, longest) = DRAINED;
    let _ = tokio::time::timeout(longest, Limited::new(body, most).collect()).await;
}

/// The whole body, or the refusal to answer. A body that says it is too large is refused unread.
pub(crate) async fn read(headers: &HeaderMap, body: Body) -> Result<Vec<u8>, Box<Response>> {
    if said_too_large(headers) {
        return Err(Box::new(too_large()));
    }
    let typed = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !typed.is_some_and(is_json) {
        let denied = Denied::new(Code::ValidationError, "the body must be JSON")
            .hint("send the header `Content-Type: application/json`");
        return Err(Box::new(refused_as(StatusCode::UNSUPPORTED_MEDIA_TYPE, &denied)));
    }
    match tokio::time::timeout(SLOWEST, Limited::new(body, LARGEST).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes().to_vec()),
        Ok(Err(error)) if error.downcast_ref::<LengthLimitError>().is_some() => Err(Box::new(too_large())),
        Ok(Err(_)) => Err(Box::new(refused(&Denied::new(Code::ValidationError, "the body did not arrive whole")))),
        Err(_) => Err(Box::new(refused_as(
            StatusCode::REQUEST_TIMEOUT,
            &Denied::new(Code::Timeout, "the body took too long to arrive"),
        ))),
    }
}

fn is_json(value: &str) -> bool {
    value.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// Does the body say that it is too large?
pub(crate) fn said_too_large(headers: &HeaderMap) -> bool {
    let said = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    said.is_some_and(|length| length > u64::try_from(LARGEST).unwrap_or(u64::MAX))
}

/// The refusal of a body that is too large.
pub(crate) fn too_large() -> Response {
    let denied = Denied::new(Code::ValidationError, format!("the body is larger than {LARGEST} bytes"));
    refused_as(StatusCode::PAYLOAD_TOO_LARGE, &denied)
}
