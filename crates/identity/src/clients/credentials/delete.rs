//! Taking a credential away.

use serde_json::json;
use tenantry_store::{BatchError, Subject};

use crate::act::Act;
use crate::caller::Target;
use crate::clients::{Client, methods};
use crate::{Caller, Identity, Refusal};

impl Identity {
    /// Takes a credential from a client. One that is not there is taken away already.
    ///
    /// # Errors
    /// [`Refusal::Unsupported`] while the client's authentication methods name it.
    pub async fn delete_credential(&self, caller: &Caller, client: &str, id: &str) -> Result<(), Refusal> {
        caller.may(&["delete:client_credentials"], Target::Platform)?;
        let Some(row) = self.store.client(client).await? else { return Ok(()) };
        if self.store.credential(client, id).await?.is_none() {
            return Ok(());
        }
        if methods::named(&Client::from_row(row).fields).any(|named| named == id) {
            return Err(Refusal::Unsupported("The credential is in use by the client and cannot be deleted."));
        }
        let inputs = json!({ "client": client, "id": id });
        let act = Act { name: "clients.credentials.delete", tenant: "", workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            batch.delete_credential(client, id);
            batch.affects(Subject::Client(client.to_owned()));
            match self.store.commit(batch).await {
                Ok(_) | Err(BatchError::Untouched(_)) => Ok(()),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }
}
