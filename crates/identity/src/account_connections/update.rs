//! Changing an account's connection.

use serde_json::{Value, json};
use tenantry_store::{BatchError, Subject};

use super::AccountConnection;
use crate::act::Act;
use crate::identity::TRIES;
use crate::text::{Fields, fields, merge};
use crate::{Caller, Identity, Kind, Refusal};

impl Identity {
    /// Changes an account's connection: members that `change` has replace those that were there, null takes
    /// one away.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn update_account_connection(
        &self,
        caller: &Caller,
        account: &str,
        connection: &str,
        change: Fields,
    ) -> Result<AccountConnection, Refusal> {
        let row = self.reach_account(caller, &["update:organization_connections"], account).await?;
        for _ in 0..TRIES {
            let found = self.store.account_connection(account, connection).await?;
            let mut found = found.ok_or(Refusal::Missing(Kind::AccountConnection))?;
            let was_enabled = found.enabled;
            let mut doc = fields(&found.doc);
            let mut change = change.clone();
            match change.shift_remove("is_enabled") {
                Some(Value::Bool(enabled)) => found.enabled = enabled,
                // As it is when nothing was ever said.
                Some(_) => found.enabled = true,
                None => {}
            }
            let inputs = json!({
                "account": account, "connection": connection, "enabled": found.enabled, "change": change,
            });
            merge(&mut doc, change);
            found.doc = Value::Object(doc).to_string();
            let act = Act { name: "account_connections.update", tenant: &row.tenant_id, workspace: None, inputs };
            let done = self.act(caller, act, async {
                let mut batch = self.store.batch();
                batch.update_account_connection(account, &found);
                if was_enabled && !found.enabled {
                    batch.affects(Subject::Account(account.to_owned()));
                }
                match self.store.commit(batch).await {
                    Ok(_) => Ok(true),
                    // Somebody was faster: read again.
                    Err(BatchError::Untouched(_)) => Ok(false),
                    Err(error) => Err(error.into()),
                }
            });
            if done.await? {
                return Ok(AccountConnection::from_row(found));
            }
        }
        Err(Refusal::Contended(Kind::AccountConnection))
    }
}
