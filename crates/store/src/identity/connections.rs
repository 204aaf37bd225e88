//! Connections: where logins are checked, and which clients may use them.

use crate::backend::{Param, Row};
use crate::identity::Window;
use crate::identity::condition::Conditions;
use crate::{Batch, Place, Store, StoreError};

/// A connection's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// `con_` and 16 letters and digits.
    pub id: String,
    /// Its name; unique, and never changes.
    pub name: String,
    /// `auth0` for our own passwords, `oidc`, `samlp`, `google-oauth2`, ….
    pub strategy: String,
    /// The secret ones of its options, a JSON object, sealed.
    pub secret: Option<Vec<u8>>,
    /// The remaining fields, a JSON object: `options`, `display_name`, ….
    pub doc: String,
    /// Counts the changes.
    pub version: i64,
    /// Microseconds since 1970 UTC.
    pub created_micros: i64,
    /// Microseconds since 1970 UTC.
    pub updated_micros: i64,
}

/// Which connections.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectionFilter {
    /// Only of these strategies; all when empty.
    pub strategies: Vec<String>,
    /// Only the one of this name.
    pub name: Option<String>,
    /// Only those that this client may use.
    pub client_id: Option<String>,
}

const COLUMNS: &str = "c.id, c.name, c.strategy, c.secret, c.doc, c.version, c.created_micros, c.updated_micros";

fn read(row: &Row<'_>) -> Connection {
    let text = |place| row.text(place).unwrap_or_default();
    let int = |place| row.int(place).unwrap_or_default();
    Connection {
        id: text(0),
        name: text(1),
        strategy: text(2),
        secret: row.bytes(3),
        doc: text(4),
        version: int(5),
        created_micros: int(6),
        updated_micros: int(7),
    }
}

fn pair(row: &Row<'_>) -> (String, String) {
    (row.text(0).unwrap_or_default(), row.text(1).unwrap_or_default())
}

impl Batch {
    /// Makes a connection. A duplicate is a name that is taken.
    pub fn insert_connection(&mut self, connection: &Connection) -> Place {
        self.run(
            "INSERT INTO tenantry_connection (id, name, strategy, secret, doc, version, created_micros, \
             updated_micros) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            connection_params(connection),
        )
    }

    /// Makes a connection unless there is one with this id or name.
    pub fn insert_connection_once(&mut self, connection: &Connection) -> Place {
        self.run(
            "INSERT INTO tenantry_connection (id, name, strategy, secret, doc, version, created_micros, \
             updated_micros) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
            connection_params(connection),
        )
    }

    /// Writes a connection that was read at `connection.version`; untouched when somebody was faster.
    pub fn update_connection(&mut self, connection: &Connection) -> Place {
        self.must(
            "UPDATE tenantry_connection SET secret = $1, doc = $2, version = version + 1, updated_micros = $3 \
             WHERE id = $4 AND version = $5",
            vec![
                Param::MaybeBytes(connection.secret.clone()),
                Param::text(&connection.doc),
                Param::int(connection.updated_micros),
                Param::text(&connection.id),
                Param::int(connection.version),
            ],
        )
    }

    /// Removes a connection, the users whom it made, and the identities that it gave to others; their tokens
    /// end. A duplicate is another change of rights at the same moment; nothing was written then.
    pub fn delete_connection(&mut self, id: &str, name: &str) -> Place {
        let now = self.now;
        self.run(
            "INSERT INTO tenantry_change (seq, time_micros, kind, subject) \
             SELECT (SELECT coalesce(max(seq), 0) FROM tenantry_change) + row_number() OVER (ORDER BY u.id), \
             $1, 'user', u.id FROM tenantry_user u WHERE u.connection = $2 OR u.id IN \
             (SELECT user_id FROM tenantry_identity WHERE connection = $2)",
            vec![Param::int(now), Param::text(name)],
        );
        self.delete_connection_users(name);
        self.must("DELETE FROM tenantry_connection WHERE id = $1", vec![Param::text(id)])
    }

    /// Lets a client use a connection. Dangling when one of them does not exist.
    pub fn enable_client(&mut self, connection: &str, client: &str) -> Place {
        let now = self.now;
        self.run(
            "INSERT INTO tenantry_connection_client (connection_id, client_id, created_micros) VALUES ($1, $2, $3) \
             ON CONFLICT (connection_id, client_id) DO NOTHING",
            vec![Param::text(connection), Param::text(client), Param::int(now)],
        )
    }

    /// Lets a client use a connection no more.
    pub fn disable_client(&mut self, connection: &str, client: &str) -> Place {
        self.run(
            "DELETE FROM tenantry_connection_client WHERE connection_id = $1 AND client_id = $2",
            vec![Param::text(connection), Param::text(client)],
        )
    }

    /// Lets no client use a connection.
    pub fn disable_clients(&mut self, connection: &str) -> Place {
        self.run("DELETE FROM tenantry_connection_client WHERE connection_id = $1", vec![Param::text(connection)])
    }
}

