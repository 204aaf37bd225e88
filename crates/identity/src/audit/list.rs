//! Listing the audit.

use tenantry_store::{Decision, Filter, Phase, Recorded};

use crate::{Caller, Identity, Refusal};

/// Which entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditPart {
    /// Only this tool or operation.
    pub tool: Option<String>,
    /// Only this table.
    pub model: Option<String>,
    /// Only this subject.
    pub user: Option<String>,
    /// Only this workspace.
    pub workspace: Option<String>,
    /// Only from this moment on, microseconds since 1970 UTC.
    pub since_micros: Option<i64>,
    /// Only before this moment, microseconds since 1970 UTC.
    pub until_micros: Option<i64>,
    /// Only entries with this decision.
    pub decision: Option<Decision>,
    /// Only entries of this phase.
    pub phase: Option<Phase>,
    /// Only entries before this place in the chain.
    pub before_seq: Option<i64>,
    /// At most so many.
    pub limit: u32,
}

impl Identity {
    /// Entries of an account's chain (the platform's without one), newest first.
    ///
    /// # Errors
    /// [`Refusal::Missing`] for an account that does not exist.
    pub async fn audit(
        &self,
        caller: &Caller,
        account: Option<&str>,
        part: AuditPart,
    ) -> Result<Vec<Recorded>, Refusal> {
        let chain = self.chain(caller, account).await?;
        if let (Some(own), Some(asked)) = (&chain.workspace, &part.workspace)
            && own != asked
        {
            // Nothing of another workspace, which may as well not exist.
            return Ok(Vec::new());
        }
        let filter = Filter {
            account: chain.tenant,
            tool: part.tool,
            model: part.model,
            workspace: chain.workspace.or(part.workspace),
            user: part.user,
            since_micros: part.since_micros,
            until_micros: part.until_micros,
            decision: part.decision,
            phase: part.phase,
            limit: part.limit,
            before_seq: part.before_seq,
        };
        Ok(self.store.list(&filter).await?)
    }
}
