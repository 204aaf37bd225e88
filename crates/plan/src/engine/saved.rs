//! A plan in a file (`plan --out`): bound to the file and the state that it was made from.

use serde_json::Value;

use crate::engine::Selection;
use crate::error::PlanError;
use crate::hex;
use crate::plan::{FORMAT, Plan};

/// What of a saved plan decides whether it may still be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// SHA-256 of the file.
    pub file: String,
    /// SHA-256 of what the file wanted.
    pub desired: String,
    /// SHA-256 of what was there.
    pub current: String,
    /// What of the file was planned.
    pub selection: Selection,
}

impl Saved {
    /// The text of a plan's file. Holds no secret.
    #[must_use]
    pub fn write(plan: &Plan, selection: &Selection) -> String {
        let mut value = plan.to_json();
        if let Some(value) = value.as_object_mut() {
            value.insert("select_targets".to_owned(), selection.targets.clone().into());
            value.insert("select_addresses".to_owned(), selection.addresses.clone().into());
        }
        let mut text = serde_json::to_string_pretty(&value).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Reads a plan's file.
    ///
    /// # Errors
    /// `PLAN_UNREADABLE`.
    pub fn read(text: &str) -> Result<Saved, PlanError> {
        let bad = |why: &str| PlanError::invalid("PLAN_UNREADABLE", format!("the plan cannot be read: {why}"));
        let value: Value = serde_json::from_str(text).map_err(|_| bad("it is not JSON"))?;
        if value.get("format").and_then(Value::as_u64) != Some(u64::from(FORMAT)) {
            return Err(bad("it has another format; make it anew with this version"));
        }
        let text = |name: &str| {
            let text = value.get(name).and_then(Value::as_str).filter(|text| text.len() == 64);
            text.map(str::to_owned).ok_or_else(|| bad(&format!("`{name}` is missing")))
        };
        let list = |name: &str| -> Vec<String> {
            let items = value.get(name).and_then(Value::as_array).into_iter().flatten();
            items.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        Ok(Saved {
            file: text("file")?,
            desired: text("desired")?,
            current: text("current")?,
            selection: Selection { targets: list("select_targets"), addresses: list("select_addresses") },
        })
    }

    /// Passes when a plan made now is the one that was saved.
    pub(crate) fn fits(&self, plan: &Plan) -> Result<(), PlanError> {
        let moved = |what: &str| Err(PlanError::Moved { what: what.to_owned() });
        if self.file != plan.file {
            return moved("the file");
        }
        if self.desired != hex(&plan.desired) {
            return moved("what the file leads to (a secret, or a database's catalog)");
        }
        if self.current != hex(&plan.current) {
            return moved("the state");
        }
        Ok(())
    }
}
