//! Listing clients.

use tenantry_store::identity::Window;
use tenantry_store::identity::clients::ClientFilter;

use crate::caller::Target;
use crate::clients::{Client, read::READ};
use crate::{Caller, Identity, Listed, Part, Refusal};

/// A part of the list of clients.
pub type Clients = Listed<Client>;

impl Identity {
    /// Clients, oldest first, as the caller may see them.
    ///
    /// # Errors
    /// The store's; [`Refusal::Invalid`] for a `from` that this list did not answer.
    pub async fn clients(&self, caller: &Caller, filter: &ClientFilter, part: &Part) -> Result<Clients, Refusal> {
        caller.may(READ, Target::Platform)?;
        let after = part.after()?;
        let after = after.as_ref().map(|(micros, id)| (*micros, id.as_str()));
        let rows = self.store.clients(filter, after, Window { offset: part.offset(), limit: part.fetch() }).await?;
        let total = if part.wants_total() { Some(self.store.count_clients(filter).await?) } else { None };
        let Listed { items, next, .. } =
            part.listed(rows, |row| (row.created_micros, row.id.clone()), Client::from_row);
        let items = items.into_iter().map(|client| self.seen(caller, client)).collect::<Result<_, _>>()?;
        Ok(Listed { items, total, next })
    }
}
