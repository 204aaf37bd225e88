//! The canaries of a running server: round after round they attack through the server's own routes, and a hit is
//! told, put on record, and freezes the table until an operator releases it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tenantry_eval::OverWire;
use tenantry_eval::canary::{Flown, Hit, NAMES, Round, blank, fly, may_write, principals, role, unwatched};
use tenantry_file::Loaded;
use tenantry_guard::Guard;
use tenantry_identity::{Audience, Issuer, Subject};
use tenantry_policy::{Bound, Clock, Entropy, Policy};
use tenantry_server::Inside;
use tenantry_store::{Decision, Entry, Frozen, Phase, Store};

use crate::output::Failure;
use crate::runtime::{Runtime, store_failure};

/// The name under which the key file keeps what the canaries' names are made from.
const SECRET: &str = "canary";
/// How long between two rounds when the file does not say.
const EVERY: Duration = Duration::from_secs(60);
/// How long a token of a round lives.
const LIFETIME: Duration = Duration::from_secs(300);

/// What the file says of canaries.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// How long between two rounds.
    pub every: Duration,
    /// Does a hit freeze its table?
    pub freeze: bool,
    /// The rows that are made and taken away again, by table.
    pub rows: BTreeMap<String, Map<String, Value>>,
}

impl Wanted {
    /// What the file says; `None` when it wants none.
    #[must_use]
    pub fn of(loaded: &Loaded) -> Option<Wanted> {
        let said = loaded.document().platform.as_ref()?.canary.as_ref()?;
        Some(Wanted {
            every: said.every.as_ref().and_then(tenantry_file::words::Millis::duration).unwrap_or(EVERY),
            freeze: said.freeze,
            rows: said.rows.iter().map(|(table, row)| (table.clone(), row.clone().into_iter().collect())).collect(),
        })
    }

    /// The tables with a canary row.
    #[must_use]
    pub fn written(&self) -> BTreeSet<String> {
        self.rows.keys().cloned().collect()
    }

    /// Is it possible to have those rows, and to take them away again?
    ///
    /// # Errors
    /// `CANARY_ROW` with the reason.
    pub fn check(&self, policy: &Policy) -> Result<(), Failure> {
        for table in self.rows.keys() {
            may_write(policy, table).map_err(|why| {
                Failure::invalid("CANARY_ROW", why)
                    .hint("leave out [platform.canary.rows] for it: it is watched by reading")
            })?;
        }
        Ok(())
    }
}

/// What the canaries' names are made from.
///
/// # Errors
/// When the key file cannot be read or written.
pub fn secret(store: &Store) -> Result<Vec<u8>, Failure> {
    store.secret(SECRET, 16).map_err(|error| store_failure(&error))
}

/// The tables that no canary would look at, with the reason, a sentence each.
#[must_use]
pub fn overlooked(policy: &Policy) -> Vec<String> {
    // What the two are called does not matter here.
    let policy = Arc::new(policy.clone());
    let pair = principals(&policy, &[0; 16]).map(|one| Bound::new(Arc::clone(&policy), Arc::new(one)));
    let [Ok(a), Ok(b)] = pair else { return vec!["the canaries do not fit the policy".to_owned()] };
    let mut all: Vec<String> =
        unwatched(&policy, [&a, &b]).into_iter().map(|one| format!("{}: {}", one.table, one.why)).collect();
    let blank = blank(&policy);
    if !all.is_empty() && !blank.is_empty() {
        all.push(format!("canaries have no value of {}", blank.join(", ")));
    }
    all
}

/// The canaries of one server.
pub struct Canaries {
    wanted: Wanted,
    wire: Inside,
    guard: Arc<Guard>,
    store: Arc<Store>,
    issuer: Arc<Issuer>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    secret: Vec<u8>,
}

impl Canaries {
    /// Those that the file wants.
    ///
    /// # Errors
    /// When their names cannot be made.
    pub fn new(wanted: Wanted, runtime: &Runtime, wire: Inside) -> Result<Canaries, Failure> {
        Ok(Canaries {
            secret: secret(&runtime.store)?,
            wanted,
            wire,
            guard: Arc::clone(&runtime.guard),
            store: Arc::clone(&runtime.store),
            issuer: Arc::clone(&runtime.issuer),
            clock: Arc::clone(&runtime.ambient.clock),
            entropy: Arc::clone(&runtime.ambient.entropy),
        })
    }

