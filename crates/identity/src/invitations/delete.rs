//! Withdrawing an invitation.

use serde_json::json;
use tenantry_store::BatchError;

use crate::act::Act;
use crate::{Caller, Identity, Kind, Refusal};

impl Identity {
    /// Withdraws an invitation.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn delete_invitation(&self, caller: &Caller, account: &str, id: &str) -> Result<(), Refusal> {
        let row = self.reach_account(caller, &["delete:organization_invitations"], account).await?;
        let found = self.store.invitation(account, id).await?.ok_or(Refusal::Missing(Kind::Invitation))?;
        let inputs = json!({ "id": id, "account": account, "email": found.email });
        let act = Act { name: "invitations.delete", tenant: &row.tenant_id, workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            batch.delete_invitation(account, id);
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Untouched(_)) => Err(Refusal::Missing(Kind::Invitation)),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }
}
