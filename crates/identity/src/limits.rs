//! Limits of accounts and workspaces, as they are written: what cannot be read is refused then, and not when calls are
//! made; and a place says no more than the place above it.

use serde_json::Value;
use tenantry_policy::limits::Limits;
use tenantry_store::identity::limits::read;

use crate::text::{Fields, fields};
use crate::{Identity, Refusal};

/// How many accounts stand above each other at most.
const HIGHEST: usize = 64;

/// The limits among fields.
///
/// # Errors
/// [`Refusal::Invalid`], which names the place.
pub(crate) fn readable(fields: &Fields) -> Result<Limits, Refusal> {
    let (limits, wrong) = read(fields.get("limits"));
    match wrong {
        None => Ok(limits),
        Some(wrong) => {
            let dot = if wrong.place.is_empty() { "" } else { "." };
            let message = format!("`limits{dot}{}` does not fit: {}", wrong.place, wrong.why);
            Err(Refusal::Invalid { code: "invalid_body", message })
        }
    }
}

/// Is something said of limits at all?
pub(crate) fn are_said(fields: &Fields) -> bool {
    fields.get("limits").is_some_and(|limits| !matches!(limits, Value::Null))
}

impl Identity {
    /// Passes where limits let no more pass than those of an account and of the accounts above it, which they stand
    /// under anyway.
    ///
    /// # Errors
    /// [`Refusal::Invalid`], which names the limit that is wider and where.
    pub(crate) async fn narrows(&self, own: Limits, account: Option<&str>) -> Result<(), Refusal> {
        let mut above = account.map(str::to_owned);
        for _ in 0..HIGHEST {
            let Some(id) = above.take().filter(|_| !own.is_none()) else { break };
            let Some(row) = self.store.account(&id).await? else { break };
            if let Some(widened) = own.widened(&read(fields(&row.doc).get("limits")).0) {
                let message =
                    format!("`limits.{widened}` does not fit: it allows more than account `{}` has", row.name);
                return Err(Refusal::Invalid { code: "invalid_body", message });
            }
            above = row.parent_id;
        }
        Ok(())
    }
}
