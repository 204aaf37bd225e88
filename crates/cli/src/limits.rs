//! The limits of the file, with the ids that things have in the store, and the server among others that keep to
//! them together.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tenantry_file::Loaded;
use tenantry_file::words::Rate as DeclaredRate;
use tenantry_guard::limits::Limiter;
use tenantry_policy::limits::{LimitLaw, Limits};
use tenantry_server::Rates;
use tenantry_store::Store;

use crate::output::Failure;
use crate::runtime::{Ambient, store_failure};

/// What accounts, users and clients are applied to, by the name in the store.
const PEOPLE: &str = "identity";

/// What models are applied to.
const LAW: &str = "law";

/// How often it is asked whether something was applied.
const LOOK: Duration = Duration::from_millis(250);

/// How often a server says that it answers.
const SAY: Duration = Duration::from_secs(1);

/// The limits in force.
///
/// # Errors
/// The store's.
pub async fn limiter(loaded: &Loaded, store: &Arc<Store>, ambient: &Ambient) -> Result<Arc<Limiter>, Failure> {
    let law = law(loaded, store).await?;
    Ok(Arc::new(Limiter::new(law, Arc::clone(store), Arc::clone(&ambient.clock))))
}

/// The limits of the file. What was applied has an id in the store, by which tokens name it.
async fn law(loaded: &Loaded, store: &Store) -> Result<LimitLaw, Failure> {
    let mut law = loaded.limits();
    let named = !law.clients.is_empty()
        || law.accounts.values().any(|account| {
            !account.users.is_empty() || account.workspaces.values().any(|workspace| !workspace.users.is_empty())
        });
    if !named {
        return Ok(law);
    }
    let mut ids: BTreeMap<(String, String), String> = BTreeMap::new();
    for row in store.managed().await.map_err(|error| store_failure(&error))? {
        if let (Some(keys), Some(id)) = (tenantry_plan::keys_of(&row.address), row.id)
            && let Ok([kind, name]) = <[String; 2]>::try_from(keys)
        {
            ids.insert((kind, name), id);
        }
    }
    let by_id = |kind: &str, said: &mut BTreeMap<Box<str>, Limits>| {
        let known: Vec<(Box<str>, Limits)> = said
            .iter()
            .filter_map(|(name, limits)| {
                let id = ids.get(&(kind.to_owned(), name.to_string()))?;
                Some((id.as_str().into(), *limits))
            })
            .collect();
        said.extend(known);
    };
    by_id("client", &mut law.clients);
    for account in law.accounts.values_mut() {
        by_id("user", &mut account.users);
        for workspace in account.workspaces.values_mut() {
            by_id("user", &mut workspace.users);
        }
    }
    Ok(law)
}

/// Keeps calls to the limits of the file as it was applied last: within a second after an `apply`, on every server.
pub struct Following(tokio::task::JoinHandle<()>);

impl Drop for Following {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Following {
    /// Begins. What the server's own file says holds until something is applied from now on.
    ///
    /// # Errors
    /// The store's.
    pub async fn begin(limiter: &Arc<Limiter>, store: &Arc<Store>) -> Result<Following, Failure> {
        let (limiter, store) = (Arc::clone(limiter), Arc::clone(store));
        let mut known = mark(&store).await.map_err(|error| store_failure(&error))?;
        Ok(Following(tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK).await;
                let followed = follow(&limiter, &store, &mut known).await;
                if let Err(error) = followed {
                    tracing::warn!(error = %error.message, "limits that were applied cannot be read; tried again");
                }
            }
        })))
    }
}

type Mark = [Option<(String, i64)>; 2];

async fn mark(store: &Store) -> Result<Mark, tenantry_store::StoreError> {
    Ok([store.applied_mark(PEOPLE).await?, store.applied_mark(LAW).await?])
}

/// Puts in force what was applied since.
async fn follow(limiter: &Limiter, store: &Store, known: &mut Mark) -> Result<(), Failure> {
    let failed = |error: tenantry_store::StoreError| store_failure(&error);
    let now = mark(store).await.map_err(failed)?;
    if now == *known {
        return Ok(());
    }
    let applied = store.applied().await.map_err(failed)?;
    let read = |target: &str| {
        let file = applied.iter().find(|file| file.target == target)?;
        tenantry_file::load(vec![tenantry_file::SourceText::new("applied.json", &file.doc)]).ok()
    };
    // Without a file that names accounts nothing is known of them: what holds goes on holding.
    if let Some(people) = read(PEOPLE) {
        let mut law = law(&people, store).await?;
        // Models are of the rules, which may be applied by themselves.
        if let Some(rules) = read(LAW) {
            law.models = rules.limits().models;
        }
        limiter.replace(law);
        tracing::info!("the limits that were applied are in force");
    }
    *known = now;
    Ok(())
}

/// The rates of callers of the identity APIs.
#[must_use]
pub fn rates(loaded: &Loaded) -> Rates {
    let usual = Rates::default();
    let Some(platform) = loaded.document().platform.as_ref() else { return usual };
    let rate = |declared: &Option<DeclaredRate>| declared.as_ref().and_then(DeclaredRate::rate);
    let limits = &platform.limits;
    Rates {
        calls: rate(&limits.calls).or(usual.calls),
        tokens: rate(&limits.tokens).or(usual.tokens),
        strangers: rate(&limits.strangers).or(usual.strangers),
    }
}

/// A server that says that it answers, until it is told to stop.
pub struct Present {
    id: String,
    store: Arc<Store>,
    saying: tokio::task::JoinHandle<()>,
}

impl Present {
    /// Says so from now on.
    ///
    /// # Errors
    /// When the machine has no randomness for the server's name, or the store does not answer.
    pub async fn begin(limiter: &Arc<Limiter>, store: &Arc<Store>, ambient: &Ambient) -> Result<Present, Failure> {
        let mut bytes = [0_u8; 12];
        let failed = |error: tenantry_policy::ambient::NoEntropy| Failure::failed("NO_ENTROPY", error.to_string());
        ambient.entropy.fill(&mut bytes).map_err(failed)?;
        let id = ["server_", &tenantry_identity::text::hex(&bytes)].concat();
        limiter.announce(&id).await.map_err(|error| store_failure(&error))?;
        let (limiter, name) = (Arc::clone(limiter), id.clone());
        let saying = tokio::spawn(async move {
            loop {
                tokio::time::sleep(SAY).await;
                if let Err(error) = limiter.announce(&name).await {
                    tracing::warn!(%error, "this server cannot say that it answers");
                }
            }
        });
        Ok(Present { id, store: Arc::clone(store), saying })
    }

    /// The server's name among the others.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Says that it answers no more.
    pub async fn end(self) {
        self.saying.abort();
        if !self.store.is_shared() {
            return;
        }
        if let Err(error) = self.store.dismiss_server(&self.id).await {
            tracing::warn!(%error, "this server is counted for a few seconds more");
        }
    }
}
