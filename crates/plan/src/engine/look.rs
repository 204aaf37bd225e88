//! Looking: what the file wants of each target, what is there, and the plan from one to the other.

use std::collections::BTreeMap;

use crate::engine::{Engine, Part, Planned, Selection, Wish};
use crate::error::PlanError;
use crate::found::unlike;
use crate::plan::{Finding, Plan};
use crate::postgres::{self, Access};
use crate::proof::Proof;
use crate::resource::{Kind, Resource, Target};
use crate::state::State;
use crate::step::{Action, Step, difference};
use crate::waive::Waivers;
use crate::{effect, identity, law};

impl Engine {
    /// The plan from what is there to what the file wants. Nothing is changed.
    ///
    /// # Errors
    /// [`PlanError`]: a target that does not answer, a file that wants what cannot be.
    pub async fn plan(&self, wish: &Wish<'_>, selection: &Selection) -> Result<Planned, PlanError> {
        let state = State::read(&self.parts.store).await?;
        let mut findings = Vec::new();
        let mut targets = Vec::new();
        for (target, access) in self.targets(wish, selection, &mut findings)? {
            let mut part = self.look(wish, target, access, &state, selection).await?;
            compare_rows(wish, &mut part).await?;
            targets.push(part);
        }
        self.planned(wish, state, targets, findings, false)
    }

    /// The plan that removes everything that the file manages.
    ///
    /// # Errors
    /// As [`Engine::plan`].
    pub async fn plan_removal(&self, wish: &Wish<'_>, selection: &Selection) -> Result<Planned, PlanError> {
        let state = State::read(&self.parts.store).await?;
        let mut findings = Vec::new();
        let mut targets = Vec::new();
        for (target, access) in self.targets(wish, selection, &mut findings)? {
            let mut part = self.look(wish, target, access, &state, selection).await?;
            part.desired.clear();
            part.current.retain(|found| {
                state.find(&part.target, found.address.as_str()).is_some() || part.target == Target::Law
            });
            targets.push(part);
        }
        self.planned(wish, state, targets, findings, true)
    }

    fn planned(
        &self,
        wish: &Wish<'_>,
        state: State,
        targets: Vec<Part>,
        findings: Vec<Finding>,
        removal: bool,
    ) -> Result<Planned, PlanError> {
        let desired: Vec<Resource> = targets.iter().flat_map(|part| part.desired.iter().cloned()).collect();
        let current: Vec<Resource> = targets.iter().flat_map(|part| part.current.iter().cloned()).collect();
        let mut plan = Plan::new(&desired, &current);
        adopt(&mut plan, &desired, &current, &state);
        // What is managed is part of what was there: a step that only notes it is not done twice.
        let managed = targets.iter().flat_map(|part| state.managed(&part.target));
        let managed =
            managed.map(|row| [&row.target, row.address.as_str(), row.id.as_deref().unwrap_or("")].join("\n"));
        plan.knows(managed.collect());
        let waivers = Waivers::of(wish.loaded, self.now());
        waivers.waive(&mut plan);
        plan.file = crate::hex(&wish.loaded.digest());
        plan.targets = targets.iter().map(|part| part.target.name().to_owned()).collect();
        plan.findings = findings;
        plan.findings.extend(targets.iter().flat_map(|part| part.findings.iter().cloned()));
        plan.findings.extend(waivers.findings());
        if !wish.policy.tables.is_empty() && !removal {
            plan.proof = Some(Proof::of(wish.policy, wish.loaded, &waivers));
        }
        let compared = effect::of(&plan, wish, &state, removal);
        plan.effects = compared.effects;
        plan.findings.extend(compared.findings);
        Ok(Planned { plan, state, targets })
    }

    /// The targets in the order in which they are done: who, then what they may in the databases, then the rules.
    pub(crate) fn targets(
        &self,
        wish: &Wish<'_>,
        selection: &Selection,
        findings: &mut Vec<Finding>,
    ) -> Result<Vec<(Target, Option<Access>)>, PlanError> {
        let mut all = vec![(Target::Identity, None)];
        for source in wish.sources {
            if !postgres::concerns(wish.loaded, wish.policy, &source.name, &source.runtime) {
                continue;
            }
            let target = Target::Source(source.name.clone());
            let Some(owner) = source.owner.clone() else {
                let what = format!(
                    "source `{}` has no `admin_url`, so its database is neither planned nor applied",
                    source.name
                );
                if selection.targets.contains(&source.name) {
                    return Err(PlanError::invalid("NO_ADMIN_URL", what)
                        .about(&["source.", &source.name].concat(), wish.loaded.located(&["source", &source.name]))
                        .hinted(
                            "set admin_url = \"env:NAME\" to the owner's address; the runtime role must not own tables",
                        ));
                }
                findings.push(Finding {
                    code: "no-admin-url",
                    address: ["source.", &source.name].concat(),
                    what,
                    place: wish.loaded.located(&["source", &source.name]),
                });
                continue;
            };
            let access = Access { name: source.name.clone(), runtime: source.runtime.clone(), owner };
            all.push((target, Some(access)));
        }
        all.push((Target::Law, None));
        for name in &selection.targets {
            if !all.iter().any(|(target, _)| target.name() == name) {
                let known: Vec<&str> = all.iter().map(|(target, _)| target.name()).collect();
                return Err(PlanError::invalid("UNKNOWN_TARGET", format!("there is nothing to apply to `{name}`"))
                    .hinted(format!("targets: {}", known.join(", "))));
            }
        }
        all.retain(|(target, _)| selection.has_target(target));
        Ok(all)
    }

