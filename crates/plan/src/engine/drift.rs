//! Drift: what is no longer as it was applied, and since when, by whom, where that is on record.

use tenantry_file::SourceText;
use tenantry_policy::Policy;
use tenantry_store::{Filter, Phase};

use crate::engine::{Engine, Selection, Wish};
use crate::error::PlanError;
use crate::found::unlike;
use crate::plan::Finding;
use crate::resource::{Kind, Target};
use crate::state::State;
use crate::step::{Action, Change, difference};

/// How many entries of the record are looked through for one thing's change.
const ENTRIES: u32 = 10_000;

/// How many things' changes are looked for in the record.
const LOOKED_FOR: usize = 200;

/// A thing that is no longer as it was applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Drifted {
    /// Where it lives.
    pub target: Target,
    /// Its address.
    pub address: String,
    /// Its kind.
    pub kind: Kind,
    /// What it is called where it lives.
    pub id: Option<String>,
    /// Is it gone?
    pub gone: bool,
    /// What is another than it was applied: `before` as applied, `after` as it is now.
    pub changes: Vec<Change>,
    /// When it was last applied, microseconds since 1970 UTC.
    pub applied_micros: i64,
    /// The act on record that changed it last.
    pub act: Option<Act>,
}

/// An act on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// What was done: `roles.update`.
    pub name: String,
    /// By whom.
    pub by: Option<String>,
    /// When, microseconds since 1970 UTC.
    pub time_micros: i64,
}

/// What was looked at, and what came of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Drift {
    /// What is no longer as it was applied.
    pub things: Vec<Drifted>,
    /// Tables whose row security shows other rows than the rules as they were applied, or may.
    pub unlike: Vec<Finding>,
    /// Targets that could not be compared.
    pub findings: Vec<Finding>,
    /// The targets that were looked at.
    pub targets: Vec<String>,
}

impl Engine {
    /// Compares what is there with what was applied last, whatever the file says now.
    ///
    /// # Errors
    /// A target that does not answer.
    pub async fn drift(&self, wish: &Wish<'_>, selection: &Selection) -> Result<Drift, PlanError> {
        let state = State::read(&self.parts.store).await?;
        let mut drift = Drift::default();
        for (target, access) in self.targets(wish, selection, &mut drift.findings)? {
            // The law is read from the file: there is no other side.
            let Some(applied) = state.applied(&target).filter(|_| target != Target::Law) else { continue };
            drift.targets.push(target.name().to_owned());
            let unreadable = |why: String| Finding {
                code: "no-comparison",
                address: target.name().to_owned(),
                what: format!("what was applied to {} cannot be compared: {why}", target.name()),
                place: None,
            };
            let loaded = match tenantry_file::load(vec![SourceText::new("applied.json", &*applied.doc)]) {
                Ok(loaded) => loaded,
                Err(found) => {
                    drift.findings.push(unreadable(first(&found)));
                    continue;
                }
            };
            let policy = match &target {
                Target::Source(_) => match tenantry_file::compile(&loaded, wish.catalogs) {
                    Ok(compiled) => compiled.policy,
                    Err(found) => {
                        drift.findings.push(unreadable(first(&found)));
                        continue;
                    }
                },
                _ => Policy::default(),
            };
            let before = Wish { loaded: &loaded, policy: &policy, ..*wish };
            if let Some(access) = &access {
                let failed = |error| PlanError::Source { source_name: access.name.clone(), error };
                drift.unlike.extend(unlike(access, &policy, &loaded).await.map_err(failed)?);
            }
            let mut part = self.look(&before, target.clone(), access, &state, selection).await?;
            for thing in &mut part.desired {
                // Whether a secret is still the one that was set cannot be seen from outside.
                thing.prints = state.prints(&target, thing.address.as_str());
            }
            part.desired.retain(|thing| state.id(&target, thing.address.as_str()).is_some());
            for step in difference(&part.desired, &part.current) {
                let address = step.address.to_string();
                let gone = step.action == Action::Create;
                let turned = step.changes.into_iter().map(|change| Change {
                    field: change.field,
                    before: change.after,
                    after: change.before,
                });
                let row = state.find(&target, &address);
                drift.things.push(Drifted {
                    target: target.clone(),
                    kind: step.kind,
                    id: row.and_then(|row| row.id.clone()),
                    gone,
                    changes: if gone { Vec::new() } else { turned.collect() },
                    applied_micros: row.map_or(0, |row| row.applied_micros),
                    act: None,
                    address,
                });
            }
        }
        self.find_acts(&state, &mut drift.things).await?;
        Ok(drift)
    }

    /// Looks in the record for who changed what.
    async fn find_acts(&self, state: &State, things: &mut [Drifted]) -> Result<(), PlanError> {
        let own = things.iter_mut().filter(|thing| thing.target == Target::Identity).take(LOOKED_FOR);
        for thing in own {
            let mut chains = vec![String::new()];
            // What belongs to an account is on the account's own chain.
            if let Some(account) = thing.address.strip_prefix("account.") {
                chains.extend(self.tenants(state, account).await?);
            }
            let Some(id) = thing.id.as_deref() else { continue };
            let mut latest: Option<Act> = None;
            for chain in chains {
                let filter = Filter {
                    account: chain,
                    phase: Some(Phase::Started),
                    since_micros: Some(thing.applied_micros),
                    limit: ENTRIES,
                    ..Filter::default()
                };
                let found = self.parts.store.list(&filter).await?.into_iter().map(|recorded| recorded.entry);
                let act = found
                    .filter(|entry| !entry.id.starts_with("apply_") && !entry.tool.starts_with("apply."))
                    // Jobs of many name each thing; an id is long enough not to stand in anything else.
                    .find(|entry| entry.inputs.as_deref().is_some_and(|inputs| inputs.contains(id)))
                    .map(|entry| Act {
                        name: entry.tool,
                        by: entry.user.or(entry.client),
                        time_micros: entry.time_micros,
                    });
                latest = match (latest, act) {
                    (Some(one), Some(other)) if one.time_micros >= other.time_micros => Some(one),
                    (one, other) => other.or(one),
                };
            }
            thing.act = latest;
        }
        Ok(())
    }

    /// The tenant id of the account that an address lies in.
    async fn tenants(&self, state: &State, account: &str) -> Result<Option<String>, PlanError> {
        // The account's own name may hold dots: the longest managed address that begins it is the account.
        let under = ["account.", account].concat();
        let owner = state
            .managed(&Target::Identity)
            .filter(|row| row.kind == Kind::Account.name())
            .filter(|row| under == row.address || under.starts_with(&[row.address.as_str(), "."].concat()))
            .max_by_key(|row| row.address.len());
        let Some(id) = owner.and_then(|row| row.id.as_deref()) else { return Ok(None) };
        let found = self.parts.identity.account(&self.parts.caller, id).await;
        Ok(found.ok().map(|account| account.tenant_id))
    }
}

fn first(found: &[tenantry_file::Diagnostic]) -> String {
    found.iter().find(|one| one.is_error()).map_or_else(String::new, |one| one.message.clone())
}
