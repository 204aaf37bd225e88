//! Which roles members hold in their accounts and workspaces. What is held on the platform is the user's.

use crate::backend::{Param, Row};
use crate::identity::Stretch;
use crate::{Batch, Place, Store, StoreError};

/// A role that a user holds in an account or a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRole {
    /// Who holds it.
    pub user_id: String,
    /// The role.
    pub role_id: String,
    /// The role's name.
    pub name: String,
    /// What the role is for.
    pub description: Option<String>,
    /// Since when, in microseconds since 1970 UTC.
    pub since_micros: i64,
}

fn read(row: &Row<'_>) -> HeldRole {
    let text = |place| row.text(place).unwrap_or_default();
    HeldRole {
        user_id: text(0),
        role_id: text(1),
        name: text(2),
        description: row.text(3),
        since_micros: row.int(4).unwrap_or_default(),
    }
}

/// Where a role may be held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolePlace {
    /// The role's id.
    pub role_id: String,
    /// The account whose own role it is; empty for one that the platform offers to all.
    pub account_id: String,
    /// `platform`, `account` or `workspace`.
    pub level: String,
}

impl Batch {
    /// Gives a role to a user in an account, or in a workspace of it (empty: in the account itself), when
    /// the role is of that level and is offered to that account. Nothing happens when it is held already.
    /// Dangling when the user does not exist.
    ///
    /// INVARIANT: the statement itself holds the role against level and account, so no way in gives one
    /// elsewhere.
    pub fn give_role(&mut self, user: &str, account: &str, workspace: &str, role: &str, now: i64) -> Place {
        let level = if workspace.is_empty() { "account" } else { "workspace" };
        self.run(
            "INSERT INTO tenantry_role_holder (user_id, account_id, workspace_id, role_id, created_micros) \
             SELECT $1, $2, $3, id, $4 FROM tenantry_role WHERE id = $5 AND level = $6 \
             AND (account_id = '' OR account_id = $7) ON CONFLICT DO NOTHING",
            vec![
                Param::text(user),
                Param::text(account),
                Param::text(workspace),
                Param::int(now),
                Param::text(role),
                Param::text(level),
                Param::text(account),
            ],
        )
    }

    /// Takes a role from a user in an account, or in a workspace of it (empty: in the account itself).
    pub fn take_role(&mut self, user: &str, account: &str, workspace: &str, role: &str) -> Place {
        self.run(
            "DELETE FROM tenantry_role_holder WHERE user_id = $1 AND account_id = $2 AND workspace_id = $3 \
             AND role_id = $4",
            vec![Param::text(user), Param::text(account), Param::text(workspace), Param::text(role)],
        )
    }
}

impl Store {
    /// The roles that these users hold in an account, or in a workspace of it (empty: in the account itself).
    ///
    /// # Errors
    /// The store's.
    pub async fn roles_of_members<T: AsRef<str>>(
        &self,
        account: &str,
        workspace: &str,
        users: impl IntoIterator<Item = T>,
    ) -> Result<Vec<HeldRole>, StoreError> {
        let sql = [
            "SELECT h.user_id, r.id, r.name, r.description, h.created_micros \
             FROM tenantry_role_holder h JOIN tenantry_role r ON r.id = h.role_id \
             WHERE h.account_id = $1 AND h.workspace_id = $2 AND ",
            &self.backend.among("h.user_id", 3),
            " ORDER BY h.created_micros, r.id",
        ]
        .concat();
        let params = vec![Param::text(account), Param::text(workspace), Param::texts(users)];
        self.backend.find(sql, params, read).await
    }

    /// The roles that a user holds in an account, or in a workspace of it (empty: in the account itself),
    /// in the order in which they were given.
    ///
    /// # Errors
    /// The store's.
    pub async fn roles_of_member(
        &self,
        account: &str,
        workspace: &str,
        user: &str,
        part: &Stretch,
    ) -> Result<Vec<HeldRole>, StoreError> {
        let mut params = vec![Param::text(user), Param::text(account), Param::text(workspace)];
        params.extend(part.params());
        let sql = "SELECT h.user_id, r.id, r.name, r.description, h.created_micros \
             FROM tenantry_role_holder h JOIN tenantry_role r ON r.id = h.role_id \
             WHERE h.user_id = $1 AND h.account_id = $2 AND h.workspace_id = $3 \
             AND (h.created_micros, r.id) > ($4, $5) ORDER BY h.created_micros, r.id LIMIT $6 OFFSET $7";
        self.backend.find(sql, params, read).await
    }

    /// How many of them there are.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_roles_of_member(&self, account: &str, workspace: &str, user: &str) -> Result<i64, StoreError> {
        let sql = "SELECT count(*) FROM tenantry_role_holder \
             WHERE user_id = $1 AND account_id = $2 AND workspace_id = $3";
        let params = vec![Param::text(user), Param::text(account), Param::text(workspace)];
        Ok(self.backend.find(sql, params, |row| row.int(0)).await?.into_iter().flatten().next().unwrap_or_default())
    }

    /// Where these roles may be held; those that do not exist are not among the answer.
    ///
    /// # Errors
    /// The store's.
    pub async fn places_of_roles<T: AsRef<str>>(
        &self,
        roles: impl IntoIterator<Item = T>,
    ) -> Result<Vec<RolePlace>, StoreError> {
        let sql = ["SELECT id, account_id, level FROM tenantry_role WHERE ", &self.backend.among("id", 1)].concat();
        let read = |row: &Row<'_>| {
            let text = |place| row.text(place).unwrap_or_default();
            RolePlace { role_id: text(0), account_id: text(1), level: text(2) }
        };
        self.backend.find(sql, vec![Param::texts(roles)], read).await
    }

    /// What these roles permit on APIs of these identifiers.
    ///
    /// # Errors
    /// The store's.
    pub async fn permissions_of_roles<R: AsRef<str>, I: AsRef<str>>(
        &self,
        roles: impl IntoIterator<Item = R>,
        identifiers: impl IntoIterator<Item = I>,
    ) -> Result<Vec<String>, StoreError> {
        let sql = [
            "SELECT DISTINCT p.permission FROM tenantry_role_permission p JOIN tenantry_api a ON a.id = p.api_id \
             WHERE ",
            &self.backend.among("p.role_id", 1),
            " AND ",
            &self.backend.among("a.identifier", 2),
        ]
        .concat();
        let params = vec![Param::texts(roles), Param::texts(identifiers)];
        let found = self.backend.find(sql, params, |row| row.text(0)).await?;
        Ok(found.into_iter().flatten().collect())
    }
}
