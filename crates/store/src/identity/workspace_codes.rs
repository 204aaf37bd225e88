//! Codes by which people join a workspace.

use crate::backend::{Param, Row};
use crate::identity::Stretch;
use crate::{Batch, Place, Store, StoreError};

/// A workspace code's row. The code itself was shown once; its hash is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceCode {
    /// Its id.
    pub id: String,
    /// The account of the workspace.
    pub account_id: String,
    /// The workspace it leads into.
    pub workspace_id: String,
    /// The role that it gives there.
    pub role_id: Option<String>,
    /// SHA-256 of the code.
    pub code_hash: Vec<u8>,
    /// `app` or `dashboard`: the context that it is for.
    pub context: String,
    /// How often it may be used.
    pub max_uses: i64,
    /// How often it was used.
    pub uses: i64,
    /// `active` or `disabled`.
    pub status: String,
    /// Microseconds since 1970 UTC.
    pub created_micros: i64,
    /// Microseconds since 1970 UTC.
    pub expires_micros: i64,
}

const COLUMNS: &str = "id, account_id, workspace_id, role_id, code_hash, context, max_uses, uses, status, \
     created_micros, expires_micros";

fn read(row: &Row<'_>) -> WorkspaceCode {
    let text = |place| row.text(place).unwrap_or_default();
    let int = |place| row.int(place).unwrap_or_default();
    WorkspaceCode {
        id: text(0),
        account_id: text(1),
        workspace_id: text(2),
        role_id: row.text(3),
        code_hash: row.bytes(4).unwrap_or_default(),
        context: text(5),
        max_uses: int(6),
        uses: int(7),
        status: text(8),
        created_micros: int(9),
        expires_micros: int(10),
    }
}

impl Batch {
    /// Makes a code.
    pub fn insert_workspace_code(&mut self, code: &WorkspaceCode) -> Place {
        self.run(
            "INSERT INTO tenantry_workspace_code (id, account_id, workspace_id, role_id, code_hash, context, \
             max_uses, uses, status, created_micros, expires_micros) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            vec![
                Param::text(&code.id),
                Param::text(&code.account_id),
                Param::text(&code.workspace_id),
                Param::maybe(code.role_id.as_deref()),
                Param::Bytes(code.code_hash.clone()),
                Param::text(&code.context),
                Param::int(code.max_uses),
                Param::int(code.uses),
                Param::text(&code.status),
                Param::int(code.created_micros),
                Param::int(code.expires_micros),
            ],
        )
    }

    /// Changes how often, until when and whether a code may be used; `None` leaves it as it is. Untouched
    /// when the workspace has no such code.
    pub fn update_workspace_code(
        &mut self,
        workspace: &str,
        id: &str,
        status: Option<&str>,
        max_uses: Option<i64>,
        expires_micros: Option<i64>,
    ) -> Place {
        self.must(
            "UPDATE tenantry_workspace_code SET status = coalesce($1, status), max_uses = coalesce($2, max_uses), \
             expires_micros = coalesce($3, expires_micros) WHERE workspace_id = $4 AND id = $5",
            vec![
                Param::maybe(status),
                Param::Int(max_uses),
                Param::Int(expires_micros),
                Param::text(workspace),
                Param::text(id),
            ],
        )
    }

    /// Removes a code; untouched when the workspace has no such code.
    pub fn delete_workspace_code(&mut self, workspace: &str, id: &str) -> Place {
        self.must(
            "DELETE FROM tenantry_workspace_code WHERE workspace_id = $1 AND id = $2",
            vec![Param::text(workspace), Param::text(id)],
        )
    }

    /// Counts one use of a code by a user. Untouched at the first place answered when the code is disabled,
    /// used up or out of time at `now`, or its workspace or account lets nobody in; a duplicate at the
    /// second when the user used it before.
    ///
    /// INVARIANT: the test and the count are one statement, so a code is never used more often than it may.
    pub fn use_workspace_code(&mut self, id: &str, user: &str, now: i64) -> (Place, Place) {
        let counted = self.must(
            "UPDATE tenantry_workspace_code SET uses = uses + 1 WHERE id = $1 AND status = 'active' \
             AND uses < max_uses AND expires_micros > $2 \
             AND EXISTS (SELECT 1 FROM tenantry_workspace w JOIN tenantry_account a ON a.id = w.account_id \
             WHERE w.id = tenantry_workspace_code.workspace_id AND w.status = 'active' AND a.status = 'active')",
            vec![Param::text(id), Param::int(now)],
        );
        let used = self.run(
            "INSERT INTO tenantry_workspace_code_use (code_id, user_id, used_micros) VALUES ($1, $2, $3)",
            vec![Param::text(id), Param::text(user), Param::int(now)],
        );
        (counted, used)
    }
}

impl Store {
    /// The codes of a workspace, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn workspace_codes(&self, workspace: &str, part: &Stretch) -> Result<Vec<WorkspaceCode>, StoreError> {
        let sql = [
            "SELECT ",
            COLUMNS,
            " FROM tenantry_workspace_code WHERE workspace_id = $1 AND (created_micros, id) > ($2, $3) \
             ORDER BY created_micros, id LIMIT $4 OFFSET $5",
        ]
        .concat();
        let mut params = vec![Param::text(workspace)];
        params.extend(part.params());
        self.backend.find(sql, params, read).await
    }

    /// How many codes a workspace has.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_workspace_codes(&self, workspace: &str) -> Result<i64, StoreError> {
        let sql = "SELECT count(*) FROM tenantry_workspace_code WHERE workspace_id = $1";
        let found = self.backend.find(sql, vec![Param::text(workspace)], |row| row.int(0)).await?;
        Ok(found.into_iter().flatten().next().unwrap_or_default())
    }

    /// A code of a workspace.
    ///
    /// # Errors
    /// The store's.
    pub async fn workspace_code(&self, workspace: &str, id: &str) -> Result<Option<WorkspaceCode>, StoreError> {
        let sql = ["SELECT ", COLUMNS, " FROM tenantry_workspace_code WHERE workspace_id = $1 AND id = $2"].concat();
        Ok(self.backend.find(sql, vec![Param::text(workspace), Param::text(id)], read).await?.pop())
    }

    /// The code of that hash.
    ///
    /// # Errors
    /// The store's.
    pub async fn workspace_code_by_hash(&self, hash: &[u8]) -> Result<Option<WorkspaceCode>, StoreError> {
        let sql = ["SELECT ", COLUMNS, " FROM tenantry_workspace_code WHERE code_hash = $1"].concat();
        Ok(self.backend.find(sql, vec![Param::Bytes(hash.to_vec())], read).await?.pop())
    }

    /// Did the user use that code before?
    ///
    /// # Errors
    /// The store's.
    pub async fn used_workspace_code(&self, id: &str, user: &str) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM tenantry_workspace_code_use WHERE code_id = $1 AND user_id = $2";
        Ok(!self.backend.find(sql, vec![Param::text(id), Param::text(user)], |_| ()).await?.is_empty())
    }
}
