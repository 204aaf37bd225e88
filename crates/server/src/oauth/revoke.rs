//! `POST /oauth/revoke` (RFC 7009).

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Request, header};
use axum::response::Response;

use crate::app::App;
use crate::oauth::{failure, form};

/// Takes a token out of force.
pub(crate) async fn handle(State(app): State<App>, request: Request<Body>) -> Response {
    let request = match form::read(&app, request).await {
        Ok(request) => request,
        Err(error) => return failure::response(&error),
    };
    match tokio::spawn(async move { app.identity.revoke(&request).await }).await {
        Ok(Ok(())) => {
            let mut response = Response::new(Body::empty());
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Ok(Err(error)) => failure::response(&error),
        Err(error) => {
            tracing::error!(%error, "a revocation did not end");
            failure::response(&failure::internal())
        }
    }
}
