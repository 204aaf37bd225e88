//! Taking back that a client's grant may be used for an account.

use serde_json::json;
use tenantry_store::Subject;

use crate::act::Act;
use crate::{Caller, Identity, Refusal};

impl Identity {
    /// Takes back that a grant may be used for an account; nothing happens when it may not. The client's
    /// tokens end within a second.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when the account does not exist.
    pub async fn remove_account_grant(&self, caller: &Caller, account: &str, grant: &str) -> Result<(), Refusal> {
        let row = self.reach_account(caller, &["delete:organization_client_grants"], account).await?;
        let Some(found) = self.store.client_grant(grant).await? else { return Ok(()) };
        if !self.store.account_has_grant(account, grant).await? {
            return Ok(());
        }
        let inputs = json!({ "account": account, "grant": grant, "client": found.client_id });
        let act = Act { name: "account_grants.remove", tenant: &row.tenant_id, workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            batch.delete_account_grant(account, grant);
            batch.affects(Subject::Client(found.client_id));
            self.store.commit(batch).await?;
            Ok(())
        })
        .await
    }
}
