//! What else OpenAI's and Anthropic's clients may ask for and is not offered: files, batches, images, fine-tuning, the
//! older completions, counting tokens. Told in their own form, since they read no other.

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;

use crate::app::App;
use crate::endpoints;
use crate::gateway::failure::{Failure, Form};

/// The form that whoever asks reads.
fn form(headers: &HeaderMap, uri: &Uri) -> Form {
    let theirs = headers.contains_key("anthropic-version") || uri.path().starts_with("/v1/messages");
    if theirs { Form::Anthropic } else { Form::OpenAi }
}

/// A path that is not offered.
pub(crate) async fn path(State(app): State<App>, method: Method, headers: HeaderMap, uri: Uri) -> Response {
    if app.gateway.is_none() {
        return endpoints::nowhere::handle().await;
    }
    // Both are the caller's words: told as far as they are plain.
    let asked: String = uri.path().chars().filter(|c| !c.is_control()).take(128).collect();
    let said = format!("Unknown request URL: {method} {asked}. It is not offered here.");
    Failure::plain(StatusCode::NOT_FOUND, "unknown_url", said).response(form(&headers, &uri))
}

/// A path that is offered, with another method.
pub(crate) async fn method(State(app): State<App>, method: Method, headers: HeaderMap, uri: Uri) -> Response {
    if app.gateway.is_none() {
        return endpoints::nowhere::wrong_method().await;
    }
    let said = format!("Not allowed to {method} here.");
    Failure::plain(StatusCode::METHOD_NOT_ALLOWED, "method_not_supported", said).response(form(&headers, &uri))
}
