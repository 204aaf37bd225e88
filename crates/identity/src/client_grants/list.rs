//! Listing grants.

use tenantry_store::identity::Window;
use tenantry_store::identity::client_grants::GrantFilter;

use crate::caller::Target;
use crate::client_grants::ClientGrant;
use crate::{Caller, Identity, Listed, Part, Refusal};

impl Identity {
    /// Grants, oldest first.
    ///
    /// # Errors
    /// The store's; [`Refusal::Invalid`] for a `from` that this list did not answer.
    pub async fn client_grants(
        &self,
        caller: &Caller,
        filter: &GrantFilter,
        part: &Part,
    ) -> Result<Listed<ClientGrant>, Refusal> {
        caller.may(&["read:client_grants"], Target::Platform)?;
        let after = part.after()?;
        let after = after.as_ref().map(|(micros, id)| (*micros, id.as_str()));
        let window = Window { offset: part.offset(), limit: part.fetch() };
        let rows = self.store.client_grants(filter, after, window).await?;
        let total = if part.wants_total() { Some(self.store.count_client_grants(filter).await?) } else { None };
        let listed = part.listed(rows, |row| (row.created_micros, row.id.clone()), ClientGrant::from_row);
        Ok(Listed { total, ..listed })
    }
}
