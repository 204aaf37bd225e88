//! `POST /v1/chat/completions`, `/v1/responses`, `/v1/embeddings` and `/v1/messages`: calls of a model.

use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use tenantry_guard::models::{Answer, Body as Answered, Surface};

use crate::app::App;
use crate::endpoints;
use crate::gateway::failure::Failure;
use crate::gateway::{auth, body, events, form, standing};
use crate::serve::Peer;

/// Does the answer come from the account's own cache?
const CACHE: HeaderName = HeaderName::from_static("x-tenantry-cache");

/// Where a request comes from.
type From = Option<Extension<Peer>>;

/// OpenAI's chat completions.
pub(crate) async fn chat(State(app): State<App>, peer: From, headers: HeaderMap, sent: Body) -> Response {
    answered(app, Surface::Chat, peer, headers, sent).await
}

/// OpenAI's responses.
pub(crate) async fn responses(State(app): State<App>, peer: From, headers: HeaderMap, sent: Body) -> Response {
    answered(app, Surface::Responses, peer, headers, sent).await
}

/// OpenAI's embeddings.
pub(crate) async fn embeddings(State(app): State<App>, peer: From, headers: HeaderMap, sent: Body) -> Response {
    answered(app, Surface::Embeddings, peer, headers, sent).await
}

/// Anthropic's messages.
pub(crate) async fn messages(State(app): State<App>, peer: From, headers: HeaderMap, sent: Body) -> Response {
    answered(app, Surface::Messages, peer, headers, sent).await
}

async fn answered(app: App, surface: Surface, peer: From, headers: HeaderMap, sent: Body) -> Response {
    if app.gateway.is_none() {
        return endpoints::nowhere::handle().await;
    }
    let mut sent = Some(sent);
    match called(&app, surface, peer, &headers, &mut sent).await {
        Ok(response) => response,
        Err(failure) => {
            if let Some(rest) = sent {
                crate::body::drain(rest).await;
            }
            failure.response_at(form(surface), &*app.clock)
        }
    }
}

async fn called(
    app: &App,
    surface: Surface,
    peer: From,
    headers: &HeaderMap,
    sent: &mut Option<Body>,
) -> Result<Response, Failure> {
    let gateway =
        app.gateway.as_ref().ok_or_else(|| Failure::plain(StatusCode::NOT_FOUND, "not_found", "Not found."))?;
    // Nobody's body is read before it is known who sends it.
    let caller = auth::caller(app, gateway, headers, peer.map(|Extension(peer)| peer)).await?;
    // Held until the answer begins: that long the body is.
    let mut room = gateway.room.take(&caller.partition(), body::most(headers)?).await?;
    let body = body::read(headers, sent.take().unwrap_or_default()).await?;
    room.keep(body.len());
    let answer = gateway.models.call(caller, surface, body).await?;
    let told = (answer.requests, answer.tokens);
    let mut response = response(surface, answer, app.stalled);
    standing::tell(form(surface), told, &*app.clock, response.headers_mut());
    Ok(response)
}

fn response(surface: Surface, answer: Answer, stalled: Duration) -> Response {
    let Answer { request_id, body, cached, .. } = answer;
    let id = HeaderValue::from_str(&request_id).unwrap_or(HeaderValue::from_static("none"));
    let (body, kind) = match body {
        Answered::Whole(bytes) => (Body::from(bytes), "application/json"),
        Answered::Events(delivery) => {
            (events::body(form(surface), request_id, *delivery, stalled), "text/event-stream; charset=utf-8")
        }
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(form(surface).request_id(), id);
    if let Some(cached) = cached {
        headers.insert(CACHE, HeaderValue::from_static(if cached { "hit" } else { "miss" }));
    }
    response
}
