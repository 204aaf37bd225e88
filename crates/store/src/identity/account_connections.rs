//! Which connections people of an account may log in by.

use crate::backend::{Param, Row};
use crate::identity::Stretch;
use crate::{Batch, Place, Store, StoreError};

/// A connection in an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountConnection {
    /// The connection's id.
    pub connection_id: String,
    /// The connection's name.
    pub name: String,
    /// The connection's strategy.
    pub strategy: String,
    /// May people log in by it?
    pub enabled: bool,
    /// The remaining fields, a JSON object.
    pub doc: String,
    /// Counts the changes.
    pub version: i64,
    /// Microseconds since 1970 UTC.
    pub created_micros: i64,
}

const SELECT: &str = "SELECT a.connection_id, c.name, c.strategy, a.enabled, a.doc, a.version, a.created_micros \
     FROM tenantry_account_connection a JOIN tenantry_connection c ON c.id = a.connection_id ";

pub(super) fn read(row: &Row<'_>) -> AccountConnection {
    let text = |place| row.text(place).unwrap_or_default();
    AccountConnection {
        connection_id: text(0),
        name: text(1),
        strategy: text(2),
        enabled: row.int(3) == Some(1),
        doc: text(4),
        version: row.int(5).unwrap_or_default(),
        created_micros: row.int(6).unwrap_or_default(),
    }
}

impl Batch {
    /// Gives an account a connection. Dangling when the connection does not exist.
    pub fn insert_account_connection(
        &mut self,
        account: &str,
        connection: &str,
        enabled: bool,
        doc: &str,
        created_micros: i64,
    ) -> Place {
        self.run(
            "INSERT INTO tenantry_account_connection \
             (account_id, connection_id, enabled, doc, version, created_micros) VALUES ($1, $2, $3, $4, 1, $5)",
            vec![
                Param::text(account),
                Param::text(connection),
                Param::int(i64::from(enabled)),
                Param::text(doc),
                Param::int(created_micros),
            ],
        )
    }

    /// Writes one that was read at its version; untouched when somebody was faster.
    pub fn update_account_connection(&mut self, account: &str, connection: &AccountConnection) -> Place {
        self.must(
            "UPDATE tenantry_account_connection SET enabled = $1, doc = $2, version = version + 1 \
             WHERE account_id = $3 AND connection_id = $4 AND version = $5",
            vec![
                Param::int(i64::from(connection.enabled)),
                Param::text(&connection.doc),
                Param::text(account),
                Param::text(&connection.connection_id),
                Param::int(connection.version),
            ],
        )
    }

    /// Takes a connection from an account.
    pub fn delete_account_connection(&mut self, account: &str, connection: &str) -> Place {
        self.run(
            "DELETE FROM tenantry_account_connection WHERE account_id = $1 AND connection_id = $2",
            vec![Param::text(account), Param::text(connection)],
        )
    }
}

impl Store {
    /// The connections of an account, in the order in which it got them; of `enabled`, where that is asked.
    ///
    /// # Errors
    /// The store's.
    pub async fn account_connections(
        &self,
        account: &str,
        enabled: Option<bool>,
        part: &Stretch,
    ) -> Result<Vec<AccountConnection>, StoreError> {
        let mut params = vec![Param::text(account), Param::Int(enabled.map(i64::from))];
        params.extend(part.params());
        let sql = [
            SELECT,
            "WHERE a.account_id = $1 AND a.enabled = coalesce($2, a.enabled) \
             AND (a.created_micros, a.connection_id) > ($3, $4) \
             ORDER BY a.created_micros, a.connection_id LIMIT $5 OFFSET $6",
        ]
        .concat();
        self.backend.find(sql, params, read).await
    }

    /// How many of them there are.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_account_connections(&self, account: &str, enabled: Option<bool>) -> Result<i64, StoreError> {
        let sql = "SELECT count(*) FROM tenantry_account_connection \
             WHERE account_id = $1 AND enabled = coalesce($2, enabled)";
        let params = vec![Param::text(account), Param::Int(enabled.map(i64::from))];
        Ok(self.backend.find(sql, params, |row| row.int(0)).await?.into_iter().flatten().next().unwrap_or_default())
    }

    /// A connection of an account.
    ///
    /// # Errors
    /// The store's.
    pub async fn account_connection(
        &self,
        account: &str,
        connection: &str,
    ) -> Result<Option<AccountConnection>, StoreError> {
        let sql = [SELECT, "WHERE a.account_id = $1 AND a.connection_id = $2"].concat();
        let params = vec![Param::text(account), Param::text(connection)];
        Ok(self.backend.find(sql, params, read).await?.pop())
    }
}
