//! On real clusters: `TENANTRY_TEST_POSTGRES` names one by a superuser's URL, `TENANTRY_TEST_POSTGRES_NEWER` others of
//! newer versions, with commas between. `cargo xtask test` starts them. Without any these tests say so and pass.

mod failures;
mod kinds;
mod pitfalls;
mod pulled;
mod random;
mod seats;
mod things;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use tenantry_file::{SourceText, compile, load};
use tenantry_policy::ambient::NoEntropy;
use tenantry_policy::{Entropy, Policy};
use tenantry_source::SourceUrl;
use tenantry_source::admin::Admin;
use tenantry_source::cluster::Snapshot;
use zeroize::Zeroizing;

use super::ground::Kept;
use super::{Access, Seen, Wish, ground, see, write};
use crate::error::PlanError;
use crate::step::{Action, Step, difference};

/// Not random: a test's salts may be known.
/// What the lint says has tests of its own.
const AGREED: crate::Consent = crate::Consent { approved: Vec::new(), everything: true };

struct Counted(AtomicU32);

impl Entropy for Counted {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        for byte in bytes {
            *byte = u8::try_from(self.0.fetch_add(7, Ordering::Relaxed) % 251).unwrap();
        }
        Ok(())
    }
}

/// The servers to test on.
#[allow(clippy::disallowed_methods, reason = "tests are told where their servers are by the environment")]
fn servers() -> Vec<String> {
    let mut all = Vec::new();
    for name in ["TENANTRY_TEST_POSTGRES", "TENANTRY_TEST_POSTGRES_NEWER"] {
        let named = std::env::var(name).unwrap_or_default();
        all.extend(named.split(',').filter(|url| !url.is_empty()).map(str::to_owned));
    }
    if all.is_empty() {
        eprintln!("skipped: TENANTRY_TEST_POSTGRES is not set");
    }
    all
}

/// A database of its own, with names of roles of its own, and what the state would keep.
struct World {
    access: Access,
    /// What names of roles begin with.
    prefix: String,
    admin: Admin,
    server: String,
    kept: Kept,
    passwords: BTreeMap<String, String>,
}

