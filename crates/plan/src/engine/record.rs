//! The record of an apply: each step before it is done, and how it ended, on the platform's chain.

use aws_lc_rs::digest::{SHA256, digest};
use futures_util::future::try_join_all;
use serde_json::{Map, Value, json};
use tenantry_store::{Entry, Phase, Receipt};

use crate::engine::Engine;
use crate::error::PlanError;
use crate::step::Step;

/// Entries that were begun.
#[derive(Debug, Default)]
pub(crate) struct Begun(Vec<(Entry, Receipt)>);

impl Engine {
    /// Puts on record what is about to be done. No record, no act.
    pub(crate) async fn begin(&self, steps: &[Step], first: usize) -> Result<Begun, PlanError> {
        let entries: Vec<Entry> = (first..).zip(steps).map(|(number, step)| self.entry(step, number)).collect();
        let receipts = try_join_all(entries.iter().map(|entry| self.parts.store.append(entry))).await?;
        Ok(Begun(entries.into_iter().zip(receipts).collect()))
    }

    /// Puts on record how it ended: the first `done` steps were done, the others not, for the reason of that code.
    pub(crate) async fn ended(&self, begun: Begun, steps: &[Step], done: usize, code: Option<&str>) {
        let now = self.now();
        let entries: Vec<Entry> = begun
            .0
            .into_iter()
            .zip(steps)
            .enumerate()
            .map(|(at, ((entry, receipt), step))| {
                let phase = if at < done { Phase::Completed } else { Phase::Failed };
                let mut end = entry.into_ended(&receipt, phase, now);
                if at < done {
                    (end.before, end.after) = (side(step, true), side(step, false));
                } else {
                    end.error = Some(code.unwrap_or("NOT_DONE").to_owned());
                }
                end
            })
            .collect();
        if let Err(error) = try_join_all(entries.iter().map(|entry| self.parts.store.append(entry))).await {
            tracing::error!(%error, "the end of an apply's steps is not on record");
        }
    }

    fn entry(&self, step: &Step, number: usize) -> Entry {
        let caller = &self.parts.caller;
        let id = [caller.request_id.as_str(), ".", &number.to_string()].concat();
        let mut entry = Entry::started(&id, "", &["apply.", step.action.name()].concat(), self.now());
        entry.user.clone_from(&caller.user);
        entry.client.clone_from(&caller.client);
        let inputs = json!({
            "address": step.address.as_str(),
            "kind": step.kind.name(),
            "target": step.target.name(),
            "id": step.id,
            "changes": step.changes.iter().map(|change| json!({
                "field": change.field, "before": change.before, "after": change.after,
            })).collect::<Vec<_>>(),
        })
        .to_string();
        entry.request_digest = crate::hex(digest(&SHA256, inputs.as_bytes()).as_ref());
        entry.model = Some(step.kind.name().to_owned());
        entry.inputs = Some(inputs);
        entry
    }
}

/// The fields before, or after.
fn side(step: &Step, before: bool) -> Option<String> {
    let values = step.changes.iter().filter_map(|change| {
        let value = if before { &change.before } else { &change.after };
        Some((change.field.clone(), value.clone()?))
    });
    let values: Map<String, Value> = values.collect();
    (!values.is_empty()).then(|| Value::Object(values).to_string())
}
