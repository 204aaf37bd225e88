//! From a request to its endpoint: token, scopes, form, and only then the endpoint.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use axum::body::Body;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on};
use axum::{Extension, Router};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use tenantry_identity::logs::Event;
use tenantry_identity::text::Fields;
use tenantry_identity::{Caller, Reach, Refusal};

use crate::answer;
use crate::app::App;
use crate::limits::{Count, told};
use crate::management::failure::{response, shaped};
use crate::management::query::Query;
use crate::management::route::{Call, Route};
use crate::management::surface::{OPERATIONS, Operation};
use crate::management::{FAMILIES, auth, body, schema, upload};
use crate::once::{self, Begun};
use crate::serve::Peer;

/// The endpoints by operation.
static ROUTES: LazyLock<HashMap<&'static str, &'static Route>> =
    LazyLock::new(|| FAMILIES.iter().flat_map(|family| family.iter()).map(|route| (route.operation, route)).collect());

/// Every path of `surface.json` below `/api/v2`.
pub(crate) fn router() -> Router<App> {
    let mut paths: Vec<(String, MethodRouter<App>)> = Vec::new();
    for operation in OPERATIONS.iter() {
        let Some(filter) = filter(&operation.method) else { continue };
        let path = axum_path(&operation.path);
        let handler = on(filter, move |state, peer, uri, params, query, headers, sent| {
            counted(operation, state, peer, uri, params, query, headers, sent)
        });
        match paths.iter_mut().find(|(known, _)| *known == path) {
            Some((_, methods)) => *methods = std::mem::take(methods).merge(handler),
            None => paths.push((path, handler)),
        }
    }
    let mut router = Router::new();
    for (path, methods) in paths {
        router = router.route(&path, methods.fallback(wrong_method));
    }
    router.fallback(nowhere)
}

/// One name per place: two operations may call the same part of a path differently.
fn axum_path(path: &str) -> String {
    let parts = path
        .split('/')
        .enumerate()
        .map(|(place, part)| if part.starts_with('{') { format!("{{p{place}}}") } else { part.to_owned() });
    parts.collect::<Vec<_>>().join("/")
}

fn filter(method: &str) -> Option<MethodFilter> {
    MethodFilter::try_from(Method::from_bytes(method.as_bytes()).ok()?).ok()
}

async fn nowhere() -> Response {
    shaped(StatusCode::NOT_FOUND, None, "Not Found")
}

async fn wrong_method() -> Response {
    shaped(StatusCode::NOT_FOUND, None, "Not Found")
}

/// Lets a caller through that has asked for no more than its share, and tells it how it stands.
#[allow(clippy::too_many_arguments, reason = "what the framework takes apart")]
async fn counted(
    operation: &'static Operation,
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
    let caller = match auth::caller(&app, &headers, address, request_id) {
        Ok(caller) => caller,
        Err(refused) => {
            return match app.limits.stranger(address) {
                Ok(standing) => told(standing, *refused),
                Err(standing) => too_many(standing),
            };
        }
    };
    match app.limits.call(&app.guard.limiter(), &caller, None).await {
        Ok(passed) => {
            let asked = Asked { uri, params, query, headers, sent };
            told(passed.count, answered(operation, app, caller, asked).await)
        }
        Err(standing) => too_many(standing),
    }
}

fn too_many(standing: Count) -> Response {
    told(Some(standing), response(&Refusal::TooMany { retry_after: standing.retry_after() }))
}

/// A request, taken apart.
struct Asked {
    uri: Uri,
    params: Result<RawPathParams, RawPathParamsRejection>,
    query: Option<String>,
    headers: HeaderMap,
    sent: Body,
}

async fn answered(operation: &'static Operation, app: App, caller: Caller, asked: Asked) -> Response {
    let Asked { uri, params, query, headers, sent } = asked;
    if let Reach::Platform(held) = &caller.reach
        && !operation.scopes.is_empty()
        && !operation.scopes.iter().any(|scope| held.contains(scope))
    {
        let told = if operation.told.is_empty() { &operation.scopes } else { &operation.told };
        let message = format!("Insufficient scope; expected any of: {}.", told.join(", "));
        return shaped(StatusCode::FORBIDDEN, Some("insufficient_scope"), &message);
    }
    let Some(route) = ROUTES.get(operation.name().as_str()) else {
        return shaped(StatusCode::NOT_IMPLEMENTED, Some("not_implemented"), "This operation is not offered here.");
    };
    let call = match read(operation, &app, caller, params, query, &headers, sent).await {
        Ok(call) => call,
        Err(refusal) => return response(&refusal),
    };
    let body = Value::Object(call.body.clone()).to_string();
    let uri = uri.to_string();
    let parts = [operation.method.as_bytes(), uri.as_bytes(), body.as_bytes()];
    let claim = match once::begin(&app.identity, &operation.method, &headers, &call.caller, &parts).await {
        Ok(Begun::Go(claim)) => claim,
        Ok(Begun::Before(response)) => return *response,
        Err(refusal) => return response(&refusal),
    };
    // A task of its own: a caller that hangs up must not leave an act without its end on record.
    let (client, address) = (call.caller.client.clone(), call.caller.address);
    let acting = async move {
        let outcome = (route.handle)(call).await;
        if outcome.is_ok() && operation.method != "GET" {
            let description = Some(operation.name());
            app.identity.log(Event { description, client_id: client, address, ..Event::new("sapi") });
        }
        let told = outcome.as_ref().map(|done| (done.status, done.body.as_ref().map(Value::to_string)));
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
        Ok(Err(refusal)) => response(&refusal),
        Err(error) => {
            tracing::error!(%error, "a management call did not end");
            response(&Refusal::Internal("a call did not end"))
        }
    }
}

async fn read(
    operation: &'static Operation,
    app: &App,
    caller: Caller,
    params: Result<RawPathParams, RawPathParamsRejection>,
    query: Option<String>,
    headers: &HeaderMap,
    sent: Body,
) -> Result<Call, Refusal> {
    let wrong_path = |message: String| Refusal::Invalid { code: "invalid_uri", message };
    let params = params.map_err(|_| wrong_path("Path validation error: 'The path is not UTF-8'.".to_owned()))?;
    let names = operation.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let params: Vec<(String, String)> =
        names.zip(params.iter()).map(|(name, (_, value))| (name.to_owned(), decoded(value))).collect();
    if params.iter().any(|(_, value)| value.contains('\0')) {
        // Nothing has such a name, and PostgreSQL cannot be asked for one.
        return Err(Refusal::Hidden);
    }
    let forms = serde_json::json!({ "properties": operation.params });
    let whole = params.iter().map(|(name, value)| (name.clone(), Value::String(value.clone()))).collect();
    schema::check(&Value::Object(whole), &forms).map_err(|misfit| wrong_path(misfit.sentence("Path")))?;
    let query = Query::read(query.as_deref().unwrap_or_default(), &operation.query)?;
    let mut upload = None;
    let body = match &operation.body {
        Some(form) if operation.content.as_deref() == Some("multipart/form-data") => {
            let (fields, file) = upload::read(form, headers, sent).await?;
            upload = file;
            fields
        }
        Some(form) => body::read(operation, form, headers, sent).await?,
        None => Fields::new(),
    };
    let mut call = Call::new(Arc::clone(&app.identity), caller, params, query, body);
    call.upload = upload;
    Ok(call)
}

/// Some clients encode an id twice; no id of ours holds a percent sign by itself.
fn decoded(value: &str) -> String {
    if value.contains('%') { percent_decode_str(value).decode_utf8_lossy().into_owned() } else { value.to_owned() }
}
