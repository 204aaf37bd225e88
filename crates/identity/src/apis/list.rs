//! Listing APIs.

use tenantry_store::identity::Window;

use crate::apis::Api;
use crate::caller::Target;
use crate::{Caller, Identity, Listed, Part, Refusal};

impl Identity {
    /// APIs, oldest first; with `identifiers`, only those.
    ///
    /// # Errors
    /// The store's; [`Refusal::Invalid`] for a `from` that this list did not answer.
    pub async fn apis(&self, caller: &Caller, identifiers: &[String], part: &Part) -> Result<Listed<Api>, Refusal> {
        caller.may(&["read:resource_servers"], Target::Platform)?;
        let after = part.after()?;
        let after = after.as_ref().map(|(micros, id)| (*micros, id.as_str()));
        let rows = self.store.apis(identifiers, after, Window { offset: part.offset(), limit: part.fetch() }).await?;
        let total = if part.wants_total() { Some(self.store.count_apis(identifiers).await?) } else { None };
        let Listed { items, next, .. } = part.listed(rows, |row| (row.created_micros, row.id.clone()), |row| row);
        let mut items = self.whole_apis(items).await?;
        if caller.may(&["update:resource_servers"], Target::Platform).is_ok() {
            items = items.into_iter().map(|api| self.with_signing_secret(api)).collect::<Result<_, _>>()?;
        }
        Ok(Listed { items, total, next })
    }
}
