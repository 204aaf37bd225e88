//! Everything that a governed call needs, opened: the law, the sources, the store, the guard and the
//! issuer of tokens.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use tenantry_eval::canary::with_role;
use tenantry_file::Loaded;
use tenantry_file::words::SourceUrl as DeclaredUrl;
use tenantry_guard::limits::Limiter;
use tenantry_guard::{Guard, Parts};
use tenantry_identity::registration::Openness;
use tenantry_identity::{Identity, Issuer, Subject};
use tenantry_policy::{Clock, Entropy, Policy};
use tenantry_server::App;
use tenantry_source::{InUse, Options, Source};
use tenantry_store::{Store, StoreUrl};

use crate::address;
use crate::ambient::{OsEntropy, SystemClock};
use crate::canary::{self, Wanted};
use crate::limits;
use crate::output::Failure;
use crate::project::{Project, unavailable};
use crate::who::Who;

/// The shortest token for metrics.
const SHORTEST_TOKEN: usize = 16;

/// The machine's clock and random generator.
#[derive(Clone)]
pub struct Ambient {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

impl Default for Ambient {
    fn default() -> Self {
        Ambient { clock: Arc::new(SystemClock::new()), entropy: Arc::new(OsEntropy) }
    }
}

/// What is open while calls are answered.
pub struct Runtime {
    /// The file.
    pub loaded: Loaded,
    /// The door.
    pub guard: Arc<Guard>,
    /// The limits that calls are kept to.
    pub limiter: Arc<Limiter>,
    /// What Tenantry itself keeps.
    pub store: Arc<Store>,
    /// The issuer of tokens.
    pub issuer: Arc<Issuer>,
    /// The operations on accounts, users, roles, APIs and clients.
    pub identity: Arc<Identity>,
    /// The databases.
    pub sources: HashMap<Arc<str>, Source>,
    /// The clock and the generator.
    pub ambient: Ambient,
}

impl Runtime {
    /// Opens everything. Refuses to start over a source that is not safe to use.
    ///
    /// # Errors
    /// What the file, a source or the store says.
    pub async fn open(project: &Project<'_>) -> Result<Runtime, Failure> {
        let ambient = Ambient::default();
        let loaded = project.load()?;
        let (compiled, _) = project.compile(&loaded).await?;
        let (store, identity) = open_identity(project, &loaded, &ambient).await?;
        let policy = Arc::new(lawful(&loaded, &store, compiled.policy)?);
        let mut sources = HashMap::new();
        for declared in loaded.sources() {
            if !policy.tables.iter().any(|table| *table.source == *declared.name) {
                continue;
            }
            let url = project.resolve(&declared.name, &declared.url)?;
            let source = Source::open(&declared.name, &url, Options::default(), Arc::clone(&ambient.clock))
                .await
                .map_err(|error| unusable(&declared.name, &error))?;
            check_stored(&policy, &source).await?;
            sources.insert(Arc::from(declared.name.as_str()), source);
        }
        let issuer = Arc::clone(identity.issuer());
        let parts = Parts {
            policy,
            sources: sources.clone(),
            store: Arc::clone(&store),
            clock: Arc::clone(&ambient.clock),
            entropy: Arc::clone(&ambient.entropy),
        };
        let guard = Guard::new(parts).await.map_err(|error| match error {
            tenantry_guard::GuardError::Source { source_name, error } => unusable(&source_name, &error),
            error => Failure::failed("NOT_READY", error.to_string()),
        })?;
        let limiter = limits::limiter(&loaded, &store, &ambient).await?;
        guard.limit(Arc::clone(&limiter));
        Ok(Runtime { loaded, guard: Arc::new(guard), limiter, store, issuer, identity, sources, ambient })
    }

    /// What the server answers with.
    ///
    /// # Errors
    /// `ISSUER_INVALID` for another issuer that cannot be used as the file describes it; `SECRET_MISSING` for
    /// the key of a model's upstream.
    pub fn app(&self, project: &Project<'_>) -> Result<App, Failure> {
        let (clock, entropy) = (Arc::clone(&self.ambient.clock), Arc::clone(&self.ambient.entropy));
        let app = App::new(Arc::clone(&self.guard), Arc::clone(&self.identity), clock, entropy);
        let others = crate::issuers::declared(&self.loaded, self.issuer.url(), Arc::clone(&self.ambient.clock))?;
        let app = app.limited(limits::rates(&self.loaded)).trusting(others);
        let app = match self.loaded.document().platform.as_ref().map(|platform| &platform.mcp) {
            Some(places) => {
                let origins: Vec<String> = places.origins.iter().map(|origin| origin.as_str().to_owned()).collect();
                let openness = Openness { registration: places.registration, documents: places.client_documents };
                app.reachable(&places.hosts, &origins).open_to(openness)
            }
            None => app,
        };
        let app = match self.watcher(project)? {
            Some(token) => app.metered(&token),
            None => app,
        };
        let version = self.guard.policy().short_version();
        Ok(match crate::models::open(project, &self.loaded, &version, &self.store, &self.ambient)? {
            Some(models) => {
                models.limit(Arc::clone(&self.limiter));
                app.offering(models)
            }
            None => app,
        })
    }

