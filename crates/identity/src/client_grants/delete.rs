//! Taking a grant away.

use serde_json::json;
use tenantry_store::BatchError;

use crate::act::Act;
use crate::caller::Target;
use crate::client_grants::ClientGrant;
use crate::{Caller, Identity, Refusal};

impl Identity {
    /// Takes a grant from a client. One that is not there is taken away already.
    ///
    /// # Errors
    /// [`Refusal::Unsupported`] for one that belongs to a client of a special type.
    pub async fn delete_client_grant(&self, caller: &Caller, id: &str) -> Result<(), Refusal> {
        caller.may(&["delete:client_grants"], Target::Platform)?;
        let Some(row) = self.store.client_grant(id).await? else { return Ok(()) };
        let grant = ClientGrant::from_row(row);
        if grant.is_system() {
            return Err(Refusal::Unsupported("A system client grant cannot be deleted."));
        }
        let inputs = json!({ "id": id, "client": grant.client_id, "audience": grant.audience });
        let act = Act { name: "client_grants.delete", tenant: "", workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            batch.delete_client_grant(id);
            batch.affects(Self::grant_subject(&grant));
            match self.store.commit(batch).await {
                Ok(_) | Err(BatchError::Untouched(_)) => Ok(()),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }
}
