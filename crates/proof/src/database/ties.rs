//! Which rows of a subselect are the principal's: those that an equality ties to the session, whichever alternative of
//! the condition shows them. `user_id = $user OR role = 'guest'` lists the guests' organizations for everybody; only
//! what its first half lists is somebody's own.

use std::collections::BTreeSet;

use tenantry_policy::condition::Cmp;
use tenantry_policy::database::Database;

use super::expr::{Expr, List, Query, Scan, Select};
use super::tenants::{identifies, source};

/// More alternatives than these are not looked into: nothing is taken to be tied then.
const MOST: usize = 64;

/// A subselect without the alternatives that the session does not choose; `None` where it chooses none.
pub(crate) fn restricted(query: &Query) -> Option<Query> {
    let mut branches = Vec::new();
    let mut whole = true;
    for branch in &query.branches {
        let all = alternatives(&branch.filter)?;
        let count = all.len();
        let kept: Vec<Vec<Expr>> = all.into_iter().filter(|parts| lists_own(branch, parts)).collect();
        if kept.len() == count {
            branches.push(branch.clone());
            continue;
        }
        whole = false;
        if !kept.is_empty() {
            let filter = Expr::Or(kept.into_iter().map(Expr::And).collect());
            branches.push(Select { filter, ..branch.clone() });
        }
    }
    // Of several rows, which one LIMIT 1 takes is not ours to say.
    (whole || (!query.one && !branches.is_empty())).then_some(Query { branches, one: query.one })
}

/// Does the session choose every row of it?
pub(crate) fn tied(query: &Query) -> bool {
    restricted(query).is_some_and(|own| own == *query)
}

/// Does the session choose the value, whatever tables say of it?
pub(crate) fn settled(value: &Expr) -> bool {
    match value {
        Expr::Cast(inner, _) | Expr::Demand(inner) | Expr::NullIf(inner, _) => settled(inner),
        Expr::Coalesce(parts) => parts.iter().all(settled),
        Expr::Scalar(query) => tied(query),
        _ => identifies(value),
    }
}

/// Is what one alternative of a subselect lists the principal's?
fn lists_own(select: &Select, parts: &[Expr]) -> bool {
    let own = ties(&select.from, parts);
    match select.out.first() {
        Some(out) => reads(out).is_some_and(|binding| own.contains(&binding)) || settled(out),
        None => false,
    }
}

/// The rows that equalities tie to the session, directly or by way of others.
fn ties(from: &[Scan], parts: &[Expr]) -> BTreeSet<usize> {
    let mut own: BTreeSet<usize> = BTreeSet::new();
    let mut same: Vec<(usize, usize)> = Vec::new();
    for scan in from {
        if let Scan::Items { binding, list } = scan
            && chosen(list)
        {
            own.insert(*binding);
        }
    }
    for part in parts {
        match part {
            Expr::Compare(Cmp::Eq, left, right) => match (reads(left), reads(right)) {
                (Some(left), Some(right)) => same.push((left, right)),
                (Some(row), None) if settled(right) => drop(own.insert(row)),
                (None, Some(row)) if settled(left) => drop(own.insert(row)),
                _ => {}
            },
            Expr::Not(inner) => {
                if let Expr::Distinct(left, right) = inner.as_ref() {
                    own.extend(reads(left).filter(|_| settled(right)));
                    own.extend(reads(right).filter(|_| settled(left)));
                }
            }
            Expr::Any { left, cmp: Cmp::Eq, list, all: false } => {
                own.extend(reads(left).filter(|_| chosen(list)));
            }
            Expr::Within(left, query) => {
                if let [left] = left.as_slice() {
                    own.extend(reads(left).filter(|_| tied(query)));
                }
            }
            // Whatever of it is so, these rows are tied.
            Expr::Exists(query) => {
                let mut every: Option<BTreeSet<usize>> = None;
                for branch in &query.branches {
                    for parts in alternatives(&branch.filter).unwrap_or_else(|| vec![Vec::new()]) {
                        let found = ties(&branch.from, &parts);
                        every = Some(match every {
                            Some(known) => known.intersection(&found).copied().collect(),
                            None => found,
                        });
                    }
                }
                own.extend(every.unwrap_or_default());
            }
            _ => {}
        }
    }
    loop {
        let more: Vec<usize> = same
            .iter()
            .filter(|(left, right)| own.contains(left) != own.contains(right))
            .flat_map(|(left, right)| [*left, *right])
            .collect();
        if more.is_empty() {
            return own;
        }
        own.extend(more);
    }
}

