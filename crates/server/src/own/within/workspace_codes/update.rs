//! `PATCH …/workspaces/{workspace_id}/codes/{code_id}`.

use crate::own::endpoint::Call;
use crate::own::reply::Shown;
use crate::own::shapes::workspace::WorkspaceCode;
use schemars::JsonSchema;
use serde::Deserialize;
use tenantry_identity::Refusal;
use tenantry_identity::workspace_codes::WorkspaceCodeChange;

/// What may be changed of a code
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "WorkspaceCodeChange")]
pub(super) struct Body {
    /// Is it in force?
    enabled: Option<bool>,
    /// How often it may be used in all
    #[schemars(range(min = 1, max = 1_000_000))]
    max_uses: Option<i64>,
    /// For how many seconds from now it may be used
    #[schemars(range(min = 1, max = 31_536_000))]
    lifetime_seconds: Option<i64>,
}

/// Answers the call.
pub(super) async fn handle(call: Call<(), Body>) -> Result<Shown<WorkspaceCode>, Refusal> {
    let (workspace, id) = (call.param("workspace_id"), call.param("code_id"));
    let Body { enabled, max_uses, lifetime_seconds } = call.body;
    let change = WorkspaceCodeChange { enabled, max_uses, lifetime: lifetime_seconds };
    let code = call.identity.update_workspace_code(&call.caller, call.account(), workspace, id, change).await?;
    Ok(Shown(code.into()))
}
