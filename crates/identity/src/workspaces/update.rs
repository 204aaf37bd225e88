//! Changing a workspace.

use serde_json::{Value, json};
use tenantry_store::{BatchError, Subject};

use crate::accounts::Status;
use crate::act::Act;
use crate::identity::TRIES;
use crate::text::Fields;
use crate::workspaces::{Workspace, create};
use crate::{Caller, Identity, Kind, Refusal, limits};

impl Identity {
    /// Changes a workspace: members that `change` has replace those that were there, null takes one away.
    /// While its status is not `active`, nobody acts in it: its tokens end within a second.
    ///
    /// # Errors
    /// [`Refusal::Missing`], [`Refusal::Exists`] for a name that is taken in the account, [`Refusal::Invalid`].
    pub async fn update_workspace(
        &self,
        caller: &Caller,
        account: &str,
        id: &str,
        change: Fields,
    ) -> Result<Workspace, Refusal> {
        for _ in 0..TRIES {
            let (row, found) = self.reach_workspace(caller, &["update:workspaces"], account, id).await?;
            let mut workspace = Workspace::from_row(found);
            let status = workspace.status;
            apply(&mut workspace, change.clone())?;
            if limits::are_said(&change) {
                self.narrows(limits::readable(&workspace.fields)?, Some(account)).await?;
            }
            workspace.updated_micros = self.now();
            let inputs = json!({ "id": id, "account": account, "change": change });
            let act = Act { name: "workspaces.update", tenant: &row.tenant_id, workspace: Some(id), inputs };
            let done = self.act(caller, act, async {
                let mut batch = self.store.batch();
                batch.update_workspace(&workspace.to_row());
                if workspace.status != status {
                    batch.affects(Subject::Workspace(id.to_owned()));
                }
                match self.store.commit(batch).await {
                    Ok(_) => Ok(true),
                    // Somebody was faster: read again.
                    Err(BatchError::Untouched(_)) => Ok(false),
                    Err(BatchError::Duplicate(_)) => Err(Refusal::Exists(Kind::Workspace)),
                    Err(error) => Err(error.into()),
                }
            });
            if done.await? {
                workspace.version += 1;
                return Ok(workspace);
            }
        }
        Err(Refusal::Contended(Kind::Workspace))
    }
}

pub(crate) fn apply(workspace: &mut Workspace, change: Fields) -> Result<(), Refusal> {
    limits::readable(&change)?;
    for (name, value) in change {
        match (name.as_str(), value) {
            ("name", Value::String(name)) => {
                create::check_name(&name)?;
                workspace.name = name;
            }
            ("display_name", Value::String(name)) => workspace.display_name = Some(name),
            ("display_name", Value::Null) => workspace.display_name = None,
            ("status", Value::String(status)) => {
                workspace.status = Status::parse(&status)
                    .ok_or_else(|| Refusal::invalid("status is one of active, suspended, closed"))?;
            }
            ("id" | "account_id" | "name" | "status" | "display_name" | "created_at" | "updated_at", _) => {
                return Err(Refusal::invalid(format!("{name} cannot be changed to that")));
            }
            (_, Value::Null) => drop(workspace.fields.shift_remove(&name)),
            (_, value) => drop(workspace.fields.insert(name, value)),
        }
    }
    Ok(())
}
