//! Doing a plan: under one lease, read again, one target after another, each step on record and noted in the
//! state, so that whatever interrupts it leaves something that the next plan completes.

use std::collections::BTreeMap;

use serde_json::Value;
use tenantry_store::{AppliedFile, Managed};
use zeroize::Zeroizing;

use crate::engine::lease::Held;
use crate::engine::{Engine, Part, Planned, Saved, Selection, Wish};
use crate::error::PlanError;
use crate::plan::Plan;
use crate::resource::Target;
use crate::secrets::{Shown, generate};
use crate::step::{Action, Step};
use crate::work::{Done, Work};
use crate::{identity, postgres};

/// Steps that are done and noted together.
const CHUNK: usize = 200;

/// Who agreed to which dangers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Consent {
    /// Addresses of steps whose dangers are agreed to.
    pub approved: Vec<String>,
    /// Is everything agreed to?
    pub everything: bool,
}

/// What an apply tells while it goes on.
#[derive(Debug)]
pub enum Event<'a> {
    /// The plan that is about to be done.
    Planned(&'a Plan),
    /// A step was done and noted; counted from 1.
    Done {
        /// Which one.
        number: usize,
        /// Of how many.
        total: usize,
        /// The step.
        step: &'a Step,
    },
}

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// On.
    On,
    /// Stop before the next step.
    Stop,
}

/// What an apply did.
#[derive(Debug)]
pub struct Applied {
    /// The plan that was done, whole.
    pub plan: Plan,
    /// Secrets that were made; shown this once.
    pub shown: Vec<Shown>,
}

/// Who listens to an apply.
pub type Watch<'a> = dyn FnMut(Event<'_>) -> Flow + Send + 'a;

/// What stays the same while a plan is done.
struct Run<'r> {
    held: &'r Held,
    wish: &'r Wish<'r>,
    total: usize,
    done: usize,
    shown: Vec<Shown>,
}

impl Engine {
    /// Does what the file wants.
    ///
    /// # Errors
    /// [`PlanError`]. What was done before it is noted; the next plan is the rest.
    pub async fn apply(
        &self,
        wish: &Wish<'_>,
        selection: &Selection,
        consent: &Consent,
        saved: Option<&Saved>,
        watch: &mut Watch<'_>,
    ) -> Result<Applied, PlanError> {
        let held = Held::take(&self.parts.store, &self.parts.caller.request_id, self.now()).await?;
        let done = self.apply_held(&held, wish, selection, consent, saved, watch).await;
        held.end().await;
        done
    }

    async fn apply_held(
        &self,
        held: &Held,
        wish: &Wish<'_>,
        selection: &Selection,
        consent: &Consent,
        saved: Option<&Saved>,
        watch: &mut Watch<'_>,
    ) -> Result<Applied, PlanError> {
        // Read under the lease: nobody else's apply comes between.
        let planned = self.plan(wish, selection).await?;
        if let Some(saved) = saved {
            saved.fits(&planned.plan)?;
        }
        if let Some(proof) = &planned.plan.proof {
            let broken: Vec<(String, String)> =
                proof.refused().map(|one| (one.address.clone(), one.promise.to_owned())).collect();
            if !broken.is_empty() {
                return Err(PlanError::Leaks { count: broken.len(), broken });
            }
        }
        self.carry_out(held, wish, selection, planned, consent, watch).await
    }

    /// Removes everything that the file manages.
    ///
    /// # Errors
    /// As [`Engine::apply`].
    pub async fn destroy(
        &self,
        wish: &Wish<'_>,
        selection: &Selection,
        consent: &Consent,
        watch: &mut Watch<'_>,
    ) -> Result<Applied, PlanError> {
        let held = Held::take(&self.parts.store, &self.parts.caller.request_id, self.now()).await?;
        let done = async {
            let planned = self.plan_removal(wish, selection).await?;
            self.carry_out(&held, wish, selection, planned, consent, watch).await
        };
        let done = done.await;
        held.end().await;
        done
    }

    async fn carry_out(
        &self,
        held: &Held,
        wish: &Wish<'_>,
        selection: &Selection,
        planned: Planned,
        consent: &Consent,
        watch: &mut Watch<'_>,
    ) -> Result<Applied, PlanError> {
        let Planned { plan, state, targets } = planned;
        agreed(&plan, consent)?;
        let work = Work {
            identity: &self.parts.identity,
            caller: &self.parts.caller,
            state: &state,
            entropy: self.parts.entropy.as_ref(),
            now: self.now(),
            consent,
            wanted: targets
                .iter()
                .find(|part| part.target == Target::Identity)
                .map_or(&[], |part| part.desired.as_slice()),
            ground: tokio::sync::Mutex::new(None),
            secrets: self.secrets_of(&plan)?,
        };
        if watch(Event::Planned(&plan)) == Flow::Stop {
            return Err(PlanError::Stopped { done: 0, total: plan.steps.len() });
        }
        let mut run = Run { held, wish, total: plan.steps.len(), done: 0, shown: Vec::new() };
        for part in &targets {
            let steps: Vec<Step> = plan.steps.iter().filter(|step| step.target == part.target).cloned().collect();
            self.do_target(&mut run, &work, part, &steps, watch).await?;
            self.note_file(&run, part, &steps, selection).await?;
        }
        Ok(Applied { plan, shown: run.shown })
    }

