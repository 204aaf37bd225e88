//! The roles that can be held in an account, and what they may permit.

use super::Window;
use super::roles::{PermissionRow, Role, read, read_permission};
use crate::backend::{Param, Row};
use crate::{Store, StoreError};

impl Store {
    /// The roles that can be held in an account: its own, then those that the platform offers to all; each
    /// oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn roles_for_account(&self, account: &str, window: Window) -> Result<Vec<Role>, StoreError> {
        // Two parts, each found by the index: other accounts' roles are many.
        const SQL: &str = "SELECT r.id, r.account_id, r.name, r.folded, r.level, r.description, r.version, \
            r.created_micros, r.updated_micros FROM (SELECT 0 AS part, o.* FROM tenantry_role o WHERE o.account_id = $1 \
            UNION ALL SELECT 1 AS part, p.* FROM tenantry_role p WHERE p.account_id = '' AND p.level <> 'platform') AS r \
            ORDER BY r.part, r.created_micros, r.id LIMIT $2 OFFSET $3";
        let params = vec![Param::text(account), Param::int(window.limit), Param::int(window.offset)];
        self.backend.find(SQL, params, read).await
    }

    /// Is there a role of that name (as names are compared) that the platform offers to all?
    ///
    /// # Errors
    /// The store's.
    pub async fn is_offered_role(&self, folded: &str) -> Result<bool, StoreError> {
        const SQL: &str = "SELECT count(*) FROM tenantry_role WHERE account_id = '' AND folded = $1";
        let found = self.backend.find(SQL, vec![Param::text(folded)], |row| row.int(0)).await?;
        Ok(found.into_iter().flatten().any(|count| count > 0))
    }

    /// Which of these names (as names are compared) accounts have given to roles of their own: the name, how many
    /// accounts, and the name of one of them.
    ///
    /// # Errors
    /// The store's.
    pub async fn own_role_names<T: AsRef<str>>(
        &self,
        folded: impl IntoIterator<Item = T>,
    ) -> Result<Vec<(String, i64, String)>, StoreError> {
        let sql = [
            "SELECT r.folded, count(*), min(a.name) FROM tenantry_role r JOIN tenantry_account a ON a.id = r.account_id \
             WHERE ",
            &self.backend.among("r.folded", 1),
            " GROUP BY r.folded ORDER BY r.folded",
        ]
        .concat();
        let read = |row: &Row<'_>| {
            (row.text(0).unwrap_or_default(), row.int(1).unwrap_or_default(), row.text(2).unwrap_or_default())
        };
        self.backend.search(sql, vec![Param::texts(folded)], read).await
    }

    /// What the platform lets accounts permit: what the roles hold that it offers to accounts and workspaces,
    /// but for the APIs of these identifiers. By API and name.
    ///
    /// # Errors
    /// The store's.
    pub async fn offered_permissions<T: AsRef<str>>(
        &self,
        without: impl IntoIterator<Item = T>,
        window: Window,
    ) -> Result<Vec<PermissionRow>, StoreError> {
        let sql = [
            "SELECT DISTINCT a.id, a.identifier, a.name, p.name, p.description FROM tenantry_role_permission rp \
             JOIN tenantry_role r ON r.id = rp.role_id AND r.account_id = '' AND r.level <> 'platform' \
             JOIN tenantry_api a ON a.id = rp.api_id \
             JOIN tenantry_permission p ON p.api_id = rp.api_id AND p.name = rp.permission WHERE NOT (",
            &self.backend.among("a.identifier", 1),
            ") ORDER BY a.identifier, p.name LIMIT $2 OFFSET $3",
        ]
        .concat();
        let params = vec![Param::texts(without), Param::int(window.limit), Param::int(window.offset)];
        self.backend.search(sql, params, read_permission).await
    }
}
