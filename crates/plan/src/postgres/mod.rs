//! The PostgreSQL target: what the file says of one source's database, what its catalog has, and the statements
//! that make one the other.
//!
//! ```text
//! Snapshot + file + rules -> desired ┐
//! Snapshot + state ------> current  ┴> difference (the engine's) -> steps -> statements -> one transaction
//! ```
//! Within what the file declares it is authoritative: what differs is shown and mended. What it does not declare is
//! left alone and listed ([`Seen::findings`]). What was there before the file named it is never dropped from here.

mod acl;
mod address;
mod current;
mod desired;
mod fence;
mod ground;
mod outside;
mod pull;
mod retire;
mod seats;
mod write;

#[cfg(test)]
mod tests;

use tenantry_file::Loaded;
use tenantry_policy::catalog::Dialect;
use tenantry_policy::{Entropy, Policy};
use tenantry_source::admin::{Admin, AdminError};
use tenantry_source::cluster::Snapshot;
use tenantry_source::{SourceError, SourceUrl};
use zeroize::Zeroizing;

use self::address::Place;
use self::ground::{FOUND, Ground, Kept};
use self::write::SecretOf;
use crate::danger::Danger;
use crate::engine::Consent;
use crate::error::PlanError;
use crate::fence::FenceError;
use crate::lint::{Level, Lint, lint};
use crate::plan::Finding;
use crate::resource::{Kind, Resource, Target};
use crate::state::State;
use crate::step::{Action, Step, difference};
use crate::work::{Done, Work};

pub use acl::Written;
pub use pull::{Asked, Pulled, pull, written};
pub(crate) use seats::function as seat_function;

/// How often an apply is tried again when something else changed the same rows of the catalog.
const ATTEMPTS: usize = 5;

/// A PostgreSQL source and how it is reached.
#[derive(Debug, Clone)]
pub struct Access {
    /// Its name in the file.
    pub name: String,
    /// How the running server reaches it.
    pub runtime: SourceUrl,
    /// How its owner reaches it.
    pub owner: SourceUrl,
}

/// What the file wants of a source, and what is there.
#[derive(Debug, Default)]
pub struct Seen {
    /// What the file wants.
    pub desired: Vec<Resource>,
    /// What is there: of what is managed what is left of it, and whatever stands where the file wants something.
    pub current: Vec<Resource>,
    /// A hash over both, by which [`apply`] knows whether it is still so.
    pub snapshot: String,
    /// What declared roles hold that the file does not say: left alone, and listed.
    pub findings: Vec<Finding>,
}

/// Has the file anything to say of a source's database?
#[must_use]
pub fn concerns(loaded: &Loaded, policy: &Policy, source: &str, runtime: &SourceUrl) -> bool {
    let governs = policy.tables.iter().any(|table| *table.source == *source && table.dialect == Dialect::Postgres);
    let says = loaded.document().source.iter().any(|(name, declared)| {
        name.as_str() == source
            && !(declared.role.is_empty()
                && declared.public.grants.is_empty()
                && declared.public.default_privileges.is_empty()
                && declared.database.is_empty()
                && declared.schema.is_empty()
                && declared.extension.is_empty()
                && declared.owner.is_empty()
                && declared.row_security.is_empty())
    });
    runtime.sqlite_path().is_none() && (governs || says)
}

/// Reads the catalog, and says what the file wants of it.
///
/// # Errors
/// What keeps the database from being read, or the file from being what it can be.
pub async fn look(
    access: &Access,
    loaded: &Loaded,
    policy: &Policy,
    state: &State,
    now: i64,
) -> Result<Seen, PlanError> {
    one_role(access)?;
    let failed = |error| PlanError::Source { source_name: access.name.clone(), error };
    let admin = Admin::connect(&access.owner).await.map_err(failed)?;
    let snapshot = admin.snapshot().await.map_err(failed)?;
    let kept = Kept::of(state, &Target::Source(access.name.clone()));
    let mut seen = see(&ground(access, loaded, policy, &snapshot, &kept))?;
    seen.findings.extend(lints(access, loaded, policy, &snapshot, now).into_iter().filter_map(shown));
    Ok(seen)
}

