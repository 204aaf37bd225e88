//! Taking a domain from an account.

use serde_json::json;

use crate::act::Act;
use crate::{Caller, Identity, Refusal};

impl Identity {
    /// Takes a domain from an account; nothing happens when it has none of that id.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when the account does not exist.
    pub async fn remove_domain(&self, caller: &Caller, account: &str, id: &str) -> Result<(), Refusal> {
        let row = self.reach_account(caller, &["delete:organization_discovery_domains"], account).await?;
        let Some(found) = self.store.domain(account, id).await? else { return Ok(()) };
        let inputs = json!({ "id": id, "account": account, "domain": found.domain });
        let act = Act { name: "domains.remove", tenant: &row.tenant_id, workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            batch.delete_domain(account, id);
            self.store.commit(batch).await?;
            Ok(())
        })
        .await
    }
}
