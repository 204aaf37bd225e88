//! `POST /mcp`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use axum::response::Response;
use tenantry_guard::json::Json;
use tenantry_guard::limits::Entering;
use tenantry_identity::Cached;
use tenantry_policy::{Bound, Code, Denied};

use crate::answer::{from_reply, refused, refused_as};
use crate::app::App;
use crate::limits::{Count, told};
use crate::mcp::revision::Revision;
use crate::mcp::rpc::{self, METHOD_NOT_FOUND, Message, NOT_AUTHORIZED, Refused};
use crate::mcp::{answer, call, challenge, headers, list, revision};
use crate::whole::kept;
use crate::{auth, body};

/// Answers a message.
pub(super) async fn handle(State(app): State<App>, request: Request<Body>) -> Response {
    let (parts, sent) = request.into_parts();
    let origin = match reachable(&app, &parts) {
        Ok(origin) => origin.map(str::to_owned),
        Err(response) => return *response,
    };
    let mut sent = Some(sent);
    let response = asked(&app, &parts.headers, &mut sent).await;
    if let Some(rest) = sent {
        body::drain(rest).await;
    }
    answer::readable(origin.as_deref(), response)
}

/// The page that asks, if one does; or the refusal of who may not ask from there.
fn reachable<'r>(app: &App, parts: &'r axum::http::request::Parts) -> Result<Option<&'r str>, Box<Response>> {
    let forbidden = |what: &str| {
        let denied = Denied::new(Code::AuthenticationRequired, what);
        Box::new(refused_as(StatusCode::FORBIDDEN, &denied))
    };
    if !app.places.host_fits(&parts.uri, &parts.headers) {
        tracing::warn!("a request to /mcp under another name was refused");
        return Err(forbidden("this server does not answer under that name"));
    }
    app.places.origin(&parts.headers).map_err(|()| {
        tracing::warn!("a request to /mcp from another origin was refused");
        forbidden("pages of that origin may not ask here")
    })
}

/// What a browser asks before it lets a page ask.
pub(super) async fn preflight(State(app): State<App>, request: Request<Body>) -> Response {
    let (parts, _) = request.into_parts();
    let origin = match reachable(&app, &parts) {
        Ok(origin) => origin.map(str::to_owned),
        Err(response) => return *response,
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("authorization, content-type, mcp-protocol-version, mcp-method, mcp-name"),
    );
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    answer::readable(origin.as_deref(), response)
}

/// Another method: there is no stream to open and no session to end.
pub(super) async fn wrong_method() -> Response {
    let denied =
        Denied::new(Code::ValidationError, "this path does not take this method").hint("messages come with POST");
    let mut response = refused_as(StatusCode::METHOD_NOT_ALLOWED, &denied);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    response
}

async fn asked(app: &App, headers: &HeaderMap, sent: &mut Option<Body>) -> Response {
    // Nobody's body is read before it is known who sends it.
    let caller = match auth::known(app, headers).await {
        Ok(caller) => caller,
        Err(response) => {
            let shown = headers.contains_key(header::AUTHORIZATION);
            return match response.status() {
                StatusCode::UNAUTHORIZED => challenge::told(app, shown.then_some("invalid_token"), *response),
                _ => *response,
            };
        }
    };
    if !accepts_json(headers) {
        let denied = Denied::new(Code::ValidationError, "answers are `application/json`")
            .hint("send the header `Accept: application/json, text/event-stream`");
        return refused_as(StatusCode::NOT_ACCEPTABLE, &denied);
    }
    let body = match body::said_too_large(headers) {
        true => Err(Box::new(body::too_large())),
        false => body::read(headers, sent.take().unwrap_or_default()).await,
    };
    let body = match body {
        Ok(body) => body,
        Err(response) => return *response,
    };
    match answered(app, headers, caller, &body).await {
        Ok(response) => response,
        Err(refusal) => answer::refused(&refusal),
    }
}

/// Does the client read JSON? Without the header it reads everything.
fn accepts_json(headers: &HeaderMap) -> bool {
    let mut all = headers.get_all(header::ACCEPT).iter().peekable();
    all.peek().is_none()
        || all.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).any(|entry| {
            let kind = entry.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            matches!(kind.as_str(), "application/json" | "application/*" | "*/*")
        })
}

