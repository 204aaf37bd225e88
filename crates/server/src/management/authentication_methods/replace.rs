//! `PUT /api/v2/users/{id}/authentication-methods`.

use serde_json::Value;
use tenantry_identity::Refusal;

use super::{new, shown};
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(mut call: Call) -> Result<Answer, Refusal> {
    let Some(Value::Array(items)) = call.body.shift_remove("items") else {
        return Err(Refusal::Invalid {
            code: "invalid_body",
            message: "Payload validation error: 'Expected type array but found type object'.".to_owned(),
        });
    };
    let methods = items.into_iter().filter_map(|item| match item {
        Value::Object(fields) => Some(new(fields)),
        _ => None,
    });
    let methods = methods.collect();
    let made = call.identity.replace_authentication_methods(&call.caller, call.param("id"), methods).await?;
    Ok(Answer::ok(Value::Array(made.iter().map(|method| shown(method, false)).collect())))
}
