//! Connections.

use serde_json::{Value, json};

use super::Draft;
use crate::act::Act;
use crate::connections::{Connection, NewConnection};
use crate::text::Fields;
use crate::{Kind, Refusal};

impl Draft<'_> {
    /// Makes a connection, as [`crate::Identity::create_connection`].
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn create_connection(&mut self, new: NewConnection) -> Result<Connection, Refusal> {
        let (connection, _) = self.identity.shaped_connection(new)?;
        let inputs = json!({ "id": connection.id, "name": connection.name, "strategy": connection.strategy });
        self.begin(Kind::Connection, &Act { name: "connections.create", tenant: "", workspace: None, inputs });
        self.batch.insert_connection(&connection.to_row());
        for client in &connection.enabled_clients {
            self.batch.enable_client(&connection.id, client);
        }
        Ok(connection)
    }

    /// Changes a connection: members that `change` has replace those that were there (those of `options` each by
    /// itself, with the secret ones), and these clients (their ids) may use it.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn update_connection(
        &mut self,
        before: &Connection,
        mut change: Fields,
        clients: &[String],
    ) -> Result<Connection, Refusal> {
        let mut connection = before.clone();
        let names: Vec<String> = change.keys().cloned().collect();
        if let Some(Value::Object(given)) = change.shift_remove("options") {
            let mut options = self.identity.whole_options(before)?;
            crate::text::merge(&mut options, given);
            change.insert("options".to_owned(), Value::Object(options));
        }
        self.identity.apply_to_connection(&mut connection, change)?;
        connection.updated_micros = self.identity.now();
        connection.enabled_clients = clients.to_vec();
        let inputs = json!({ "id": connection.id, "changed": names, "enabled_clients": clients });
        self.begin(Kind::Connection, &Act { name: "connections.update", tenant: "", workspace: None, inputs });
        self.batch.update_connection(&connection.to_row());
        for client in before.enabled_clients.iter().filter(|client| !clients.contains(client)) {
            self.batch.disable_client(&connection.id, client);
        }
        for client in clients.iter().filter(|client| !before.enabled_clients.contains(client)) {
            self.batch.enable_client(&connection.id, client);
        }
        Ok(connection)
    }

    /// Removes a connection with its users, as [`crate::Identity::delete_connection`].
    pub fn delete_connection(&mut self, connection: &Connection) {
        let inputs = json!({ "id": connection.id, "name": connection.name });
        self.begin(Kind::Connection, &Act { name: "connections.delete", tenant: "", workspace: None, inputs });
        self.batch.delete_connection(&connection.id, &connection.name);
    }
}
