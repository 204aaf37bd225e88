//! Does the policy show this row to this principal? Asked of the evaluator, with what an answer holds of
//! the row: an opinion of its own beside the statements that fetched it.

use std::sync::Arc;

use serde_json::{Map, Value as Json};
use tenantry_policy::bound::{Slot, Verdict};
use tenantry_policy::condition::{AttrView, ColumnRef, Cond, RowView, Term, Truth, eval};
use tenantry_policy::table::{Column, Field};
use tenantry_policy::value::{parse_date, parse_decimal, parse_timestamp};
use tenantry_policy::{Bound, ColumnId, Context, Op, RuleKind, Table, Type, Value};

/// What is known of a row's visibility.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// The rules show it.
    Shown,
    /// No values of the columns that are not known would make the rules show it.
    Hidden,
    /// It depends on columns that are not known, or on rows of other tables.
    Unclear,
}

/// How a row was come by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// By an answer: masked and hashed fields do not hold their value.
    Answered,
    /// By somebody who knows its values.
    Whole,
}

/// Is the row visible to the principal for reading, as far as its known columns tell? Columns that the row does not name
/// may hold anything.
#[must_use]
pub fn sight(bound: &Arc<Bound>, now_micros: i64, table: &Table, row: &Map<String, Json>, seen: Seen) -> Sight {
    sight_for(Op::Read, bound, now_micros, table, row, seen)
}

/// The same for another operation.
#[must_use]
pub(crate) fn sight_for(
    op: Op,
    bound: &Arc<Bound>,
    now_micros: i64,
    table: &Table,
    row: &Map<String, Json>,
    seen: Seen,
) -> Sight {
    let access = bound.access(table.id, op);
    if access.verdict() != Verdict::Open {
        return Sight::Hidden;
    }
    let context = Context { bound: Arc::clone(bound), now_micros, request_id: Arc::from("eval") };
    let known = Known::of(table, row, seen);
    let mut widened = Possible::exactly(Truth::False);
    let mut narrowed = Possible::exactly(Truth::True);
    for (_, rule) in table.rules.iter().enumerate().filter(|(at, _)| access.has_rule(*at)) {
        let may = possible(&rule.when, &known, &context);
        if rule.kind.widens() { widened = widened.or(may) } else { narrowed = narrowed.and(may) }
    }
    let within = table.boundary.get(op.index());
    let within = within.map_or(Possible::exactly(Truth::False), |within| possible(within, &known, &context));
    let all = widened.and(narrowed).and(within);
    match (all.truth, all.falsehood || all.unknown) {
        (false, _) => Sight::Hidden,
        (true, false) => Sight::Shown,
        (true, true) => Sight::Unclear,
    }
}

/// The columns of a row whose values are known.
struct Known {
    values: Vec<Option<Option<Value>>>,
}

impl Known {
    fn of(table: &Table, row: &Map<String, Json>, seen: Seen) -> Known {
        let value = |column: &Column| {
            let clear = seen == Seen::Whole || column.field == Field::Allow;
            let json = row.get(&column.facts.name).filter(|_| clear)?;
            if json.is_null() {
                return Some(None);
            }
            typed(json, column.facts.ty?).map(Some)
        };
        Known { values: table.columns.iter().map(value).collect() }
    }

    fn get(&self, column: ColumnRef) -> Option<&Option<Value>> {
        match column {
            ColumnRef::Own(ColumnId(at)) => self.values.get(usize::from(at))?.as_ref(),
            // A row of another table.
            ColumnRef::Hop(..) => None,
        }
    }
}

impl RowView for Known {
    fn value(&self, column: ColumnRef) -> Option<&Value> {
        self.get(column)?.as_ref()
    }
}

/// A value of an answer as the rules compare it.
fn typed(json: &Json, ty: Type) -> Option<Value> {
    Some(match ty {
        Type::Bool => Value::Bool(json.as_bool()?),
        Type::Int => Value::Int(json.as_i64()?),
        Type::Text => Value::text(json.as_str()?),
        Type::Uuid => Value::Uuid(uuid::Uuid::try_parse(json.as_str()?).ok()?),
        Type::Timestamp => Value::Timestamp(parse_timestamp(json.as_str()?)?),
        Type::Date => Value::Date(parse_date(json.as_str()?)?),
        Type::Decimal => {
            let text = json.as_str().map_or_else(|| json.to_string(), str::to_owned);
            Value::Decimal(parse_decimal(&text)?)
        }
        _ => return None,
    })
}

/// Which truths a condition may have.
#[derive(Clone, Copy)]
struct Possible {
    truth: bool,
    falsehood: bool,
    unknown: bool,
}

impl Possible {
    const ANYTHING: Possible = Possible { truth: true, falsehood: true, unknown: true };

    fn exactly(truth: Truth) -> Possible {
        Possible { truth: truth == Truth::True, falsehood: truth == Truth::False, unknown: truth == Truth::Unknown }
    }

    fn not(self) -> Possible {
        Possible { truth: self.falsehood, falsehood: self.truth, unknown: self.unknown }
    }

    fn and(self, other: Possible) -> Possible {
        Possible {
            truth: self.truth && other.truth,
            falsehood: self.falsehood || other.falsehood,
            unknown: (self.unknown && (other.unknown || other.truth)) || (other.unknown && self.truth),
        }
    }

    fn or(self, other: Possible) -> Possible {
        self.not().and(other.not()).not()
    }
}

fn possible(cond: &Cond, row: &Known, attrs: &Context) -> Possible {
    let known = |term: &Term| match term {
        Term::Column(column) => row.get(*column).is_some(),
        _ => true,
    };
    let leaf = |all_known: bool| {
        if all_known { Possible::exactly(eval(cond, row, attrs)) } else { Possible::ANYTHING }
    };
    match cond {
        Cond::And(parts) => {
            parts.iter().fold(Possible::exactly(Truth::True), |so_far, part| so_far.and(possible(part, row, attrs)))
        }
        Cond::Or(parts) => {
            parts.iter().fold(Possible::exactly(Truth::False), |so_far, part| so_far.or(possible(part, row, attrs)))
        }
        Cond::Not(inner) => possible(inner, row, attrs).not(),
        Cond::IsNull { column, .. } => leaf(row.get(*column).is_some()),
        // An attribute that is missing makes it UNKNOWN, whatever the row holds.
        Cond::Compare { left, right, .. } | Cond::StartsWith { term: left, prefix: right } => {
            leaf((known(left) && known(right)) || missing(left, attrs) || missing(right, attrs))
        }
        Cond::InLiterals { term, .. } | Cond::InAttr { term, .. } => leaf(known(term) || missing(term, attrs)),
        Cond::Const(_) | Cond::Has(_) => leaf(true),
    }
}

fn missing(term: &Term, attrs: &Context) -> bool {
    matches!(term, Term::Attr(id) if *attrs.slot(*id) == Slot::Missing)
}

/// Is the caller shown rows of the table for no other reason than its tenant? Then nobody of another tenant is
/// shown the same rows for that reason.
#[must_use]
pub(crate) fn only_by_tenant(bound: &Bound, table: &Table) -> bool {
    let access = bound.access(table.id, Op::Read);
    let taking_part = table.rules.iter().enumerate().filter(|(at, rule)| access.has_rule(*at) && rule.kind.widens());
    let mut kinds = taking_part.map(|(_, rule)| rule.kind);
    table.tenant.is_some() && kinds.all(|kind| kind == RuleKind::Scope)
}