fn connection_params(connection: &Connection) -> Vec<Param> {
    vec![
        Param::text(&connection.id),
        Param::text(&connection.name),
        Param::text(&connection.strategy),
        Param::MaybeBytes(connection.secret.clone()),
        Param::text(&connection.doc),
        Param::int(connection.version),
        Param::int(connection.created_micros),
        Param::int(connection.updated_micros),
    ]
}

impl Store {
    /// The connection of that id.
    ///
    /// # Errors
    /// The store's.
    pub async fn connection(&self, id: &str) -> Result<Option<Connection>, StoreError> {
        let sql = ["SELECT ", COLUMNS, " FROM tenantry_connection c WHERE c.id = $1"].concat();
        Ok(self.backend.find(sql, vec![Param::text(id)], read).await?.pop())
    }

    /// The connection of that name.
    ///
    /// # Errors
    /// The store's.
    pub async fn connection_named(&self, name: &str) -> Result<Option<Connection>, StoreError> {
        let sql = ["SELECT ", COLUMNS, " FROM tenantry_connection c WHERE c.name = $1"].concat();
        Ok(self.backend.find(sql, vec![Param::text(name)], read).await?.pop())
    }

    /// The connections of these ids, in no order.
    ///
    /// # Errors
    /// The store's.
    pub async fn connections_of<T: AsRef<str>>(
        &self,
        ids: impl IntoIterator<Item = T>,
    ) -> Result<Vec<Connection>, StoreError> {
        let among = self.backend.among("c.id", 1);
        let sql = ["SELECT ", COLUMNS, " FROM tenantry_connection c WHERE ", &among].concat();
        self.backend.find(sql, vec![Param::texts(ids)], read).await
    }

    /// Connections, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn connections(
        &self,
        filter: &ConnectionFilter,
        after: Option<(i64, &str)>,
        window: Window,
    ) -> Result<Vec<Connection>, StoreError> {
        let mut conditions = self.connection_conditions(filter);
        conditions.after("(c.created_micros, c.id) > ", after);
        let (limit, offset) = (conditions.param(Param::int(window.limit)), conditions.param(Param::int(window.offset)));
        let sql = [
            "SELECT ",
            COLUMNS,
            " FROM tenantry_connection c",
            conditions.clause(),
            " ORDER BY c.created_micros, c.id LIMIT ",
            &limit,
            " OFFSET ",
            &offset,
        ]
        .concat();
        self.backend.find(sql, conditions.into_params(), read).await
    }

    /// How many connections there are.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_connections(&self, filter: &ConnectionFilter) -> Result<i64, StoreError> {
        let conditions = self.connection_conditions(filter);
        let sql = ["SELECT count(*) FROM tenantry_connection c", conditions.clause()].concat();
        let found = self.backend.find(sql, conditions.into_params(), |row| row.int(0)).await?;
        Ok(found.into_iter().flatten().next().unwrap_or_default())
    }

    fn connection_conditions(&self, filter: &ConnectionFilter) -> Conditions {
        let mut conditions = Conditions::default();
        if !filter.strategies.is_empty() {
            conditions.and_with(Param::texts(&filter.strategies), |place| self.backend.among("c.strategy", place));
        }
        if let Some(name) = &filter.name {
            conditions.and("c.name = ", Param::text(name));
        }
        if let Some(client) = &filter.client_id {
            conditions.and_with(Param::text(client), |place| {
                format!("c.id IN (SELECT connection_id FROM tenantry_connection_client WHERE client_id = ${place})")
            });
        }
        conditions
    }

    /// Which clients may use these connections: pairs of connection and client, by their ids.
    ///
    /// # Errors
    /// The store's.
    pub async fn enabled_clients<T: AsRef<str>>(
        &self,
        connections: impl IntoIterator<Item = T>,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let among = self.backend.among("connection_id", 1);
        let sql = [
            "SELECT connection_id, client_id FROM tenantry_connection_client WHERE ",
            &among,
            " ORDER BY connection_id, created_micros, client_id",
        ]
        .concat();
        self.backend.find(sql, vec![Param::texts(connections)], pair).await
    }

    /// The clients that may use a connection, by their ids, after the one of that id.
    ///
    /// # Errors
    /// The store's.
    pub async fn clients_of_connection(
        &self,
        connection: &str,
        after: &str,
        limit: i64,
    ) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT client_id FROM tenantry_connection_client WHERE connection_id = $1 AND client_id > $2 \
             ORDER BY client_id LIMIT $3";
        let params = vec![Param::text(connection), Param::text(after), Param::int(limit)];
        self.backend.find(sql, params, |row| row.text(0).unwrap_or_default()).await
    }

    /// May the client use the connection?
    ///
    /// # Errors
    /// The store's.
    pub async fn is_client_enabled(&self, connection: &str, client: &str) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM tenantry_connection_client WHERE connection_id = $1 AND client_id = $2";
        let found = self.backend.find(sql, vec![Param::text(connection), Param::text(client)], |_| ()).await?;
        Ok(!found.is_empty())
    }
}
