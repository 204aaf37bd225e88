//! What model calls used, for those who may look: of their own account, and with a token for one workspace of that
//! workspace.

use tenantry_store::usage::UsageFilter;
pub use tenantry_store::usage::{UsageBy, UsageSum};

use crate::{Caller, Identity, Refusal};

/// Which calls, and what they are summed by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsagePart {
    /// Only this workspace.
    pub workspace: Option<String>,
    /// Only this user.
    pub user: Option<String>,
    /// Only this model.
    pub model: Option<String>,
    /// From when on, microseconds since 1970 UTC.
    pub from_micros: i64,
    /// Until before when.
    pub to_micros: i64,
    /// What the sums are made by.
    pub by: Vec<UsageBy>,
}

/// Whose limits and usage a caller may look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metered {
    /// The account's tenant id.
    pub tenant: String,
    /// Of this workspace alone.
    pub workspace: Option<String>,
}

impl Identity {
    /// Whose limits the caller may look at, in an account.
    ///
    /// # Errors
    /// [`Refusal::Missing`] for an account that does not exist, [`Refusal::Hidden`] for one that is not the caller's.
    pub async fn metered(&self, caller: &Caller, account: &str) -> Result<Metered, Refusal> {
        let chain = self.chain(caller, Some(account)).await?;
        Ok(Metered { tenant: chain.tenant, workspace: chain.workspace })
    }

    /// What an account's model calls used together, the costliest first.
    ///
    /// # Errors
    /// [`Refusal::Missing`] for an account that does not exist.
    pub async fn usage(&self, caller: &Caller, account: &str, part: UsagePart) -> Result<Vec<UsageSum>, Refusal> {
        // Who may see what was done may see what it used.
        let chain = self.chain(caller, Some(account)).await?;
        if let (Some(own), Some(asked)) = (&chain.workspace, &part.workspace)
            && own != asked
        {
            // Nothing of another workspace, which may as well not exist.
            return Ok(Vec::new());
        }
        let filter = UsageFilter {
            account: Some(chain.tenant),
            workspace: chain.workspace.or(part.workspace),
            user: part.user,
            model: part.model,
            from_micros: part.from_micros,
            to_micros: part.to_micros,
        };
        Ok(self.store.usage_sums(&filter, &part.by).await?)
    }
}
