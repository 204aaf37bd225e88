//! Who belongs to which workspace. A member of a workspace is a member of its account.

use crate::backend::{Param, Row};
use crate::identity::Stretch;
use crate::identity::members::{Member, read_member};
use crate::identity::workspaces::{self, Workspace};
use crate::{Batch, Place, Store, StoreError};

impl Batch {
    /// Lets a member of the account into its workspace; nothing happens when it is in. Dangling when the
    /// user is no member of the account, or the workspace does not exist.
    pub fn insert_workspace_member(&mut self, account: &str, workspace: &str, user: &str, since_micros: i64) -> Place {
        self.run(
            "INSERT INTO tenantry_workspace_member (workspace_id, account_id, user_id, created_micros) \
             VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            vec![Param::text(workspace), Param::text(account), Param::text(user), Param::int(since_micros)],
        )
    }

    /// Takes a user out of a workspace, with the roles that it held there and the refresh tokens for it.
    pub fn delete_workspace_member(&mut self, account: &str, workspace: &str, user: &str) -> Place {
        let all = || vec![Param::text(account), Param::text(workspace), Param::text(user)];
        self.run(
            "DELETE FROM tenantry_role_holder WHERE account_id = $1 AND workspace_id = $2 AND user_id = $3",
            all(),
        );
        self.run(
            "DELETE FROM tenantry_refresh_token WHERE account_id = $1 AND workspace_id = $2 AND user_id = $3",
            all(),
        );
        self.run(
            "DELETE FROM tenantry_workspace_member WHERE account_id = $1 AND workspace_id = $2 AND user_id = $3",
            all(),
        )
    }
}

impl Store {
    /// The members of a workspace, in the order in which they came.
    ///
    /// # Errors
    /// The store's.
    pub async fn workspace_members(&self, workspace: &str, part: &Stretch) -> Result<Vec<Member>, StoreError> {
        let mut params = vec![Param::text(workspace)];
        params.extend(part.params());
        let sql = "SELECT m.user_id, u.email, u.name, u.blocked, u.doc, m.created_micros \
             FROM tenantry_workspace_member m JOIN tenantry_user u ON u.id = m.user_id \
             WHERE m.workspace_id = $1 AND (m.created_micros, m.user_id) > ($2, $3) \
             ORDER BY m.created_micros, m.user_id LIMIT $4 OFFSET $5";
        self.backend.find(sql, params, read_member).await
    }

    /// How many members a workspace has.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_workspace_members(&self, workspace: &str) -> Result<i64, StoreError> {
        let sql = "SELECT count(*) FROM tenantry_workspace_member WHERE workspace_id = $1";
        let found = self.backend.search(sql, vec![Param::text(workspace)], |row| row.int(0)).await?;
        Ok(found.into_iter().flatten().next().unwrap_or_default())
    }

    /// The workspace, when the user belongs to it.
    ///
    /// # Errors
    /// The store's.
    pub async fn workspace_membership(&self, workspace: &str, user: &str) -> Result<Option<Workspace>, StoreError> {
        let sql = [
            "SELECT ",
            workspaces::COLUMNS_OF_W,
            " FROM tenantry_workspace_member m JOIN tenantry_workspace w ON w.id = m.workspace_id \
             WHERE m.workspace_id = $1 AND m.user_id = $2",
        ]
        .concat();
        let params = vec![Param::text(workspace), Param::text(user)];
        Ok(self.backend.find(sql, params, workspaces::read).await?.pop())
    }

    /// The workspaces that a user belongs to, in all accounts, oldest membership first.
    ///
    /// # Errors
    /// The store's.
    pub async fn workspaces_of_user(&self, user: &str, limit: i64) -> Result<Vec<Workspace>, StoreError> {
        let sql = [
            "SELECT ",
            workspaces::COLUMNS_OF_W,
            " FROM tenantry_member a JOIN tenantry_workspace_member m \
             ON m.account_id = a.account_id AND m.user_id = a.user_id \
             JOIN tenantry_workspace w ON w.id = m.workspace_id \
             WHERE a.user_id = $1 ORDER BY m.created_micros, w.id LIMIT $2",
        ]
        .concat();
        self.backend.find(sql, vec![Param::text(user), Param::int(limit)], workspaces::read).await
    }

    /// Which of these users belong to an account.
    ///
    /// # Errors
    /// The store's.
    pub async fn members_among<T: AsRef<str>>(
        &self,
        account: &str,
        users: impl IntoIterator<Item = T>,
    ) -> Result<Vec<String>, StoreError> {
        let sql = ["SELECT user_id FROM tenantry_member WHERE account_id = $1 AND ", &self.backend.among("user_id", 2)]
            .concat();
        let read = |row: &Row<'_>| row.text(0).unwrap_or_default();
        self.backend.find(sql, vec![Param::text(account), Param::texts(users)], read).await
    }
}
