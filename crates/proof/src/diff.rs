//! 13: what a change of the rules shows or hides.

use tenantry_policy::attribute::AttrPath;
use tenantry_policy::condition::{Cond, Term};
use tenantry_policy::{AttrId, Op, Policy, Table, TableId};

use crate::model::Problem;
use crate::obligations::written_ops;
use crate::solver::Found;
use crate::sorts::About;
use crate::witness::Witness;

/// A difference between two policies, for one table and operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The table.
    pub table: String,
    /// The operation.
    pub op: Op,
    /// Which way, and whose rows.
    pub gained: Gained,
    /// Who and which row.
    pub witness: Box<Witness>,
}

/// Which way a difference goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gained {
    /// A principal sees a row of its own tenant that it did not.
    Own,
    /// A principal sees a row of another tenant that it did not.
    Foreign,
    /// A principal no longer sees a row of its own tenant.
    LostOwn,
    /// A principal no longer sees a row of another tenant.
    LostForeign,
}

/// The differences between two policies, and both of them in one: what the ids of witnesses refer to.
#[derive(Debug)]
pub struct Comparison {
    /// The new tables first, the old ones behind them, over the same attributes.
    pub policy: Policy,
    /// What differs.
    pub differences: Vec<Difference>,
    /// What could not be looked through: there the two may differ, in any way.
    pub open: Vec<Open>,
}

/// A table and operation that could not be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// The table.
    pub table: String,
    /// The operation.
    pub op: Op,
    /// Why.
    pub why: String,
}

/// What a change of the rules shows or hides, with a witness for each table, operation and way. Tables are
/// compared by name, rows by the names of their columns, principals by the paths of their attributes.
#[must_use]
pub fn compare(old: &Policy, new: &Policy) -> Comparison {
    let merged = merge(old, new);
    let twins: Vec<(TableId, TableId)> =
        new.tables.iter().filter_map(|table| Some((table.id, moved(old.find(&table.name)?.id, new)))).collect();
    let mut names: Vec<&str> = old.tables.iter().chain(&new.tables).map(|table| table.name.as_ref()).collect();
    names.sort_unstable();
    names.dedup();
    let (mut all, mut open) = (Vec::new(), Vec::new());
    for name in names {
        let after = new.find(name).and_then(|table| merged.table(table.id));
        let before = old.find(name).and_then(|table| merged.table(moved(table.id, new)));
        let writes = |op: &Op| [before, after].into_iter().flatten().any(|table| written_ops(table).contains(op));
        for op in Op::ALL.into_iter().filter(|op| *op == Op::Read || writes(op)) {
            for gained in [Gained::Own, Gained::Foreign, Gained::LostOwn, Gained::LostForeign] {
                match differs(&merged, &twins, before, after, op, gained) {
                    Ok(None) => {}
                    Ok(Some(witness)) => {
                        all.push(Difference { table: name.to_owned(), op, gained, witness: Box::new(witness) });
                    }
                    Err(why) => {
                        let one = Open { table: name.to_owned(), op, why };
                        if !open.contains(&one) {
                            open.push(one);
                        }
                    }
                }
            }
        }
    }
    Comparison { policy: merged, differences: all, open }
}

/// The place of an old table in the merged policy: behind the new ones.
fn moved(table: TableId, new: &Policy) -> TableId {
    TableId(table.0.saturating_add(u16::try_from(new.tables.len()).unwrap_or(u16::MAX)))
}

