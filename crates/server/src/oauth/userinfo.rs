//! `GET` and `POST /userinfo` (OpenID Connect Core, section 5.3).

use axum::body::Body;
use axum::extract::State;
use axum::http::{Method, Request, StatusCode, header};
use axum::response::Response;
use serde_json::Value;
use tenantry_identity::oauth::{OAuthError, OAuthKind};

use crate::answer;
use crate::app::App;
use crate::auth;
use crate::oauth::{failure, form};

/// Who the user of the token is. The token stands in the header, or in the body of a POST; not in both
/// (RFC 6750, section 2), and never in the address.
pub(crate) async fn handle(State(app): State<App>, request: Request<Body>) -> Response {
    let in_header = auth::bearer(request.headers()).map(str::to_owned);
    let token = if request.method() == Method::POST && !request.headers().contains_key(header::AUTHORIZATION) {
        match form::read(&app, request).await {
            Ok(request) => request.params.get("access_token").map(str::to_owned),
            Err(error) => return failure::bearer(&error),
        }
    } else {
        in_header
    };
    let Some(token) = token else {
        let missing = OAuthError { kind: OAuthKind::Unauthorized, description: "Unauthorized".to_owned() };
        return failure::bearer(&missing);
    };
    match app.identity.userinfo(&token).await {
        Ok(claims) => answer::json(StatusCode::OK, Value::Object(claims).to_string().into_bytes()),
        Err(error) => failure::bearer(&error),
    }
}