/// What lets somebody past the rules.
fn lints(access: &Access, loaded: &Loaded, policy: &Policy, snapshot: &Snapshot, now: i64) -> Vec<Lint> {
    let runtime = access.runtime.login().map(|(role, _)| role).unwrap_or_default();
    lint(snapshot, loaded, policy, &access.name, runtime, now)
}

/// A plan's finding, unless it is waived, or is what every apply mends.
fn shown(lint: Lint) -> Option<Finding> {
    const MENDED: [&str; 2] = ["row-security-off", "force-missing"];
    if lint.waived.is_some() || lint.level == Level::Noted || MENDED.contains(&lint.code) {
        return None;
    }
    let refused = if lint.refuses() { "; not applied over without a waiver" } else { "" };
    let what = format!("{}{refused}", lint.what);
    Some(Finding { code: lint.code, address: lint.address, what, place: lint.place })
}

/// Both sides, from one moment of the database.
fn see(ground: &Ground<'_>) -> Result<Seen, PlanError> {
    let desired = desired::desired(ground)?;
    let current = current::current(ground, &desired);
    let snapshot = current::digest(&desired, &current);
    let findings = outside::outside(ground, &desired);
    Ok(Seen { desired, current, snapshot, findings })
}

fn ground<'a>(
    access: &'a Access,
    loaded: &'a Loaded,
    policy: &'a Policy,
    snapshot: &'a Snapshot,
    kept: &'a Kept,
) -> Ground<'a> {
    let runtime = access.runtime.login().map(|(role, _)| role);
    Ground { source: &access.name, loaded, policy, runtime, snapshot, kept }
}

/// The role that runs the data tools must not be the one that owns the tables.
fn one_role(access: &Access) -> Result<(), PlanError> {
    let name = |url: &SourceUrl| url.login().map(|(role, _)| role.to_owned());
    match (name(&access.runtime), name(&access.owner)) {
        (Some(runtime), Some(owner)) if runtime == owner => {
            let error = FenceError::OneRole { source_name: access.name.clone(), role: runtime };
            Err(failure(&access.name, error))
        }
        _ => Ok(()),
    }
}

/// Does all steps of a source in one transaction under its lock, after looking whether what is there still has
/// the hash `snapshot`. Answers one [`Done`] per step, in their order.
///
/// A database that is to be made is made before, since no transaction can hold that.
///
/// # Errors
/// [`PlanError::Moved`], or the statement that the database refuses; nothing was changed then.
pub async fn apply(
    access: &Access,
    loaded: &Loaded,
    policy: &Policy,
    snapshot: &str,
    work: &Work<'_>,
    steps: &[Step],
) -> Result<Vec<Done>, PlanError> {
    let kept = Kept::of(work.state, &Target::Source(access.name.clone()));
    let wish = Wish { access, loaded, policy, kept: &kept, snapshot, now: work.now, consent: work.consent };
    wish.carry_out(&|step, field| work.secret(step, field).cloned(), work.entropy, steps).await
}

/// What one apply is about.
struct Wish<'a> {
    access: &'a Access,
    loaded: &'a Loaded,
    policy: &'a Policy,
    kept: &'a Kept,
    snapshot: &'a str,
    now: i64,
    consent: &'a Consent,
}

