//! Giving a client a credential.

use serde_json::json;
use tenantry_store::BatchError;

use crate::act::Act;
use crate::caller::Target;
use crate::clients::credentials::Credential;
use crate::text::Fields;
use crate::{Caller, Identity, Kind, Refusal};

impl Identity {
    /// Gives a client a credential. It is not used for anything until the client's authentication methods
    /// name it.
    ///
    /// # Errors
    /// [`Refusal::Missing`], [`Refusal::Exists`] for a key of the same name, [`Refusal::Invalid`].
    pub async fn create_credential(&self, caller: &Caller, client: &str, sent: &Fields) -> Result<Credential, Refusal> {
        caller.may(&["create:client_credentials"], Target::Platform)?;
        self.store.client(client).await?.ok_or(Refusal::Missing(Kind::Client))?;
        let credential = self.read_credential(client, sent)?;
        let inputs = json!({ "client": client, "id": credential.id, "kind": credential.kind, "kid": credential.kid });
        let act = Act { name: "clients.credentials.create", tenant: "", workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            batch.insert_credential(&credential.to_row());
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Duplicate(_)) => Err(Refusal::Exists(Kind::Credential)),
                Err(BatchError::Dangling(_)) => Err(Refusal::Missing(Kind::Client)),
                Err(error) => Err(error.into()),
            }
        })
        .await?;
        Ok(credential)
    }
}
