//! Reading the ways to log in.

use tenantry_store::identity::Window;

use crate::caller::Target;
use crate::methods::{Method, RECOVERY};
use crate::{Caller, Identity, Kind, Listed, Part, Refusal};

impl Identity {
    /// The ways in which a user may log in, oldest first.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn authentication_methods(
        &self,
        caller: &Caller,
        user: &str,
        part: &Part,
    ) -> Result<Listed<Method>, Refusal> {
        caller.may(&["read:authentication_methods"], Target::Platform)?;
        self.must_exist(user).await?;
        let (window, total) = match part {
            Part::Page { offset, limit, total } => (Window { offset: *offset, limit: *limit }, *total),
            Part::From { take, .. } => (Window { offset: 0, limit: *take }, false),
        };
        let rows = self.store.authentication_methods(user, window).await?;
        let total = if total { Some(self.store.count_authentication_methods(user).await?) } else { None };
        Ok(Listed { items: rows.into_iter().map(Method::from_row).collect(), total, next: None })
    }

    /// One way in which a user may log in.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn authentication_method(&self, caller: &Caller, user: &str, id: &str) -> Result<Method, Refusal> {
        caller.may(&["read:authentication_methods"], Target::Platform)?;
        self.must_exist(user).await?;
        let row = self.store.authentication_method(user, id).await?;
        row.map(Method::from_row).ok_or(Refusal::Missing(Kind::AuthenticationMethod))
    }

    /// The second factors of a user, oldest first.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn enrollments(&self, caller: &Caller, user: &str) -> Result<Vec<Method>, Refusal> {
        caller.may(&["read:users", "read:current_user"], Target::Platform)?;
        self.must_exist(user).await?;
        let rows = self.store.authentication_methods(user, Window { offset: 0, limit: 100 }).await?;
        let methods = rows.into_iter().map(Method::from_row);
        Ok(methods.filter(|method| method.kind != "passkey" && method.kind != RECOVERY).collect())
    }
}
