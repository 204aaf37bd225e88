//! Changing a connection.

use serde_json::{Value, json};
use tenantry_store::BatchError;

use crate::act::Act;
use crate::caller::Target;
use crate::connections::{Connection, check};
use crate::identity::TRIES;
use crate::text::Fields;
use crate::{Caller, Identity, Kind, Refusal};

impl Identity {
    /// Changes a connection: members that `change` has replace those that were there (`options` and
    /// `enabled_clients` whole), null takes one away.
    ///
    /// # Errors
    /// [`Refusal::Missing`], [`Refusal::Invalid`].
    pub async fn update_connection(&self, caller: &Caller, id: &str, change: Fields) -> Result<Connection, Refusal> {
        caller.may(&["update:connections"], Target::Platform)?;
        let clients: Option<Vec<String>> = match change.get("enabled_clients") {
            Some(Value::Array(items)) => Some(items.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect()),
            Some(_) => Some(Vec::new()),
            None => None,
        };
        for _ in 0..TRIES {
            let row = self.store.connection(id).await?.ok_or(Refusal::Missing(Kind::Connection))?;
            let mut connection = Connection::from_row(row);
            self.apply_to_connection(&mut connection, change.clone())?;
            connection.updated_micros = self.now();
            let inputs = json!({ "id": id, "change": change });
            let act = Act { name: "connections.update", tenant: "", workspace: None, inputs };
            let done = self.act(caller, act, async {
                let mut batch = self.store.batch();
                batch.update_connection(&connection.to_row());
                if let Some(clients) = &clients {
                    batch.disable_clients(id);
                    for client in clients {
                        batch.enable_client(id, client);
                    }
                }
                match self.store.commit(batch).await {
                    Ok(_) => Ok(true),
                    // Somebody was faster: read again.
                    Err(BatchError::Untouched(_)) => Ok(false),
                    Err(BatchError::Dangling(_)) => {
                        Err(Refusal::invalid("enabled_clients names a client that does not exist"))
                    }
                    Err(error) => Err(error.into()),
                }
            });
            if done.await? {
                let row = connection.to_row();
                return self
                    .whole_connections(caller, vec![row])
                    .await?
                    .pop()
                    .ok_or(Refusal::Missing(Kind::Connection));
            }
        }
        Err(Refusal::Contended(Kind::Connection))
    }

    pub(crate) fn apply_to_connection(&self, connection: &mut Connection, change: Fields) -> Result<(), Refusal> {
        for (name, value) in change {
            match (name.as_str(), value) {
                ("enabled_clients", _) => {}
                ("options", Value::Object(options)) => {
                    check(&connection.strategy, &options)?;
                    self.put_options(connection, Some(options))?;
                }
                ("options", _) => self.put_options(connection, None)?,
                (_, Value::Null) => drop(connection.fields.shift_remove(&name)),
                (_, value) => drop(connection.fields.insert(name, value)),
            }
        }
        Ok(())
    }
}
