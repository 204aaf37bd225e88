//! Reading workspace codes.

use super::WorkspaceCode;
use crate::{Caller, Identity, Kind, Listed, Part, Refusal};

impl Identity {
    /// The codes of a workspace, oldest first.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when the workspace does not exist.
    pub async fn workspace_codes(
        &self,
        caller: &Caller,
        account: &str,
        workspace: &str,
        part: &Part,
    ) -> Result<Listed<WorkspaceCode>, Refusal> {
        self.reach_workspace(caller, &["read:workspace_codes"], account, workspace).await?;
        let rows = self.store.workspace_codes(workspace, &part.stretch()?).await?;
        let mut listed = part.listed(rows, |row| (row.created_micros, row.id.clone()), WorkspaceCode::from_row);
        if part.wants_total() {
            listed.total = Some(self.store.count_workspace_codes(workspace).await?);
        }
        Ok(listed)
    }

    /// A code of a workspace.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn workspace_code(
        &self,
        caller: &Caller,
        account: &str,
        workspace: &str,
        id: &str,
    ) -> Result<WorkspaceCode, Refusal> {
        self.reach_workspace(caller, &["read:workspace_codes"], account, workspace).await?;
        let row = self.store.workspace_code(workspace, id).await?;
        row.map(WorkspaceCode::from_row).ok_or(Refusal::Missing(Kind::WorkspaceCode))
    }
}
