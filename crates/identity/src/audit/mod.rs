//! The audit, for those who may look: an account's own chain, or the platform's.

mod list;
mod show;
mod verify;

pub use list::AuditPart;
pub use tenantry_store::{ChainReport, Decision, Hash, Phase, Recorded};

use crate::caller::Target;
use crate::{Caller, Identity, Kind, Reach, Refusal};

/// A chain that the caller may look at.
pub(crate) struct Chain {
    /// The tenant id; empty for the platform's.
    pub(crate) tenant: String,
    /// Only what concerns this workspace.
    pub(crate) workspace: Option<String>,
}

impl Identity {
    /// Finds the chain of an account (the platform's without one), if the caller may see it.
    pub(crate) async fn chain(&self, caller: &Caller, account: Option<&str>) -> Result<Chain, Refusal> {
        let Some(account) = account else {
            caller.may(&["read:audit"], Target::Platform)?;
            return Ok(Chain { tenant: String::new(), workspace: None });
        };
        // A token for one workspace sees what concerns that workspace.
        let workspace = match &caller.reach {
            Reach::Account { workspace, .. } => workspace.clone(),
            _ => None,
        };
        let target = match &workspace {
            Some(workspace) => Target::Workspace { account, workspace },
            None => Target::Account(account),
        };
        caller.may(&["read:audit"], target)?;
        let row = self.store.account(account).await?.ok_or(Refusal::Missing(Kind::Account))?;
        Ok(Chain { tenant: row.tenant_id, workspace })
    }
}