impl Wish<'_> {
    async fn carry_out(
        &self,
        secret: &SecretOf<'_>,
        entropy: &dyn Entropy,
        steps: &[Step],
    ) -> Result<Vec<Done>, PlanError> {
        one_role(self.access)?;
        let address = Place::Role(self.runtime().unwrap_or_default().to_owned()).address(&self.access.name);
        // The runtime role's password stands in its URL, when the file does not say one.
        let of_url = |step: &Step, field: &str| {
            let (_, password) = self.access.runtime.login()?;
            let made = step.action == Action::Create && step.address.as_str() == address && field == "password";
            made.then(|| Some(Zeroizing::new(std::str::from_utf8(password?).ok()?.to_owned())))?
        };
        let secret: &SecretOf<'_> = &|step, field| secret(step, field).or_else(|| of_url(step, field));
        let mut left = ATTEMPTS;
        loop {
            left = left.saturating_sub(1);
            match self.attempt(secret, entropy, steps).await {
                Err(PlanError::Statement { error: AdminError::Contended, .. }) if left > 0 => {}
                // Somebody at another database of the cluster may have changed the same role in between; then the
                // next attempt finds that what is there moved.
                Err(PlanError::Invalid { code: "NOT_EFFECTIVE", .. }) if left.saturating_add(2) > ATTEMPTS => {}
                other => return other,
            }
        }
    }

    fn runtime(&self) -> Option<&str> {
        self.access.runtime.login().map(|(role, _)| role)
    }

    async fn attempt(
        &self,
        secret: &SecretOf<'_>,
        entropy: &dyn Entropy,
        steps: &[Step],
    ) -> Result<Vec<Done>, PlanError> {
        let name = &self.access.name;
        let source = |error: SourceError| PlanError::Source { source_name: name.clone(), error };
        let refused = |purpose: &str, address: Option<&str>, error: AdminError| match error {
            AdminError::Source(error) => PlanError::Source { source_name: name.clone(), error },
            error => PlanError::Statement {
                source_name: name.clone(),
                address: address.map(str::to_owned),
                purpose: purpose.to_owned(),
                error,
            },
        };
        let mut admin = Admin::connect(&self.access.owner).await.map_err(source)?;
        admin.lock().await.map_err(|error| refused("taking the lock", None, error))?;
        let mut snapshot;
        let mut alone_done = false;
        let (change, written) = loop {
            let change = admin.begin().await.map_err(|error| refused("beginning", None, error))?;
            snapshot = change.snapshot().await.map_err(|error| refused("reading the catalog", None, error))?;
            if snapshot.server.in_recovery || snapshot.server.read_only {
                let standby = snapshot.server.in_recovery;
                return Err(refused("beginning", None, AdminError::ReadOnly { standby }));
            }
            let ground = ground(self.access, self.loaded, self.policy, &snapshot, self.kept);
            let seen = see(&ground)?;
            if seen.snapshot != self.snapshot && !alone_done {
                return Err(PlanError::Moved { what: format!("database `{}`", snapshot.server.database) });
            }
            let written = write::write(&ground, &seen.desired, steps, secret, entropy)?;
            let alone: Vec<&Written> = written.iter().filter(|written| written.alone).collect();
            if alone.is_empty() || alone_done {
                break (change, written);
            }
            change.rollback().await;
            for written in alone {
                let failed = |error| refused(written.purpose, Some(written.address.as_str()), error);
                admin.run_alone(written.statement.sql()).await.map_err(failed)?;
            }
            alone_done = true;
        };
        for written in written.iter().filter(|written| !written.alone) {
            if let Err(error) = change.run(written.statement.sql()).await {
                change.rollback().await;
                return Err(refused(written.purpose, Some(written.address.as_str()), error));
            }
        }
        // A GRANT or REVOKE that its speaker has no right to does nothing and says nothing: look before it counts.
        let after = change.snapshot().await.map_err(|error| refused("looking at what was done", None, error))?;
        let ground = ground(self.access, self.loaded, self.policy, &after, self.kept);
        if let Some(left) = self.left(&ground, steps)? {
            change.rollback().await;
            return Err(left);
        }
        // INVARIANT: nothing is committed that lets somebody past the rules, unless it was waived or agreed to.
        if let Some(refused) = self.refused(&after, steps) {
            change.rollback().await;
            return Err(refused);
        }
        change.commit().await.map_err(|error| refused("committing", None, error))?;
        let ids = |step: &Step| match step.action {
            Action::Delete => Done::gone(step),
            _ => Done::new(step, write::id_of(&ground, step)),
        };
        Ok(steps.iter().map(ids).collect())
    }

    /// What lets somebody past the rules once the steps are done, and nobody accepted.
    fn refused(&self, after: &Snapshot, steps: &[Step]) -> Option<PlanError> {
        // What is taken down was agreed to, and leaves nothing to guard.
        if self.consent.everything || steps.iter().all(|step| step.action == Action::Delete) {
            return None;
        }
        let mut addresses: Vec<(String, Vec<String>)> = Vec::new();
        for lint in lints(self.access, self.loaded, self.policy, after, self.now).into_iter().filter(Lint::refuses) {
            if self.consent.approved.contains(&lint.address) {
                continue;
            }
            match addresses.iter_mut().find(|(address, _)| *address == lint.address) {
                Some((_, codes)) => codes.push(lint.code.to_owned()),
                None => addresses.push((lint.address, vec![lint.code.to_owned()])),
            }
        }
        (!addresses.is_empty()).then_some(PlanError::Open { addresses })
    }

    /// The first step whose thing is not as it was wanted, although every statement was taken.
    fn left(&self, ground: &Ground<'_>, steps: &[Step]) -> Result<Option<PlanError>, PlanError> {
        let seen = see(ground)?;
        let left = difference(&seen.desired, &seen.current);
        let unchanged = |step: &&Step| {
            let place = Place::of(step.address.as_str(), ground.source);
            let stays = match place {
                // These are noted as gone, and left as they are.
                Some(Place::Owner(_) | Place::Database(_)) => true,
                Some(
                    Place::Grants { .. }
                    | Place::Default { .. }
                    | Place::Member { .. }
                    | Place::Seat(_)
                    | Place::Policy { .. },
                ) => false,
                _ => !ground.kept.made(step.address.as_str()),
            };
            left.iter().filter(|left| left.address == step.address).any(|left| match step.action {
                // What is to be made again by the next plan is gone.
                Action::Delete => left.action == Action::Delete && !stays,
                Action::Adopt => false,
                _ => true,
            })
        };
        let found = steps.iter().find(unchanged);
        Ok(found.map(|step| {
            let differs = left.iter().find(|left| left.address == step.address);
            let fields: Vec<&str> =
                differs.iter().flat_map(|left| &left.changes).map(|change| change.field.as_str()).take(3).collect();
            let what = format!(
                "the database took every statement, and `{}` is still not as the file wants it ({}); nothing was applied",
                step.address,
                fields.join(", ")
            );
            PlanError::invalid("NOT_EFFECTIVE", what)
                .about(step.address.as_str(), step.place.clone())
                .hinted("`admin_url` must connect as a superuser, or as the owner of what is changed")
        }))
    }
}

