//! A caller whose token lacks what the scope reads: refused by name, never shown everything, and never
//! nothing without a word.

use serde_json::json;
use tenantry_policy::bound::Verdict;
use tenantry_policy::{Code, Op, Table, Tool};

use super::values::id;
use super::{Plan, ask, ask_write, writes};
use crate::attack::{Invariant, Step, Who};

pub(super) fn add(plan: &mut Plan<'_>, table: &Table) {
    let Some(bare) = plan.bare else { return };
    let theirs = plan.victims(table).first().and_then(|row| id(table, row)).unwrap_or_else(|| json!(1));
    let change = plan.owns(table).first().and_then(|own| writes::change(table, own)).unwrap_or_default();
    let calls = [
        (Tool::Query, ask(table, [])),
        (Tool::Get, ask(table, [("id", theirs.clone())])),
        (Tool::Aggregate, ask(table, [("operation", json!("count"))])),
        (Tool::Update, ask_write(table, true, [("id", theirs.clone()), ("data", change.clone().into())])),
        (Tool::BulkUpdate, ask_write(table, true, [("ids", json!([theirs])), ("data", change.into())])),
        (Tool::Delete, ask_write(table, true, [("id", theirs)])),
    ];
    for (tool, arguments) in calls {
        if !bare.tools(table.id).has(tool) {
            continue;
        }
        let open = bare.access(table.id, tool.op()).verdict() == Verdict::Open
            && bare.access(table.id, Op::Read).verdict() == Verdict::Open;
        let mut invariants = vec![Invariant::NoForeignRow];
        if !open {
            let codes = [Code::TenantScopeRequired, Code::ToolNotAllowed, Code::WriteDisabled];
            let invalid = tool.op() != Op::Read || tool == Tool::Get;
            invariants
                .push(Invariant::Refused(codes.into_iter().chain(invalid.then_some(Code::ValidationError)).collect()));
        }
        if tool.op() != Op::Read {
            invariants.push(Invariant::NothingChanged);
        }
        let step = Step { who: Who::Bare, ..Step::new(tool.name(), arguments) };
        plan.push(super::name(table, tool, "by somebody without attributes"), vec![step], invariants);
    }
}
