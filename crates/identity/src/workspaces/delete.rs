//! Removing a workspace.

use serde_json::json;
use tenantry_store::{BatchError, Subject};

use crate::act::Act;
use crate::{Caller, Identity, Kind, Refusal};

impl Identity {
    /// Removes a workspace with its codes, who belongs to it and what they held there. Its tokens end within a
    /// second.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn delete_workspace(&self, caller: &Caller, account: &str, id: &str) -> Result<(), Refusal> {
        let (row, workspace) = self.reach_workspace(caller, &["delete:workspaces"], account, id).await?;
        let inputs = json!({ "id": id, "account": account, "name": workspace.name });
        let act = Act { name: "workspaces.delete", tenant: &row.tenant_id, workspace: Some(id), inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            batch.delete_workspace(account, id);
            batch.affects(Subject::Workspace(id.to_owned()));
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Untouched(_)) => Err(Refusal::Missing(Kind::Workspace)),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }
}
