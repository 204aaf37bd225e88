//! The account or workspace that an operation concerns, for a caller who may do it there.

use tenantry_store::identity::accounts::Account as Row;
use tenantry_store::identity::workspaces::Workspace as WorkspaceRow;

use crate::caller::{Permission, Target};
use crate::{Caller, Identity, Kind, Refusal};

impl Identity {
    /// The account, for a caller who may do any of these there.
    pub(crate) async fn reach_account(
        &self,
        caller: &Caller,
        any_of: &'static [Permission],
        id: &str,
    ) -> Result<Row, Refusal> {
        caller.may(any_of, Target::Account(id))?;
        self.store.account(id).await?.ok_or(Refusal::Missing(Kind::Account))
    }

    /// The workspace and its account, for a caller who may do any of these there.
    ///
    /// INVARIANT: the workspace lies in the account that the permission was checked for.
    pub(crate) async fn reach_workspace(
        &self,
        caller: &Caller,
        any_of: &'static [Permission],
        account: &str,
        workspace: &str,
    ) -> Result<(Row, WorkspaceRow), Refusal> {
        caller.may(any_of, Target::Workspace { account, workspace })?;
        let row = self.store.account(account).await?.ok_or(Refusal::Missing(Kind::Account))?;
        let workspace = self.store.workspace(workspace).await?.filter(|found| found.account_id == account);
        Ok((row, workspace.ok_or(Refusal::Missing(Kind::Workspace))?))
    }
}
