//! `POST /api/v2/clients`.

use tenantry_identity::Refusal;
use tenantry_identity::clients::NewClient;

use super::shown;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(mut call: Call) -> Result<Answer, Refusal> {
    let new = NewClient {
        name: call.take_text("name").unwrap_or_default(),
        id: None,
        secret: None,
        fields: std::mem::take(&mut call.body),
    };
    let client = call.identity.create_client(&call.caller, new).await?;
    Ok(Answer::created(shown(&call.identity, &client)))
}
