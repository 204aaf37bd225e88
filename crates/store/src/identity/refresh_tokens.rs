//! Refresh tokens: one row for each family of tokens that were rotated into one another.

use crate::backend::{Param, Row};
use crate::{Batch, Place, Store, StoreError};

/// A family's row.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// The family's id, which is shown.
    pub id: String,
    /// Whose.
    pub user_id: String,
    /// The client that uses it.
    pub client_id: String,
    /// The session in which it was made.
    pub session_id: Option<String>,
    /// The account in which it acts.
    pub account_id: Option<String>,
    /// The workspace in which it acts.
    pub workspace_id: Option<String>,
    /// The hash of the token in force.
    pub hash: Vec<u8>,
    /// How often it was rotated.
    pub generation: i64,
    /// Is it rotated with each use?
    pub rotating: bool,
    /// The remaining fields, a JSON object: `resource_servers`, `device`, `refresh_token_metadata`, ….
    pub doc: String,
    /// When the family began, microseconds since 1970 UTC.
    pub created_micros: i64,
    /// When it was last used.
    pub used_micros: Option<i64>,
    /// When it ends unless it is used.
    pub idle_micros: Option<i64>,
    /// When it ends in any case.
    pub expires_micros: Option<i64>,
}

/// Hashes stay out of logs.
impl std::fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RefreshToken").field("id", &self.id).field("user_id", &self.user_id).finish_non_exhaustive()
    }
}

pub(crate) const COLUMNS: &str = "id, user_id, client_id, session_id, account_id, workspace_id, hash, generation, \
     rotating, doc, created_micros, used_micros, idle_micros, expires_micros";

pub(crate) fn read(row: &Row<'_>) -> RefreshToken {
    let text = |place| row.text(place).unwrap_or_default();
    let int = |place| row.int(place).unwrap_or_default();
    RefreshToken {
        id: text(0),
        user_id: text(1),
        client_id: text(2),
        session_id: row.text(3),
        account_id: row.text(4),
        workspace_id: row.text(5),
        hash: row.bytes(6).unwrap_or_default(),
        generation: int(7),
        rotating: int(8) != 0,
        doc: text(9),
        created_micros: int(10),
        used_micros: row.int(11),
        idle_micros: row.int(12),
        expires_micros: row.int(13),
    }
}

/// Not ended at the time in parameter `$1`.
const ALIVE: &str = "(expires_micros IS NULL OR expires_micros > $1) AND (idle_micros IS NULL OR idle_micros > $1)";

impl Batch {
    /// Begins a family. Dangling when the user or the client does not exist.
    pub fn insert_refresh_token(&mut self, token: &RefreshToken) -> Place {
        self.run(
            "INSERT INTO tenantry_refresh_token (id, user_id, client_id, session_id, account_id, workspace_id, hash, \
             generation, rotating, doc, created_micros, used_micros, idle_micros, expires_micros) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
            vec![
                Param::text(&token.id),
                Param::text(&token.user_id),
                Param::text(&token.client_id),
                Param::maybe(token.session_id.as_deref()),
                Param::maybe(token.account_id.as_deref()),
                Param::maybe(token.workspace_id.as_deref()),
                Param::Bytes(token.hash.clone()),
                Param::int(token.generation),
                Param::int(i64::from(token.rotating)),
                Param::text(&token.doc),
                Param::int(token.created_micros),
                Param::Int(token.used_micros),
                Param::Int(token.idle_micros),
                Param::Int(token.expires_micros),
            ],
        )
    }

    /// Writes a family's remaining fields, where they are still `old`; untouched when somebody was faster.
    pub fn update_refresh_token(&mut self, id: &str, old: &str, new: &str) -> Place {
        self.must(
            "UPDATE tenantry_refresh_token SET doc = $1 WHERE id = $2 AND doc = $3",
            vec![Param::text(new), Param::text(id), Param::text(old)],
        )
    }

