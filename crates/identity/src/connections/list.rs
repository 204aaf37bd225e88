//! Listing connections.

use tenantry_store::identity::Window;
use tenantry_store::identity::connections::ConnectionFilter;

use crate::caller::Target;
use crate::connections::Connection;
use crate::{Caller, Identity, Listed, Part, Refusal};

impl Identity {
    /// Connections, oldest first.
    ///
    /// # Errors
    /// The store's; [`Refusal::Invalid`] for a `from` that this list did not answer.
    pub async fn connections(
        &self,
        caller: &Caller,
        filter: &ConnectionFilter,
        part: &Part,
    ) -> Result<Listed<Connection>, Refusal> {
        caller.may(&["read:connections"], Target::Platform)?;
        self.list_connections(caller, filter, part).await
    }

    /// The same, for callers whose permission was checked.
    pub(crate) async fn list_connections(
        &self,
        caller: &Caller,
        filter: &ConnectionFilter,
        part: &Part,
    ) -> Result<Listed<Connection>, Refusal> {
        let after = part.after()?;
        let after = after.as_ref().map(|(micros, id)| (*micros, id.as_str()));
        let rows = self.store.connections(filter, after, Window { offset: part.offset(), limit: part.fetch() }).await?;
        let total = if part.wants_total() { Some(self.store.count_connections(filter).await?) } else { None };
        let Listed { items, next, .. } = part.listed(rows, |row| (row.created_micros, row.id.clone()), |row| row);
        Ok(Listed { items: self.whole_connections(caller, items).await?, total, next })
    }
}
