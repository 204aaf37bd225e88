//! Changing and removing the ways to log in.

use serde_json::{Value, json};
use tenantry_store::{Batch, BatchError};

use crate::act::Act;
use crate::caller::{Permission, Target};
use crate::identity::TRIES;
use crate::logs::Event;
use crate::methods::Method;
use crate::text::Fields;
use crate::{Caller, Identity, Kind, Refusal};

/// The act that removes nothing that a user enrolled.
const FORGET_BROWSERS: &str = "users.forget_browsers";

impl Identity {
    /// Changes what a way to log in is called, and by what a telephone is reached.
    ///
    /// # Errors
    /// [`Refusal::Missing`], [`Refusal::Invalid`].
    pub async fn update_authentication_method(
        &self,
        caller: &Caller,
        user: &str,
        id: &str,
        change: &Fields,
    ) -> Result<Method, Refusal> {
        caller.may(&["update:authentication_methods"], Target::Platform)?;
        self.may_become_user(caller, user).await?;
        for _ in 0..TRIES {
            let row = self.store.authentication_method(user, id).await?;
            let row = row.ok_or(Refusal::Missing(Kind::AuthenticationMethod))?;
            let old = row.doc.clone();
            let mut method = Method::from_row(row);
            if let Some(Value::String(name)) = change.get("name") {
                method.name = Some(name.clone());
            }
            if let Some(way) = change.get("preferred_authentication_method") {
                if method.kind != "phone" {
                    return Err(Refusal::Unsupported("Only a telephone has a preferred authentication method."));
                }
                method.fields.insert("preferred_authentication_method".to_owned(), way.clone());
            }
            let names: Vec<&String> = change.keys().collect();
            let inputs = json!({ "user": user, "id": id, "changed": names });
            let act = Act { name: "users.update_authentication_method", tenant: "", workspace: None, inputs };
            let done = self.act(caller, act, async {
                let mut batch = self.store.batch();
                batch.update_authentication_method(user, id, &old, &method.doc());
                match self.store.commit(batch).await {
                    Ok(_) => Ok(true),
                    Err(BatchError::Untouched(_)) => Ok(false),
                    Err(error) => Err(error.into()),
                }
            });
            if done.await? {
                return Ok(method);
            }
        }
        Err(Refusal::Contended(Kind::AuthenticationMethod))
    }

    /// Removes one way to log in.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn delete_authentication_method(&self, caller: &Caller, user: &str, id: &str) -> Result<(), Refusal> {
        caller.may(&["delete:authentication_methods"], Target::Platform)?;
        self.may_become_user(caller, user).await?;
        let inputs = json!({ "user": user, "id": id });
        let act = Act { name: "users.delete_authentication_method", tenant: "", workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            batch.delete_authentication_method(user, id);
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Untouched(_)) => Err(Refusal::Missing(Kind::AuthenticationMethod)),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    /// Removes all ways to log in but the password.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn delete_authentication_methods(&self, caller: &Caller, user: &str) -> Result<(), Refusal> {
        let name = "users.delete_authentication_methods";
        self.remove_methods(caller, &["delete:authentication_methods"], user, name, |batch| {
            batch.delete_authentication_methods(user);
        })
        .await
    }

    /// Removes all second factors and the recovery code; passkeys stay.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn delete_second_factors(&self, caller: &Caller, user: &str) -> Result<(), Refusal> {
        let name = "users.delete_second_factors";
        self.remove_methods(caller, &["delete:guardian_enrollments"], user, name, |batch| {
            for kind in ["phone", "email", "totp", "webauthn-roaming", "recovery-code"] {
                batch.delete_authentication_methods_of_kind(user, kind);
            }
        })
        .await
    }

    /// Removes the one-time codes of an application (`google-authenticator`); nothing is kept for other providers.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn delete_second_factor(&self, caller: &Caller, user: &str, provider: &str) -> Result<(), Refusal> {
        let name = "users.delete_second_factor";
        self.remove_methods(caller, &["update:users"], user, name, |batch| {
            if provider == "google-authenticator" {
                batch.delete_authentication_methods_of_kind(user, "totp");
            }
        })
        .await
    }

    /// Makes the user show a second factor again in every browser.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn forget_browsers(&self, caller: &Caller, user: &str) -> Result<(), Refusal> {
        self.remove_methods(caller, &["update:users"], user, FORGET_BROWSERS, |batch| {
            batch.delete_authentication_methods_of_kind(user, "remembered-browser");
        })
        .await
    }

    async fn remove_methods(
        &self,
        caller: &Caller,
        permission: &'static [Permission],
        user: &str,
        name: &'static str,
        remove: impl FnOnce(&mut Batch) + Send,
    ) -> Result<(), Refusal> {
        caller.may(permission, Target::Platform)?;
        self.may_become_user(caller, user).await?;
        let act = Act { name, tenant: "", workspace: None, inputs: json!({ "user": user }) };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            remove(&mut batch);
            if !batch.is_empty() {
                self.store.commit(batch).await?;
            }
            Ok(())
        })
        .await?;
        if name != FORGET_BROWSERS {
            self.log(Event { user_id: Some(user.to_owned()), address: caller.address, ..Event::new("gd_unenroll") });
        }
        Ok(())
    }
}