    /// Ends a family; does nothing when there is none.
    pub fn delete_refresh_token(&mut self, id: &str) -> Place {
        self.run("DELETE FROM tenantry_refresh_token WHERE id = $1", vec![Param::text(id)])
    }

    /// Ends the families of a user, those of one client, or those of a user at a client.
    pub fn delete_refresh_tokens(&mut self, user_id: Option<&str>, client_id: Option<&str>) -> Option<Place> {
        Some(match (user_id, client_id) {
            (Some(user), None) => {
                self.run("DELETE FROM tenantry_refresh_token WHERE user_id = $1", vec![Param::text(user)])
            }
            (None, Some(client)) => {
                self.run("DELETE FROM tenantry_refresh_token WHERE client_id = $1", vec![Param::text(client)])
            }
            (Some(user), Some(client)) => self.run(
                "DELETE FROM tenantry_refresh_token WHERE user_id = $1 AND client_id = $2",
                vec![Param::text(user), Param::text(client)],
            ),
            (None, None) => return None,
        })
    }

    /// Ends the families that were made in a session.
    pub fn delete_refresh_tokens_of_session(&mut self, session_id: &str) -> Place {
        self.run("DELETE FROM tenantry_refresh_token WHERE session_id = $1", vec![Param::text(session_id)])
    }

    /// Removes families that ended before a time.
    pub fn purge_refresh_tokens(&mut self, before_micros: i64) -> Place {
        self.run(
            "DELETE FROM tenantry_refresh_token WHERE expires_micros < $1 OR idle_micros < $1",
            vec![Param::int(before_micros)],
        )
    }
}

impl Store {
    /// The family of that id, ended or not.
    ///
    /// # Errors
    /// The store's.
    pub async fn refresh_token(&self, id: &str) -> Result<Option<RefreshToken>, StoreError> {
        let sql = ["SELECT ", COLUMNS, " FROM tenantry_refresh_token WHERE id = $1"].concat();
        Ok(self.backend.find(sql, vec![Param::text(id)], read).await?.pop())
    }

    /// Those of these ids.
    ///
    /// # Errors
    /// The store's.
    pub async fn refresh_tokens_among(&self, ids: &[String]) -> Result<Vec<RefreshToken>, StoreError> {
        let sql = ["SELECT ", COLUMNS, " FROM tenantry_refresh_token WHERE ", &self.backend.among("id", 1)].concat();
        self.backend.find(sql, vec![Param::texts(ids)], read).await
    }

    /// The families of a user (of one client, when one is named) that have not ended, oldest first, begun
    /// after the one of that place (its time and id).
    ///
    /// # Errors
    /// The store's.
    pub async fn refresh_tokens_of(
        &self,
        user_id: &str,
        client_id: Option<&str>,
        now_micros: i64,
        after: Option<(i64, &str)>,
        limit: i64,
    ) -> Result<Vec<RefreshToken>, StoreError> {
        let (micros, id) = after.unwrap_or((i64::MIN, ""));
        let sql = [
            "SELECT ",
            COLUMNS,
            " FROM tenantry_refresh_token WHERE user_id = $2 AND ($3 = '' OR client_id = $3) AND ",
            ALIVE,
            " AND (created_micros, id) > ($4, $5) ORDER BY created_micros, id LIMIT $6",
        ]
        .concat();
        let params = vec![
            Param::int(now_micros),
            Param::text(user_id),
            Param::text(client_id.unwrap_or_default()),
            Param::int(micros),
            Param::text(id),
            Param::int(limit),
        ];
        self.backend.find(sql, params, read).await
    }

    /// How many families of a user have not ended.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_refresh_tokens_of(&self, user_id: &str, now_micros: i64) -> Result<i64, StoreError> {
        let sql = ["SELECT count(*) FROM tenantry_refresh_token WHERE user_id = $2 AND ", ALIVE].concat();
        let found = self.backend.find(sql, vec![Param::int(now_micros), Param::text(user_id)], |row| row.int(0));
        Ok(found.await?.into_iter().flatten().next().unwrap_or_default())
    }
}
