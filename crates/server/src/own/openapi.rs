//! The OpenAPI document, made from the table of endpoints.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use tenantry_identity::{Audience, contexts};

use crate::own::ENDPOINTS;
use crate::own::endpoint::{Endpoint, Level};

/// The OpenAPI 3.1 document of `/app/v1`, `/dashboard/v1` and `/portal/v1`, as text that ends with a line
/// end.
#[must_use]
pub fn document() -> String {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let mut paths = Map::new();
    for endpoint in ENDPOINTS.iter() {
        let operation = operation(endpoint, &mut generator);
        if let Value::Object(path) = paths.entry(endpoint.path.clone()).or_insert_with(|| json!({})) {
            path.insert(endpoint.method.to_ascii_lowercase(), operation);
        }
    }
    let mut schemas = generator.take_definitions(true);
    schemas.insert("Refusal".to_owned(), refusal());
    schemas.sort_keys();
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tenantry",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Our own APIs. A token is for one context (its audience) and is refused by the others: \
                app for users and agents, dashboard for those who look after an account, portal for the platform's \
                own people. In app and dashboard the account is the token's; nothing in a request can name another. \
                What does not exist and what the caller may not know of answer alike. Data tools are described in \
                docs/tools.md, the API that clients of Auth0 know in docs/auth0-compatibility.md.",
        },
        "tags": [
            { "name": "app", "description": "Users and agents: their own profile" },
            { "name": "dashboard", "description": "One account, or one of its workspaces" },
            { "name": "portal", "description": "The platform, across accounts" },
        ],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "app": scheme(Audience::App),
                "dashboard": scheme(Audience::Dashboard),
                "portal": scheme(Audience::Portal),
            },
            "responses": responses(),
            "schemas": schemas,
        },
    });
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn operation(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Value {
    let mut operation = Map::new();
    operation.insert("operationId".to_owned(), json!(operation_id(endpoint)));
    operation.insert("tags".to_owned(), json!([endpoint.context.name()]));
    operation.insert("summary".to_owned(), json!(endpoint.summary));
    if !endpoint.any_of.is_empty() {
        let needs: Vec<String> = endpoint.any_of.iter().map(|permission| format!("`{permission}`")).collect();
        let level = match endpoint.level {
            Level::Account => " Answers only tokens for the account as a whole.",
            Level::Workspace => " Tokens for one workspace see and change what belongs to it.",
            Level::Anyone | Level::Platform => "",
        };
        operation.insert("description".to_owned(), json!(format!("Needs {}.{level}", needs.join(" or "))));
    }
    operation.insert("x-permissions".to_owned(), json!(endpoint.any_of));
    operation.insert("security".to_owned(), json!([{ endpoint.context.name(): [] }]));
    let parameters = parameters(endpoint);
    if !parameters.is_empty() {
        operation.insert("parameters".to_owned(), Value::Array(parameters));
    }
    if let Some(form) = endpoint.body_form {
        let schema = form(generator).to_value();
        let body = json!({ "required": true, "content": { "application/json": { "schema": schema } } });
        operation.insert("requestBody".to_owned(), body);
    }
    let mut answers = Map::new();
    let mut success = json!({ "description": if endpoint.status == 201 { "Made" } else { "Done" } });
    if let (Some(form), Some(success)) = (endpoint.answer_form, success.as_object_mut()) {
        let schema = form(generator).to_value();
        success.insert("content".to_owned(), json!({ "application/json": { "schema": schema } }));
    }
    answers.insert(endpoint.status.to_string(), success);
    for (status, _) in failures(endpoint) {
        answers.insert(status.to_owned(), json!({ "$ref": format!("#/components/responses/{status}") }));
    }
    operation.insert("responses".to_owned(), Value::Object(answers));
    Value::Object(operation)
}

/// `dashboard.members.user_id.get`: stable as long as the path is.
fn operation_id(endpoint: &Endpoint) -> String {
    let parts = endpoint.path.split('/').filter(|part| !part.is_empty() && *part != "v1");
    let mut id: String = parts.map(|part| part.trim_matches(['{', '}'])).collect::<Vec<_>>().join(".");
    id.push('.');
    id.push_str(&endpoint.method.to_ascii_lowercase());
    id
}

fn parameters(endpoint: &Endpoint) -> Vec<Value> {
    let in_path = endpoint.params().map(|name| {
        json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "minLength": 1, "maxLength": 1024 } })
    });
    let none = Map::new();
    let known = endpoint.query.get("properties").and_then(Value::as_object).unwrap_or(&none);
    let required: Vec<&str> = endpoint
        .query
        .get("required")
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let in_query = known.iter().map(|(name, form)| {
        let mut form = form.clone();
        let mut parameter = json!({ "name": name, "in": "query", "required": required.contains(&name.as_str()) });
        if let (Some(form), Some(parameter)) = (form.as_object_mut(), parameter.as_object_mut()) {
            if let Some(description) = form.shift_remove("description") {
                parameter.insert("description".to_owned(), description);
            }
            without_null(form);
            parameter.insert("schema".to_owned(), Value::Object(form.clone()));
        }
        parameter
    });
    in_path.chain(in_query).collect()
}

/// A query cannot say null: it leaves the parameter out.
fn without_null(form: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = form.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            form.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(values)) = form.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
}

/// The refusals that an endpoint may answer with.
fn failures(endpoint: &Endpoint) -> impl Iterator<Item = (&'static str, &'static str)> {
    let writes = endpoint.method != "GET";
    let has_body = endpoint.body.is_some();
    FAILURES.iter().copied().filter(move |(status, _)| match *status {
        "409" => writes,
        "408" | "413" | "415" => has_body,
        _ => true,
    })
}

const FAILURES: [(&str, &str); 10] = [
    ("400", "What was sent does not fit"),
    ("401", "No token, or one that is not valid in this context"),
    ("403", "A permission is missing"),
    ("404", "There is no such thing, or it is not yours to see"),
    ("408", "The body took too long to arrive"),
    ("409", "There is one already, or somebody else changed it at the same time"),
    ("413", "The body is too large"),
    ("415", "The body is not JSON"),
    ("429", "Too many calls"),
    ("503", "The store does not answer; nothing was done"),
];

fn responses() -> Value {
    let responses = FAILURES.map(|(status, description)| {
        let content = json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Refusal" } } });
        (status.to_owned(), json!({ "description": description, "content": content }))
    });
    Value::Object(responses.into_iter().collect())
}

fn refusal() -> Value {
    json!({
        "type": "object",
        "description": "Why a call was not done",
        "required": ["success", "error"],
        "properties": {
            "success": { "const": false },
            "error": {
                "type": "object",
                "required": ["code", "message", "hints", "details"],
                "properties": {
                    "code": { "type": "string", "description": "Stable; for programs" },
                    "message": { "type": "string", "description": "For people" },
                    "hints": { "type": "array", "items": { "type": "string" } },
                    "details": {
                        "type": "object",
                        "required": ["request_id"],
                        "properties": { "request_id": { "type": "string" } },
                    },
                },
            },
        },
    })
}

fn scheme(context: Audience) -> Value {
    let permissions = contexts::permissions(context);
    let mut scheme = json!({
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": format!("A token whose audience is `{}`", context.name()),
    });
    if let (false, Some(scheme)) = (permissions.is_empty(), scheme.as_object_mut()) {
        let known: Map<String, Value> =
            permissions.iter().map(|(name, says)| ((*name).to_owned(), json!(says))).collect();
        scheme.insert("x-permissions".to_owned(), Value::Object(known));
    }
    scheme
}
