//! Removing a connection's user by its address.

use serde_json::json;
use tenantry_store::identity::users::LoginName;
use tenantry_store::{BatchError, Subject};

use crate::act::Act;
use crate::caller::Target;
use crate::{Caller, Identity, Kind, Refusal};

impl Identity {
    /// Removes the user of a connection who logs in with that e-mail address. One that is not there is
    /// removed already.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when there is no such connection.
    pub async fn delete_connection_user(&self, caller: &Caller, id: &str, email: &str) -> Result<(), Refusal> {
        caller.may(&["delete:users"], Target::Platform)?;
        let connection = self.store.connection(id).await?.ok_or(Refusal::Missing(Kind::Connection))?;
        let email = email.to_lowercase();
        let found = self.store.login_identity(&connection.name, LoginName::Email(&email)).await?;
        let Some(user) = found.map(|identity| identity.user_id) else { return Ok(()) };
        let inputs = json!({ "connection": connection.name, "user": user });
        let act = Act { name: "users.delete", tenant: "", workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            batch.delete_user(&user);
            batch.affects(Subject::User(user.clone()));
            match self.store.commit(batch).await {
                Ok(_) | Err(BatchError::Untouched(_)) => Ok(()),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }
}
