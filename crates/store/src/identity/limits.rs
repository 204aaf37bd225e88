//! What accounts and their workspaces say of their limits.

use crate::backend::Param;
use crate::{Store, StoreError};

/// What an account says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredLimits {
    /// The account's remaining fields, a JSON object.
    pub doc: String,
    /// The tenant id of the account above it.
    pub parent: Option<String>,
    /// Its workspaces.
    pub workspaces: Vec<DeclaredWorkspace>,
}

/// What a workspace says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredWorkspace {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its remaining fields, a JSON object.
    pub doc: String,
}

impl Store {
    /// What the account with that tenant id says, and its workspaces.
    ///
    /// # Errors
    /// The store's.
    pub async fn declared_limits(&self, tenant: &str) -> Result<Option<DeclaredLimits>, StoreError> {
        const ACCOUNT: &str = "SELECT a.doc, p.tenant_id, a.id FROM tenantry_account a \
             LEFT JOIN tenantry_account p ON p.id = a.parent_id WHERE a.tenant_id = $1";
        const WORKSPACES: &str = "SELECT id, name, doc FROM tenantry_workspace WHERE account_id = $1 \
             ORDER BY id LIMIT 1000";
        let text = |value: Option<String>| value.unwrap_or_default();
        let found =
            self.backend.find(ACCOUNT, vec![Param::text(tenant)], |row| (row.text(0), row.text(1), row.text(2)));
        let Some((doc, parent, id)) = found.await?.pop() else { return Ok(None) };
        let workspaces = self.backend.find(WORKSPACES, vec![Param::text(&text(id))], |row| DeclaredWorkspace {
            id: row.text(0).unwrap_or_default(),
            name: row.text(1).unwrap_or_default(),
            doc: row.text(2).unwrap_or_default(),
        });
        Ok(Some(DeclaredLimits { doc: text(doc), parent, workspaces: workspaces.await? }))
    }
}
