//! Removing an API.

use serde_json::json;
use tenantry_store::{BatchError, Subject};

use crate::act::Act;
use crate::caller::Target;
use crate::{Caller, Identity, Refusal};

impl Identity {
    /// Removes an API with its permissions, whoever held them, and the clients' grants on it. One that is
    /// not there is removed already.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for one of Tenantry's own.
    pub async fn delete_api(&self, caller: &Caller, id: &str) -> Result<(), Refusal> {
        caller.may(&["delete:resource_servers"], Target::Platform)?;
        let Some(row) = self.find_api(id).await? else { return Ok(()) };
        if self.is_own_api(&row.id) {
            return Err(Refusal::Unsupported("A system API cannot be deleted."));
        }
        let inputs = json!({ "id": row.id, "identifier": row.identifier });
        let act = Act { name: "apis.delete", tenant: "", workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            batch.delete_api(&row.id);
            batch.affects(Subject::Api(row.identifier.clone()));
            match self.store.commit(batch).await {
                Ok(_) | Err(BatchError::Untouched(_)) => Ok(()),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }
}