    /// Does the steps of a target, in chunks of one kind and action.
    async fn do_target(
        &self,
        run: &mut Run<'_>,
        work: &Work<'_>,
        part: &Part,
        steps: &[Step],
        watch: &mut Watch<'_>,
    ) -> Result<(), PlanError> {
        // A source's steps are one transaction; the law's are one note.
        let whole = part.target != Target::Identity;
        let mut rest = steps;
        while !rest.is_empty() {
            let length = match rest.first() {
                Some(first) if !whole => rest
                    .iter()
                    .take(CHUNK)
                    .take_while(|step| step.kind == first.kind && step.action == first.action)
                    .count(),
                _ => rest.len(),
            };
            let (chunk, later) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            rest = later;
            self.do_chunk(run, work, part, chunk).await?;
            let mut stop = false;
            for step in chunk {
                run.done = run.done.saturating_add(1);
                stop |= watch(Event::Done { number: run.done, total: run.total, step }) == Flow::Stop;
            }
            if stop && run.done < run.total {
                return Err(PlanError::Stopped { done: run.done, total: run.total });
            }
        }
        Ok(())
    }

    async fn do_chunk(&self, run: &mut Run<'_>, work: &Work<'_>, part: &Part, chunk: &[Step]) -> Result<(), PlanError> {
        self.note_intent(run, work, chunk).await?;
        let begun = self.begin(chunk, run.done.saturating_add(1)).await?;
        let mut done = Vec::with_capacity(chunk.len());
        let outcome = match (&part.target, &part.access) {
            (Target::Identity, _) => identity::apply(work, chunk, &mut done).await,
            (Target::Source(_), Some(access)) => {
                run.held.check().await?;
                let wish = run.wish;
                match postgres::apply(access, wish.loaded, wish.policy, &part.snapshot, work, chunk).await {
                    Ok(all) => {
                        done = all;
                        Ok(())
                    }
                    Err(error) => Err(error),
                }
            }
            (Target::Source(_), None) => Err(PlanError::Internal("a source without access")),
            (Target::Law, _) => {
                done.extend(chunk.iter().map(|step| match step.action {
                    Action::Delete => Done::gone(step),
                    _ => Done::new(step, step.address.as_str()),
                }));
                Ok(())
            }
        };
        let noted = self.note_done(run, work, chunk, &done).await;
        let count = done.len();
        let failed = outcome.as_ref().err().or(noted.as_ref().err()).map(PlanError::code);
        self.ended(begun, chunk, count, failed).await;
        for one in done {
            run.shown.extend(one.shown);
        }
        for step in chunk.iter().take(count) {
            for (field, given) in step.wanted.iter().flat_map(|wanted| &wanted.secrets) {
                if let Some(value) = work.secret(step, field).filter(|_| given == "generate") {
                    let (address, field) = (step.address.to_string(), field.clone());
                    run.shown.push(Shown { address, field, value: value.clone() });
                }
            }
        }
        outcome?;
        noted
    }

    /// The secrets that the steps set: what references lead to, and new ones.
    fn secrets_of(&self, plan: &Plan) -> Result<BTreeMap<(String, String), Zeroizing<String>>, PlanError> {
        let mut secrets = BTreeMap::new();
        for step in &plan.steps {
            for (field, given) in step.wanted.iter().flat_map(|wanted| &wanted.secrets) {
                if !step.sets(field) {
                    continue;
                }
                let secret = match given.as_str() {
                    "generate" => generate(self.parts.entropy.as_ref())?,
                    reference => self.parts.secrets.secret(reference).map_err(|why| PlanError::Secret {
                        address: step.address.to_string(),
                        field: field.clone(),
                        why,
                    })?,
                };
                secrets.insert((step.address.to_string(), field.clone()), secret);
            }
        }
        Ok(secrets)
    }

