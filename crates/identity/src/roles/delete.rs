//! Removing a role.

use serde_json::json;
use tenantry_store::{BatchError, Subject};

use crate::act::Act;
use crate::{Caller, Identity, Kind, Refusal};

impl Identity {
    /// Removes a role from everybody who holds it, and the role.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn delete_role(&self, caller: &Caller, id: &str) -> Result<(), Refusal> {
        let found = self.known_role(id).await;
        self.may_role(caller, &["delete:roles"], &found)?;
        let role = found?;
        self.outranks(caller, &[id.to_owned()]).await?;
        let tenant = self.tenant_of(role.account.as_deref()).await?;
        let inputs = json!({ "id": id, "name": role.name });
        let act = Act { name: "roles.delete", tenant: &tenant, workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            batch.delete_role(id);
            batch.affects(Subject::Role(id.to_owned()));
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Untouched(_)) => Err(Refusal::Missing(Kind::Role)),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }
}
