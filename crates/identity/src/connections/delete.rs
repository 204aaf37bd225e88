//! Removing a connection.

use serde_json::json;
use tenantry_store::BatchError;

use crate::act::Act;
use crate::caller::Target;
use crate::identity::TRIES;
use crate::{Caller, Identity, Kind, Refusal};

impl Identity {
    /// Removes a connection with the users whom it made, and the identities that it gave to others. Their
    /// tokens end within a second. Answers when it was removed; nothing for one that is not there.
    ///
    /// # Errors
    /// The store's.
    pub async fn delete_connection(&self, caller: &Caller, id: &str) -> Result<Option<i64>, Refusal> {
        caller.may(&["delete:connections"], Target::Platform)?;
        for _ in 0..TRIES {
            let Some(row) = self.store.connection(id).await? else { return Ok(None) };
            let inputs = json!({ "id": id, "name": row.name });
            let act = Act { name: "connections.delete", tenant: "", workspace: None, inputs };
            let done = self.act(caller, act, async {
                let mut batch = self.store.batch();
                batch.delete_connection(id, &row.name);
                match self.store.commit(batch).await {
                    Ok(_) | Err(BatchError::Untouched(_)) => Ok(true),
                    // Two changes of rights took the same number.
                    Err(BatchError::Duplicate(_)) => Ok(false),
                    Err(error) => Err(error.into()),
                }
            });
            if done.await? {
                return Ok(Some(self.now()));
            }
        }
        Err(Refusal::Contended(Kind::Connection))
    }
}
