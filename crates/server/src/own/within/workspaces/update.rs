//! `PATCH …/workspaces/{workspace_id}`.

use crate::own::endpoint::Call;
use crate::own::reply::Shown;
use crate::own::shapes::account::Status;
use crate::own::shapes::limits::Limits;
use crate::own::shapes::workspace::Workspace;
use schemars::JsonSchema;
use serde::Deserialize;
use tenantry_identity::Refusal;
use tenantry_identity::text::Fields;

/// What may be changed of a workspace
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "WorkspaceChange")]
#[expect(dead_code, reason = "its form is what counts: the members are taken as they were sent")]
pub(super) struct Body {
    /// 1 to 50 of a-z, 0-9, `-` and `_`, beginning with a letter or digit
    #[schemars(with = "String", regex(pattern = r"^[a-z0-9][a-z0-9_-]{0,49}$"))]
    #[serde(default)]
    name: Option<String>,
    #[schemars(length(min = 1, max = 255))]
    display_name: Option<String>,
    #[schemars(with = "Status")]
    #[serde(default)]
    status: Option<Status>,
    /// Replaces what was there, whole
    metadata: Option<Fields>,
    /// Replaces what was there, whole
    limits: Option<Limits>,
}

/// Answers the call.
pub(super) async fn handle(mut call: Call<(), Body>) -> Result<Shown<Workspace>, Refusal> {
    let change = std::mem::take(&mut call.sent);
    let id = call.param("workspace_id");
    let workspace = call.identity.update_workspace(&call.caller, call.account(), id, change).await?;
    Ok(Shown(workspace.into()))
}
