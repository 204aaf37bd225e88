//! What many things are, each kind in one statement however many there are.

use crate::backend::{Param, Row};
use crate::identity::accounts::{self, Account};
use crate::identity::clients::Credential;
use crate::identity::roles::{self, Role};
use crate::identity::users::{self, User, UserIdentity};
use crate::identity::workspaces::{self, Workspace};
use crate::identity::{account_connections::AccountConnection, clients};
use crate::{Batch, Place, Store, StoreError};

/// Which of them: those with these names, or all.
pub type Among<'a> = Option<&'a [String]>;

/// A role held somewhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Holding {
    /// The user.
    pub user_id: String,
    /// The account; empty for the platform.
    pub account_id: String,
    /// The workspace; empty for the account as a whole.
    pub workspace_id: String,
    /// The role.
    pub role_id: String,
}

fn pair(row: &Row<'_>) -> (String, String) {
    (row.text(0).unwrap_or_default(), row.text(1).unwrap_or_default())
}

impl Batch {
    /// Moves a role to another level, and takes it from everybody who holds it where that level is not held.
    pub fn move_role(&mut self, role: &str, level: &str) -> Place {
        self.run(
            "DELETE FROM tenantry_role_holder WHERE role_id = $1 AND $2 <> CASE WHEN workspace_id <> '' THEN \
             'workspace' WHEN account_id <> '' THEN 'account' ELSE $2 END",
            vec![Param::text(role), Param::text(level)],
        );
        if level == "workspace" {
            self.run(
                "DELETE FROM tenantry_role_holder WHERE role_id = $1 AND account_id = ''",
                vec![Param::text(role)],
            );
        }
        self.must("UPDATE tenantry_role SET level = $1 WHERE id = $2", vec![Param::text(level), Param::text(role)])
    }
}

impl Store {
    /// A statement's text, and its parameter when only some are asked for.
    fn some(&self, select: &str, column: &'static str, among: Among<'_>, rest: &str) -> (String, Vec<Param>) {
        match among {
            Some(names) => {
                let test = self.backend.among(column, 1);
                ([select, " WHERE ", &test, rest].concat(), vec![Param::texts(names)])
            }
            None => ([select, rest].concat(), Vec::new()),
        }
    }

