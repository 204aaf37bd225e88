//! Second factors and other ways to log in of a user.

use crate::backend::{Param, Row};
use crate::identity::Window;
use crate::{Batch, Place, Store, StoreError};

/// A method's row.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthenticationMethod {
    /// Its id: `totp|dev_…`.
    pub id: String,
    /// Whose.
    pub user_id: String,
    /// `email`, `phone`, `totp`, `webauthn-roaming`, `passkey` or `recovery-code`.
    pub kind: String,
    /// The sealed secret, or the hash of a recovery code.
    pub secret: Option<Vec<u8>>,
    /// The remaining fields, a JSON object.
    pub doc: String,
    /// When it was made, microseconds since 1970 UTC.
    pub created_micros: i64,
}

/// Secrets stay out of logs.
impl std::fmt::Debug for AuthenticationMethod {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthenticationMethod").field("id", &self.id).finish_non_exhaustive()
    }
}

const COLUMNS: &str = "id, user_id, kind, secret, doc, created_micros";

fn read(row: &Row<'_>) -> AuthenticationMethod {
    let text = |place| row.text(place).unwrap_or_default();
    AuthenticationMethod {
        id: text(0),
        user_id: text(1),
        kind: text(2),
        secret: row.bytes(3),
        doc: text(4),
        created_micros: row.int(5).unwrap_or_default(),
    }
}

impl Batch {
    /// Keeps a method. Dangling when there is no such user.
    pub fn insert_authentication_method(&mut self, method: &AuthenticationMethod) -> Place {
        self.run(
            "INSERT INTO tenantry_authentication_method (id, user_id, kind, secret, doc, created_micros) \
             VALUES ($1, $2, $3, $4, $5, $6)",
            vec![
                Param::text(&method.id),
                Param::text(&method.user_id),
                Param::text(&method.kind),
                Param::MaybeBytes(method.secret.clone()),
                Param::text(&method.doc),
                Param::int(method.created_micros),
            ],
        )
    }

    /// Writes a method's remaining fields, where they are still `old`; untouched when somebody was faster.
    pub fn update_authentication_method(&mut self, user_id: &str, id: &str, old: &str, new: &str) -> Place {
        self.must(
            "UPDATE tenantry_authentication_method SET doc = $1 WHERE id = $2 AND user_id = $3 AND doc = $4",
            vec![Param::text(new), Param::text(id), Param::text(user_id), Param::text(old)],
        )
    }

    /// Removes a user's method; untouched when it has none of that id.
    pub fn delete_authentication_method(&mut self, user_id: &str, id: &str) -> Place {
        self.must(
            "DELETE FROM tenantry_authentication_method WHERE id = $1 AND user_id = $2",
            vec![Param::text(id), Param::text(user_id)],
        )
    }

    /// Removes a user's methods of one kind.
    pub fn delete_authentication_methods_of_kind(&mut self, user_id: &str, kind: &str) -> Place {
        self.run(
            "DELETE FROM tenantry_authentication_method WHERE user_id = $1 AND kind = $2",
            vec![Param::text(user_id), Param::text(kind)],
        )
    }

    /// Removes all methods of a user.
    pub fn delete_authentication_methods(&mut self, user_id: &str) -> Place {
        self.run("DELETE FROM tenantry_authentication_method WHERE user_id = $1", vec![Param::text(user_id)])
    }
}

impl Store {
    /// A user's method.
    ///
    /// # Errors
    /// The store's.
    pub async fn authentication_method(
        &self,
        user_id: &str,
        id: &str,
    ) -> Result<Option<AuthenticationMethod>, StoreError> {
        let sql = ["SELECT ", COLUMNS, " FROM tenantry_authentication_method WHERE id = $1 AND user_id = $2"].concat();
        Ok(self.backend.find(sql, vec![Param::text(id), Param::text(user_id)], read).await?.pop())
    }

    /// A user's methods, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn authentication_methods(
        &self,
        user_id: &str,
        window: Window,
    ) -> Result<Vec<AuthenticationMethod>, StoreError> {
        let sql = [
            "SELECT ",
            COLUMNS,
            " FROM tenantry_authentication_method WHERE user_id = $1 ORDER BY created_micros, id LIMIT $2 OFFSET $3",
        ]
        .concat();
        let params = vec![Param::text(user_id), Param::int(window.limit), Param::int(window.offset)];
        self.backend.find(sql, params, read).await
    }

    /// How many methods a user has.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_authentication_methods(&self, user_id: &str) -> Result<i64, StoreError> {
        let sql = "SELECT count(*) FROM tenantry_authentication_method WHERE user_id = $1";
        let found = self.backend.find(sql, vec![Param::text(user_id)], |row| row.int(0)).await?;
        Ok(found.into_iter().flatten().next().unwrap_or_default())
    }
}
