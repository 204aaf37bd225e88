//! `POST /api/v2/resource-servers`.

use tenantry_identity::Refusal;
use tenantry_identity::apis::NewApi;

use super::shown;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(mut call: Call) -> Result<Answer, Refusal> {
    let new = NewApi {
        identifier: call.take_text("identifier").unwrap_or_default(),
        name: call.take_text("name"),
        fields: std::mem::take(&mut call.body),
    };
    let api = call.identity.create_api(&call.caller, new).await?;
    Ok(Answer::created(shown(&api)))
}
