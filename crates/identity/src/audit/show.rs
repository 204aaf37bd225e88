//! The entries of one call.

use tenantry_store::Recorded;

use crate::{Caller, Identity, Kind, Refusal};

impl Identity {
    /// The entries of the call of that id on an account's chain (the platform's without one), oldest first.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn audit_of(&self, caller: &Caller, account: Option<&str>, id: &str) -> Result<Vec<Recorded>, Refusal> {
        let chain = self.chain(caller, account).await?;
        let mut found = self.store.show(&chain.tenant, id).await?;
        if let Some(workspace) = &chain.workspace {
            found.retain(|recorded| recorded.entry.workspace.as_ref() == Some(workspace));
        }
        if found.is_empty() { Err(Refusal::Missing(Kind::AuditEntry)) } else { Ok(found) }
    }
}