/// The statements that steps come to, for people: verifiers are left out of their `Display`.
///
/// # Errors
/// As [`apply`], before anything is asked to change.
pub async fn statements(
    access: &Access,
    loaded: &Loaded,
    policy: &Policy,
    work: &Work<'_>,
    steps: &[Step],
) -> Result<Vec<Written>, PlanError> {
    let failed = |error| PlanError::Source { source_name: access.name.clone(), error };
    let admin = Admin::connect(&access.owner).await.map_err(failed)?;
    let snapshot = admin.snapshot().await.map_err(failed)?;
    let kept = Kept::of(work.state, &Target::Source(access.name.clone()));
    let ground = ground(access, loaded, policy, &snapshot, &kept);
    let seen = see(&ground)?;
    write::write(&ground, &seen.desired, steps, &|step, field| work.secret(step, field).cloned(), work.entropy)
}

/// Was the thing of a step there before the file named it? Then it is never removed from here.
pub(crate) fn stays(step: &Step) -> bool {
    step.id.as_deref().is_some_and(|id| id.starts_with(FOUND))
}

/// What is dangerous about a step.
#[must_use]
pub fn dangers(step: &Step) -> Vec<Danger> {
    let mut told = Vec::new();
    let becomes = |field: &str| {
        step.changes.iter().any(|change| change.field == field && change.after == Some(serde_json::Value::Bool(true)))
    };
    if step.kind == Kind::DbSeat && step.action == Action::Update {
        let why = "whoever has its password sees another account's rows from the next statement on";
        told.push(Danger::new("move-seat", why));
    }
    if step.kind == Kind::DbRole {
        if becomes("superuser") {
            told.push(Danger::new("superuser", "no right, no row security and no audit of the database binds it"));
        }
        if becomes("bypassrls") {
            told.push(Danger::new("bypassrls", "it sees every tenant's rows of every table that it may read"));
        }
        let uses = step.changes.iter().find(|change| change.field == "in_use");
        if let Some(uses) = uses.and_then(|change| change.before.as_ref()?.as_array()) {
            let uses: Vec<&str> = uses.iter().filter_map(serde_json::Value::as_str).collect();
            let why = format!("it is not dropped as long as it {}", uses.join("; it "));
            told.push(Danger::new("role-in-use", why));
        }
    }
    told
}

