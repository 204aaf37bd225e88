//! What the commands on plans share: the file, its sources, and the engine over the store.

mod show;

use std::collections::BTreeMap;
use std::sync::Arc;

use clap::Args;
use tenantry_file::Loaded;
use tenantry_identity::Caller;
use tenantry_plan::{Engine, Fault, Parts, PlanError, Secrets, Selection, SourceAccess, Wish};
use tenantry_policy::catalog::Catalog;
use tenantry_policy::{Entropy as _, Policy};
use tenantry_store::Store;
use zeroize::Zeroizing;

pub use show::{change_lines, moment, plan_text, secrets_text, steps_told};

use crate::ambient::OsEntropy;
use crate::commands::Run;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::output::Failure;
use crate::project::Project;
use crate::runtime::{self, Ambient};

/// What of the file is meant.
#[derive(Debug, Clone, Default, Args)]
pub struct SelectArgs {
    /// Only this source's database: roles, grants, row security
    #[arg(long, value_name = "NAME")]
    pub source: Vec<String>,
    /// Only this: `identity`, `law` (tables, tools, models), or an address such as account.acme and what stands
    /// under it
    #[arg(long, value_name = "WHAT")]
    pub target: Vec<String>,
}

impl SelectArgs {
    /// As the engine takes it.
    ///
    /// # Errors
    /// `UNKNOWN_SOURCE`.
    pub fn selection(&self, loaded: &Loaded) -> Result<Selection, Failure> {
        let known: Vec<String> = loaded.sources().into_iter().map(|source| source.name).collect();
        if let Some(name) = self.source.iter().find(|name| !known.contains(name)) {
            return Err(Failure::invalid("UNKNOWN_SOURCE", format!("the file has no source `{name}`"))
                .hint(format!("sources: {}", known.join(", "))));
        }
        let (addresses, mut targets): (Vec<String>, Vec<String>) =
            self.target.iter().cloned().partition(|text| text.contains('.'));
        targets.extend(self.source.iter().cloned());
        Ok(Selection { targets, addresses })
    }
}

/// A file that is about to be planned or applied.
pub struct Board {
    /// The file.
    pub loaded: Loaded,
    /// Its rules; none when only identity is meant.
    pub policy: Policy,
    /// What its databases say of their tables.
    pub catalogs: BTreeMap<String, Catalog>,
    /// Its sources.
    pub sources: Vec<SourceAccess>,
    /// What of it is meant.
    pub selection: Selection,
    /// The engine.
    pub engine: Engine,
    /// What Tenantry itself keeps.
    pub store: Arc<Store>,
    /// The operator, with this run's id.
    pub caller: Caller,
}

impl std::fmt::Debug for Board {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Board").field("selection", &self.selection).finish_non_exhaustive()
    }
}

impl Board {
    /// Opens the file, the catalogs of its sources, and the store.
    ///
    /// # Errors
    /// What keeps one of them from opening.
    pub async fn open(
        run: &Run<'_>,
        project: &Project<'_>,
        loaded: Loaded,
        selection: Selection,
    ) -> Result<Board, Failure> {
        let (mut policy, mut catalogs) = (Policy::default(), BTreeMap::new());
        let mut sources = Vec::new();
        // Who may do what in Tenantry itself needs no database of tenants.
        let only_identity = !selection.targets.is_empty() && selection.targets.iter().all(|name| name == "identity");
        if !only_identity {
            for declared in loaded.sources() {
                let is_meant = selection.targets.is_empty() || selection.targets.contains(&declared.name);
                let owner = match &declared.admin_url {
                    Some(url) if is_meant => Some(project.resolve(&declared.name, url)?),
                    _ => None,
                };
                let runtime = project.resolve(&declared.name, &declared.url)?;
                sources.push(SourceAccess { name: declared.name, runtime, owner });
            }
            let (compiled, read) = project.compile(&loaded).await?;
            (policy, catalogs) = (compiled.policy, read);
        }
        let ambient = Ambient::default();
        let (store, identity) = runtime::open_identity(project, &loaded, &ambient).await?;
        let mut id = [0_u8; 8];
        OsEntropy.fill(&mut id).map_err(|error| Failure::failed("NO_ENTROPY", error.to_string()))?;
        let caller = Caller::operator(["apply_", &tenantry_identity::text::hex(&id)].concat());
        let engine = Engine::new(Parts {
            store: Arc::clone(&store),
            identity,
            caller: caller.clone(),
            clock: ambient.clock,
            entropy: ambient.entropy,
            secrets: Arc::new(Found(run.environment.clone())),
        });
        Ok(Board { loaded, policy, catalogs, sources, selection, engine, store, caller })
    }

    /// What is wanted.
    #[must_use]
    pub fn wish(&self) -> Wish<'_> {
        Wish { loaded: &self.loaded, policy: &self.policy, catalogs: &self.catalogs, sources: &self.sources }
    }
}

/// Secrets of the program's surroundings.
struct Found(Environment);

impl Secrets for Found {
    fn secret(&self, reference: &str) -> Result<Zeroizing<String>, String> {
        self.0.secret(reference).map(Zeroizing::new).map_err(|error| error.to_string())
    }
}

/// A plan's error for the command line.
#[must_use]
pub fn failed(error: &PlanError) -> Failure {
    let exit = match error.fault() {
        Fault::Ours => Exit::Failed,
        Fault::Invalid => Exit::Invalid,
        Fault::No => Exit::No,
        Fault::Dangerous => Exit::Dangerous,
    };
    let exit = if matches!(error, PlanError::Stopped { .. }) { Exit::Interrupted } else { exit };
    let (address, place) = error.place();
    let mut message = error.to_string();
    if let Some(place) = place {
        message = format!("{message} ({place})");
    }
    let mut failure = Failure::new(exit, error.code(), message);
    if let Some(hint) = error.hint() {
        failure = failure.hint(hint);
    }
    if let Some(address) = address {
        failure = failure.detail("address", address);
    }
    if let Some(place) = place {
        failure = failure.detail("place", place);
    }
    match error {
        PlanError::Dangerous { addresses } | PlanError::Open { addresses } => {
            let all: Vec<serde_json::Value> = addresses
                .iter()
                .map(|(address, codes)| serde_json::json!({ "address": address, "codes": codes }))
                .collect();
            failure.detail("dangers", all)
        }
        PlanError::Leaks { broken, .. } => {
            let all: Vec<serde_json::Value> = broken
                .iter()
                .map(|(address, promise)| serde_json::json!({ "address": address, "promise": promise }))
                .collect();
            failure.detail("broken", all)
        }
        _ => failure,
    }
}
