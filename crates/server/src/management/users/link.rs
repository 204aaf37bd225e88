//! `POST /api/v2/users/{id}/identities`.

use serde_json::Value;
use tenantry_identity::Refusal;

use super::shape::identity;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(mut call: Call) -> Result<Answer, Refusal> {
    if call.body.contains_key("link_with") {
        return Err(Refusal::Unsupported(
            "Linking by the other user's token is not offered; name provider and user_id.",
        ));
    }
    let missing = |name: &str| Refusal::Invalid {
        code: "invalid_body",
        message: format!("Payload validation error: 'Missing required property: {name}'."),
    };
    let subject = match call.body.get("user_id") {
        Some(Value::String(subject)) => subject.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => return Err(missing("user_id")),
    };
    let provider = call.take_text("provider").ok_or_else(|| missing("provider"))?;
    let connection = call.take_text("connection_id");
    let linked = call.identity.link_user(&call.caller, call.param("id"), &provider, &subject, connection.as_deref());
    Ok(Answer::created(linked.await?.iter().map(identity).collect::<Vec<_>>()))
}
