//! Workspaces.

use serde_json::{Value, json};
use tenantry_file::Loaded;
use tenantry_identity::Refusal;
use tenantry_identity::workspaces::{NewWorkspace, Workspace};

use crate::error::PlanError;
use crate::identity::account::limits;
use crate::identity::address::address;
use crate::identity::doing::{Doing, change};
use crate::identity::value::{object, text};
use crate::identity::{Ground, Sought};
use crate::resource::{Kind, Resource, Target};
use crate::step::Action;
use crate::work::Done;

/// What the file wants.
pub(super) fn desired(loaded: &Loaded) -> Result<Vec<Resource>, PlanError> {
    let mut all = Vec::new();
    for (account, declared) in &loaded.document().account {
        for (name, workspace) in &declared.workspace {
            let path = ["account", account, "workspace", name];
            let at = address(&path);
            let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            if name.len() > 50
                || !name.bytes().next().is_some_and(fits)
                || !name.bytes().all(|byte| fits(byte) || matches!(byte, b'-' | b'_'))
            {
                return Err(PlanError::invalid("WORKSPACE_NAME", format!("`{name}` cannot be a workspace's name"))
                    .about(&at, loaded.located(&path))
                    .hinted("it has 1 to 50 of a-z, 0-9, `-` and `_`, and begins with a letter or digit"));
            }
            all.push(
                Resource::new(Kind::Workspace, Target::Identity, &at)
                    .with("display_name", text(workspace.display_name.as_deref()))
                    .with("metadata", object(workspace.metadata.clone()))
                    .with("status", workspace.status.name())
                    .with("limits", limits(&workspace.limits))
                    .at(loaded.located(&path)),
            );
        }
    }
    Ok(all)
}

/// What is there.
pub(super) fn found(ground: &Ground, sought: &Sought<'_>) -> Option<Resource> {
    let workspace = ground.workspace(sought.key(1), sought.key(3)).ok()?;
    Some(shown(workspace, sought.thing(Kind::Workspace, &workspace.id)))
}

/// A workspace as the file writes it.
pub(super) fn shown(workspace: &Workspace, thing: Resource) -> Resource {
    let field = |name: &str| match workspace.fields.get(name) {
        Some(Value::Object(members)) => object(members.clone()),
        _ => Value::Null,
    };
    thing
        .with("display_name", text(workspace.display_name.as_deref()))
        .with("metadata", field("metadata"))
        .with("status", workspace.status.name())
        .with("limits", field("limits"))
}

/// Does a step.
pub(super) fn apply(doing: &mut Doing<'_, '_>) -> Result<Done, Refusal> {
    let (tenant, name) = (doing.key(1).to_owned(), doing.key(3).to_owned());
    if doing.step.action == Action::Delete {
        // One whose account is gone went with it.
        if let Ok(account) = doing.ground.account(&tenant).cloned()
            && let Some(workspace) = doing.ground.there.workspaces.remove(&(account.id.clone(), name))
        {
            doing.draft.delete_workspace(&account, &workspace);
        }
        return doing.gone();
    }
    let account = doing.ground.account(&tenant)?.clone();
    let status = doing.text("status").unwrap_or_default();
    let workspace = if doing.makes() {
        let mut fields = change([("metadata", doing.field("metadata")), ("limits", doing.field("limits"))]);
        fields.retain(|_, value| !value.is_null());
        let new = NewWorkspace { name: name.clone(), display_name: doing.text("display_name"), fields };
        let made = doing.draft.create_workspace(&account, new)?;
        if status == made.status.name() {
            made
        } else {
            doing.draft.update_workspace(&account, &made, change([("status", json!(status))]))?
        }
    } else {
        let before = doing.ground.workspace(&tenant, &name)?.clone();
        let given = change([
            ("display_name", doing.field("display_name")),
            ("metadata", doing.field("metadata")),
            ("status", json!(status)),
            ("limits", doing.field("limits")),
        ]);
        doing.draft.update_workspace(&account, &before, given)?
    };
    let id = workspace.id.clone();
    doing.ground.there.workspaces.insert((account.id, name), workspace);
    doing.done(id)
}

/// What a workspace is when the file says nothing more.
pub(super) fn usual() -> Vec<(&'static str, Value)> {
    vec![("status", json!("active"))]
}