    /// Both sides of a target.
    pub(crate) async fn look(
        &self,
        wish: &Wish<'_>,
        target: Target,
        access: Option<Access>,
        state: &State,
        selection: &Selection,
    ) -> Result<Part, PlanError> {
        let parts = &self.parts;
        let mut snapshot = String::new();
        let mut findings = Vec::new();
        let (mut desired, mut current) = match &target {
            Target::Identity => {
                let desired = identity::desired(wish.loaded, state)?;
                let current = identity::current(&parts.identity, &parts.caller, state, &desired).await?;
                findings = identity::findings(&parts.identity, &parts.caller, wish.loaded).await?;
                (desired, current)
            }
            Target::Source(_) => {
                let access = access.as_ref().ok_or(PlanError::Internal("a source without access"))?;
                let seen = postgres::look(access, wish.loaded, wish.policy, state, self.now()).await?;
                snapshot = seen.snapshot;
                findings = seen.findings;
                (seen.desired, seen.current)
            }
            Target::Law => (law::desired(wish.loaded), law::current(state)),
        };
        desired.retain(|thing| selection.has(thing.address.as_str()));
        let wanted: std::collections::BTreeSet<&str> = desired.iter().map(|thing| thing.address.as_str()).collect();
        // INVARIANT: what the state does not name as managed is never in reach of a removal.
        current.retain(|thing| {
            let address = thing.address.as_str();
            selection.has(address)
                && (wanted.contains(address) || target == Target::Law || state.find(&target, address).is_some())
        });
        for thing in &mut desired {
            self.print_wanted(thing, state);
        }
        for thing in &mut current {
            thing.prints = state.prints(&target, thing.address.as_str());
        }
        keep_secrets(&target, &mut desired, &mut current, state);
        Ok(Part { target, access, snapshot, desired, current, findings })
    }

    /// The fingerprints of what a thing's references lead to.
    fn print_wanted(&self, thing: &mut Resource, state: &State) {
        let mut prints = BTreeMap::new();
        let noted = state.prints(&thing.target, thing.address.as_str());
        for (field, given) in &thing.secrets {
            let print = match given.as_str() {
                // Made once, and kept.
                "generate" => noted.get(field).cloned(),
                reference => match self.parts.secrets.secret(reference) {
                    Ok(secret) => Some(state.fingerprint(thing.address.as_str(), field, secret.as_bytes())),
                    // A plan may be made where the secret is not known; applying a step that needs it is refused.
                    Err(_) => noted.get(field).cloned(),
                },
            };
            prints.insert(field.clone(), print.unwrap_or_else(|| "new".to_owned()));
        }
        thing.prints = prints;
    }
}

/// Where no step would change a source's row security, that must show what the rules show: whatever else differs in
/// the database, no apply will mend it.
async fn compare_rows(wish: &Wish<'_>, part: &mut Part) -> Result<(), PlanError> {
    let Some(access) = &part.access else { return Ok(()) };
    let changes = difference(&part.desired, &part.current);
    if changes.iter().any(|step| matches!(step.kind, Kind::RowSecurity | Kind::DbPolicy)) {
        return Ok(());
    }
    let failed = |error| PlanError::Source { source_name: access.name.clone(), error };
    part.findings.extend(unlike(access, wish.policy, wish.loaded).await.map_err(failed)?);
    Ok(())
}

/// A thing that is there, and that the file has not managed so far, keeps the secret that it has where the file
/// says `generate`: nobody meant to end what works with it.
fn keep_secrets(target: &Target, desired: &mut [Resource], current: &mut [Resource], state: &State) {
    let mut found: BTreeMap<String, &mut Resource> =
        current.iter_mut().map(|thing| (thing.address.to_string(), thing)).collect();
    for wanted in desired {
        let address = wanted.address.as_str();
        // What an interrupted apply was making has its row without an id, and is made anew; what was imported has one
        // without a hash of what was applied.
        let is_ours = state.find(target, address).is_some_and(|row| row.id.is_none() || !row.hash.is_empty());
        let Some(found) = found.get_mut(address).filter(|_| !is_ours) else { continue };
        for (field, _) in wanted.secrets.iter().filter(|(_, given)| *given == "generate") {
            for prints in [&mut wanted.prints, &mut found.prints] {
                prints.insert(field.clone(), "kept".to_owned());
            }
        }
    }
}

/// Things that are there although the file does not manage them yet: from now on it does.
fn adopt(plan: &mut Plan, desired: &[Resource], current: &[Resource], state: &State) {
    let found: BTreeMap<&str, &Resource> = current.iter().map(|thing| (thing.address.as_str(), thing)).collect();
    let is_managed = |target: &Target, address: &str| {
        *target == Target::Law || state.find(target, address).is_some_and(|row| row.id.is_some())
    };
    for step in &mut plan.steps {
        step.adopts =
            matches!(step.action, Action::Update | Action::Replace) && !is_managed(&step.target, step.address.as_str());
    }
    let planned: std::collections::BTreeSet<String> = plan.steps.iter().map(|step| step.address.to_string()).collect();
    let mut adopted: Vec<Step> = desired
        .iter()
        .filter(|wanted| !planned.contains(wanted.address.as_str()))
        .filter(|wanted| !is_managed(&wanted.target, wanted.address.as_str()))
        .filter_map(|wanted| Some(Step::adopting(wanted, found.get(wanted.address.as_str())?)))
        .collect();
    adopted.append(&mut plan.steps);
    adopted.sort_by(|a, b| a.target.cmp(&b.target));
    plan.steps = adopted;
}
