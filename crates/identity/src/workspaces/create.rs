//! Making a workspace.

use serde_json::json;
use tenantry_store::BatchError;

use crate::accounts::{Status, is_name};
use crate::act::Act;
use crate::text::Fields;
use crate::workspaces::Workspace;
use crate::{Caller, Identity, Kind, Refusal, ids, limits};

/// What a workspace is made from.
#[derive(Debug, Clone, Default)]
pub struct NewWorkspace {
    /// Its name: 1 to 50 of a-z, 0-9, `-` and `_`, beginning with a letter or digit.
    pub name: String,
    /// Its name for people.
    pub display_name: Option<String>,
    /// `metadata`, `limits`, ….
    pub fields: Fields,
}

impl Identity {
    /// Makes a workspace in an account. A member of the account who makes one belongs to it.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when the account does not exist, [`Refusal::Exists`] when the name is taken in it,
    /// [`Refusal::Invalid`] when the name or the limits do not fit.
    pub async fn create_workspace(
        &self,
        caller: &Caller,
        account: &str,
        new: NewWorkspace,
    ) -> Result<Workspace, Refusal> {
        let row = self.reach_account(caller, &["create:workspaces"], account).await?;
        let workspace = self.shaped_workspace(account, new)?;
        self.narrows(limits::readable(&workspace.fields)?, Some(account)).await?;
        let now = workspace.created_micros;
        let maker = match caller.user.as_deref() {
            Some(user) => self.store.membership(account, user).await?.map(|_| user),
            None => None,
        };
        let inputs = json!({ "id": workspace.id, "account": account, "name": workspace.name });
        let act = Act { name: "workspaces.create", tenant: &row.tenant_id, workspace: Some(&workspace.id), inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            batch.insert_workspace(&workspace.to_row());
            if let Some(user) = maker {
                batch.insert_workspace_member(account, &workspace.id, user, now);
            }
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Duplicate(_)) => Err(Refusal::Exists(Kind::Workspace)),
                Err(BatchError::Dangling(_)) => Err(Refusal::Missing(Kind::Account)),
                Err(error) => Err(error.into()),
            }
        })
        .await?;
        Ok(workspace)
    }
}

impl Identity {
    /// The workspace that is to be made, checked. Nothing is written.
    pub(crate) fn shaped_workspace(&self, account: &str, new: NewWorkspace) -> Result<Workspace, Refusal> {
        check_name(&new.name)?;
        limits::readable(&new.fields)?;
        let now = self.now();
        Ok(Workspace {
            id: ids::letters(self.entropy.as_ref(), "ws_", 16)?,
            account_id: account.to_owned(),
            name: new.name,
            display_name: new.display_name,
            status: Status::Active,
            fields: new.fields,
            created_micros: now,
            updated_micros: now,
            version: 1,
        })
    }
}

/// Refuses a name that could not stand in an address.
pub(super) fn check_name(name: &str) -> Result<(), Refusal> {
    if is_name(name) {
        return Ok(());
    }
    Err(Refusal::invalid("a workspace's name has 1 to 50 of a-z, 0-9, `-` and `_`, and begins with a letter or digit"))
}
