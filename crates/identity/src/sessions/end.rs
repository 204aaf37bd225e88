//! Ending sessions, and with them what was made in them.

use serde_json::json;
use tenantry_store::{Batch, Subject};

use crate::act::Act;
use crate::caller::{Permission, Target};
use crate::{Caller, Identity, Kind, Refusal};

impl Identity {
    /// Ends a session; does nothing when there is none. Refresh tokens that were made in it stay.
    ///
    /// # Errors
    /// The store's.
    pub async fn delete_session(&self, caller: &Caller, id: &str) -> Result<(), Refusal> {
        caller.may(&["delete:sessions"], Target::Platform)?;
        self.end(caller, "sessions.delete", json!({ "id": id }), |batch| {
            batch.delete_session(id);
        })
        .await
    }

    /// Ends all sessions of a user. Refresh tokens stay.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn delete_sessions_of(&self, caller: &Caller, user: &str) -> Result<(), Refusal> {
        caller.may(&["delete:sessions"], Target::Platform)?;
        self.must_exist(user).await?;
        self.end(caller, "sessions.delete_all", json!({ "user": user }), |batch| {
            batch.delete_sessions_of(user);
        })
        .await
    }

    /// Ends a session with the refresh tokens that were made in it; the user's access tokens end within a second.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn revoke_session(&self, caller: &Caller, id: &str) -> Result<(), Refusal> {
        caller.may(&["delete:sessions", "delete:refresh_tokens"], Target::Platform)?;
        let session = self.store.session(id).await?.ok_or(Refusal::Missing(Kind::Session))?;
        self.end(caller, "sessions.revoke", json!({ "id": id, "user": session.user_id }), |batch| {
            batch.delete_session(id);
            batch.delete_refresh_tokens_of_session(id);
            batch.affects(Subject::User(session.user_id.clone()));
        })
        .await
    }

    /// Ends a user's access: one session or all, with their refresh tokens unless those are to stay; access
    /// tokens end within a second.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn revoke_access(
        &self,
        caller: &Caller,
        user: &str,
        session: Option<&str>,
        preserve_refresh_tokens: bool,
    ) -> Result<(), Refusal> {
        const ANY: &[Permission] = &["delete:sessions", "delete:refresh_tokens"];
        caller.may(ANY, Target::Platform)?;
        self.must_exist(user).await?;
        if let Some(id) = session {
            let found = self.store.session(id).await?;
            // A session of somebody else is none of this user's.
            found.filter(|found| found.user_id == user).ok_or(Refusal::Missing(Kind::Session))?;
        }
        let inputs = json!({ "user": user, "session": session, "preserve_refresh": preserve_refresh_tokens });
        self.end(caller, "users.revoke_access", inputs, |batch| {
            match session {
                Some(id) => {
                    batch.delete_session(id);
                    if !preserve_refresh_tokens {
                        batch.delete_refresh_tokens_of_session(id);
                    }
                }
                None => {
                    batch.delete_sessions_of(user);
                    if !preserve_refresh_tokens {
                        batch.delete_refresh_tokens(Some(user), None);
                    }
                }
            }
            batch.affects(Subject::User(user.to_owned()));
        })
        .await
    }

    async fn end(
        &self,
        caller: &Caller,
        name: &'static str,
        inputs: serde_json::Value,
        end: impl FnOnce(&mut Batch) + Send,
    ) -> Result<(), Refusal> {
        let act = Act { name, tenant: "", workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            end(&mut batch);
            self.store.commit(batch).await?;
            Ok(())
        })
        .await
    }
}