    /// The token for `/metrics`, where the file wants figures told.
    fn watcher(&self, project: &Project<'_>) -> Result<Option<String>, Failure> {
        let platform = self.loaded.document().platform.as_ref();
        let Some(declared) = platform.and_then(|platform| platform.metrics.token.as_ref()) else { return Ok(None) };
        let token = project.secret_of("the token for metrics", declared.as_str())?;
        if token.trim().len() < SHORTEST_TOKEN {
            let message = format!("the token for metrics is shorter than {SHORTEST_TOKEN} characters");
            return Err(Failure::invalid("METRICS_TOKEN", message).hint("make one: openssl rand -hex 32"));
        }
        Ok(Some(token.trim().to_owned()))
    }

    /// The subject of a token for somebody whom the file names.
    ///
    /// # Errors
    /// `UNKNOWN_PRINCIPAL`.
    pub fn subject(&self, who: &Who) -> Result<Subject, Failure> {
        subject(&self.loaded, who)
    }
}

/// The law, with the canaries' role where the file wants canaries.
fn lawful(loaded: &Loaded, store: &Store, policy: Policy) -> Result<Policy, Failure> {
    let Some(wanted) = Wanted::of(loaded) else { return Ok(policy) };
    wanted.check(&policy)?;
    Ok(with_role(policy, &canary::secret(store)?, &wanted.written()))
}

/// The subject of a token for somebody whom the file names.
///
/// # Errors
/// `UNKNOWN_PRINCIPAL`.
pub fn subject(loaded: &Loaded, who: &Who) -> Result<Subject, Failure> {
    let spec = who.find(loaded)?;
    Ok(Subject {
        platform: spec.account.is_none(),
        account: spec.account,
        workspace: spec.workspace,
        user: Some(spec.user),
        roles: spec.roles,
        metadata: spec.metadata,
        ..Subject::default()
    })
}

/// Opens the store and the operations over it, and makes what every platform begins with.
///
/// # Errors
/// What keeps the store from opening.
pub async fn open_identity(
    project: &Project<'_>,
    loaded: &Loaded,
    ambient: &Ambient,
) -> Result<(Arc<Store>, Arc<Identity>), Failure> {
    let store = Arc::new(open_store(project, loaded, ambient).await?);
    let issuer = Arc::new(open_issuer(project, loaded, &store, ambient).await?);
    let (clock, entropy) = (Arc::clone(&ambient.clock), Arc::clone(&ambient.entropy));
    let identity = Arc::new(Identity::new(Arc::clone(&store), issuer, clock, entropy));
    let prepared = identity.prepare(&tenantry_server::management_scopes()).await;
    prepared.map_err(|refusal| Failure::failed(refusal.code(), refusal.to_string()))?;
    Ok((store, identity))
}

/// Opens Tenantry's own store: the one that the file names, or a SQLite file in the state folder.
///
/// # Errors
/// `STORE_…` codes of the store room.
pub async fn open_store(project: &Project<'_>, loaded: &Loaded, ambient: &Ambient) -> Result<Store, Failure> {
    let platform = loaded.document().platform.as_ref();
    let declared: Option<&DeclaredUrl> = platform.and_then(|platform| platform.store.as_ref());
    let text = match declared {
        Some(declared) => project.store_address(declared)?,
        None => ["sqlite:", &project.store_path().to_string_lossy()].concat(),
    };
    let key_file = platform.and_then(|platform| platform.key_file.as_ref()).map(|path| project.path(Path::new(path)));
    let options =
        tenantry_store::Options { clock: Arc::clone(&ambient.clock), entropy: Arc::clone(&ambient.entropy), key_file };
    let url = StoreUrl::parse(&text).map_err(|error| store_failure(&error))?;
    Store::open(&url, options).await.map_err(|error| store_failure(&error))
}

/// The issuer of this installation's tokens.
///
/// # Errors
/// `ISSUER_…` when the key cannot be made or read.
pub async fn open_issuer(
    project: &Project<'_>,
    loaded: &Loaded,
    store: &Store,
    ambient: &Ambient,
) -> Result<Issuer, Failure> {
    let url = address::issuer(project, loaded);
    Issuer::open(store, &url, Arc::clone(&ambient.clock), Arc::clone(&ambient.entropy))
        .await
        .map_err(|error| Failure::failed(error.code(), error.to_string()))
}

/// The store's error for the command line.
#[must_use]
pub fn store_failure(error: &tenantry_store::StoreError) -> Failure {
    let failure = Failure::failed(error.code(), error.to_string());
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// A source that is not there is a failure; one that must not be used is a danger.
fn unusable(source: &str, error: &tenantry_source::SourceError) -> Failure {
    match error {
        tenantry_source::SourceError::Unsafe(reason) => {
            Failure::dangerous("SOURCE_UNSAFE", format!("source `{source}`: {reason}"))
                .hint(error.hint())
                .hint(format!("tenantry apply --source {source} puts row security and privileges in place"))
        }
        _ => unavailable(source, error),
    }
}

/// SQLite tables that are not STRICT may hold values of any type; conditions are typed.
async fn check_stored(policy: &Policy, source: &Source) -> Result<(), Failure> {
    let in_use: Vec<InUse> = policy
        .tables
        .iter()
        .filter(|table| *table.source == *source.name())
        .map(crate::commands::doctor::in_use)
        .collect();
    let misfits = source.verify_stored_types(in_use).await.map_err(|error| unavailable(source.name(), &error))?;
    if misfits.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = misfits.iter().take(20).map(ToString::to_string).collect();
    Err(Failure::dangerous(
        "STORED_TYPES",
        format!("source `{}` holds values that do not fit their columns' types", source.name()),
    )
    .hint("mend the values, or leave the columns out of the file")
    .detail("columns", list))
}
