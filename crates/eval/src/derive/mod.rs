//! Deriving attacks: one file per way of getting at what is somebody else's.

mod bare;
mod bodies;
mod budgets;
mod cursors;
mod fields;
mod ids;
mod models;
mod references;
mod tenants;
mod values;
mod writes;

use serde_json::{Value, json};
use tenantry_policy::bound::Verdict;
use tenantry_policy::table::DeleteMode;
use tenantry_policy::{Bound, Code, Op, Policy, Table, Tool};

use crate::attack::{Attack, Body, Invariant, Step};
use crate::sample::{Row, Sample};

pub(crate) use values::{absent_id, findable, id as id_of};

/// Who attacks, and with what in hand.
#[derive(Debug, Clone, Copy)]
pub struct Attacker<'a> {
    /// The burglar, bound to the policy.
    pub bound: &'a Bound,
    /// All rows that it may see.
    pub own: &'a Sample,
    /// The burglar with nothing but its account and its roles, where somebody can call as that.
    pub bare: Option<&'a Bound>,
}

/// The kinds of derived attacks.
pub const FAMILIES: &[&str] = &[
    "models",
    "bodies",
    "controls",
    "unique",
    "readonly",
    "fields",
    "tenants",
    "ids",
    "values",
    "relations",
    "cursors",
    "budgets",
    "missing attributes",
];

