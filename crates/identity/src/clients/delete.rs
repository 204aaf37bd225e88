//! Removing a client.

use serde_json::json;
use tenantry_store::{BatchError, Subject};

use crate::act::Act;
use crate::caller::Target;
use crate::{Caller, Identity, Refusal};

impl Identity {
    /// Removes a client with its credentials, grants, and users' refresh tokens and consents. One that is
    /// not there is removed already.
    ///
    /// # Errors
    /// The store's.
    pub async fn delete_client(&self, caller: &Caller, id: &str) -> Result<(), Refusal> {
        caller.may(&["delete:clients"], Target::Platform)?;
        let Some(row) = self.store.client(id).await? else { return Ok(()) };
        let inputs = json!({ "id": id, "name": row.name });
        let act = Act { name: "clients.delete", tenant: "", workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            batch.delete_client(id);
            batch.affects(Subject::Client(id.to_owned()));
            match self.store.commit(batch).await {
                Ok(_) | Err(BatchError::Untouched(_)) => Ok(()),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }
}
