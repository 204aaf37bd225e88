//! Letting a client's grant be used for an account.

use serde_json::json;
use tenantry_store::BatchError;

use super::AccountGrant;
use crate::act::Act;
use crate::{Caller, Identity, Kind, Refusal};

impl Identity {
    /// Lets a client's grant be used for an account.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when the account or the grant does not exist, [`Refusal::Exists`] when it may be
    /// used already, [`Refusal::Invalid`] when the grant is not for accounts.
    pub async fn add_account_grant(
        &self,
        caller: &Caller,
        account: &str,
        grant: &str,
    ) -> Result<AccountGrant, Refusal> {
        let row = self.reach_account(caller, &["create:organization_client_grants"], account).await?;
        let found = self.store.client_grant(grant).await?.ok_or(Refusal::Missing(Kind::ClientGrant))?;
        let found = AccountGrant::from_grant(found);
        if found.usage() == "deny" {
            return Err(Refusal::Invalid {
                code: "invalid_body",
                message: "The client grant cannot be associated with an organization: its organization_usage is deny."
                    .to_owned(),
            });
        }
        let inputs = json!({ "account": account, "grant": grant, "client": found.client_id });
        let act = Act { name: "account_grants.add", tenant: &row.tenant_id, workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            batch.insert_account_grant(account, grant, self.now());
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Duplicate(_)) => Err(Refusal::Exists(Kind::AccountGrant)),
                Err(BatchError::Dangling(_)) => Err(Refusal::Missing(Kind::ClientGrant)),
                Err(error) => Err(error.into()),
            }
        })
        .await?;
        Ok(found)
    }
}
