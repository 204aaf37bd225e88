//! Removing a user.

use serde_json::json;
use tenantry_store::{BatchError, Subject};

use crate::act::Act;
use crate::logs::Event;
use crate::users::{is_id, may};
use crate::{Caller, Identity, Refusal};

impl Identity {
    /// Removes a user with its identities, memberships and all that it held. Its tokens end within a second. One
    /// that is not there is as good as removed. With `delete:current_user` everybody may remove itself.
    ///
    /// # Errors
    /// The store's.
    pub async fn delete_user(&self, caller: &Caller, id: &str) -> Result<(), Refusal> {
        may(caller, &["delete:users"], &["delete:current_user"], id)?;
        if !is_id(id) || self.store.user(id).await?.is_none() {
            return Ok(());
        }
        let act = Act { name: "users.delete", tenant: "", workspace: None, inputs: json!({ "id": id }) };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            batch.delete_user(id);
            batch.affects(Subject::User(id.to_owned()));
            match self.store.commit(batch).await {
                Ok(_) | Err(BatchError::Untouched(_)) => Ok(()),
                Err(error) => Err(error.into()),
            }
        })
        .await?;
        self.log(Event { user_id: Some(id.to_owned()), address: caller.address, ..Event::new("sdu") });
        Ok(())
    }
}
