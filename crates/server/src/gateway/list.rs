//! `GET /v1/models` and `GET /v1/models/{model}`: the models that the caller may use, and no other.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use serde_json::{Value, json};
use tenantry_guard::models::{Caller, Listed};

use crate::app::App;
use crate::endpoints;
use crate::gateway::Gateway;
use crate::gateway::auth;
use crate::gateway::failure::{Failure, Form};
use crate::serve::Peer;

/// What Anthropic's clients send with every request.
const ANTHROPIC: &str = "anthropic-version";

/// When models are said to be made: clients want a number.
const CREATED: i64 = 0;

fn form(headers: &HeaderMap) -> Form {
    if headers.contains_key(ANTHROPIC) { Form::Anthropic } else { Form::OpenAi }
}

fn shown(form: Form, model: &Listed) -> Value {
    match form {
        Form::OpenAi => {
            let mut shown =
                json!({ "id": &*model.name, "object": "model", "created": CREATED, "owned_by": "tenantry" });
            if let (Some(shown), Some(description)) = (shown.as_object_mut(), &model.description) {
                shown.insert("description".to_owned(), json!(description));
            }
            shown
        }
        Form::Anthropic => json!({
            "type": "model", "id": &*model.name, "display_name": &*model.name, "created_at": "1970-01-01T00:00:00Z",
        }),
    }
}

/// Who asks, counted.
async fn caller(app: &App, gateway: &Gateway, headers: &HeaderMap, peer: Option<Peer>) -> Result<Arc<Caller>, Failure> {
    let caller = auth::caller(app, gateway, headers, peer).await?;
    gateway.models.count(&caller).await?;
    Ok(caller)
}

/// All of them.
pub(crate) async fn all(State(app): State<App>, peer: Option<Extension<Peer>>, headers: HeaderMap) -> Response {
    let Some(gateway) = &app.gateway else { return endpoints::nowhere::handle().await };
    let form = form(&headers);
    let caller = match caller(&app, gateway, &headers, peer.map(|Extension(peer)| peer)).await {
        Ok(caller) => caller,
        Err(failure) => return failure.response_at(form, &*app.clock),
    };
    let models = gateway.models.list(&caller);
    let data: Vec<Value> = models.iter().map(|model| shown(form, model)).collect();
    answer(&match form {
        Form::OpenAi => json!({ "object": "list", "data": data }),
        Form::Anthropic => json!({
            "data": data, "has_more": false,
            "first_id": models.first().map(|model| &*model.name), "last_id": models.last().map(|model| &*model.name),
        }),
    })
}

/// One of them.
pub(crate) async fn one(
    State(app): State<App>,
    peer: Option<Extension<Peer>>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    let Some(gateway) = &app.gateway else { return endpoints::nowhere::handle().await };
    let form = form(&headers);
    let caller = match caller(&app, gateway, &headers, peer.map(|Extension(peer)| peer)).await {
        Ok(caller) => caller,
        Err(failure) => return failure.response_at(form, &*app.clock),
    };
    let name = path.map_or_else(|_| String::new(), |Path(name)| name);
    match gateway.models.listed(&caller, &name) {
        Ok(model) => answer(&shown(form, &model)),
        Err(refusal) => Failure::from(refusal).response(form),
    }
}

fn answer(value: &Value) -> Response {
    let mut response = Response::new(Body::from(value.to_string()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
