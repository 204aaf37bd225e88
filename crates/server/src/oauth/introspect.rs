//! `POST /oauth/introspect` (RFC 7662).

use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode};
use axum::response::Response;

use crate::answer;
use crate::app::App;
use crate::oauth::{failure, form};

/// What a token is.
pub(crate) async fn handle(State(app): State<App>, request: Request<Body>) -> Response {
    let answered = async {
        let request = form::read(&app, request).await?;
        app.identity.introspect(&request).await
    };
    match answered.await {
        Ok(told) => answer::json(StatusCode::OK, told.to_string().into_bytes()),
        Err(error) => failure::response(&error),
    }
}
