//! Removing a workspace code.

use serde_json::json;
use tenantry_store::BatchError;

use crate::act::Act;
use crate::{Caller, Identity, Kind, Refusal};

impl Identity {
    /// Removes a code. Whoever came in by it stays.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn delete_workspace_code(
        &self,
        caller: &Caller,
        account: &str,
        workspace: &str,
        id: &str,
    ) -> Result<(), Refusal> {
        let (row, _) = self.reach_workspace(caller, &["delete:workspace_codes"], account, workspace).await?;
        let inputs = json!({ "id": id, "account": account });
        let act = Act { name: "workspace_codes.delete", tenant: &row.tenant_id, workspace: Some(workspace), inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            batch.delete_workspace_code(workspace, id);
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Untouched(_)) => Err(Refusal::Missing(Kind::WorkspaceCode)),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }
}
