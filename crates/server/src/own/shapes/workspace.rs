//! Workspaces and their codes as they are shown.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tenantry_identity::text::{Fields, time};
use tenantry_identity::{Audience, accounts, workspace_codes, workspaces};

use crate::own::shapes::account::Status;

/// An environment inside an account
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Workspace {
    /// `ws_` and 16 letters and digits
    id: String,
    account_id: String,
    /// Its name in addresses and tokens
    name: String,
    /// Its name for people
    display_name: Option<String>,
    status: Status,
    metadata: Fields,
    limits: Fields,
    created_at: String,
    updated_at: String,
}

impl From<workspaces::Workspace> for Workspace {
    fn from(mut workspace: workspaces::Workspace) -> Workspace {
        let mut member = |name: &str| match workspace.fields.shift_remove(name) {
            Some(Value::Object(members)) => members,
            _ => Fields::new(),
        };
        let (metadata, limits) = (member("metadata"), member("limits"));
        Workspace {
            id: workspace.id,
            account_id: workspace.account_id,
            name: workspace.name,
            display_name: workspace.display_name,
            status: workspace.status.into(),
            metadata,
            limits,
            created_at: time(workspace.created_micros),
            updated_at: time(workspace.updated_micros),
        }
    }
}

impl From<accounts::Status> for Status {
    fn from(status: accounts::Status) -> Status {
        match status {
            accounts::Status::Active => Status::Active,
            accounts::Status::Suspended => Status::Suspended,
            accounts::Status::Closed => Status::Closed,
        }
    }
}

/// The context that a code is for
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CodeContext {
    App,
    Dashboard,
}

impl CodeContext {
    /// The word.
    pub(crate) fn name(self) -> &'static str {
        match self {
            CodeContext::App => "app",
            CodeContext::Dashboard => "dashboard",
        }
    }

    /// From the context.
    pub(crate) fn of(context: Audience) -> CodeContext {
        if context == Audience::Dashboard { CodeContext::Dashboard } else { CodeContext::App }
    }
}

/// A code by which people join a workspace
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct WorkspaceCode {
    id: String,
    workspace_id: String,
    /// The role that it gives in the workspace
    role_id: Option<String>,
    context: CodeContext,
    max_uses: i64,
    uses: i64,
    /// Is it in force? One that is used up or out of time is not used all the same
    enabled: bool,
    created_at: String,
    expires_at: String,
}

impl From<workspace_codes::WorkspaceCode> for WorkspaceCode {
    fn from(code: workspace_codes::WorkspaceCode) -> WorkspaceCode {
        WorkspaceCode {
            id: code.id,
            workspace_id: code.workspace_id,
            role_id: code.role_id,
            context: CodeContext::of(code.context),
            max_uses: code.max_uses,
            uses: code.uses,
            enabled: code.enabled,
            created_at: time(code.created_micros),
            expires_at: time(code.expires_micros),
        }
    }
}
