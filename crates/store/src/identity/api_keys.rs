//! Keys by which programs call models.

use crate::backend::{Param, Row};
use crate::identity::Stretch;
use crate::{Batch, Place, Store, StoreError};

/// A key's row. The key itself was shown once; its hash is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: String,
    /// SHA-256 of the key.
    pub hash: Vec<u8>,
    /// How the key begins, for people.
    pub prefix: String,
    /// Its name for people.
    pub name: String,
    /// The account that it is for.
    pub account_id: String,
    /// The one workspace that it is for.
    pub workspace_id: Option<String>,
    /// The user in whose name it acts.
    pub user_id: Option<String>,
    /// What it may, a JSON object.
    pub doc: String,
    /// `active` or `disabled`.
    pub status: String,
    /// Who made it.
    pub created_by: String,
    /// Microseconds since 1970 UTC.
    pub created_micros: i64,
    /// Microseconds since 1970 UTC.
    pub expires_micros: i64,
    /// About when it was last used, microseconds since 1970 UTC.
    pub last_used_micros: Option<i64>,
}

const COLUMNS: &str = "id, hash, prefix, name, account_id, workspace_id, user_id, doc, status, created_by, \
     created_micros, expires_micros, last_used_micros";

fn read(row: &Row<'_>) -> ApiKey {
    let text = |place| row.text(place).unwrap_or_default();
    let int = |place| row.int(place).unwrap_or_default();
    ApiKey {
        id: text(0),
        hash: row.bytes(1).unwrap_or_default(),
        prefix: text(2),
        name: text(3),
        account_id: text(4),
        workspace_id: row.text(5),
        user_id: row.text(6),
        doc: text(7),
        status: text(8),
        created_by: text(9),
        created_micros: int(10),
        expires_micros: int(11),
        last_used_micros: row.int(12),
    }
}

impl Batch {
    /// Makes a key. Dangling when its account, workspace or user does not exist.
    pub fn insert_api_key(&mut self, key: &ApiKey) -> Place {
        self.run(
            "INSERT INTO tenantry_api_key (id, hash, prefix, name, account_id, workspace_id, user_id, doc, status, \
             created_by, created_micros, expires_micros) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            vec![
                Param::text(&key.id),
                Param::Bytes(key.hash.clone()),
                Param::text(&key.prefix),
                Param::text(&key.name),
                Param::text(&key.account_id),
                Param::maybe(key.workspace_id.as_deref()),
                Param::maybe(key.user_id.as_deref()),
                Param::text(&key.doc),
                Param::text(&key.status),
                Param::text(&key.created_by),
                Param::int(key.created_micros),
                Param::int(key.expires_micros),
            ],
        )
    }

    /// Renames a key, or changes whether it is in force; `None` leaves it as it is. Untouched when the account
    /// has no such key.
    pub fn update_api_key(&mut self, account: &str, id: &str, name: Option<&str>, status: Option<&str>) -> Place {
        self.must(
            "UPDATE tenantry_api_key SET name = coalesce($1, name), status = coalesce($2, status) \
             WHERE account_id = $3 AND id = $4",
            vec![Param::maybe(name), Param::maybe(status), Param::text(account), Param::text(id)],
        )
    }

    /// Removes a key; untouched when the account has no such key.
    pub fn delete_api_key(&mut self, account: &str, id: &str) -> Place {
        self.must(
            "DELETE FROM tenantry_api_key WHERE account_id = $1 AND id = $2",
            vec![Param::text(account), Param::text(id)],
        )
    }

    /// Notes that a key was used.
    pub fn use_api_key(&mut self, id: &str, now: i64) -> Place {
        self.run(
            "UPDATE tenantry_api_key SET last_used_micros = $1 WHERE id = $2",
            vec![Param::int(now), Param::text(id)],
        )
    }
}

impl Store {
    /// The keys of an account, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn api_keys(&self, account: &str, part: &Stretch) -> Result<Vec<ApiKey>, StoreError> {
        let sql = [
            "SELECT ",
            COLUMNS,
            " FROM tenantry_api_key WHERE account_id = $1 AND (created_micros, id) > ($2, $3) \
             ORDER BY created_micros, id LIMIT $4 OFFSET $5",
        ]
        .concat();
        let mut params = vec![Param::text(account)];
        params.extend(part.params());
        self.backend.find(sql, params, read).await
    }

    /// How many keys an account has.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_api_keys(&self, account: &str) -> Result<i64, StoreError> {
        let sql = "SELECT count(*) FROM tenantry_api_key WHERE account_id = $1";
        let found = self.backend.find(sql, vec![Param::text(account)], |row| row.int(0)).await?;
        Ok(found.into_iter().flatten().next().unwrap_or_default())
    }

    /// A key of an account.
    ///
    /// # Errors
    /// The store's.
    pub async fn api_key(&self, account: &str, id: &str) -> Result<Option<ApiKey>, StoreError> {
        let sql = ["SELECT ", COLUMNS, " FROM tenantry_api_key WHERE account_id = $1 AND id = $2"].concat();
        Ok(self.backend.find(sql, vec![Param::text(account), Param::text(id)], read).await?.pop())
    }

    /// The key of that hash.
    ///
    /// # Errors
    /// The store's.
    pub async fn api_key_by_hash(&self, hash: &[u8]) -> Result<Option<ApiKey>, StoreError> {
        let sql = ["SELECT ", COLUMNS, " FROM tenantry_api_key WHERE hash = $1"].concat();
        Ok(self.backend.find(sql, vec![Param::Bytes(hash.to_vec())], read).await?.pop())
    }
}
