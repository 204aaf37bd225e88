//! Sessions: where a user is logged in.

use crate::backend::{Param, Row};
use crate::{Batch, Place, Store, StoreError};

/// A session's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: String,
    /// Whose.
    pub user_id: String,
    /// The remaining fields, a JSON object: `device`, `clients`, `authentication`, `session_metadata`.
    pub doc: String,
    /// When the user logged in, microseconds since 1970 UTC.
    pub created_micros: i64,
    /// When it was last used.
    pub seen_micros: i64,
    /// When it ends unless it is used.
    pub idle_micros: i64,
    /// When it ends in any case.
    pub expires_micros: i64,
}

const COLUMNS: &str = "id, user_id, doc, created_micros, seen_micros, idle_micros, expires_micros";

fn read(row: &Row<'_>) -> Session {
    let text = |place| row.text(place).unwrap_or_default();
    let int = |place| row.int(place).unwrap_or_default();
    Session {
        id: text(0),
        user_id: text(1),
        doc: text(2),
        created_micros: int(3),
        seen_micros: int(4),
        idle_micros: int(5),
        expires_micros: int(6),
    }
}

impl Batch {
    /// Makes a session. Dangling when there is no such user.
    pub fn insert_session(&mut self, session: &Session) -> Place {
        self.run(
            "INSERT INTO tenantry_session (id, user_id, doc, created_micros, seen_micros, idle_micros, expires_micros) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            vec![
                Param::text(&session.id),
                Param::text(&session.user_id),
                Param::text(&session.doc),
                Param::int(session.created_micros),
                Param::int(session.seen_micros),
                Param::int(session.idle_micros),
                Param::int(session.expires_micros),
            ],
        )
    }

    /// Notes that a session was used; it then lives until `idle_micros` at least.
    pub fn touch_session(&mut self, id: &str, seen_micros: i64, idle_micros: i64) -> Place {
        self.must(
            "UPDATE tenantry_session SET seen_micros = $1, idle_micros = $2 WHERE id = $3 AND seen_micros <= $1",
            vec![Param::int(seen_micros), Param::int(idle_micros), Param::text(id)],
        )
    }

    /// Writes a session's remaining fields, where they are still `old`; untouched when somebody was faster.
    pub fn update_session(&mut self, id: &str, old: &str, new: &str) -> Place {
        self.must(
            "UPDATE tenantry_session SET doc = $1 WHERE id = $2 AND doc = $3",
            vec![Param::text(new), Param::text(id), Param::text(old)],
        )
    }

    /// Ends a session; does nothing when there is none.
    pub fn delete_session(&mut self, id: &str) -> Place {
        self.run("DELETE FROM tenantry_session WHERE id = $1", vec![Param::text(id)])
    }

    /// Ends all sessions of a user.
    pub fn delete_sessions_of(&mut self, user_id: &str) -> Place {
        self.run("DELETE FROM tenantry_session WHERE user_id = $1", vec![Param::text(user_id)])
    }

    /// Removes sessions that ended before a time.
    pub fn purge_sessions(&mut self, before_micros: i64) -> Place {
        self.run(
            "DELETE FROM tenantry_session WHERE expires_micros < $1 OR idle_micros < $1",
            vec![Param::int(before_micros)],
        )
    }
}

impl Store {
    /// The session of that id, ended or not.
    ///
    /// # Errors
    /// The store's.
    pub async fn session(&self, id: &str) -> Result<Option<Session>, StoreError> {
        let sql = ["SELECT ", COLUMNS, " FROM tenantry_session WHERE id = $1"].concat();
        Ok(self.backend.find(sql, vec![Param::text(id)], read).await?.pop())
    }

    /// The sessions of a user that have not ended at `now_micros`, oldest first, made after the one of that
    /// place (its time and id).
    ///
    /// # Errors
    /// The store's.
    pub async fn sessions_of(
        &self,
        user_id: &str,
        now_micros: i64,
        after: Option<(i64, &str)>,
        limit: i64,
    ) -> Result<Vec<Session>, StoreError> {
        let (micros, id) = after.unwrap_or((i64::MIN, ""));
        let sql = [
            "SELECT ",
            COLUMNS,
            " FROM tenantry_session WHERE user_id = $1 AND expires_micros > $2 AND idle_micros > $2 \
             AND (created_micros, id) > ($3, $4) ORDER BY created_micros, id LIMIT $5",
        ]
        .concat();
        let params =
            vec![Param::text(user_id), Param::int(now_micros), Param::int(micros), Param::text(id), Param::int(limit)];
        self.backend.find(sql, params, read).await
    }

    /// How many sessions of a user have not ended.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_sessions_of(&self, user_id: &str, now_micros: i64) -> Result<i64, StoreError> {
        let sql =
            "SELECT count(*) FROM tenantry_session WHERE user_id = $1 AND expires_micros > $2 AND idle_micros > $2";
        let found = self.backend.find(sql, vec![Param::text(user_id), Param::int(now_micros)], |row| row.int(0));
        Ok(found.await?.into_iter().flatten().next().unwrap_or_default())
    }
}
