//! The encoding's own word on rows that are given: so that it can be compared with the evaluator and the databases.

use tenantry_policy::bound::Slot;
use tenantry_policy::condition::{AttrView, Truth};
use tenantry_policy::{AttrId, ColumnId, Policy, RelationId, Table, Type, Value};

use batsat::Lit;

use crate::encode::Symbol;
use crate::model::{Problem, RowId};
use crate::solver::Found;
use crate::sorts::{About, Place};

/// A row, and the rows that its relations lead to: those that exist, whether or not the principal may read them.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// The row's columns, in the table's order.
    pub own: Vec<Option<Value>>,
    /// The related rows.
    pub related: Vec<(RelationId, Vec<Option<Value>>)>,
}

/// The truth of a rule for each row, as the solver finds it: row and principal are fixed, and it is asked whether
/// the rule can be TRUE, and whether it can be FALSE. `None` when the encoding contradicts itself or the row.
#[must_use]
pub fn truths(
    policy: &Policy,
    table: &Table,
    rule: usize,
    principal: &dyn AttrView,
    rows: &[Given],
) -> Option<Vec<Truth>> {
    let when = &table.rules.get(rule)?.when;
    let mut values: Vec<(Place, Value)> = Vec::new();
    for given in rows {
        values.extend(placed(table, &given.own));
        for (relation, row) in &given.related {
            values.extend(placed(policy.table(table.relation(*relation)?.to)?, row));
        }
    }
    for (attr, _) in policy.attributes.iter() {
        let each = match principal.slot(attr) {
            Slot::Missing => Vec::new(),
            Slot::Now => vec![Value::Timestamp(principal.now_micros())],
            Slot::One(value) => vec![value.clone()],
            Slot::Many(items) => items.clone(),
        };
        values.extend(each.into_iter().map(|value| (Place::Attr(attr), value)));
    }
    let about = About { rows: &[table.id], values: &values, ..About::default() };
    let mut problem = Problem::new(policy, &about).ok()?;
    let row = problem.row(table.id, "row");
    let truth = problem.truth(row, when);
    let who = principal_is(&mut problem, principal)?;
    let each = rows.iter().map(|given| {
        let mut fixed = who.clone();
        row_is(&problem, row, &given.own, &mut fixed)?;
        for relation in 0..table.relations.len() {
            let relation = RelationId(u16::try_from(relation).ok()?);
            let Some(other) = problem.known_related(row, relation) else { continue };
            let there = problem.rows.get(other.0)?.exists;
            match given.related.iter().find(|(known, _)| *known == relation) {
                None => fixed.push(!there),
                Some((_, columns)) => {
                    fixed.push(there);
                    row_is(&problem, other, columns, &mut fixed)?;
                }
            }
        }
        let mut can = |what: Option<Lit>| {
            let wanted: Vec<Lit> = fixed.iter().copied().chain(what).collect();
            matches!(problem.solver.find(&wanted), Found::Model)
        };
        match (can(None), can(Some(truth.yes)), can(Some(truth.no))) {
            (true, true, false) => Some(Truth::True),
            (true, false, true) => Some(Truth::False),
            (true, false, false) => Some(Truth::Unknown),
            // Nothing is both, and the row that is given is possible.
            _ => None,
        }
    });
    each.collect()
}

fn placed<'v>(table: &'v Table, row: &'v [Option<Value>]) -> impl Iterator<Item = (Place, Value)> + 'v {
    row.iter().enumerate().filter_map(|(at, value)| {
        let column = ColumnId(u16::try_from(at).ok()?);
        table.column(column)?.facts.ty.filter(|ty| Type::in_conditions(*ty))?;
        Some((Place::Column(table.id, column), value.clone()?))
    })
}

/// Fixes the columns that the question reads.
fn row_is(problem: &Problem<'_>, row: RowId, columns: &[Option<Value>], fixed: &mut Vec<Lit>) -> Option<()> {
    for (at, symbol) in &problem.rows.get(row.0)?.columns {
        symbol_is(problem, symbol, columns.get(usize::from(*at))?.as_ref(), fixed)?;
    }
    Some(())
}

fn symbol_is(problem: &Problem<'_>, symbol: &Symbol, value: Option<&Value>, fixed: &mut Vec<Lit>) -> Option<()> {
    match value {
        None => fixed.push(!symbol.present),
        Some(value) => fixed.extend([symbol.present, problem.is_value(symbol, value)?]),
    }
    Some(())
}

/// Fixes the attributes that the question reads.
fn principal_is(problem: &mut Problem<'_>, principal: &dyn AttrView) -> Option<Vec<Lit>> {
    let mut fixed = Vec::new();
    for (attr, symbol) in &problem.attributes {
        let now = Value::Timestamp(principal.now_micros());
        let value = match principal.slot(*attr) {
            Slot::Missing => None,
            Slot::Now => Some(&now),
            Slot::One(value) => Some(value),
            Slot::Many(_) => return None,
        };
        symbol_is(problem, symbol, value, &mut fixed)?;
    }
    let lists: Vec<AttrId> = problem.lists.keys().copied().collect();
    for list in lists {
        let set = problem.set(list);
        match principal.slot(list) {
            Slot::Missing => fixed.push(!set.present),
            Slot::Many(items) => {
                fixed.push(set.present);
                for (value, holds) in problem.values_of(set.sort).iter().zip(&set.holds) {
                    let is_in = items.iter().any(|item| item.same(value));
                    fixed.push(if is_in { *holds } else { !*holds });
                }
            }
            Slot::One(_) | Slot::Now => return None,
        }
    }
    Some(fixed)
}
