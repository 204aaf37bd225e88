//! What other identity providers give about one user.

use serde_json::json;
use tenantry_identity::{Listed, Refusal};

use crate::management::paging;
use crate::management::route::{Answer, Call};

/// Answers `GET /users/{id}/groups`.
pub(super) async fn groups(call: Call) -> Result<Answer, Refusal> {
    call.identity.user_exists(&call.caller, &["read:groups"], call.param("id")).await?;
    let part = paging::part(&call.query, 50)?;
    Ok(paging::answer(&part, "groups", Listed { items: Vec::new(), total: Some(0), next: None }))
}

/// Answers `GET /users/{id}/connected-accounts`.
pub(super) async fn connected_accounts(call: Call) -> Result<Answer, Refusal> {
    call.identity.user_exists(&call.caller, &["read:users"], call.param("id")).await?;
    Ok(Answer::ok(json!({ "connected_accounts": [] })))
}

/// Answers `GET /users/{id}/federated-connections-tokensets`.
pub(super) async fn tokensets(call: Call) -> Result<Answer, Refusal> {
    call.identity.user_exists(&call.caller, &["read:federated_connections_tokens"], call.param("id")).await?;
    Ok(Answer::ok(json!([])))
}

/// Answers `DELETE /users/{id}/federated-connections-tokensets/{tokenset_id}`.
pub(super) async fn delete_tokenset(call: Call) -> Result<Answer, Refusal> {
    call.identity.user_exists(&call.caller, &["delete:federated_connections_tokens"], call.param("id")).await?;
    Ok(Answer::none())
}

/// Answers `POST /users/{id}/risk-assessments/clear`.
pub(super) async fn clear_risk(call: Call) -> Result<Answer, Refusal> {
    call.identity.user_exists(&call.caller, &["update:users"], call.param("id")).await?;
    Ok(Answer::none())
}
