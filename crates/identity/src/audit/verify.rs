//! Verifying a chain.

use tenantry_store::{ChainReport, Hash, Head};

use crate::{Caller, Identity, Refusal};

impl Identity {
    /// Verifies an account's chain (the platform's without one); `expected` is a head that was written
    /// down before, if any. A chain that nothing was written to is sound.
    ///
    /// # Errors
    /// [`Refusal::Missing`] for an account that does not exist, [`Refusal::Hidden`] for a caller who sees
    /// only one workspace: the chain is the whole account's.
    pub async fn verify_audit(
        &self,
        caller: &Caller,
        account: Option<&str>,
        expected: Option<(i64, Hash)>,
    ) -> Result<ChainReport, Refusal> {
        let chain = self.chain(caller, account).await?;
        if chain.workspace.is_some() {
            return Err(Refusal::Hidden);
        }
        let expected: Vec<Head> =
            expected.map(|(seq, hash)| Head { account: chain.tenant.clone(), seq, hash }).into_iter().collect();
        let report = self.store.verify(Some(&chain.tenant), &expected).await?;
        Ok(report.chains.into_iter().next().unwrap_or_default())
    }
}
