//! Filters: fields resolved, operators checked against types, values typed, everything counted.

use crate::condition::Cmp;
use crate::decide::literal::{describe, to_compare};
use crate::decide::{Asker, fields};
use crate::denied::{Code, Denied};
use crate::filter::{Filter, Place};
use crate::ids::ColumnId;
use crate::request::{AskFilter, FilterOp, Literal};
use crate::table::{Column, Table};
use crate::value::{Type, Value};

impl Asker<'_> {
    /// A checked filter.
    pub(super) fn filter(&mut self, table: &Table, ask: &AskFilter, at: &str) -> Result<Filter, Denied> {
        match ask {
            AskFilter::And(parts) => self.parts(table, parts, at, "and").map(Filter::And),
            AskFilter::Or(parts) => self.parts(table, parts, at, "or").map(Filter::Or),
            AskFilter::Not(inner) => {
                self.filter(table, inner, &format!("{at}.not")).map(|inner| Filter::Not(Box::new(inner)))
            }
            AskFilter::Leaf { field, op, value } => self.leaf(table, field, *op, value, at),
        }
    }

    fn parts(&mut self, table: &Table, parts: &[AskFilter], at: &str, word: &str) -> Result<Vec<Filter>, Denied> {
        if parts.is_empty() {
            return Err(Denied::new(Code::ValidationError, format!("`{word}` holds no filter")).at(at));
        }
        let mut checked = Vec::with_capacity(parts.len());
        for (position, part) in parts.iter().enumerate() {
            checked.push(self.filter(table, part, &format!("{at}.{word}[{position}]"))?);
        }
        Ok(checked)
    }

    fn leaf(&mut self, table: &Table, field: &str, op: FilterOp, value: &Literal, at: &str) -> Result<Filter, Denied> {
        self.filters += 1;
        let most = self.root.budget.max_filters;
        if self.filters > most {
            return Err(Denied::new(Code::QueryBudgetExceeded, format!("the call has more than {most} filters")).at(at));
        }
        let named = fields::usable(table, field, &format!("{at}.field"))?;
        let (column, facts) = (named.id, named.column);
        let at = &format!("{at}.value");
        let compare = |cmp| to_compare(facts, value, at).map(|value| Filter::Compare { column, cmp, value });
        match op {
            FilterOp::Eq => compare(Cmp::Eq),
            FilterOp::Ne => compare(Cmp::Ne),
            FilterOp::Lt => ordered(facts, op, at).and_then(|()| compare(Cmp::Lt)),
            FilterOp::Lte => ordered(facts, op, at).and_then(|()| compare(Cmp::Le)),
            FilterOp::Gt => ordered(facts, op, at).and_then(|()| compare(Cmp::Gt)),
            FilterOp::Gte => ordered(facts, op, at).and_then(|()| compare(Cmp::Ge)),
            FilterOp::In => self.list(column, facts, value, false, at),
            FilterOp::NotIn => self.list(column, facts, value, true, at),
            FilterOp::IsNull => match value {
                Literal::Bool(wanted) => Ok(Filter::IsNull { column, negated: !wanted }),
                Literal::Null => Ok(Filter::IsNull { column, negated: false }),
                other => Err(Denied::new(
                    Code::ValidationError,
                    format!("`is_null` takes true or false, not {}", describe(other)),
                )
                .at(at)),
            },
            FilterOp::Contains => part(column, facts, Place::Inside, value, op, at),
            FilterOp::StartsWith => part(column, facts, Place::Start, value, op, at),
            FilterOp::EndsWith => part(column, facts, Place::End, value, op, at),
            FilterOp::Between => {
                ordered(facts, op, at)?;
                let (low, high) = pair(value, at)?;
                Ok(Filter::Between { column, low: to_compare(facts, low, at)?, high: to_compare(facts, high, at)? })
            }
        }
    }

    fn list(
        &self,
        column: ColumnId,
        facts: &Column,
        value: &Literal,
        negated: bool,
        at: &str,
    ) -> Result<Filter, Denied> {
        let Literal::List(items) = value else {
            return Err(Denied::new(Code::ValidationError, format!("a list is needed, not {}", describe(value))).at(at));
        };
        let most = self.root.budget.max_in;
        if u32::try_from(items.len()).unwrap_or(u32::MAX) > most {
            return Err(Denied::new(Code::QueryBudgetExceeded, format!("the list has more than {most} values")).at(at));
        }
        let list = items
            .iter()
            .enumerate()
            .map(|(position, item)| to_compare(facts, item, &format!("{at}[{position}]")))
            .collect::<Result<Vec<Value>, Denied>>()?;
        Ok(Filter::In { column, list, negated })
    }

    /// Refuses a call that does not narrow a large table by one of the columns its budget names.
    pub(super) fn narrow_enough(&self, table: &Table, filter: Option<&Filter>) -> Result<(), Denied> {
        let wanted = &table.budget.require_filter;
        if wanted.is_empty() || filter.is_some_and(|filter| pins(filter, wanted)) {
            return Ok(());
        }
        let names: Vec<&str> =
            wanted.iter().filter_map(|id| table.column(*id)).map(|column| column.facts.name.as_str()).collect();
        Err(Denied::new(Code::QueryTooBroad, format!("model `{}` must be narrowed by a filter", table.name))
            .at("where")
            .hint(format!("add an `eq` or `in` filter on one of: {}", names.join(", "))))
    }
}

