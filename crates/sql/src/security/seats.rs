//! Row security of SQL seats: the same rules, asked of a principal of whom only the tenant is known.
//!
//! People with a seat bring statements of their own, and PostgreSQL asks the policies of reading only where a
//! statement reads. So what narrows reading narrows writing here as well: a DELETE without a WHERE takes no row that
//! the seat could not have read.

use tenantry_policy::condition::{Cond, Truth};
use tenantry_policy::{Op, OpSet, Policy, Rule, Table, seat};

use super::expressions::{PolicyExpression, commands, expression, named, tail};
use crate::RenderError;
use crate::builder::Voice;
use crate::scribe::{Scribe, boundary};

/// Every policy for seats that row security on a source of PostgreSQL must have where there are any.
///
/// # Errors
/// [`RenderError`] when the policy contradicts itself.
pub fn seat_expressions(policy: &Policy, source: &str) -> Result<Vec<PolicyExpression>, RenderError> {
    let mut list = Vec::new();
    for table in super::governed(policy, source) {
        let mut draft = Draft { policy, table, ops: table.seat_ops(), list: Vec::new() };
        for rule in &table.rules {
            draft.rule(rule)?;
        }
        draft.readable()?;
        draft.boundaries()?;
        list.append(&mut draft.list);
    }
    Ok(list)
}

const NEVER: Cond = Cond::Const(false);

struct Draft<'a> {
    policy: &'a Policy,
    table: &'a Table,
    /// What a seat may be let do.
    ops: OpSet,
    list: Vec<PolicyExpression>,
}

impl<'a> Draft<'a> {
    fn add(&mut self, tail: &str, permissive: bool, on: OpSet, conds: &[&'a Cond]) -> Result<(), RenderError> {
        let scribe = Scribe::row_security(self.policy, self.table, Voice::Seat);
        let truths: Vec<Option<Truth>> = conds.iter().map(|cond| scribe.constant(cond)).collect();
        // What holds of no seat shows nothing, and what holds of every row hides nothing.
        let never = truths.iter().all(|truth| matches!(truth, Some(Truth::False | Truth::Unknown)));
        let always = truths.contains(&Some(Truth::True));
        if (permissive && never) || (!permissive && always) {
            return Ok(());
        }
        for command in commands(on) {
            let name = named(seat::POLICIES, tail, command);
            let made = expression(self.policy, self.table, name, permissive, command, conds, Voice::Seat)?;
            self.list.push(made);
        }
        Ok(())
    }

    fn rule(&mut self, rule: &'a Rule) -> Result<(), RenderError> {
        let widens = rule.kind.widens();
        let on = if !widens && rule.on.has(Op::Read) {
            OpSet::ALL
        } else {
            OpSet::of(rule.on.iter().filter(|op| self.ops.has(*op)))
        };
        self.add(&tail(self.table, rule), widens, on, &[&rule.when])
    }

    /// What widens writing and not reading reaches no further than what widens reading.
    fn readable(&mut self) -> Result<(), RenderError> {
        let table = self.table;
        let widening = |op: Op| table.rules.iter().filter(move |rule| rule.kind.widens() && rule.on.has(op));
        let past = |op: &Op| widening(*op).any(|rule| !rule.on.has(Op::Read));
        let on = OpSet::of(self.ops.iter().filter(past));
        let conds: Vec<&Cond> = widening(Op::Read).map(|rule| &rule.when).collect();
        let conds = if conds.is_empty() { vec![&NEVER] } else { conds };
        self.add("readable", false, on, &conds)
    }

    fn boundaries(&mut self) -> Result<(), RenderError> {
        let read = boundary(self.table, Op::Read)?;
        self.add("boundary", false, OpSet::ALL, &[read])?;
        for op in self.ops.iter().filter(|op| *op != Op::Read) {
            let own = boundary(self.table, op)?;
            if own != read {
                self.add("boundary", false, OpSet::of([op]), &[own])?;
            }
        }
        Ok(())
    }
}