/// What a step means, where its fields do not say it.
#[must_use]
pub fn notes(step: &Step) -> Vec<String> {
    let mut told = Vec::new();
    let Target::Source(source) = &step.target else { return told };
    let place = Place::of(step.address.as_str(), source);
    let goes = step.action == Action::Delete;
    if let Some(Place::Member { member, role }) = &place {
        told.push(if goes {
            format!("`{member}` can no longer do what `{role}` can")
        } else {
            let admin = step.wanted.as_ref().and_then(|wanted| wanted.fields.get("admin")?.as_bool());
            let more = if admin == Some(true) { ", and may make others members of it" } else { "" };
            format!("`{member}` is a member of `{role}`: it can do what `{role}` can{more}")
        });
    }
    if let (Some(Place::Seat(name)), false) = (&place, goes) {
        let tenant = step.wanted.as_ref().and_then(|wanted| wanted.fields.get("tenant")?.as_str()).unwrap_or_default();
        told.push(format!("whoever logs in as `{name}` is of account `{tenant}`, whatever their statements set"));
    }
    let found = stays(step);
    match place {
        Some(Place::Database(name)) if goes => told.push(format!("database `{name}` stays: none is dropped from here")),
        Some(Place::Owner(object)) if goes => told.push(format!("`{object}` keeps its owner")),
        Some(_) if goes && found => told.push("it was there before the file named it, and stays".to_owned()),
        _ => {}
    }
    told
}

/// A fence's error in the plan's words.
pub(crate) fn failure(source: &str, error: FenceError) -> PlanError {
    let what = error.to_string();
    match error {
        FenceError::Source(error) => PlanError::Source { source_name: source.to_owned(), error },
        FenceError::Statement { purpose, error, .. } => {
            PlanError::Statement { source_name: source.to_owned(), address: None, purpose, error }
        }
        FenceError::Role(error) => PlanError::Statement {
            source_name: source.to_owned(),
            address: None,
            purpose: "making the runtime role".to_owned(),
            error,
        },
        FenceError::Render(_) => PlanError::Internal("the rules do not render"),
        FenceError::OneRole { .. } => PlanError::invalid("SAME_ROLE", what)
            .hinted("let `url` connect as a role of its own; apply makes it when it is absent"),
        FenceError::NothingGoverned(_) | FenceError::NotPostgres(_) | FenceError::NoRole(_) => {
            PlanError::invalid("NOTHING_TO_APPLY", what)
        }
    }
}
