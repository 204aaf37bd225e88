//! Making a connection.

use serde_json::{Value, json};
use tenantry_store::BatchError;

use crate::act::Act;
use crate::caller::Target;
use crate::connections::{Connection, check, usual_options};
use crate::text::Fields;
use crate::{Caller, Identity, Kind, Refusal, ids};

/// What a connection is made from.
#[derive(Debug, Clone, Default)]
pub struct NewConnection {
    /// Its name; unique, and never changes.
    pub name: String,
    /// `auth0`, `oidc`, `samlp`, `google-oauth2`, ….
    pub strategy: String,
    /// The clients that may use it, by their ids.
    pub enabled_clients: Vec<String>,
    /// `options`, `display_name`, `realms`, ….
    pub fields: Fields,
}

impl Identity {
    /// Makes a connection.
    ///
    /// # Errors
    /// [`Refusal::Exists`] when the name is taken; [`Refusal::Invalid`].
    pub async fn create_connection(&self, caller: &Caller, new: NewConnection) -> Result<Connection, Refusal> {
        caller.may(&["create:connections"], Target::Platform)?;
        let (mut connection, options) = self.shaped_connection(new)?;
        let inputs = json!({ "id": connection.id, "name": connection.name, "strategy": connection.strategy });
        let act = Act { name: "connections.create", tenant: "", workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            let row = batch.insert_connection(&connection.to_row());
            for client in &connection.enabled_clients {
                batch.enable_client(&connection.id, client);
            }
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Duplicate(place)) if place == row => Err(Refusal::Exists(Kind::Connection)),
                Err(BatchError::Dangling(_)) => {
                    Err(Refusal::invalid("enabled_clients names a client that does not exist"))
                }
                Err(error) => Err(error.into()),
            }
        })
        .await?;
        connection.fields.insert("options".to_owned(), Value::Object(options));
        Ok(connection)
    }

    /// The connection that is to be made, and its options with the secret ones. Nothing is written.
    pub(crate) fn shaped_connection(&self, new: NewConnection) -> Result<(Connection, Fields), Refusal> {
        let now = self.now();
        let mut fields = new.fields;
        fields.retain(|_, value| !value.is_null());
        let mut options = usual_options(&new.strategy);
        if let Some(Value::Object(given)) = fields.shift_remove("options") {
            options.extend(given);
        }
        check(&new.strategy, &options)?;
        for (name, usual) in [("is_domain_connection", json!(false)), ("realms", json!([new.name]))] {
            fields.entry(name).or_insert(usual);
        }
        let mut connection = Connection {
            id: ids::letters(self.entropy.as_ref(), "con_", 16)?,
            name: new.name,
            strategy: new.strategy,
            fields,
            enabled_clients: new.enabled_clients,
            secret: None,
            created_micros: now,
            updated_micros: now,
            version: 1,
        };
        self.put_options(&mut connection, Some(options.clone()))?;
        Ok((connection, options))
    }
}
