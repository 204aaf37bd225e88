//! Workspaces: environments inside an account.

use crate::backend::{Param, Row};
use crate::identity::Stretch;
use crate::{Batch, Place, Store, StoreError};

/// A workspace's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// `ws_` and 16 letters and digits.
    pub id: String,
    /// The account it lies in.
    pub account_id: String,
    /// Its name: lower case, unique in the account.
    pub name: String,
    /// Its name for people.
    pub display_name: Option<String>,
    /// `active`, `suspended` or `closed`.
    pub status: String,
    /// The remaining fields, a JSON object.
    pub doc: String,
    /// Counts the changes.
    pub version: i64,
    /// Microseconds since 1970 UTC.
    pub created_micros: i64,
    /// Microseconds since 1970 UTC.
    pub updated_micros: i64,
}

const COLUMNS: &str = "id, account_id, name, display_name, status, doc, version, created_micros, updated_micros";

/// The same of a table that is called `w`.
pub(super) const COLUMNS_OF_W: &str =
    "w.id, w.account_id, w.name, w.display_name, w.status, w.doc, w.version, w.created_micros, w.updated_micros";

pub(super) fn read(row: &Row<'_>) -> Workspace {
    let text = |place| row.text(place).unwrap_or_default();
    let int = |place| row.int(place).unwrap_or_default();
    Workspace {
        id: text(0),
        account_id: text(1),
        name: text(2),
        display_name: row.text(3),
        status: text(4),
        doc: text(5),
        version: int(6),
        created_micros: int(7),
        updated_micros: int(8),
    }
}

impl Batch {
    /// Makes a workspace. Dangling when its account does not exist.
    pub fn insert_workspace(&mut self, workspace: &Workspace) -> Place {
        self.run(
            "INSERT INTO tenantry_workspace (id, account_id, name, display_name, status, doc, version, \
             created_micros, updated_micros) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            vec![
                Param::text(&workspace.id),
                Param::text(&workspace.account_id),
                Param::text(&workspace.name),
                Param::maybe(workspace.display_name.as_deref()),
                Param::text(&workspace.status),
                Param::text(&workspace.doc),
                Param::int(workspace.version),
                Param::int(workspace.created_micros),
                Param::int(workspace.updated_micros),
            ],
        )
    }

    /// Writes a workspace that was read at `workspace.version`; untouched when somebody was faster. The
    /// account is not among what changes.
    pub fn update_workspace(&mut self, workspace: &Workspace) -> Place {
        self.must(
            "UPDATE tenantry_workspace SET name = $1, display_name = $2, status = $3, doc = $4, \
             version = version + 1, updated_micros = $5 WHERE id = $6 AND version = $7",
            vec![
                Param::text(&workspace.name),
                Param::maybe(workspace.display_name.as_deref()),
                Param::text(&workspace.status),
                Param::text(&workspace.doc),
                Param::int(workspace.updated_micros),
                Param::text(&workspace.id),
                Param::int(workspace.version),
            ],
        )
    }

    /// Removes a workspace with its codes, who belongs to it, what its members held there and the refresh
    /// tokens for it.
    pub fn delete_workspace(&mut self, account: &str, id: &str) -> Place {
        let both = || vec![Param::text(account), Param::text(id)];
        self.run("DELETE FROM tenantry_role_holder WHERE account_id = $1 AND workspace_id = $2", both());
        self.run("DELETE FROM tenantry_refresh_token WHERE account_id = $1 AND workspace_id = $2", both());
        self.must("DELETE FROM tenantry_workspace WHERE account_id = $1 AND id = $2", both())
    }
}

impl Store {
    /// The workspace of that id, whichever account it lies in.
    ///
    /// # Errors
    /// The store's.
    pub async fn workspace(&self, id: &str) -> Result<Option<Workspace>, StoreError> {
        let sql = ["SELECT ", COLUMNS, " FROM tenantry_workspace WHERE id = $1"].concat();
        Ok(self.backend.find(sql, vec![Param::text(id)], read).await?.pop())
    }

    /// The workspace of that name in an account.
    ///
    /// # Errors
    /// The store's.
    pub async fn workspace_named(&self, account: &str, name: &str) -> Result<Option<Workspace>, StoreError> {
        let sql = ["SELECT ", COLUMNS, " FROM tenantry_workspace WHERE account_id = $1 AND name = $2"].concat();
        Ok(self.backend.find(sql, vec![Param::text(account), Param::text(name)], read).await?.pop())
    }

    /// The workspaces of an account, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn workspaces(&self, account: &str, part: &Stretch) -> Result<Vec<Workspace>, StoreError> {
        let sql = [
            "SELECT ",
            COLUMNS,
            " FROM tenantry_workspace WHERE account_id = $1 AND (created_micros, id) > ($2, $3) \
             ORDER BY created_micros, id LIMIT $4 OFFSET $5",
        ]
        .concat();
        let mut params = vec![Param::text(account)];
        params.extend(part.params());
        self.backend.find(sql, params, read).await
    }

    /// How many workspaces an account has.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_workspaces(&self, account: &str) -> Result<i64, StoreError> {
        let sql = "SELECT count(*) FROM tenantry_workspace WHERE account_id = $1";
        let found = self.backend.find(sql, vec![Param::text(account)], |row| row.int(0)).await?;
        Ok(found.into_iter().flatten().next().unwrap_or_default())
    }
}
