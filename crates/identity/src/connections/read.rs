//! Reading one connection.

use crate::caller::Target;
use crate::connections::Connection;
use crate::{Caller, Identity, Kind, Refusal};

impl Identity {
    /// The connection of that id.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn connection(&self, caller: &Caller, id: &str) -> Result<Connection, Refusal> {
        caller.may(&["read:connections"], Target::Platform)?;
        let row = self.store.connection(id).await?.ok_or(Refusal::Missing(Kind::Connection))?;
        self.whole_connections(caller, vec![row]).await?.pop().ok_or(Refusal::Missing(Kind::Connection))
    }
}