async fn answered(
    app: &App,
    headers: &HeaderMap,
    caller: Arc<Cached<Arc<Bound>>>,
    body: &[u8],
) -> Result<Response, Refused> {
    let message = rpc::read(body)?;
    let revision = headers::agree(headers, &message).map_err(|refusal| refusal.to(message.id.as_ref()))?;
    let Some(id) = message.id.clone() else { return Ok(answer::accepted()) };
    let result = match (message.method.as_str(), revision) {
        ("server/discover", Revision::Stateless) => Ok(revision::discovered().to_string().into_bytes()),
        ("initialize", Revision::Handshake) => Ok(revision::initialized().to_string().into_bytes()),
        ("ping", Revision::Handshake) => Ok(b"{}".to_vec()),
        ("tools/list", _) => match listed(app, &caller.attached).await {
            Ok(()) => list::answer(&caller.attached, revision, &message),
            Err(response) => return Ok(*response),
        },
        ("tools/call", _) => return tool(app, headers, caller, revision, &message, &id).await,
        (_, revision) => Err(unknown(revision)),
    };
    let result = result.map_err(|refusal| refusal.to(Some(&id)))?;
    Ok(answer::result(rpc::answered(&id, &result)))
}

/// Counts a list as a call.
async fn listed(app: &App, bound: &Bound) -> Result<(), Box<Response>> {
    let entering = Entering { principal: &bound.principal, model: None, tokens: 0, money: None };
    app.guard.limiter().enter(entering).await.map(drop).map_err(|limited| {
        let mut denied = Denied::new(Code::RateLimited, limited.message());
        if let Some(seconds) = limited.retry_after() {
            denied = denied.hint(format!("again in {seconds} s"));
        }
        let standing = limited.standing.map(|standing| Count::of(standing, &*app.clock).waiting(limited.retry_after()));
        let mut response = told(standing, refused(&denied));
        if let (None, Some(seconds)) = (standing, limited.retry_after()) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        Box::new(response)
    })
}

fn unknown(revision: Revision) -> Refused {
    let status = match revision {
        Revision::Stateless => StatusCode::NOT_FOUND,
        Revision::Handshake => StatusCode::OK,
    };
    Refused::error(METHOD_NOT_FOUND, "there is no such method here").with_status(status)
}

async fn tool(
    app: &App,
    headers: &HeaderMap,
    caller: Arc<Cached<Arc<Bound>>>,
    revision: Revision,
    message: &Message,
    id: &Json,
) -> Result<Response, Refused> {
    let asked = call::read(message).map_err(|refusal| refusal.to(Some(id)))?;
    let bound = Arc::clone(&caller.attached);
    let (guard, tool) = (Arc::clone(&app.guard), asked.tool.clone());
    let called = Arc::clone(&bound);
    let reply = kept(async move { guard.call(&called, &tool, &asked.arguments).await }).await;
    if reply.code == Some(Code::RateLimited) {
        return Ok(from_reply(reply, &*app.clock));
    }
    let standing = reply.standing.map(|standing| Count::of(standing, &*app.clock));
    if call::beyond_scope(&bound, &asked.tool) {
        let refusal = Refused::error(NOT_AUTHORIZED, "the token's scope does not reach this tool")
            .with_status(StatusCode::FORBIDDEN)
            .to(Some(id));
        return Ok(challenge::told(app, Some("insufficient_scope"), answer::refused(&refusal)));
    }
    // INVARIANT: rows are shown to who may see them when they are shown, not only when they were asked for.
    // A write is told all the same: it is done, and its caller must know.
    let reads = asked.tool == "describe_schema"
        || tenantry_policy::Tool::parse(&asked.tool).is_some_and(|tool| tool.op() == tenantry_policy::Op::Read);
    if call::ended(&reply) || (reads && auth::known(app, headers).await.is_err()) {
        let denied = Denied::new(Code::AuthenticationRequired, "the token is not valid any more");
        return Ok(challenge::told(app, Some("invalid_token"), refused(&denied.hint("ask for a new token"))));
    }
    let result = call::answer(&bound, revision, &asked.tool, &reply).map_err(|refusal| refusal.to(Some(id)))?;
    Ok(told(standing, answer::result(rpc::answered(id, &result))))
}
