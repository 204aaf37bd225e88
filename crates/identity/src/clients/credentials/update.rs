//! Changing a credential.

use serde_json::{Value, json};
use tenantry_store::{BatchError, Subject};

use crate::act::Act;
use crate::caller::Target;
use crate::clients::credentials::{Credential, end};
use crate::text::Fields;
use crate::{Caller, Identity, Kind, Refusal};

impl Identity {
    /// Gives a credential another end: `expires_at`, null for none.
    ///
    /// # Errors
    /// [`Refusal::Missing`], [`Refusal::Invalid`].
    pub async fn update_credential(
        &self,
        caller: &Caller,
        client: &str,
        id: &str,
        change: &Fields,
    ) -> Result<Credential, Refusal> {
        caller.may(&["update:client_credentials"], Target::Platform)?;
        let row = self.store.credential(client, id).await?.ok_or(Refusal::Missing(Kind::Credential))?;
        let mut credential = Credential::from_row(row);
        credential.expires_micros = change.get("expires_at").and_then(Value::as_str).map(end).transpose()?;
        credential.updated_micros = self.now();
        let inputs = json!({ "client": client, "id": id, "expires_micros": credential.expires_micros });
        let act = Act { name: "clients.credentials.update", tenant: "", workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            batch.update_credential(client, id, credential.expires_micros);
            if credential.expires_micros.is_some_and(|end| end <= credential.updated_micros) {
                batch.affects(Subject::Client(client.to_owned()));
            }
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Untouched(_)) => Err(Refusal::Missing(Kind::Credential)),
                Err(error) => Err(error.into()),
            }
        })
        .await?;
        Ok(credential)
    }
}