fn chosen(list: &List) -> bool {
    match list {
        List::Items(items) => items.iter().all(settled),
        List::Query(query) | List::Aggregated(query) => tied(query),
        List::Setting { of, .. } => identifies(of),
    }
}

/// The row that a value is a column of.
fn reads(value: &Expr) -> Option<usize> {
    match value {
        Expr::Column { binding, .. } | Expr::Item { binding, .. } => Some(*binding),
        Expr::Cast(inner, _) => reads(inner),
        _ => None,
    }
}

/// A condition as alternatives, each of parts that all hold; `None` where they are too many.
fn alternatives(filter: &Expr) -> Option<Vec<Vec<Expr>>> {
    match filter {
        Expr::And(parts) => {
            let mut all: Vec<Vec<Expr>> = vec![Vec::new()];
            for part in parts {
                let of = alternatives(part)?;
                all = all
                    .iter()
                    .flat_map(|known| of.iter().map(|more| known.iter().chain(more).cloned().collect()))
                    .collect();
                if all.len() > MOST {
                    return None;
                }
            }
            Some(all)
        }
        Expr::Or(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(alternatives(part)?);
            }
            (all.len() <= MOST).then_some(all)
        }
        Expr::Is(inner, true) => alternatives(inner),
        other => Some(vec![vec![other.clone()]]),
    }
}

/// A subselect in words: `org_id` of `members` where `user_id` = the setting `app.user`.
pub(crate) fn told(database: &Database, query: &Query) -> String {
    let each = query.branches.iter().map(|branch| {
        let words = Words { database, from: &branch.from };
        let listed = branch.out.first().map(|out| words.value(out)).unwrap_or_default();
        let tables: Vec<String> = branch.from.iter().filter_map(|scan| words.table(scan)).collect();
        let of = if tables.is_empty() { String::new() } else { [" of ", &tables.join(", ")].concat() };
        match words.condition(&branch.filter) {
            Some(condition) => [&listed, &of, " where ", &condition].concat(),
            None => [listed, of].concat(),
        }
    });
    each.collect::<Vec<_>>().join(", or ")
}

struct Words<'q> {
    database: &'q Database,
    from: &'q [Scan],
}

impl Words<'_> {
    fn table(&self, scan: &Scan) -> Option<String> {
        let Scan::Table { relation, .. } = scan else { return None };
        Some(["`", &self.database.relations.get(*relation)?.title(), "`"].concat())
    }

    /// `None` where nothing is asked.
    fn condition(&self, condition: &Expr) -> Option<String> {
        let all = |parts: &[Expr], between: &str| {
            let each: Vec<String> = parts.iter().filter_map(|part| self.condition(part)).collect();
            (!each.is_empty()).then(|| each.join(between))
        };
        Some(match condition {
            Expr::Value(tenantry_policy::Value::Bool(true)) => return None,
            Expr::And(parts) => return all(parts, " and "),
            Expr::Or(parts) => return all(parts, " or ").map(|text| ["(", &text, ")"].concat()),
            Expr::Compare(Cmp::Eq, left, right) => [self.value(left), self.value(right)].join(" = "),
            Expr::Compare(Cmp::Ne, left, right) => [self.value(left), self.value(right)].join(" <> "),
            Expr::Any { left, cmp: Cmp::Eq, all: false, .. } => [&self.value(left), " in a list"].concat(),
            Expr::Exists(query) => ["there is a row of ", &told(self.database, query)].concat(),
            Expr::Column { .. } => self.value(condition),
            _ => "a condition holds".to_owned(),
        })
    }

    fn value(&self, value: &Expr) -> String {
        match value {
            Expr::Column { binding, column, .. } => {
                let name = self.from.iter().find_map(|scan| match scan {
                    Scan::Table { binding: of, relation, .. } if of == binding => {
                        Some(self.database.relations.get(*relation)?.columns.get(*column)?.name.clone())
                    }
                    _ => None,
                });
                name.map_or_else(|| "a column".to_owned(), |name| ["`", &name, "`"].concat())
            }
            Expr::Cast(inner, _) if reads(inner).is_some() => self.value(inner),
            Expr::Value(value) => ["'", &crate::witness::text(value), "'"].concat(),
            Expr::Scalar(query) => ["(", &told(self.database, query), ")"].concat(),
            other => source(other),
        }
    }
}
