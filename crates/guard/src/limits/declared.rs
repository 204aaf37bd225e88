//! The limits of accounts: the file's, and for accounts that it does not know, the store's.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use serde_json::Value;
use tenantry_policy::limits::{AccountLimits, LimitLaw, Limits, WorkspaceLimits};
use tenantry_store::identity::limits;
use tenantry_store::{Store, StoreError};

use super::scope::{Chain, Link};

/// How long what the store says is believed.
const BELIEVED: Duration = Duration::from_secs(2);

/// How long it is held to while the store does not answer.
const HELD_TO: Duration = Duration::from_mins(10);

/// How many accounts are remembered.
const REMEMBERED: u64 = 10_000;

/// How many accounts stand above each other at most.
const HIGHEST: usize = 16;

/// Accounts as they were last read.
#[derive(Debug)]
pub(super) struct Declared {
    known: Cache<Box<str>, Arc<Known>>,
}

#[derive(Debug)]
struct Known {
    chain: Arc<Chain>,
    read: Duration,
}

impl Declared {
    pub(super) fn new() -> Declared {
        Declared { known: Cache::builder().max_capacity(REMEMBERED).time_to_live(HELD_TO).build() }
    }

    pub(super) fn forget(&self) {
        self.known.invalidate_all();
    }

    /// An account and those above it. While the store does not answer, as they were read last.
    ///
    /// # Errors
    /// The store's, where nothing was read before. INVARIANT: what cannot be read is never taken for no limits.
    pub(super) async fn chain(
        &self,
        law: &LimitLaw,
        store: Option<&Store>,
        tenant: Option<&str>,
        now: Duration,
    ) -> Result<Arc<Chain>, StoreError> {
        let Some(tenant) = tenant else { return Ok(Arc::from(Vec::new())) };
        let known = self.known.get(tenant);
        if let Some(known) = known.as_ref().filter(|known| now < known.read + BELIEVED) {
            return Ok(Arc::clone(&known.chain));
        }
        match read(law, store, tenant).await {
            Ok(chain) => {
                let chain: Arc<Chain> = chain.into();
                self.known.insert(tenant.into(), Arc::new(Known { chain: Arc::clone(&chain), read: now }));
                Ok(chain)
            }
            Err(error) => {
                tracing::warn!(%error, "the limits of an account cannot be read");
                known.map(|known| Arc::clone(&known.chain)).ok_or(error)
            }
        }
    }
}

async fn read(law: &LimitLaw, store: Option<&Store>, tenant: &str) -> Result<Vec<Link>, StoreError> {
    let mut chain: Vec<Link> = Vec::new();
    let mut next: Option<Box<str>> = Some(tenant.into());
    while let Some(tenant) =
        next.take().filter(|next| chain.len() < HIGHEST && !chain.iter().any(|known| known.tenant == *next))
    {
        let link = link(law, store, tenant).await?;
        next.clone_from(&link.limits.parent);
        chain.push(link);
    }
    Ok(chain)
}

async fn link(law: &LimitLaw, store: Option<&Store>, tenant: Box<str>) -> Result<Link, StoreError> {
    let file = law.accounts.get(&tenant);
    // Of the file's accounts the store only says how their workspaces are called.
    let found = match store {
        Some(store) if file.is_none_or(|file| !file.workspaces.is_empty()) => store.declared_limits(&tenant).await?,
        _ => None,
    };
    let workspaces = found.iter().flat_map(|found| &found.workspaces);
    let workspaces = workspaces.map(|one| (one.id.as_str().into(), one.name.as_str().into())).collect();
    let limits = match (file, found) {
        (Some(file), _) => file.clone(),
        (None, Some(found)) => AccountLimits {
            own: limits(&found.doc),
            workspaces: found.workspaces.iter().map(|one| (one.name.as_str().into(), workspace(&one.doc))).collect(),
            parent: found.parent.map(Into::into),
            ..AccountLimits::default()
        },
        (None, None) => AccountLimits::default(),
    };
    Ok(Link { tenant, limits, workspaces })
}

fn workspace(doc: &str) -> WorkspaceLimits {
    WorkspaceLimits { own: limits(doc), ..WorkspaceLimits::default() }
}

/// The limits in a document. What cannot be read lets nothing pass: it was meant to limit something.
fn limits(doc: &str) -> Limits {
    let doc: Value = serde_json::from_str(doc).unwrap_or_default();
    limits::read(doc.get("limits")).0
}

#[cfg(test)]
mod tests {
    use tenantry_policy::limits::{Budget, Period, Rate};

    use super::*;

    #[test]
    fn what_cannot_be_read_lets_nothing_pass() {
        let read =
            limits(r#"{"limits":{"requests":"5/s","tokens":null,"concurrent":3,"budget":{"amount":7,"per":"day"}}}"#);
        assert_eq!(read.requests, Rate::parse("5/s"));
        assert_eq!((read.tokens, read.concurrent), (None, Some(3)));
        assert_eq!(read.budget, Some(Budget { micros: 7, period: Period::Day, tolerance: None }));
        for doc in ["", "{}", r#"{"limits":{}}"#, r#"{"limits":null}"#] {
            assert!(limits(doc).is_none(), "{doc}");
        }
        assert_eq!(limits(r#"{"limits":"5/s"}"#).requests.map(|rate| rate.count), Some(0));
        let read = limits(r#"{"limits":{"requests":5,"concurrent":-1,"budget":{"amount":1.5,"per":"day"}}}"#);
        assert_eq!(read.requests.map(|rate| rate.count), Some(0));
        assert_eq!((read.concurrent, read.budget.map(|budget| budget.micros)), (Some(0), Some(0)));
    }
}
