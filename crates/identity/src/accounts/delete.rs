//! Removing an account.

use serde_json::json;
use tenantry_store::{BatchError, Subject};

use crate::act::Act;
use crate::caller::Target;
use crate::{Caller, Identity, Kind, Refusal};

impl Identity {
    /// Removes an account with its workspaces, memberships and invitations. Its rows in the sources stay;
    /// its tenant id is never given again. Its tokens end within a second.
    ///
    /// # Errors
    /// [`Refusal::Missing`]; [`Refusal::Invalid`] while other accounts lie below it.
    pub async fn delete_account(&self, caller: &Caller, id: &str) -> Result<(), Refusal> {
        caller.may(&["delete:organizations"], Target::Account(id))?;
        let row = self.store.account(id).await?.ok_or(Refusal::Missing(Kind::Account))?;
        let inputs = json!({ "id": id, "name": row.name });
        let act = Act { name: "accounts.delete", tenant: &row.tenant_id, workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            batch.delete_account(id);
            batch.affects(Subject::Account(id.to_owned()));
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Untouched(_)) => Err(Refusal::Missing(Kind::Account)),
                Err(BatchError::Dangling(_)) => Err(Refusal::invalid("other accounts lie below this one")),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }
}
