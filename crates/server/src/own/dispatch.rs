//! From a request to its endpoint: token, context, permission, form, and only then the endpoint.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on};
use axum::{Extension, Router};
use serde_json::Value;
use tenantry_identity::contexts::Standing;
use tenantry_identity::registration::is_self_made;
use tenantry_identity::{Caller, Reach, Refusal, TokenError, tool_scopes};
use tenantry_policy::OpSet;

use crate::app::App;
use crate::auth::bearer;
use crate::limits::{Count, told};
use crate::management::schema;
use crate::once::{self, Begun};
use crate::own::endpoint::{Endpoint, Level, Raw};
use crate::own::{ENDPOINTS, failure, form};
use crate::serve::Peer;
use crate::{answer, body};

/// Adds every endpoint of our own contexts.
pub(crate) fn routes(mut router: Router<App>) -> Router<App> {
    let mut paths: Vec<(&str, MethodRouter<App>)> = Vec::new();
    for endpoint in ENDPOINTS.iter() {
        let filter =
            Method::from_bytes(endpoint.method.as_bytes()).ok().and_then(|name| MethodFilter::try_from(name).ok());
        let Some(filter) = filter else { continue };
        let handler = on(filter, move |state, peer, uri, params, query, headers, sent| {
            counted(endpoint, state, peer, uri, params, query, headers, sent)
        });
        match paths.iter_mut().find(|(known, _)| *known == endpoint.path) {
            Some((_, methods)) => *methods = std::mem::take(methods).merge(handler),
            None => paths.push((&endpoint.path, handler)),
        }
    }
    for (path, methods) in paths {
        router = router.route(path, methods);
    }
    router
}

/// Lets a caller through that has asked for no more than its share, and tells it how it stands.
#[allow(clippy::too_many_arguments, reason = "what the framework takes apart")]
async fn counted(
    endpoint: &'static Endpoint,
    State(app): State<App>,
    peer: Option<Extension<Peer>>,
    uri: Uri,
    params: Result<RawPathParams, RawPathParamsRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    sent: Body,
) -> Response {
    let address = peer.map(|Extension(Peer(address))| address);
    let request_id = app.request_id();
    let entered = match enter(endpoint, &app, &headers, address, &request_id).await {
        Ok(entered) => entered,
        Err(refused) => {
            return match app.limits.stranger(address) {
                Ok(standing) => told(standing, *refused),
                Err(standing) => too_many(standing, &request_id),
            };
        }
    };
    // The chain of a platform principal's call is an account's, and not one that it stands under.
    let tenant = matches!(entered.0.reach, Reach::Account { .. }).then_some(entered.1.as_str());
    match app.limits.call(&app.guard.limiter(), &entered.0, tenant).await {
        Ok(passed) => {
            let asked = Asked { request_id, uri, params, query, headers, sent };
            told(passed.count, answered(endpoint, app, entered, asked).await)
        }
        Err(standing) => too_many(standing, &request_id),
    }
}

fn too_many(standing: Count, request_id: &str) -> Response {
    let refusal = Refusal::TooMany { retry_after: standing.retry_after() };
    told(Some(standing), failure::response(&refusal, request_id))
}

/// A request, taken apart.
struct Asked {
    request_id: String,
    uri: Uri,
    params: Result<RawPathParams, RawPathParamsRejection>,
    query: Option<String>,
    headers: HeaderMap,
    sent: Body,
}

async fn answered(endpoint: &'static Endpoint, app: App, (caller, tenant): (Caller, String), asked: Asked) -> Response {
    let Asked { request_id, uri, params, query, headers, sent } = asked;
    if let Err(refusal) = permitted(endpoint, &caller) {
        app.identity.denied(&caller, &tenant, endpoint.name.as_str(), &refusal).await;
        return refused_by_level(endpoint, &caller, &request_id)
            .unwrap_or_else(|| failure::response(&refusal, &request_id));
    }
    let bytes = match &endpoint.body {
        Some(_) => match body::read(&headers, sent).await {
            Ok(bytes) => Some(bytes),
            Err(response) => return *response,
        },
        None => None,
    };
    let raw = match raw(endpoint, &app, caller, params, query.as_deref(), bytes.as_deref()) {
        Ok(raw) => raw,
        Err(refusal) => return failure::response(&refusal, &request_id),
    };
    let body = bytes.unwrap_or_default();
    let uri = uri.to_string();
    let parts = [endpoint.method.as_bytes(), uri.as_bytes(), body.as_slice()];
    let claim = match once::begin(&app.identity, endpoint.method, &headers, &raw.caller, &parts).await {
        Ok(Begun::Go(claim)) => claim,
        Ok(Begun::Before(response)) => return *response,
        Err(refusal) => return failure::response(&refusal, &request_id),
    };
    // A task of its own: a caller that hangs up must not leave an act without its end on record.
    let acting = async move {
        let outcome = (endpoint.handle)(raw).await;
        let told = outcome.as_ref().map(|done| (done.status, done.body.as_ref().map(ToString::to_string)));
        once::end(&app.identity, claim.as_ref(), told).await;
        outcome
    };
    match tokio::spawn(acting).await {
        Ok(Ok(done)) => match done.body {
            Some(body) => answer::json(done.status, body.to_string().into_bytes()),
            None => {
                let mut response = Response::new(Body::empty());
                *response.status_mut() = done.status;
                response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
                response
            }
        },
        Ok(Err(refusal)) => failure::response(&refusal, &request_id),
        Err(error) => {
            tracing::error!(%error, "a call did not end");
            failure::response(&Refusal::Internal("a call did not end"), &request_id)
        }
    }
}

