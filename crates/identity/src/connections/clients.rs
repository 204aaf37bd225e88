//! Which clients may use a connection.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use tenantry_store::BatchError;

use crate::act::Act;
use crate::caller::Target;
use crate::{Caller, Identity, Kind, Listed, Part, Refusal};

impl Identity {
    /// The clients that may use a connection, by their ids.
    ///
    /// # Errors
    /// [`Refusal::Missing`]; [`Refusal::Invalid`] for a `from` that this list did not answer.
    pub async fn clients_of_connection(
        &self,
        caller: &Caller,
        id: &str,
        part: &Part,
    ) -> Result<Listed<String>, Refusal> {
        caller.may(&["read:connections"], Target::Platform)?;
        self.store.connection(id).await?.ok_or(Refusal::Missing(Kind::Connection))?;
        let after = match part {
            Part::From { from: Some(from), .. } => {
                let decoded = URL_SAFE_NO_PAD.decode(from).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                decoded.ok_or_else(|| Refusal::Invalid {
                    code: "invalid_query_string",
                    message: "Invalid value for 'from'.".to_owned(),
                })?
            }
            _ => String::new(),
        };
        let take = match part {
            Part::From { take, .. } => *take,
            Part::Page { limit, .. } => *limit,
        };
        let mut items = self.store.clients_of_connection(id, &after, take.saturating_add(1)).await?;
        let most = usize::try_from(take).unwrap_or(0);
        let mut next = None;
        if items.len() > most {
            items.truncate(most);
            next = items.last().map(|id| URL_SAFE_NO_PAD.encode(id));
        }
        Ok(Listed { items, total: None, next })
    }

    /// Lets clients use a connection, or no longer: pairs of a client's id and whether it may.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when the connection or a client does not exist; nothing is changed then.
    pub async fn enable_clients(&self, caller: &Caller, id: &str, clients: &[(String, bool)]) -> Result<(), Refusal> {
        caller.may(&["update:connections"], Target::Platform)?;
        let row = self.store.connection(id).await?.ok_or(Refusal::Missing(Kind::Connection))?;
        let told: Vec<_> = clients.iter().map(|(id, status)| json!({ "client": id, "status": status })).collect();
        let inputs = json!({ "id": id, "name": row.name, "clients": told });
        let act = Act { name: "connections.clients", tenant: "", workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            for (client, enabled) in clients {
                if *enabled {
                    batch.enable_client(id, client);
                } else {
                    batch.disable_client(id, client);
                }
            }
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Dangling(_)) => Err(Refusal::Missing(Kind::Client)),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }
}