/// Both policies in one: the new tables first, the old ones behind them, over the same attributes.
fn merge(old: &Policy, new: &Policy) -> Policy {
    let mut attributes = new.attributes.clone();
    let ids: Vec<AttrId> = old
        .attributes
        .iter()
        .map(|(_, attribute)| {
            let noted = attributes.note(attribute.path.clone(), attribute.ty, attribute.list);
            // Read as another type now: two attributes, since no value is both.
            noted.or_else(|_| {
                let mut parts: Vec<Box<str>> = vec!["before".into()];
                parts.push(attribute.path.to_string().into());
                attributes.note(AttrPath::Metadata(parts), attribute.ty, attribute.list)
            })
        })
        .map(|noted| noted.unwrap_or(AttrId(u16::MAX)))
        .collect();
    let attr = |id: AttrId| ids.get(id.index()).copied().unwrap_or(AttrId(u16::MAX));
    let mut tables = new.tables.clone();
    for table in &old.tables {
        let mut table = table.clone();
        table.id = moved(table.id, new);
        for relation in &mut table.relations {
            relation.to = moved(relation.to, new);
        }
        for rule in &mut table.rules {
            rule.when = renamed(&rule.when, &attr);
        }
        table.boundary = table.boundary.map(|cond| renamed(&cond, &attr));
        tables.push(table);
    }
    let lists = |of: fn(&Policy) -> &Vec<AttrId>| {
        let mut lists: Vec<AttrId> = of(new).iter().copied().chain(of(old).iter().map(|id| attr(*id))).collect();
        lists.sort_unstable();
        lists.dedup();
        lists
    };
    Policy {
        reach_read: lists(|policy| &policy.reach_read),
        reach_write: lists(|policy| &policy.reach_write),
        attributes,
        tables,
        ..Policy::default()
    }
}

fn renamed(cond: &Cond, attr: &dyn Fn(AttrId) -> AttrId) -> Cond {
    let term = |term: &Term| match term {
        Term::Attr(id) => Term::Attr(attr(*id)),
        other => other.clone(),
    };
    match cond {
        Cond::And(parts) => Cond::And(parts.iter().map(|part| renamed(part, attr)).collect()),
        Cond::Or(parts) => Cond::Or(parts.iter().map(|part| renamed(part, attr)).collect()),
        Cond::Not(inner) => Cond::Not(Box::new(renamed(inner, attr))),
        Cond::Has(id) => Cond::Has(attr(*id)),
        Cond::Compare { left, cmp, right, ty } => {
            Cond::Compare { left: term(left), cmp: *cmp, right: term(right), ty: *ty }
        }
        Cond::InLiterals { term: member, list, negated } => {
            Cond::InLiterals { term: term(member), list: list.clone(), negated: *negated }
        }
        Cond::InAttr { term: member, list, negated } => {
            Cond::InAttr { term: term(member), list: attr(*list), negated: *negated }
        }
        Cond::StartsWith { term: text, prefix } => Cond::StartsWith { term: term(text), prefix: term(prefix) },
        Cond::Const(_) | Cond::IsNull { .. } => cond.clone(),
    }
}

/// # Errors
/// Why it could not be looked through: what is not looked through is never taken for no difference.
fn differs(
    policy: &Policy,
    twins: &[(TableId, TableId)],
    old: Option<&Table>,
    new: Option<&Table>,
    op: Op,
    gained: Gained,
) -> Result<Option<Witness>, String> {
    let (from, to) = match gained {
        Gained::Own | Gained::Foreign => (old, new),
        Gained::LostOwn | Gained::LostForeign => (new, old),
    };
    let Some(to) = to else { return Ok(None) };
    let rows: Vec<_> = [from, Some(to)].into_iter().flatten().map(|table| table.id).collect();
    let about = About { rows: &rows, twins, ..About::default() };
    let mut problem = Problem::new(policy, &about)
        .map_err(|ty| format!("too large: the rules before and after name too many {ty} values to look through"))?;
    let row = problem.row(to.id, "row");
    let mut wanted = vec![problem.visible(row, op)];
    let own = problem.own(row);
    wanted.push(if matches!(gained, Gained::Own | Gained::LostOwn) { own } else { !own });
    if let Some(from) = from {
        let same = problem.row(from.id, "row before");
        problem.alias(row, same);
        let seen = problem.visible(same, op);
        wanted.push(!seen);
    }
    match problem.find(&wanted) {
        Found::Model => Ok(Some(Witness::read(&problem, op))),
        Found::Nothing => Ok(None),
        Found::Unknown => Err("the solver gave up".to_owned()),
    }
}