/// Every attack that the policy suggests against the victim's rows. The same arguments give the same
/// list.
#[must_use]
pub fn attacks(policy: &Policy, victim: &Sample, attacker: &Attacker<'_>) -> Vec<Attack> {
    let mut plan = Plan {
        policy,
        victim,
        bound: attacker.bound,
        own: attacker.own,
        bare: attacker.bare,
        list: Vec::new(),
        family: "",
    };
    plan.family = "models";
    models::add(&mut plan);
    plan.family = "bodies";
    bodies::add(&mut plan);
    for table in policy.tables.iter().filter(|table| !attacker.bound.tools(table.id).is_empty()) {
        // Who finds nothing of its own refused has shown that a refusal means something.
        type Add = fn(&mut Plan<'_>, &Table);
        let families: [(&'static str, Add); 11] = [
            ("controls", writes::add),
            ("unique", writes::unique),
            ("readonly", writes::closed),
            ("fields", fields::add),
            ("tenants", tenants::add),
            ("ids", ids::add),
            ("values", values::add),
            ("relations", references::add),
            ("cursors", cursors::add),
            ("budgets", budgets::add),
            ("missing attributes", bare::add),
        ];
        for (family, add) in families {
            plan.family = family;
            add(&mut plan, table);
        }
    }
    plan.list
}

/// The list as it grows.
struct Plan<'a> {
    policy: &'a Policy,
    victim: &'a Sample,
    bound: &'a Bound,
    own: &'a Sample,
    bare: Option<&'a Bound>,
    list: Vec<Attack>,
    /// What is being derived.
    family: &'static str,
}

impl<'a> Plan<'a> {
    fn push(&mut self, name: String, steps: Vec<Step>, invariants: Vec<Invariant>) {
        self.list.push(Attack { family: self.family, name, steps, invariants });
    }

    /// A call that must be refused with one of these codes, or because the tool is not granted.
    fn refused(&mut self, what: &str, table: &Table, tool: Tool, arguments: Value, codes: &[Code]) {
        let mut invariants = vec![Invariant::Refused(self.codes(table, tool, codes)), Invariant::NoForeignRow];
        if tool.op() != Op::Read {
            invariants.push(Invariant::NothingChanged);
        }
        self.push(name(table, tool, what), vec![Step::new(tool.name(), arguments)], invariants);
    }

    /// A call about something foreign that must answer as the one about something absent.
    fn alike(&mut self, what: &str, table: &Table, tool: Tool, foreign: Value, absent: Value) {
        self.alike_but(what, table, tool, foreign, absent, Vec::new());
    }

    fn alike_but(
        &mut self,
        what: &str,
        table: &Table,
        tool: Tool,
        foreign: Value,
        absent: Value,
        hiding: Vec<(String, String)>,
    ) {
        let twin = vec![Step::new(tool.name(), absent)];
        let mut invariants = vec![Invariant::NoForeignRow, Invariant::SameAsAbsent { twin, hiding }];
        if tool.op() != Op::Read {
            // The twin writes nothing either, so it may run before the second look.
            invariants.push(Invariant::NothingChanged);
        }
        self.push(name(table, tool, what), vec![Step::new(tool.name(), foreign)], invariants);
    }

    /// A call that may answer, but not with anything foreign.
    fn look(&mut self, what: &str, table: &Table, tool: Tool, arguments: Value) {
        let mut invariants = vec![Invariant::NoForeignRow];
        if tool.op() != Op::Read {
            invariants.push(Invariant::NothingChanged);
        }
        self.push(name(table, tool, what), vec![Step::new(tool.name(), arguments)], invariants);
    }

    /// A call about the attacker's own rows that must work.
    fn control(&mut self, what: &str, table: &Table, tool: Tool, arguments: Value) {
        let invariants = vec![Invariant::Done, Invariant::NoForeignRow];
        let what = ["control: ", what].concat();
        self.push(name(table, tool, &what), vec![Step::new(tool.name(), arguments)], invariants);
    }

    fn granted(&self, table: &Table, tool: Tool) -> bool {
        self.bound.tools(table.id).has(tool)
    }

    /// May the attacker use the tool at all: granted, not switched off, and not ruled out?
    fn usable(&self, table: &Table, tool: Tool) -> bool {
        let writes = &table.writes;
        let on = match tool.op() {
            Op::Read => true,
            Op::Create => writes.create.is_some(),
            Op::Update => !writes.update.is_empty(),
            Op::Delete => writes.delete != DeleteMode::Off,
        };
        let open = |op| self.bound.access(table.id, op).verdict() == Verdict::Open;
        on && self.granted(table, tool) && open(tool.op()) && open(Op::Read)
    }

    /// The codes of a refusal: those meant, when the tool can be used at all.
    fn codes(&self, table: &Table, tool: Tool, codes: &[Code]) -> Vec<Code> {
        if self.usable(table, tool) {
            let broad = (!table.budget.require_filter.is_empty()).then_some(Code::QueryTooBroad);
            return codes.iter().copied().chain(broad).collect();
        }
        // What arguments look like is read before anything is decided.
        let unread = [Code::ValidationError, Code::QueryTooBroad].into_iter().filter(|code| codes.contains(code));
        [Code::ModelNotAllowed, Code::ToolNotAllowed, Code::TenantScopeRequired, Code::WriteDisabled]
            .into_iter()
            .chain(unread)
            .collect()
    }

    fn victims(&self, table: &Table) -> &'a [Row] {
        self.victim.rows(&table.name)
    }

    fn owns(&self, table: &Table) -> &'a [Row] {
        self.own.rows(&table.name)
    }
}

fn name(table: &Table, tool: Tool, what: &str) -> String {
    format!("{}.{tool} {what}", table.name)
}

/// Arguments for a table, from members.
fn ask<const N: usize>(table: &Table, members: [(&str, Value); N]) -> Value {
    let mut arguments = serde_json::Map::from_iter([("model".to_owned(), json!(table.name.as_ref()))]);
    arguments.extend(members.into_iter().map(|(name, value)| (name.to_owned(), value)));
    Value::Object(arguments)
}

/// The same for a tool that writes: with a reason, and as a dry run where wanted.
fn ask_write<const N: usize>(table: &Table, dry_run: bool, members: [(&str, Value); N]) -> Value {
    let mut arguments = ask(table, members);
    if let Some(arguments) = arguments.as_object_mut() {
        arguments.insert("reason".to_owned(), json!("routine"));
        if dry_run {
            arguments.insert("dry_run".to_owned(), json!(true));
        }
    }
    arguments
}

/// A raw body's step.
fn raw(tool: &str, bytes: Vec<u8>) -> Step {
    Step { body: Body::Raw(bytes), ..Step::new(tool, Value::Null) }
}