/// Does every fitting row have one of few values in one of these columns?
fn pins(filter: &Filter, wanted: &[ColumnId]) -> bool {
    match filter {
        Filter::And(parts) => parts.iter().any(|part| pins(part, wanted)),
        Filter::Or(parts) => parts.iter().all(|part| pins(part, wanted)),
        Filter::Compare { column, cmp: Cmp::Eq, .. } | Filter::In { column, negated: false, .. } => {
            wanted.contains(column)
        }
        _ => false,
    }
}

fn ordered(column: &Column, op: FilterOp, at: &str) -> Result<(), Denied> {
    match column.facts.ty {
        Some(Type::Bool | Type::Uuid) | None => Err(Denied::new(
            Code::ValidationError,
            format!("`{}` does not order values of field `{}`", op.name(), column.facts.name),
        )
        .at(at)),
        Some(_) => Ok(()),
    }
}

fn part(
    column: ColumnId,
    facts: &Column,
    place: Place,
    value: &Literal,
    op: FilterOp,
    at: &str,
) -> Result<Filter, Denied> {
    let Literal::Text(text) = value else {
        return Err(Denied::new(
            Code::ValidationError,
            format!("`{}` takes a text, not {}", op.name(), describe(value)),
        )
        .at(at));
    };
    if facts.facts.ty != Some(Type::Text) {
        return Err(Denied::new(
            Code::ValidationError,
            format!("`{}` works on text; field `{}` is not", op.name(), facts.facts.name),
        )
        .at(at));
    }
    if text.is_empty() {
        return Err(Denied::new(Code::ValidationError, format!("`{}` with an empty text fits everything", op.name()))
            .at(at)
            .hint("leave the filter out, or use `is_null` with false"));
    }
    to_compare(facts, value, at)?;
    Ok(Filter::Match { column, place, text: text.clone() })
}

/// The two ends of `between`.
pub(super) fn pair<'l>(value: &'l Literal, at: &str) -> Result<(&'l Literal, &'l Literal), Denied> {
    match value {
        Literal::List(items) => match items.as_slice() {
            [low, high] => Ok((low, high)),
            _ => Err(Denied::new(Code::ValidationError, "`between` takes exactly two values").at(at)),
        },
        other => {
            Err(Denied::new(Code::ValidationError, format!("`between` takes [low, high], not {}", describe(other)))
                .at(at))
        }
    }
}
