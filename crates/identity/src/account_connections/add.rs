//! Giving an account a connection.

use serde_json::{Value, json};
use tenantry_store::BatchError;

use super::{AccountConnection, NewAccountConnection};
use crate::act::Act;
use crate::caller::Target;
use crate::{Caller, Identity, Kind, Refusal};

impl Identity {
    /// Lets people of an account log in by a connection.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when the account or the connection does not exist, [`Refusal::Exists`] when the
    /// account has it. Whoever is bound to an account is refused.
    pub async fn add_account_connection(
        &self,
        caller: &Caller,
        account: &str,
        new: NewAccountConnection,
    ) -> Result<AccountConnection, Refusal> {
        let row = self.reach_account(caller, &["create:organization_connections"], account).await?;
        // INVARIANT: who is bound to an account does not let itself be entered by another account's connection.
        caller.may(&["create:organization_connections"], Target::Platform)?;
        let (enabled, fields) = new.stored();
        let id = new.connection_id;
        let inputs = json!({ "account": account, "connection": id, "enabled": enabled, "fields": fields });
        let act = Act { name: "account_connections.add", tenant: &row.tenant_id, workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            let doc = Value::Object(fields).to_string();
            batch.insert_account_connection(account, &id, enabled, &doc, self.now());
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Duplicate(_)) => Err(Refusal::Exists(Kind::AccountConnection)),
                Err(BatchError::Dangling(_)) => Err(Refusal::Missing(Kind::AccountConnection)),
                Err(error) => Err(error.into()),
            }
        })
        .await?;
        let made = self.store.account_connection(account, &id).await?;
        made.map(AccountConnection::from_row).ok_or(Refusal::Missing(Kind::AccountConnection))
    }
}
