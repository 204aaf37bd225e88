//! Ending refresh tokens. The access tokens of whom they belonged to end within a second.

use std::collections::BTreeSet;

use serde_json::json;
use tenantry_store::Subject;

use crate::act::Act;
use crate::caller::Target;
use crate::{Caller, Identity, Refusal};

/// Which families are to end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Revocation {
    /// These.
    pub ids: Vec<String>,
    /// Those of this user.
    pub user_id: Option<String>,
    /// Those of this client; with a user, those of the user at the client.
    pub client_id: Option<String>,
}

impl Identity {
    /// Ends families; those that do not exist are no matter.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] when nothing is named.
    pub async fn revoke_refresh_tokens(&self, caller: &Caller, which: Revocation) -> Result<(), Refusal> {
        caller.may(&["delete:refresh_tokens"], Target::Platform)?;
        let Revocation { ids, user_id, client_id } = &which;
        let by_id = !ids.is_empty();
        let by_holder = user_id.is_some() || client_id.is_some();
        if by_id == by_holder {
            return Err(Refusal::Invalid {
                code: "invalid_body",
                message: "Payload validation error: 'Either ids, or user_id and client_id or one of them'.".to_owned(),
            });
        }
        let rows = if by_id { self.store.refresh_tokens_among(ids).await? } else { Vec::new() };
        let inputs = json!({ "ids": ids, "user": user_id, "client": client_id });
        let act = Act { name: "refresh_tokens.revoke", tenant: "", workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            for row in &rows {
                batch.delete_refresh_token(&row.id);
            }
            for user in rows.iter().map(|row| &row.user_id).collect::<BTreeSet<_>>() {
                batch.affects(Subject::User(user.clone()));
            }
            if by_holder {
                batch.delete_refresh_tokens(user_id.as_deref(), client_id.as_deref());
                match (user_id, client_id) {
                    (Some(user), _) => batch.affects(Subject::User(user.clone())),
                    (None, Some(client)) => batch.affects(Subject::Client(client.clone())),
                    (None, None) => {}
                }
            }
            if !batch.is_empty() {
                self.store.commit(batch).await?;
            }
            Ok(())
        })
        .await
    }

    /// Ends all families of a user.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn delete_refresh_tokens_of(&self, caller: &Caller, user: &str) -> Result<(), Refusal> {
        caller.may(&["delete:refresh_tokens"], Target::Platform)?;
        self.must_exist(user).await?;
        let which = Revocation { user_id: Some(user.to_owned()), ..Revocation::default() };
        self.revoke_refresh_tokens(caller, which).await
    }
}
