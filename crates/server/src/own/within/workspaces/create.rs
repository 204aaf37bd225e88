//! `POST …/workspaces`.

use crate::own::endpoint::Call;
use crate::own::reply::Made;
use crate::own::shapes::limits::Limits;
use crate::own::shapes::workspace::Workspace;
use schemars::JsonSchema;
use serde::Deserialize;
use tenantry_identity::Refusal;
use tenantry_identity::text::Fields;
use tenantry_identity::workspaces::NewWorkspace;

/// What a workspace is made from
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "WorkspaceNew")]
pub(super) struct Body {
    /// 1 to 50 of a-z, 0-9, `-` and `_`, beginning with a letter or digit
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]{0,49}$"))]
    name: String,
    #[schemars(length(min = 1, max = 255))]
    display_name: Option<String>,
    #[expect(dead_code, reason = "taken as it was sent")]
    metadata: Option<Fields>,
    #[expect(dead_code, reason = "taken as it was sent")]
    limits: Option<Limits>,
}

/// Answers the call.
pub(super) async fn handle(mut call: Call<(), Body>) -> Result<Made<Workspace>, Refusal> {
    let mut fields = Fields::new();
    for name in ["metadata", "limits"] {
        if let Some(value) = call.sent.shift_remove(name).filter(|value| !value.is_null()) {
            fields.insert(name.to_owned(), value);
        }
    }
    let new = NewWorkspace { name: call.body.name.clone(), display_name: call.body.display_name.clone(), fields };
    let workspace = call.identity.create_workspace(&call.caller, call.account(), new).await?;
    Ok(Made(workspace.into()))
}