    /// Goes on until it is dropped.
    pub async fn keep_flying(self) {
        let mut told = Vec::new();
        loop {
            if let Err(error) = self.guard.follow_frozen().await {
                tracing::error!(%error, "which tables are frozen cannot be read");
            }
            let round = self.round().await;
            if let Ok(flown) = &round
                && flown.unwatched != told
            {
                self.tell(flown);
                told.clone_from(&flown.unwatched);
            }
            match round {
                Ok(flown) if flown.tables == 0 => {
                    tracing::warn!(
                        "the canaries could look at no table: the policy asks for more than an account and attributes"
                    );
                }
                Ok(flown) => tracing::debug!(tables = flown.tables, calls = flown.calls, "the canaries saw nothing"),
                Err(why) => tracing::error!(%why, "the canaries could not make their round"),
            }
            tokio::time::sleep(self.wanted.every).await;
        }
    }

    /// Says which tables no canary looks at, and why: once, and when it changes.
    fn tell(&self, flown: &Flown) {
        for one in &flown.unwatched {
            tracing::warn!(table = %one.table, why = %one.why, "no canary looks at this table");
        }
        let blank = blank(&self.guard.policy());
        if !flown.unwatched.is_empty() && !blank.is_empty() {
            tracing::warn!(attributes = %blank.join(", "), "canaries have no value of these, and rules on them show them nothing");
        }
    }

    /// One round, with what follows from a hit.
    ///
    /// # Errors
    /// A sentence, when the round could not be made.
    pub async fn round(&self) -> Result<Flown, String> {
        let policy = self.guard.policy();
        let pair = principals(&policy, &self.secret);
        let mut tokens = BTreeMap::new();
        let mut bound = Vec::new();
        for (name, principal) in NAMES.into_iter().zip(pair) {
            let subject = Subject {
                account: principal.tenant_id.clone(),
                user: principal.user_id.clone(),
                roles: vec![role(&self.secret)],
                metadata: principal.metadata.clone(),
                ..Subject::default()
            };
            let token = self.issuer.issue(&subject, LIFETIME, Audience::App).map_err(|error| error.to_string())?;
            tokens.insert(name.to_owned(), token);
            let one = Bound::new(Arc::clone(&policy), Arc::new(principal)).map_err(|error| error.to_string())?;
            bound.push(Arc::new(one));
        }
        let [a, b] = bound.as_slice() else { return Err("there are not two".to_owned()) };
        let round =
            Round { policy: &policy, pair: [a, b], now_micros: self.clock.now_micros(), rows: &self.wanted.rows };
        let door = OverWire::new(&self.wire, tokens);
        let flown = fly(&door, &round).await.map_err(|error| error.to_string())?;
        for hit in &flown.hits {
            self.hit(hit, &policy).await;
        }
        Ok(flown)
    }

    /// Tells, puts on record, and freezes.
    async fn hit(&self, hit: &Hit, policy: &Policy) {
        tracing::error!(table = %hit.table, what = %hit.what, frozen = self.wanted.freeze, "INCIDENT: a canary saw what it should not");
        let now = self.clock.now_micros();
        let mut id = [0_u8; 12];
        if self.entropy.fill(&mut id).is_err() {
            tracing::error!("there is no entropy for the incident's id");
        }
        let id = ["inc_", &tenantry_identity::text::hex(&id)].concat();
        let why = json!({ "id": id, "what": hit.what, "time": tenantry_identity::text::time(now) }).to_string();
        if self.wanted.freeze {
            let frozen = Frozen { table: hit.table.clone(), why: why.clone() };
            // In this process at once, whatever the store says.
            self.guard.freeze(&hit.table);
            if let Err(error) = self.store.freeze(&frozen).await {
                tracing::error!(%error, table = %hit.table, "the table is frozen here, but other servers cannot be told");
            }
        }
        let mut entry = Entry::started(&id, "", "canary.hit", now);
        entry.phase = Phase::Denied;
        entry.decision = Decision::Denied;
        entry.code = Some("CANARY_HIT".to_owned());
        entry.error = Some("CANARY_HIT".to_owned());
        entry.model = Some(hit.table.clone());
        entry.inputs = Some(why);
        entry.policy_version = policy.short_version();
        if let Err(error) = self.store.append(entry).await {
            tracing::error!(%error, "the incident cannot be put on record");
        }
    }
}