    /// Notes what is about to be made, and keeps the secrets that were made for it: whatever an interruption leaves
    /// behind is known as ours, and its secret is not lost.
    async fn note_intent(&self, run: &Run<'_>, work: &Work<'_>, chunk: &[Step]) -> Result<(), PlanError> {
        let store = &self.parts.store;
        let mut batch = store.batch();
        run.held.guard(&mut batch);
        let made = chunk.iter().filter(|step| step.action == Action::Create && step.target != Target::Law);
        let rows: Vec<Managed> = made.map(|step| self.row(step, None, String::new(), "{}".to_owned())).collect();
        batch.put_managed(&rows);
        for step in chunk {
            for (field, given) in step.wanted.iter().flat_map(|wanted| &wanted.secrets) {
                if let Some(value) = work.secret(step, field).filter(|_| given == "generate") {
                    let kept =
                        self.parts.identity.keep_generated(&mut batch, step.address.as_str(), field, value.as_bytes());
                    kept.map_err(|refusal| PlanError::refused(step.address.as_str(), refusal))?;
                }
            }
        }
        batch.notes_only();
        store.commit(batch).await?;
        Ok(())
    }

    /// Notes what was done.
    async fn note_done(&self, run: &Run<'_>, work: &Work<'_>, chunk: &[Step], done: &[Done]) -> Result<(), PlanError> {
        let store = &self.parts.store;
        let mut batch = store.batch();
        run.held.guard(&mut batch);
        let mut rows = Vec::new();
        for (step, one) in chunk.iter().zip(done) {
            if step.target == Target::Law {
                continue;
            }
            let address = step.address.as_str();
            let Some(wanted) = step.wanted.as_ref().filter(|_| step.action != Action::Delete) else {
                batch.delete_managed(step.target.name(), address);
                batch.delete_generated(address);
                continue;
            };
            let mut prints = wanted.prints.clone();
            for field in wanted.secrets.keys() {
                if let Some(secret) = work.secret(step, field) {
                    prints.insert(field.clone(), work.state.fingerprint(address, field, secret.as_bytes()));
                }
            }
            for shown in &one.shown {
                let value = shown.value.as_bytes();
                prints.insert(shown.field.clone(), work.state.fingerprint(address, &shown.field, value));
                let kept = self.parts.identity.keep_generated(&mut batch, address, &shown.field, value);
                kept.map_err(|refusal| PlanError::refused(address, refusal))?;
            }
            let prints = serde_json::to_string(&prints).unwrap_or_default();
            rows.push(self.row(step, one.id.clone(), wanted.hash(), prints));
        }
        batch.put_managed(&rows);
        batch.notes_only();
        store.commit(batch).await?;
        Ok(())
    }

    /// Notes the file as applied to a target.
    async fn note_file(
        &self,
        run: &Run<'_>,
        part: &Part,
        steps: &[Step],
        selection: &Selection,
    ) -> Result<(), PlanError> {
        let store = &self.parts.store;
        let mut batch = store.batch();
        run.held.guard(&mut batch);
        let target = part.target.name();
        let removed = part.desired.is_empty() && steps.iter().all(|step| step.action == Action::Delete);
        if removed && selection.addresses.is_empty() {
            batch.delete_applied(target);
        } else if selection.addresses.is_empty() {
            self.put_file(&mut batch, target, run.wish.loaded.canonical());
        } else if part.target == Target::Law {
            // Only what was selected is in force now.
            let before = store.applied().await?.into_iter().find(|file| file.target == target);
            let before: Value = before
                .and_then(|file| serde_json::from_str(&file.doc).ok())
                .unwrap_or_else(|| Value::Object(Default::default()));
            let doc = crate::law::replaced(before, &run.wish.loaded.json(), steps);
            self.put_file(&mut batch, target, doc.to_string());
        } else {
            return Ok(());
        }
        batch.notes_only();
        store.commit(batch).await?;
        Ok(())
    }

    fn put_file(&self, batch: &mut tenantry_store::Batch, target: &str, doc: String) {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, doc.as_bytes());
        batch.put_applied(&AppliedFile {
            target: target.to_owned(),
            digest: crate::hex(digest.as_ref()),
            doc,
            by: self.parts.caller.name().to_owned(),
            applied_micros: self.now(),
        });
    }

    fn row(&self, step: &Step, id: Option<String>, hash: String, prints: String) -> Managed {
        Managed {
            target: step.target.name().to_owned(),
            address: step.address.to_string(),
            kind: step.kind.name().to_owned(),
            id,
            hash,
            prints,
            applied_micros: self.now(),
        }
    }
}

/// Passes when every danger is waived or agreed to.
fn agreed(plan: &Plan, consent: &Consent) -> Result<(), PlanError> {
    if consent.everything {
        return Ok(());
    }
    let addresses: Vec<(String, Vec<String>)> = plan
        .dangerous(&consent.approved)
        .map(|step| {
            let open = step.dangers.iter().filter(|danger| danger.waived.is_none());
            (step.address.to_string(), open.map(|danger| danger.code.to_owned()).collect())
        })
        .collect();
    if addresses.is_empty() { Ok(()) } else { Err(PlanError::Dangerous { addresses }) }
}
