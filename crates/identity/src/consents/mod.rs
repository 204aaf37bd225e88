//! What users consented to: which client may use which API for them.

use serde_json::json;
use tenantry_store::identity::Window;
use tenantry_store::identity::consents::Consent as Row;
use tenantry_store::{Batch, Subject};

use crate::act::Act;
use crate::authorize::CODE;
use crate::caller::Target;
use crate::{Caller, Identity, Listed, Part, Refusal};

pub use tenantry_store::identity::consents::ConsentFilter;

/// A consent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// Its id.
    pub id: String,
    /// Who consented.
    pub user_id: String,
    /// To which client.
    pub client_id: String,
    /// The API's identifier.
    pub audience: String,
    /// The permissions.
    pub scope: Vec<String>,
}

impl Consent {
    fn from_row(row: Row) -> Consent {
        Consent {
            id: row.id,
            user_id: row.user_id,
            client_id: row.client_id,
            audience: row.audience,
            scope: row.scope.split_whitespace().map(str::to_owned).collect(),
        }
    }
}

impl Identity {
    /// Consents, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn consents(
        &self,
        caller: &Caller,
        filter: &ConsentFilter,
        part: &Part,
    ) -> Result<Listed<Consent>, Refusal> {
        caller.may(&["read:grants"], Target::Platform)?;
        let (window, total) = match part {
            Part::Page { offset, limit, total } => (Window { offset: *offset, limit: *limit }, *total),
            Part::From { take, .. } => (Window { offset: 0, limit: *take }, false),
        };
        let rows = self.store.consents(filter, window).await?;
        let total = if total { Some(self.store.count_consents(filter).await?) } else { None };
        Ok(Listed { items: rows.into_iter().map(Consent::from_row).collect(), total, next: None })
    }

    /// Takes a consent back, with the refresh tokens that the client has for the user; does nothing when there
    /// is none. The user's access tokens end within a second.
    ///
    /// # Errors
    /// The store's.
    pub async fn delete_consent(&self, caller: &Caller, id: &str) -> Result<(), Refusal> {
        caller.may(&["delete:grants"], Target::Platform)?;
        let Some(consent) = self.store.consent(id).await? else { return Ok(()) };
        let inputs = json!({ "id": id, "user": consent.user_id, "client": consent.client_id });
        self.withdraw(caller, inputs, &consent.user_id, |batch| {
            batch.delete_consent(id);
            batch.delete_refresh_tokens(Some(&consent.user_id), Some(&consent.client_id));
        })
        .await
    }

    /// Takes all consents of a user back, with its refresh tokens.
    ///
    /// # Errors
    /// The store's.
    pub async fn delete_consents_of(&self, caller: &Caller, user: &str) -> Result<(), Refusal> {
        caller.may(&["delete:grants"], Target::Platform)?;
        self.withdraw(caller, json!({ "user": user }), user, |batch| {
            batch.delete_consents_of(user);
            batch.delete_refresh_tokens(Some(user), None);
        })
        .await
    }

    async fn withdraw(
        &self,
        caller: &Caller,
        inputs: serde_json::Value,
        user: &str,
        withdraw: impl FnOnce(&mut Batch) + Send,
    ) -> Result<(), Refusal> {
        let act = Act { name: "consents.delete", tenant: "", workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            withdraw(&mut batch);
            // Codes on their way, whoever they are for: another is had by asking again.
            batch.delete_tickets(user, CODE);
            batch.affects(Subject::User(user.to_owned()));
            self.store.commit(batch).await?;
            Ok(())
        })
        .await
    }
}
