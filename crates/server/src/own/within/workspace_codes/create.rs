//! `POST …/workspaces/{workspace_id}/codes`.

use crate::own::endpoint::Call;
use crate::own::reply::Made;
use crate::own::shapes::workspace::{CodeContext, WorkspaceCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenantry_identity::Refusal;
use tenantry_identity::workspace_codes::NewWorkspaceCode;

/// What a code is made from
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "WorkspaceCodeNew")]
pub(super) struct Body {
    /// The role of the workspace's level that it gives; without one people only come in
    #[schemars(length(min = 1, max = 255))]
    role_id: Option<String>,
    /// The context that it is for; `app` when nothing is said
    context: Option<CodeContext>,
    /// How often it may be used; once when nothing is said
    #[schemars(range(min = 1, max = 1_000_000))]
    max_uses: Option<i64>,
    /// For how many seconds it may be used; a week when nothing is said
    #[schemars(range(min = 1, max = 31_536_000))]
    lifetime_seconds: Option<i64>,
}

/// A code that was made, with the code itself
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct MadeCode {
    /// What people type; case, spaces and dashes do not count. It is not shown again
    code: String,
    #[serde(flatten)]
    made: WorkspaceCode,
}

/// Answers the call.
pub(super) async fn handle(call: Call<(), Body>) -> Result<Made<MadeCode>, Refusal> {
    let usual = NewWorkspaceCode::default();
    let new = NewWorkspaceCode {
        role_id: call.body.role_id.clone(),
        context: call.body.context.map_or(usual.context, |context| context.name().to_owned()),
        max_uses: call.body.max_uses.unwrap_or(usual.max_uses),
        lifetime: call.body.lifetime_seconds.unwrap_or(usual.lifetime),
    };
    let workspace = call.param("workspace_id");
    let (made, code) = call.identity.create_workspace_code(&call.caller, call.account(), workspace, new).await?;
    Ok(Made(MadeCode { code, made: made.into() }))
}
