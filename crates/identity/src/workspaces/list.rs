//! Reading workspaces.

use crate::workspaces::Workspace;
use crate::{Caller, Identity, Kind, Listed, Part, Refusal};

impl Identity {
    /// The workspaces of an account, oldest first.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when the account does not exist.
    pub async fn workspaces(&self, caller: &Caller, account: &str, part: &Part) -> Result<Listed<Workspace>, Refusal> {
        self.reach_account(caller, &["read:workspaces"], account).await?;
        let rows = self.store.workspaces(account, &part.stretch()?).await?;
        let mut listed = part.listed(rows, |row| (row.created_micros, row.id.clone()), Workspace::from_row);
        if part.wants_total() {
            listed.total = Some(self.store.count_workspaces(account).await?);
        }
        Ok(listed)
    }

    /// A workspace of an account.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn workspace(&self, caller: &Caller, account: &str, id: &str) -> Result<Workspace, Refusal> {
        let (_, row) = self.reach_workspace(caller, &["read:workspaces"], account, id).await?;
        Ok(Workspace::from_row(row))
    }

    /// The workspace of that name in an account.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn workspace_named(&self, caller: &Caller, account: &str, name: &str) -> Result<Workspace, Refusal> {
        self.reach_account(caller, &["read:workspaces"], account).await?;
        let row = self.store.workspace_named(account, name).await?;
        row.map(Workspace::from_row).ok_or(Refusal::Missing(Kind::Workspace))
    }
}
