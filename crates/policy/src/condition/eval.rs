//! The evaluator: the first of the four forms, and the one that the others are tested against.

use std::cmp::Ordering;

use crate::attribute::AttrId;
use crate::bound::Slot;
use crate::condition::cond::{Cmp, ColumnRef, Cond, Term, Truth};
use crate::value::Value;

/// The columns of one row.
pub trait RowView {
    /// The value of a column, or `None` for NULL. For a hop: the related row's column, or `None`
    /// when there is no such row or the principal may not read it.
    fn value(&self, column: ColumnRef) -> Option<&Value>;
}

/// The attributes of one principal.
pub trait AttrView {
    /// The attribute's value.
    fn slot(&self, id: AttrId) -> &Slot;
    /// The time of the call.
    fn now_micros(&self) -> i64;
}

/// No row: every column is NULL. For conditions that read only the principal.
pub struct NoRow;

impl RowView for NoRow {
    fn value(&self, _: ColumnRef) -> Option<&Value> {
        None
    }
}

/// The truth of a condition for one row and one principal.
pub fn eval(cond: &Cond, row: &dyn RowView, attrs: &dyn AttrView) -> Truth {
    match cond {
        Cond::Const(value) => Truth::from(*value),
        Cond::And(parts) => all(parts, row, attrs),
        Cond::Or(parts) => any(parts, row, attrs),
        Cond::Not(inner) => eval(inner, row, attrs).not(),
        Cond::Has(attr) => Truth::from(*attrs.slot(*attr) != Slot::Missing),
        Cond::IsNull { column, negated } => Truth::from(row.value(*column).is_none() != *negated),
        Cond::Compare { left, cmp, right, .. } => with(left, row, attrs, |left| {
            with(right, row, attrs, |right| match (left, right) {
                (Some(left), Some(right)) => compare(left, *cmp, right),
                _ => Truth::Unknown,
            })
        }),
        Cond::InLiterals { term, list, negated } => with(term, row, attrs, |value| member(value, list, *negated)),
        Cond::InAttr { term, list, negated } => match attrs.slot(*list) {
            Slot::Many(items) => with(term, row, attrs, |value| member(value, items, *negated)),
            _ => Truth::Unknown,
        },
        Cond::StartsWith { term, prefix } => with(term, row, attrs, |text| {
            with(prefix, row, attrs, |prefix| match (text, prefix) {
                (Some(Value::Text(text)), Some(Value::Text(prefix))) => {
                    Truth::from(text.as_bytes().starts_with(prefix.as_bytes()))
                }
                _ => Truth::Unknown,
            })
        }),
    }
}

fn all(parts: &[Cond], row: &dyn RowView, attrs: &dyn AttrView) -> Truth {
    let mut truth = Truth::True;
    for part in parts {
        truth = truth.and(eval(part, row, attrs));
        if truth == Truth::False {
            break;
        }
    }
    truth
}

fn any(parts: &[Cond], row: &dyn RowView, attrs: &dyn AttrView) -> Truth {
    let mut truth = Truth::False;
    for part in parts {
        truth = truth.or(eval(part, row, attrs));
        if truth == Truth::True {
            break;
        }
    }
    truth
}

fn with<T>(term: &Term, row: &dyn RowView, attrs: &dyn AttrView, then: impl FnOnce(Option<&Value>) -> T) -> T {
    match term {
        Term::Column(column) => then(row.value(*column)),
        Term::Literal(value) => then(Some(value)),
        Term::Attr(id) => match attrs.slot(*id) {
            Slot::One(value) => then(Some(value)),
            Slot::Now => then(Some(&Value::Timestamp(attrs.now_micros()))),
            Slot::Missing | Slot::Many(_) => then(None),
        },
    }
}

fn member(value: Option<&Value>, list: &[Value], negated: bool) -> Truth {
    if list.is_empty() {
        return Truth::from(negated);
    }
    match value {
        None => Truth::Unknown,
        Some(value) => Truth::from(list.iter().any(|item| item.same(value)) != negated),
    }
}

fn compare(left: &Value, cmp: Cmp, right: &Value) -> Truth {
    let Some(order) = left.compare(right) else { return Truth::Unknown };
    Truth::from(match cmp {
        Cmp::Eq => order == Ordering::Equal,
        Cmp::Ne => order != Ordering::Equal,
        Cmp::Lt => order == Ordering::Less,
        Cmp::Le => order != Ordering::Greater,
        Cmp::Gt => order == Ordering::Greater,
        Cmp::Ge => order != Ordering::Less,
    })
}
