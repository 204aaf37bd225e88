//! `POST /api/v2/users`.

use serde_json::Value;
use tenantry_identity::Refusal;
use tenantry_identity::users::NewUser;

use super::shape::shown;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(mut call: Call) -> Result<Answer, Refusal> {
    call.body.shift_remove("verify_email");
    let new = NewUser {
        connection: call.take_text("connection").unwrap_or_default(),
        user_id: call.take_text("user_id"),
        email: call.take_text("email"),
        username: call.take_text("username"),
        phone: call.take_text("phone_number"),
        password: call.take_text("password").map(Into::into),
        hash: None,
        platform: false,
        without_password: false,
        fields: std::mem::take(&mut call.body),
    };
    let user = call.identity.create_user(&call.caller, new).await?;
    Ok(Answer::created(Value::Object(shown(&user))))
}
