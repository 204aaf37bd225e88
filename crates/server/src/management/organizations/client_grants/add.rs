//! `POST /api/v2/organizations/{id}/client-grants`.

use serde_json::json;
use tenantry_identity::Refusal;

use super::shown;
use crate::management::route::{Answer, Call};

/// Answers the call. The grant's id stands under two names: clients read either.
pub(in super::super) async fn handle(mut call: Call) -> Result<Answer, Refusal> {
    let grant = call.take_text("grant_id").unwrap_or_default();
    let added = call.identity.add_account_grant(&call.caller, call.param("id"), &grant).await?;
    let mut body = shown(&added);
    if let Some(body) = body.as_object_mut() {
        body.insert("grant_id".to_owned(), json!(added.id));
    }
    Ok(Answer::created(body))
}