/// Who calls, and the tenant id of the chain that the call stands on.
///
/// INVARIANT: both come from the token, verified for the endpoint's context alone.
async fn enter(
    endpoint: &Endpoint,
    app: &App,
    headers: &HeaderMap,
    address: Option<IpAddr>,
    request_id: &str,
) -> Result<(Caller, String), Box<Response>> {
    let refuse = |message: &str, hint: &str| {
        let code = "AUTHENTICATION_REQUIRED";
        Box::new(failure::told(StatusCode::UNAUTHORIZED, code, message, Some(hint), request_id))
    };
    let token = bearer(headers)
        .ok_or_else(|| refuse("a bearer token is needed", "send the header `Authorization: Bearer TOKEN`, once"))?;
    let verified = app.issuer.verify_for(token, endpoint.context, app.clock.now_micros()).map_err(|error| {
        tracing::info!(code = error.code(), "a token was refused");
        if error == TokenError::Unsettled {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            return Box::new(failure::told(
                status,
                "STORE_UNAVAILABLE",
                error.told(),
                Some("try again in a moment"),
                request_id,
            ));
        }
        refuse(error.told(), "ask for a new token for this context")
    })?;
    let forbid = |message: &str, hint: &str| {
        Err(Box::new(failure::told(StatusCode::FORBIDDEN, "FORBIDDEN", message, Some(hint), request_id)))
    };
    if verified.principal.client_id.as_deref().is_some_and(is_self_made) {
        return forbid("this client reaches the MCP endpoint alone", "ask with a client that the operator made");
    }
    if endpoint.method != "GET" && tool_scopes::reach(verified.scope.as_deref()) != OpSet::ALL {
        return forbid(
            "the token's scope reaches tools alone",
            "ask for a token without `tools:read` and `tools:write`",
        );
    }
    match app.identity.enter(&verified, address, request_id.to_owned()).await {
        Ok(Standing::In { caller, tenant }) => Ok((*caller, tenant)),
        Ok(Standing::Out) => Err(refuse("the token is not valid", "ask for a new token for this context")),
        Err(refusal) => Err(Box::new(failure::response(&refusal, request_id))),
    }
}

/// May the caller call this endpoint at all? What it may do it to is the operation's question.
fn permitted(endpoint: &Endpoint, caller: &Caller) -> Result<(), Refusal> {
    let (held, whole) = match &caller.reach {
        Reach::Operator => return Ok(()),
        Reach::Platform(held) => (held, true),
        Reach::Account { workspace, permissions, .. } => (permissions, workspace.is_none()),
    };
    let forbidden = Refusal::Forbidden { any_of: endpoint.any_of };
    if endpoint.level == Level::Account && !whole {
        return Err(forbidden);
    }
    if endpoint.any_of.is_empty() || held.iter().any(|one| endpoint.any_of.contains(&one.as_str())) {
        Ok(())
    } else {
        Err(forbidden)
    }
}

/// A token for one workspace at an endpoint of the whole account: no permission would help.
fn refused_by_level(endpoint: &Endpoint, caller: &Caller, request_id: &str) -> Option<Response> {
    let Reach::Account { workspace: Some(_), .. } = &caller.reach else { return None };
    (endpoint.level == Level::Account).then(|| {
        let message = "the token is for one workspace, and this is about the whole account";
        let hint = "ask for a token of the account without a workspace";
        failure::told(StatusCode::FORBIDDEN, "FORBIDDEN", message, Some(hint), request_id)
    })
}

fn raw(
    endpoint: &'static Endpoint,
    app: &App,
    caller: Caller,
    params: Result<RawPathParams, RawPathParamsRejection>,
    query: Option<&str>,
    sent: Option<&[u8]>,
) -> Result<Raw, Refusal> {
    // Bytes that are no text name nothing, like any other unknown id.
    let params = params.map_err(|_| Refusal::Hidden)?;
    let params: Vec<(&'static str, String)> =
        endpoint.params().zip(params.iter()).map(|(name, (_, value))| (name, value.to_owned())).collect();
    if params.iter().any(|(_, value)| value.contains('\0') || value.len() > 1024) {
        return Err(Refusal::Hidden);
    }
    let query = form::query(query.unwrap_or_default(), &endpoint.query)?;
    fits(&query, &endpoint.query, "the query")?;
    let body = match (&endpoint.body, sent) {
        (Some(form), Some(bytes)) => {
            let wrong = |message: String| Refusal::Invalid { code: "invalid_body", message };
            // Strict: a member given twice would let two readers see two values.
            tenantry_guard::json::parse(bytes).map_err(|error| wrong(error.to_string()))?;
            let body = serde_json::from_slice(bytes).map_err(|_| wrong("the body is not JSON".to_owned()))?;
            fits(&body, form, "the body")?;
            body
        }
        _ => Value::Null,
    };
    Ok(Raw {
        identity: Arc::clone(&app.identity),
        guard: Arc::clone(&app.guard),
        caller,
        any_of: endpoint.any_of,
        params,
        query,
        body,
    })
}

fn fits(value: &Value, form: &Value, what: &str) -> Result<(), Refusal> {
    schema::check(value, form).map_err(|misfit| {
        let place = match misfit.place() {
            "" => what.to_owned(),
            place => format!("`{place}` of {what}"),
        };
        Refusal::Invalid { code: "invalid_body", message: format!("{place} does not fit: {}", misfit.what()) }
    })
}
