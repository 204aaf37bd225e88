//! Changing how often, until when and whether a code may be used.

use serde_json::json;
use tenantry_store::BatchError;

use super::{ACTIVE, DISABLED, WorkspaceCode, check_lifetime, check_uses};
use crate::act::Act;
use crate::caller::Permission;
use crate::{Caller, Identity, Kind, Refusal};

/// What changes; `None` leaves it as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct WorkspaceCodeChange {
    /// Is it in force?
    pub enabled: Option<bool>,
    /// How often it may be used in all.
    pub max_uses: Option<i64>,
    /// For how many seconds from now it may be used.
    pub lifetime: Option<i64>,
}

impl Identity {
    /// Changes a code. To take one out of force needs `delete:workspace_codes`; everything else needs what
    /// making one needs.
    ///
    /// # Errors
    /// [`Refusal::Missing`]; [`Refusal::Invalid`] for numbers out of range; [`Refusal::Forbidden`] when the
    /// code's role permits more than the caller may.
    pub async fn update_workspace_code(
        &self,
        caller: &Caller,
        account: &str,
        workspace: &str,
        id: &str,
        change: WorkspaceCodeChange,
    ) -> Result<WorkspaceCode, Refusal> {
        let only_ends = change.enabled != Some(true) && change.max_uses.is_none() && change.lifetime.is_none();
        let needed: &'static [Permission] =
            if only_ends { &["delete:workspace_codes"] } else { &["create:workspace_codes"] };
        let (row, _) = self.reach_workspace(caller, needed, account, workspace).await?;
        change.max_uses.map_or(Ok(()), check_uses)?;
        change.lifetime.map_or(Ok(()), check_lifetime)?;
        let missing = || Refusal::Missing(Kind::WorkspaceCode);
        let found = self.store.workspace_code(workspace, id).await?.ok_or_else(missing)?;
        if !only_ends {
            self.may_hand_out(caller, account, true, found.role_id.as_slice()).await?;
        }
        let inputs = json!({
            "id": id, "account": account, "enabled": change.enabled, "max_uses": change.max_uses,
            "lifetime": change.lifetime,
        });
        let act = Act { name: "workspace_codes.update", tenant: &row.tenant_id, workspace: Some(workspace), inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            let status = change.enabled.map(|enabled| if enabled { ACTIVE } else { DISABLED });
            let expires = change.lifetime.map(|seconds| self.now().saturating_add(seconds.saturating_mul(1_000_000)));
            batch.update_workspace_code(workspace, id, status, change.max_uses, expires);
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Untouched(_)) => Err(missing()),
                Err(error) => Err(error.into()),
            }
        })
        .await?;
        self.store.workspace_code(workspace, id).await?.map(WorkspaceCode::from_row).ok_or_else(missing)
    }
}