impl World {
    async fn new(server: &str) -> World {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let prefix = format!("plan_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
        let first = Admin::connect(&SourceUrl::parse(server).unwrap()).await.unwrap();
        first.run_alone(&format!("CREATE DATABASE {prefix}")).await.unwrap();
        let owner = SourceUrl::parse(&with(server, None, &prefix)).unwrap();
        let runtime = SourceUrl::parse(&with(server, Some(&format!("{prefix}_run")), &prefix)).unwrap();
        let admin = Admin::connect(&owner).await.unwrap();
        World {
            access: Access { name: "main".to_owned(), runtime, owner },
            prefix,
            admin,
            server: server.to_owned(),
            kept: Kept::default(),
            passwords: BTreeMap::new(),
        }
    }

    /// Another one at the same database, with a state of its own.
    async fn beside(&self) -> World {
        World {
            access: self.access.clone(),
            prefix: self.prefix.clone(),
            admin: Admin::connect(&self.access.owner).await.unwrap(),
            server: self.server.clone(),
            kept: Kept::default(),
            passwords: BTreeMap::new(),
        }
    }

    /// `{p}` in statements and files is the prefix.
    fn text(&self, text: &str) -> String {
        text.replace("{p}", &self.prefix)
    }

    async fn sql(&self, sql: &str) {
        let sql = self.text(&["SET search_path = public; ", sql, "; SET search_path = pg_catalog, pg_temp"].concat());
        if let Err(error) = self.admin.run_alone(&sql).await {
            panic!("{error}: {sql}");
        }
    }

    /// Does a statement work as a role?
    async fn works_as(&self, role: &str, sql: &str) -> bool {
        let role = self.text(role);
        self.tried(&format!("SET ROLE \"{role}\"; {}; RESET ROLE", self.text(sql))).await
    }

    /// Runs what the server may refuse.
    async fn tried(&self, sql: &str) -> bool {
        let done = self.admin.run_alone(&["SET search_path = public; ", sql].concat()).await.is_ok();
        self.admin.run_alone("RESET ROLE; SET search_path = pg_catalog, pg_temp").await.unwrap();
        done
    }

    async fn snapshot(&self) -> Snapshot {
        self.admin.snapshot().await.unwrap()
    }

    async fn loaded(&self, file: &str) -> (tenantry_file::Loaded, Policy) {
        let head = "[source.main]\nurl = \"env:URL\"\nadmin_url = \"env:ADMIN\"\n";
        let text = [head, &self.text(file)].concat();
        let loaded = match load(vec![SourceText::new("tenantry.toml", text.clone())]) {
            Ok(loaded) => loaded,
            Err(findings) => panic!("{findings:#?}\n{text}"),
        };
        let catalogs = BTreeMap::from([("main".to_owned(), self.admin.catalog().await.unwrap())]);
        let compiled = compile(&loaded, &catalogs).unwrap_or_else(|findings| panic!("{findings:#?}"));
        (loaded, compiled.policy)
    }

    async fn see(&self, file: &str) -> Result<Seen, PlanError> {
        let (loaded, policy) = self.loaded(file).await;
        let snapshot = self.snapshot().await;
        see(&ground(&self.access, &loaded, &policy, &snapshot, &self.kept))
    }

    /// The steps from what is there to what a file wants.
    async fn plan(&self, file: &str) -> Result<Vec<Step>, PlanError> {
        let seen = self.see(file).await?;
        Ok(difference(&seen.desired, &seen.current))
    }

    /// The steps as people read them.
    async fn told(&self, file: &str) -> Vec<String> {
        let steps = self.plan(file).await.unwrap();
        steps.iter().map(|step| format!("{}{}", step.action.sign(), step.address)).collect()
    }

    /// Does them, and keeps what the engine would keep.
    async fn apply(&mut self, file: &str) -> Result<Vec<Step>, PlanError> {
        let (loaded, policy) = self.loaded(file).await;
        let snapshot = self.snapshot().await;
        let seen = see(&ground(&self.access, &loaded, &policy, &snapshot, &self.kept))?;
        let steps = difference(&seen.desired, &seen.current);
        let passwords = &self.passwords;
        let secret = |step: &Step, field: &str| {
            let known = (field == "password").then(|| passwords.get(step.address.as_str()))?;
            step.wanted.as_ref()?.secrets.get(field)?;
            known.map(|password| Zeroizing::new(password.clone()))
        };
        let wish = Wish {
            access: &self.access,
            loaded: &loaded,
            policy: &policy,
            kept: &self.kept,
            snapshot: &seen.snapshot,
            now: 0,
            consent: &AGREED,
        };
        let done = wish.carry_out(&secret, &Counted(AtomicU32::new(1)), &steps).await?;
        for one in done {
            match one.id {
                Some(id) => drop(self.kept.0.insert(one.address.to_string(), Some(id))),
                None => drop(self.kept.0.remove(one.address.as_str())),
            }
        }
        // What is there as it is wanted is managed from now on, as the engine has it.
        for thing in &seen.desired {
            let address = thing.address.to_string();
            if !self.kept.0.contains_key(&address) {
                let step = Step::adopting(thing, thing);
                let ground = ground(&self.access, &loaded, &policy, &snapshot, &self.kept);
                let id = write::id_of(&ground, &step);
                self.kept.0.insert(address, Some(id));
            }
        }
        Ok(steps)
    }

    /// The statements of a plan, for whoever looks into a failure.
    async fn statements(&self, file: &str) -> Vec<String> {
        let (loaded, policy) = self.loaded(file).await;
        let snapshot = self.snapshot().await;
        let ground = ground(&self.access, &loaded, &policy, &snapshot, &self.kept);
        let seen = see(&ground).unwrap();
        let steps = difference(&seen.desired, &seen.current);
        let entropy = Counted(AtomicU32::new(1));
        let written = write::write(&ground, &seen.desired, &steps, &|_, _| None, &entropy).unwrap();
        written
            .iter()
            .map(|written| format!("{} -- {} {}", written.statement, written.purpose, written.address))
            .collect()
    }

    /// Applies, and looks whether the next plan is empty.
    async fn becomes(&mut self, file: &str) -> Vec<Step> {
        let steps = match self.apply(file).await {
            Ok(steps) => steps,
            Err(error) => panic!("{error} ({:?})\n{}", error.place(), self.text(file)),
        };
        let left = self.plan(file).await.unwrap();
        assert!(left.is_empty(), "not empty after {file}: {left:#?}");
        steps
    }

    /// Removes the database and what was made beside it.
    async fn end(self) {
        let World { admin, prefix, server, .. } = self;
        let snapshot = admin.snapshot().await.unwrap();
        let roles: Vec<String> = snapshot
            .roles
            .keys()
            .filter(|name| name.starts_with(&prefix) || name.as_ref() == tenantry_policy::seat::group(&prefix))
            .map(|name| name.replace('"', "\"\""))
            .collect();
        for role in &roles {
            // Rights on what the cluster shares.
            admin.run_alone(&format!("DROP OWNED BY \"{role}\" CASCADE")).await.unwrap();
        }
        drop(admin);
        let first = Admin::connect(&SourceUrl::parse(&server).unwrap()).await.unwrap();
        let databases: Vec<String> = first
            .snapshot()
            .await
            .unwrap()
            .things
            .keys()
            .filter_map(|object| match object {
                tenantry_policy::Object::Database(name) if name.starts_with(&prefix) => Some(name.clone()),
                _ => None,
            })
            .collect();
        for name in databases {
            first.run_alone(&format!("DROP DATABASE \"{name}\" WITH (FORCE)")).await.unwrap();
        }
        for role in roles {
            first.run_alone(&format!("DROP ROLE IF EXISTS \"{role}\"")).await.unwrap();
        }
    }
}

/// A server's URL with another user and database.
fn with(server: &str, user: Option<&str>, database: &str) -> String {
    let (head, rest) = server.split_once("://").unwrap();
    let (authority, _) = rest.split_once('/').unwrap();
    let (login, host) = authority.rsplit_once('@').unwrap();
    format!("{head}://{}@{host}/{database}", user.unwrap_or(login))
}

/// What a step changes: `login: false -> true`.
fn changes(step: &Step) -> Vec<String> {
    let text = |value: &Option<serde_json::Value>| value.as_ref().map_or_else(|| "·".to_owned(), ToString::to_string);
    step.changes
        .iter()
        .map(|change| format!("{}: {} -> {}", change.field, text(&change.before), text(&change.after)))
        .collect()
}

fn is_delete(step: &Step) -> bool {
    step.action == Action::Delete
}
