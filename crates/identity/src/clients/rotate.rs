//! Giving a client a new secret.

use serde_json::json;
use tenantry_store::{BatchError, Subject};

use crate::act::Act;
use crate::caller::Target;
use crate::clients::Client;
use crate::clients::lookup::SECRETS;
use crate::identity::TRIES;
use crate::{Caller, Identity, Kind, Refusal, ids};

impl Identity {
    /// Gives a client a new secret and answers it. The old one, and tokens that were got with it, end.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn rotate_client_secret(&self, caller: &Caller, id: &str) -> Result<Client, Refusal> {
        caller.may(&["update:client_keys"], Target::Platform)?;
        for _ in 0..TRIES {
            let row = self.store.client(id).await?.ok_or(Refusal::Missing(Kind::Client))?;
            let mut client = Client::from_row(row);
            let secret = ids::letters(self.entropy.as_ref(), "", 64)?;
            client.secret = Some(self.seal(SECRETS, id, secret.as_bytes())?);
            client.updated_micros = self.now();
            let inputs = json!({ "id": id, "name": client.name });
            let act = Act { name: "clients.rotate", tenant: "", workspace: None, inputs };
            let done = self.act(caller, act, async {
                let mut batch = self.store.batch();
                batch.update_client(&client.to_row());
                batch.affects(Subject::Client(id.to_owned()));
                match self.store.commit(batch).await {
                    Ok(_) => Ok(true),
                    // Somebody was faster: read again.
                    Err(BatchError::Untouched(_)) => Ok(false),
                    Err(error) => Err(error.into()),
                }
            });
            if done.await? {
                return self.with_secret(client);
            }
        }
        Err(Refusal::Contended(Kind::Client))
    }
}
