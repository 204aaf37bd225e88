//! Taking a connection from an account.

use serde_json::json;
use tenantry_store::Subject;

use crate::act::Act;
use crate::{Caller, Identity, Refusal};

impl Identity {
    /// Lets people of an account no more log in by a connection; nothing happens when they may not. Tokens for
    /// the account end within a second: whoever came by the connection is not told apart from others.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when the account does not exist.
    pub async fn remove_account_connection(
        &self,
        caller: &Caller,
        account: &str,
        connection: &str,
    ) -> Result<(), Refusal> {
        let row = self.reach_account(caller, &["delete:organization_connections"], account).await?;
        if self.store.account_connection(account, connection).await?.is_none() {
            return Ok(());
        }
        let inputs = json!({ "account": account, "connection": connection });
        let act = Act { name: "account_connections.remove", tenant: &row.tenant_id, workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            batch.delete_account_connection(account, connection);
            batch.affects(Subject::Account(account.to_owned()));
            self.store.commit(batch).await?;
            Ok(())
        })
        .await
    }
}