    /// Accounts, by what their rows carry, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn accounts_of_tenants(&self, tenants: Among<'_>) -> Result<Vec<Account>, StoreError> {
        let select = ["SELECT ", accounts::COLUMNS_OF_A, " FROM tenantry_account a"].concat();
        let (sql, params) = self.some(&select, "a.tenant_id", tenants, " ORDER BY a.created_micros, a.id");
        self.backend.search(sql, params, accounts::read).await
    }

    /// The workspaces of accounts, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn workspaces_in(&self, accounts: Among<'_>) -> Result<Vec<Workspace>, StoreError> {
        let select = ["SELECT ", workspaces::COLUMNS_OF_W, " FROM tenantry_workspace w"].concat();
        let (sql, params) = self.some(&select, "w.account_id", accounts, " ORDER BY w.created_micros, w.id");
        self.backend.search(sql, params, workspaces::read).await
    }

    /// The connections of accounts: the account's id, and the connection there.
    ///
    /// # Errors
    /// The store's.
    pub async fn connections_in(&self, accounts: Among<'_>) -> Result<Vec<(String, AccountConnection)>, StoreError> {
        const SELECT: &str = "SELECT a.connection_id, c.name, c.strategy, a.enabled, a.doc, a.version, \
            a.created_micros, a.account_id FROM tenantry_account_connection a \
            JOIN tenantry_connection c ON c.id = a.connection_id";
        let (sql, params) = self.some(SELECT, "a.account_id", accounts, " ORDER BY a.created_micros, a.connection_id");
        let read = |row: &Row<'_>| (row.text(7).unwrap_or_default(), crate::identity::account_connections::read(row));
        self.backend.search(sql, params, read).await
    }

    /// The roles that the platform offers, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn platform_roles(&self) -> Result<Vec<Role>, StoreError> {
        let sql = [
            "SELECT ",
            roles::COLUMNS,
            " FROM tenantry_role r WHERE r.account_id = '' ORDER BY r.created_micros, r.id",
        ]
        .concat();
        self.backend.search(sql, Vec::new(), roles::read).await
    }

    /// What the platform's roles permit: the role's id, the API's identifier, the permission; sorted.
    ///
    /// # Errors
    /// The store's.
    pub async fn permissions_of_platform_roles(&self) -> Result<Vec<(String, String, String)>, StoreError> {
        const SQL: &str = "SELECT p.role_id, a.identifier, p.permission FROM tenantry_role_permission p \
            JOIN tenantry_role r ON r.id = p.role_id JOIN tenantry_api a ON a.id = p.api_id \
            WHERE r.account_id = '' ORDER BY p.role_id, a.identifier, p.permission";
        let read = |row: &Row<'_>| {
            let text = |place| row.text(place).unwrap_or_default();
            (text(0), text(1), text(2))
        };
        self.backend.search(SQL, Vec::new(), read).await
    }

    /// Users of these ids, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn users_among(&self, ids: Among<'_>) -> Result<Vec<User>, StoreError> {
        let select = ["SELECT ", users::COLUMNS, " FROM tenantry_user u"].concat();
        let (sql, params) = self.some(&select, "u.id", ids, " ORDER BY u.created_micros, u.id");
        self.backend.search(sql, params, users::read).await
    }

    /// The identities of users, each user's in their order.
    ///
    /// # Errors
    /// The store's.
    pub async fn identities_among(&self, users: Among<'_>) -> Result<Vec<UserIdentity>, StoreError> {
        let select = ["SELECT ", users::IDENTITY_COLUMNS, " FROM tenantry_identity i"].concat();
        let (sql, params) = self.some(&select, "i.user_id", users, " ORDER BY i.user_id, i.ordinal");
        self.backend.search(sql, params, users::read_identity).await
    }

    /// Memberships of users: the account's id and the user's.
    ///
    /// # Errors
    /// The store's.
    pub async fn memberships_among(&self, users: Among<'_>) -> Result<Vec<(String, String)>, StoreError> {
        const SELECT: &str = "SELECT m.account_id, m.user_id FROM tenantry_member m";
        let (sql, params) = self.some(SELECT, "m.user_id", users, " ORDER BY m.created_micros, m.user_id");
        self.backend.search(sql, params, pair).await
    }

    /// Memberships of users in workspaces: the workspace's id and the user's.
    ///
    /// # Errors
    /// The store's.
    pub async fn workspace_memberships_among(&self, users: Among<'_>) -> Result<Vec<(String, String)>, StoreError> {
        const SELECT: &str = "SELECT m.workspace_id, m.user_id FROM tenantry_workspace_member m";
        let (sql, params) = self.some(SELECT, "m.user_id", users, " ORDER BY m.created_micros, m.user_id");
        self.backend.search(sql, params, pair).await
    }

    /// The roles that users hold, wherever.
    ///
    /// # Errors
    /// The store's.
    pub async fn holdings_among(&self, users: Among<'_>) -> Result<Vec<Holding>, StoreError> {
        const SELECT: &str = "SELECT h.user_id, h.account_id, h.workspace_id, h.role_id FROM tenantry_role_holder h";
        let (sql, params) = self.some(SELECT, "h.user_id", users, " ORDER BY h.created_micros, h.role_id");
        let read = |row: &Row<'_>| {
            let text = |place| row.text(place).unwrap_or_default();
            Holding { user_id: text(0), account_id: text(1), workspace_id: text(2), role_id: text(3) }
        };
        self.backend.search(sql, params, read).await
    }

    /// The credentials of all clients.
    ///
    /// # Errors
    /// The store's.
    pub async fn all_credentials(&self) -> Result<Vec<Credential>, StoreError> {
        let sql = ["SELECT ", clients::CREDENTIAL, " FROM tenantry_credential ORDER BY created_micros, id"].concat();
        self.backend.search(sql, Vec::new(), clients::read_credential).await
    }

    /// Which accounts were given which grants of clients: the account's id and the grant's.
    ///
    /// # Errors
    /// The store's.
    pub async fn granted_accounts(&self) -> Result<Vec<(String, String)>, StoreError> {
        const SQL: &str =
            "SELECT account_id, grant_id FROM tenantry_account_client_grant ORDER BY created_micros, account_id";
        self.backend.search(SQL, Vec::new(), pair).await
    }
}
