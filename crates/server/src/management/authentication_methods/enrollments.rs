//! `GET /api/v2/users/{id}/enrollments`, and forgetting browsers in which a second factor was shown.

use serde_json::{Map, Value, json};
use tenantry_identity::Refusal;
use tenantry_identity::methods::Method;
use tenantry_identity::text::time;

use super::{masked_email, masked_phone};
use crate::management::route::{Answer, Call};

/// Answers the call for the second factors.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let methods = call.identity.enrollments(&call.caller, call.param("id")).await?;
    Ok(Answer::ok(Value::Array(methods.iter().map(shown).collect())))
}

/// Answers the call to forget browsers.
pub(super) async fn forget_browsers(call: Call) -> Result<Answer, Refusal> {
    call.identity.forget_browsers(&call.caller, call.param("id")).await?;
    Ok(Answer::none())
}

fn shown(method: &Method) -> Value {
    let way = match method.kind.as_str() {
        "phone" => method.text("preferred_authentication_method").unwrap_or("sms"),
        "totp" => "authenticator",
        other => other,
    };
    let mut shown = Map::new();
    shown.insert("id".to_owned(), json!(method.id));
    shown.insert("status".to_owned(), json!(if method.confirmed { "confirmed" } else { "pending" }));
    shown.insert("type".to_owned(), json!(way));
    shown.insert("auth_method".to_owned(), json!(way));
    if let Some(name) = &method.name {
        shown.insert("name".to_owned(), json!(name));
    }
    if let Some(phone) = method.text("phone_number") {
        shown.insert("phone_number".to_owned(), json!(masked_phone(phone)));
    }
    if let Some(email) = method.text("email") {
        shown.insert("identifier".to_owned(), json!(masked_email(email)));
    }
    shown.insert("enrolled_at".to_owned(), json!(time(method.created_micros)));
    Value::Object(shown)
}
