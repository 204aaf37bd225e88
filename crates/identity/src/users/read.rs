//! Reading users.

use crate::caller::Target;
use crate::users::{User, is_id, may, names};
use crate::{Caller, Identity, Kind, Refusal};

/// The most users of one address that are answered.
const MOST: i64 = 100;

impl Identity {
    /// The user of that id. With `read:current_user` everybody may read itself.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn user(&self, caller: &Caller, id: &str) -> Result<User, Refusal> {
        may(caller, &["read:users", "read:user_idp_tokens"], &["read:current_user"], id)?;
        self.known_user(id).await
    }

    /// The user of that id, for the program itself: whoever asks was asked for a permission before.
    pub(crate) async fn known_user(&self, id: &str) -> Result<User, Refusal> {
        if !is_id(id) {
            return Err(Refusal::Missing(Kind::User));
        }
        let row = self.store.user(id).await?.ok_or(Refusal::Missing(Kind::User))?;
        let identities = self.store.user_identities(&[id.to_owned()]).await?;
        Ok(User::from_rows(row, identities))
    }

    /// The users with that address, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn users_by_email(&self, caller: &Caller, email: &str) -> Result<Vec<User>, Refusal> {
        caller.may(&["read:users"], Target::Platform)?;
        if email.contains('\0') {
            return Ok(Vec::new());
        }
        let rows = self.store.users_by_email(&names::sought_email(email), MOST).await?;
        self.with_identities(rows).await
    }

    /// The same users with what they may log in as: one more statement for all of them.
    pub(crate) async fn with_identities(
        &self,
        rows: Vec<tenantry_store::identity::users::User>,
    ) -> Result<Vec<User>, Refusal> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
        let mut of_each = std::collections::HashMap::new();
        for identity in self.store.user_identities(&ids).await? {
            of_each.entry(identity.user_id.clone()).or_insert_with(Vec::new).push(identity);
        }
        Ok(rows
            .into_iter()
            .map(|row| {
                let own = of_each.remove(&row.id).unwrap_or_default();
                User::from_rows(row, own)
            })
            .collect())
    }
}
