//! A call's body, read within limits.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::body::SLOWEST;
use crate::gateway::failure::Failure;

/// The largest body, in bytes: prompts may hold pictures.
const LARGEST: usize = 32 * 1024 * 1024;

fn too_large() -> Failure {
    let message = format!("The body is larger than {LARGEST} bytes.");
    Failure::plain(StatusCode::PAYLOAD_TOO_LARGE, "request_too_large", message)
}

/// How large the body is at most, by what is said of it. One that says it is too large is refused unread.
pub(crate) fn most(headers: &HeaderMap) -> Result<usize, Failure> {
    let said = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match said.map(usize::try_from) {
        None => Ok(LARGEST),
        Some(Ok(length)) if length <= LARGEST => Ok(length),
        Some(_) => Err(too_large()),
    }
}

/// The whole body.
pub(crate) async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, Failure> {
    let typed = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_json =
        |value: &str| value.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
    if !typed.is_some_and(is_json) {
        let message = "The body must be JSON: send the header `Content-Type: application/json`.";
        return Err(Failure::plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request", message));
    }
    let coded = headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity");
    if coded {
        let message = "The body is taken as it is: send no header `Content-Encoding`.";
        return Err(Failure::plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request", message));
    }
    match tokio::time::timeout(SLOWEST, Limited::new(body, LARGEST).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.downcast_ref::<LengthLimitError>().is_some() => Err(too_large()),
        Ok(Err(_)) => Err(Failure::plain(StatusCode::BAD_REQUEST, "invalid_request", "The body did not arrive whole.")),
        Err(_) => {
            let message = "The body took too long to arrive.";
            Err(Failure::plain(StatusCode::REQUEST_TIMEOUT, "invalid_request", message))
        }
    }
}
