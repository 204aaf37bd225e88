//! What must hold after every call, whatever a suite expects of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tenantry_file::suite::SuiteCall;
use tenantry_policy::{Bound, Policy, Table, Tool};

use super::{Players, Rule};
use crate::compare::rows;
use crate::derive::{absent_id, id_of};
use crate::door::Answer;
use crate::judge::{Seen, Sight, only_by_tenant, sight};

/// Time that a call may take beside its statement: the way, the audit, the queue.
const GRACE: Duration = Duration::from_secs(2);

/// Tools that answer rows.
const ROW_TOOLS: [&str; 6] = ["query", "get", "create", "bulk_create", "update", "bulk_update"];

/// Rows of one answer whose ids are tried by others.
const PROBES: usize = 1;

/// Somebody asks for a row that is not theirs, and for none.
pub(super) struct Probe {
    pub(super) who: String,
    pub(super) foreign: Value,
    pub(super) absent: Value,
}

/// What has been seen so far.
pub(super) struct Watch<'p> {
    players: &'p Players<'p>,
    /// Who was shown a row as its own tenant's, by table and key.
    owners: BTreeMap<(String, String), String>,
    unclear: usize,
}

impl<'p> Watch<'p> {
    pub(super) fn new(players: &'p Players<'p>) -> Watch<'p> {
        Watch { players, owners: BTreeMap::new(), unclear: 0 }
    }

    pub(super) fn unclear(&self) -> usize {
        self.unclear
    }

    /// Checks an answer by itself and against what others were shown.
    pub(super) fn answered(
        &mut self,
        call: &SuiteCall,
        answer: &Answer,
        took: Duration,
        check: &mut impl FnMut(Rule, Vec<String>),
    ) {
        let Some(policy) = self.players.policy.clone() else { return };
        let Some(bound) = self.players.bound.get(&call.who).cloned() else { return };
        let model = call.arguments.get("model").and_then(Value::as_str);
        let Some(table) = model.and_then(|model| policy.find(model)) else { return };
        check(Rule::Budget, over_budget(table, call, answer, took));
        let Some(data) = answer.json.get("data").filter(|_| answer.code.is_none()) else { return };
        let (mut foreign, mut denied) = (Vec::new(), Vec::new());
        if call.tool == Tool::Aggregate.name() {
            let group_by = call.arguments.get("group_by").and_then(Value::as_array);
            let names: Vec<&str> = group_by.into_iter().flatten().filter_map(Value::as_str).collect();
            for group in rows(data) {
                // Of a group the rows' common values are known.
                let common: Map<String, Value> =
                    names.iter().filter_map(|name| Some(((*name).to_owned(), group.get(*name)?.clone()))).collect();
                if self.sight(&bound, table, &common) == Sight::Hidden {
                    foreign.push(format!("a group of rows of `{}` that are not shown: {common:?}", table.name));
                }
            }
        } else if ROW_TOOLS.contains(&call.tool.as_str()) {
            for row in rows(data) {
                self.row(&policy, &bound, table, row, &call.who, &mut foreign, &mut denied);
            }
        }
        foreign.truncate(3);
        denied.truncate(3);
        check(Rule::ForeignRow, foreign);
        check(Rule::DeniedField, denied);
    }

    fn sight(&self, bound: &Arc<Bound>, table: &Table, row: &Map<String, Value>) -> Sight {
        sight(bound, self.players.clock.now_micros(), table, row, Seen::Answered)
    }

    #[allow(clippy::too_many_arguments, reason = "one row, whose it is, and two lists to add to")]
    fn row(
        &mut self,
        policy: &Policy,
        bound: &Arc<Bound>,
        table: &Table,
        row: &Map<String, Value>,
        who: &str,
        foreign: &mut Vec<String>,
        denied: &mut Vec<String>,
    ) {
        match self.sight(bound, table, row) {
            Sight::Hidden => {
                foreign.push(format!("a row of `{}` that the policy does not show: {}", table.name, shown(row)));
            }
            Sight::Unclear => self.unclear += 1,
            Sight::Shown => {}
        }
        if only_by_tenant(bound, table)
            && let Some(id) = id_of(table, row)
        {
            let tenant = bound.account().to_owned();
            let owner = self.owners.entry((table.name.to_string(), id.to_string())).or_insert_with(|| tenant.clone());
            if *owner != tenant {
                foreign.push(format!(
                    "the row {id} of `{}` was shown to `{who}` of {tenant} and to somebody of {owner}",
                    table.name
                ));
            }
        }
        for (name, value) in row {
            if let Some(column) = table.find_column(name).and_then(|id| table.column(id)) {
                if !column.field.visible() {
                    denied.push(format!("`{name}` of `{}`", table.name));
                }
            } else if let Some((_, relation)) = table.find_relation(name) {
                let Some(other) = policy.table(relation.to) else { continue };
                for row in rows(value) {
                    self.row(policy, bound, other, row, who, foreign, denied);
                }
            } else {
                denied.push(format!("`{name}`, which `{}` does not have", table.name));
            }
        }
    }

    /// Rows that the caller was shown, asked for by everybody whom the policy does not show them to.
    pub(super) fn probes(&self, call: &SuiteCall, answer: &Answer) -> Vec<Probe> {
        let Some(policy) = &self.players.policy else { return Vec::new() };
        let table = call.arguments.get("model").and_then(Value::as_str).and_then(|model| policy.find(model));
        let (Some(table), Some(data)) = (table, answer.json.get("data")) else { return Vec::new() };
        let row_tools = [Tool::Query.name(), Tool::Get.name()];
        if answer.code.is_some() || !row_tools.contains(&call.tool.as_str()) {
            return Vec::new();
        }
        let mut probes = Vec::new();
        for row in rows(data).take(PROBES) {
            let (Some(foreign), Some(absent)) = (id_of(table, row), absent_id(table, row, 777)) else { continue };
            for (who, bound) in self.players.bound.iter().filter(|(who, _)| **who != call.who) {
                let may_ask = bound.tools(table.id).has(Tool::Get);
                if may_ask && self.sight(bound, table, row) == Sight::Hidden {
                    let ask = |id: &Value| json!({ "model": table.name.as_ref(), "id": id });
                    probes.push(Probe { who: who.clone(), foreign: ask(&foreign), absent: ask(&absent) });
                }
            }
        }
        probes
    }
}

fn over_budget(table: &Table, call: &SuiteCall, answer: &Answer, took: Duration) -> Vec<String> {
    let mut over = Vec::new();
    let budget = &table.budget;
    let data = answer.json.get("data").unwrap_or(&Value::Null);
    let count = data.as_array().map_or(0, Vec::len);
    if call.tool == Tool::Query.name() && count > usize::try_from(budget.max_rows).unwrap_or(usize::MAX) {
        over.push(format!("{count} rows, and the budget is {}", budget.max_rows));
    }
    // The envelope is not part of the rows.
    let bytes = u64::try_from(answer.body.len()).unwrap_or(u64::MAX);
    if bytes > budget.max_bytes.saturating_add(4096) {
        over.push(format!("{bytes} bytes, and the budget is {}", budget.max_bytes));
    }
    if took > budget.timeout.saturating_add(GRACE) {
        over.push(format!("{} ms, and the budget is {}", took.as_millis(), budget.timeout.as_millis()));
    }
    over
}

fn shown(row: &Map<String, Value>) -> String {
    let text = Value::Object(row.clone()).to_string();
    text.chars().take(300).collect()
}
