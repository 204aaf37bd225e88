//! What every installation begins with, written at most once however many servers start at the same time.

use crate::backend::Param;
use crate::{Batch, Store, StoreError};

impl Batch {
    /// Makes a role of the platform unless there is one with this id or name, with these permissions of
    /// an API.
    pub fn insert_role_once(
        &mut self,
        id: &str,
        name: &str,
        level: &str,
        description: &str,
        api: &str,
        permissions: &[&str],
    ) {
        let now = self.now;
        self.run(
            "INSERT INTO tenantry_role (id, account_id, name, folded, level, description, version, created_micros, \
             updated_micros) VALUES ($1, '', $2, $3, $4, $5, 1, $6, $6) ON CONFLICT DO NOTHING",
            vec![
                Param::text(id),
                Param::text(name),
                Param::Text(Some(name.to_lowercase())),
                Param::text(level),
                Param::text(description),
                Param::int(now),
            ],
        );
        for permission in permissions {
            // Nothing is given to a role that somebody else made with this name.
            self.run(
                "INSERT INTO tenantry_role_permission (role_id, api_id, permission, created_micros) \
                 SELECT id, $2, $3, $4 FROM tenantry_role WHERE id = $1 ON CONFLICT DO NOTHING",
                vec![Param::text(id), Param::text(api), Param::text(permission), Param::int(now)],
            );
        }
    }

    /// Gives an API another identifier, when the address of the platform changed.
    pub fn move_api(&mut self, id: &str, identifier: &str) {
        let now = self.now;
        self.run(
            "UPDATE tenantry_api SET identifier = $1, version = version + 1, updated_micros = $2 \
             WHERE id = $3 AND identifier <> $1",
            vec![Param::text(identifier), Param::int(now), Param::text(id)],
        );
    }
}

impl Store {
    /// Which of these roles exist.
    ///
    /// # Errors
    /// The store's.
    pub async fn existing_roles<T: AsRef<str>>(
        &self,
        ids: impl IntoIterator<Item = T>,
    ) -> Result<Vec<String>, StoreError> {
        let among = self.backend.among("id", 1);
        let sql = ["SELECT id FROM tenantry_role WHERE ", &among].concat();
        self.backend.find(sql, vec![Param::texts(ids)], |row| row.text(0).unwrap_or_default()).await
    }
}
