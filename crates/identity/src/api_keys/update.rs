//! Renaming a key, taking it out of force, and removing it. What a key may is never changed: make another.

use serde_json::json;
use tenantry_store::{BatchError, Subject};

use super::{ACTIVE, ApiKey, DISABLED};
use crate::act::Act;
use crate::caller::Permission;
use crate::{Caller, Identity, Kind, Refusal};

impl Identity {
    /// Changes a key's name, or whether it is in force. To take one out of force needs `delete:api_keys`;
    /// everything else needs what making one needs.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn update_api_key(
        &self,
        caller: &Caller,
        account: &str,
        id: &str,
        name: Option<&str>,
        enabled: Option<bool>,
    ) -> Result<ApiKey, Refusal> {
        let only_ends = enabled == Some(false) && name.is_none();
        let needed: &'static [Permission] = if only_ends { &["delete:api_keys"] } else { &["create:api_keys"] };
        let row = self.reach_account(caller, needed, account).await?;
        if name.is_some_and(|name| name.is_empty() || name.len() > 255 || name.chars().any(char::is_control)) {
            return Err(Refusal::invalid("name has 1 to 255 bytes and no control characters"));
        }
        let missing = || Refusal::Missing(Kind::ApiKey);
        let inputs = json!({ "id": id, "account": account, "name": name, "enabled": enabled });
        let act = Act { name: "api_keys.update", tenant: &row.tenant_id, workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            let status = enabled.map(|enabled| if enabled { ACTIVE } else { DISABLED });
            batch.update_api_key(account, id, name, status);
            batch.affects(Subject::Token(id.to_owned()));
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Untouched(_)) => Err(missing()),
                Err(error) => Err(error.into()),
            }
        })
        .await?;
        self.store.api_key(account, id).await?.map(ApiKey::from_row).ok_or_else(missing)
    }

    /// Removes a key. What it streams ends within a second.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn delete_api_key(&self, caller: &Caller, account: &str, id: &str) -> Result<(), Refusal> {
        let row = self.reach_account(caller, &["delete:api_keys"], account).await?;
        let inputs = json!({ "id": id, "account": account });
        let act = Act { name: "api_keys.delete", tenant: &row.tenant_id, workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            batch.delete_api_key(account, id);
            batch.affects(Subject::Token(id.to_owned()));
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Untouched(_)) => Err(Refusal::Missing(Kind::ApiKey)),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }
}
