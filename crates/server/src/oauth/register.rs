//! `POST /oidc/register` (RFC 7591), where the operator lets clients register themselves.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum::response::Response;
use http_body_util::{BodyExt as _, Limited};
use serde_json::json;
use tenantry_identity::authorize::Visit;
use tenantry_identity::oauth::OAuthRequest;
use tenantry_identity::registration::{Registered, RegistrationError};

use crate::app::App;
use crate::limits::told;
use crate::oauth::open;
use crate::serve::Peer;
use crate::{answer, endpoints};

/// The largest body, in bytes.
const LARGEST: usize = 16 * 1024;

/// Registers a client.
pub(crate) async fn handle(State(app): State<App>, request: Request<Body>) -> Response {
    if !app.identity.openness().registration {
        return endpoints::nowhere::handle().await;
    }
    let (parts, body) = request.into_parts();
    let address = parts.extensions.get::<Peer>().map(|peer| peer.0);
    if let Err(count) = app.limits.registration(address) {
        return told(Some(count), refused(StatusCode::TOO_MANY_REQUESTS, "too_many_attempts", "Too many clients."));
    }
    let read = tokio::time::timeout(crate::body::SLOWEST, Limited::new(body, LARGEST).collect()).await;
    let Ok(Ok(body)) = read else {
        return refused(
            StatusCode::BAD_REQUEST,
            "invalid_client_metadata",
            "The body did not arrive whole, or is too large.",
        );
    };
    let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let request = OAuthRequest {
        address,
        user_agent: agent.map(str::to_owned),
        request_id: app.request_id(),
        ..OAuthRequest::default()
    };
    let visit = Visit { request, session: None };
    let body = body.to_bytes();
    match tokio::spawn(async move { app.identity.register(&visit, &body).await }).await {
        Ok(Ok(registered)) => registration(&registered),
        Ok(Err(error)) => {
            let status = match error {
                RegistrationError::Full => StatusCode::SERVICE_UNAVAILABLE,
                RegistrationError::Refused(_) => StatusCode::INTERNAL_SERVER_ERROR,
                _ => StatusCode::BAD_REQUEST,
            };
            match &error {
                RegistrationError::Refused(refusal) => {
                    tracing::error!(%refusal, "a registration failed on our side");
                    refused(status, error.code(), "It failed on our side.")
                }
                error => refused(status, error.code(), &error.to_string()),
            }
        }
        Err(error) => {
            tracing::error!(%error, "a registration did not end");
            refused(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "It failed on our side.")
        }
    }
}

fn registration(registered: &Registered) -> Response {
    let body = json!({
        "client_id": registered.client_id,
        "client_id_issued_at": registered.issued_at,
        "client_name": registered.name,
        "redirect_uris": registered.redirect_uris,
        "grant_types": registered.grant_types,
        "response_types": ["code"],
        // Whatever was asked for: nobody vouches for it, so it is given no secret to keep.
        "token_endpoint_auth_method": "none",
    });
    open(answer::json(StatusCode::CREATED, body.to_string().into_bytes()))
}

fn refused(status: StatusCode, error: &str, description: &str) -> Response {
    let body = json!({ "error": error, "error_description": description });
    let mut response = open(answer::json(status, body.to_string().into_bytes()));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("3600"));
    }
    response
}
