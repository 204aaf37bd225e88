//! What the caller asked for, beyond the rules: filters, keys, the place where a cursor goes on.

use tenantry_policy::condition::{Cmp, ColumnRef, Truth};
use tenantry_policy::filter::Filter;
use tenantry_policy::query::Order;
use tenantry_policy::{ColumnId, Value};

use crate::RenderError;
use crate::builder::{From, column};
use crate::condition::Origin;
use crate::dialect::{Form, Use, operator, use_of};
use crate::scribe::{Row, Scribe};

impl<'a> Scribe<'a> {
    /// Writes a filter.
    pub(crate) fn filter(&mut self, row: Row<'a>, filter: &Filter) -> Result<(), RenderError> {
        match filter {
            Filter::And(parts) => self.filters(row, parts, " AND ", Truth::True),
            Filter::Or(parts) => self.filters(row, parts, " OR ", Truth::False),
            Filter::Not(inner) => {
                self.sql.push("NOT (");
                self.filter(row, inner)?;
                self.sql.push(")");
                Ok(())
            }
            Filter::Compare { column, cmp, value } => self.filter_value(row, *column, *cmp, value),
            Filter::In { column, list, negated } => {
                self.list(row, ColumnRef::Own(*column), list, *negated, Origin::Caller)
            }
            Filter::IsNull { column, negated } => {
                self.operand(row, ColumnRef::Own(*column), Form::Raw)?;
                self.sql.push(if *negated { " IS NOT NULL" } else { " IS NULL" });
                Ok(())
            }
            Filter::Match { column, place, text } => {
                self.part(row, ColumnRef::Own(*column), *place, &Value::Text(text.clone()), Origin::Caller)
            }
            Filter::Between { column, low, high } => {
                self.sql.push("(");
                self.filter_value(row, *column, Cmp::Ge, low)?;
                self.sql.push(" AND ");
                self.filter_value(row, *column, Cmp::Le, high)?;
                self.sql.push(")");
                Ok(())
            }
        }
    }

    fn filters(&mut self, row: Row<'a>, parts: &[Filter], word: &'static str, empty: Truth) -> Result<(), RenderError> {
        if parts.is_empty() {
            self.truth(empty);
            return Ok(());
        }
        self.sql.push("(");
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                self.sql.push(word);
            }
            self.filter(row, part)?;
        }
        self.sql.push(")");
        Ok(())
    }

    fn filter_value(&mut self, row: Row<'a>, id: ColumnId, cmp: Cmp, value: &Value) -> Result<(), RenderError> {
        let form = self.sql.speech().form(&column(row.table, id)?.facts, use_of(cmp));
        self.compare_value(row, ColumnRef::Own(id), form, cmp, value, Origin::Caller)
    }

    /// Writes `key = values`. With slots, the values differ by row, the first slot being `slot`.
    pub(crate) fn key_is(&mut self, row: Row<'a>, key: &[Value], slot: Option<usize>) -> Result<(), RenderError> {
        if key.is_empty() || key.len() != row.table.key.len() {
            return Err(RenderError::Inconsistent("a key of another shape"));
        }
        for (at, (id, value)) in row.table.key.iter().zip(key).enumerate() {
            if at > 0 {
                self.sql.push(" AND ");
            }
            match slot {
                None => self.filter_value(row, *id, Cmp::Eq, value)?,
                Some(slot) => {
                    let speech = self.sql.speech();
                    let facts = &column(row.table, *id)?.facts;
                    self.key_column(row, *id)?;
                    self.sql.push(operator(Cmp::Eq));
                    let from = From::Row(facts, slot + at);
                    let number = self.sql.add_value(Some(value), value.ty(), facts.storage, from) + 1;
                    speech.parameter(&mut self.sql, number, value.ty(), facts.storage, facts, Form::Raw);
                }
            }
        }
        Ok(())
    }

    /// Writes `ORDER BY`'s list; NULLs last either way, on both databases.
    pub(crate) fn order(&mut self, row: Row<'a>, order: &[Order]) -> Result<(), RenderError> {
        for (at, order) in order.iter().enumerate() {
            if at > 0 {
                self.sql.push(", ");
            }
            let facts = &column(row.table, order.column)?.facts;
            let form = self.sql.speech().form(facts, Use::Order);
            self.operand(row, ColumnRef::Own(order.column), form)?;
            if order.descending {
                self.sql.push(" DESC");
            }
            // Where no NULL can be, saying nothing lets an index serve the order.
            if facts.nullable {
                self.sql.push(" NULLS LAST");
            }
        }
        Ok(())
    }

    /// Writes the test for rows that come after these values in this order. Never empty.
    pub(crate) fn after(&mut self, row: Row<'a>, order: &[Order], values: &[Option<Value>]) -> Result<(), RenderError> {
        if order.is_empty() || order.len() != values.len() {
            return Err(RenderError::Inconsistent("a cursor of another shape"));
        }
        let mut simple = true;
        for order in order {
            let facts = &column(row.table, order.column)?.facts;
            let form = self.sql.speech().form(facts, Use::Order);
            simple &= !facts.nullable && !form.is_computed();
        }
        let one_way = order.windows(2).all(|pair| match pair {
            [first, second] => first.descending == second.descending,
            _ => true,
        });
        if simple && one_way && values.iter().all(Option::is_some) {
            return self.after_tuple(row, order, values);
        }
        if let (Some(first), Some(Some(value))) = (order.first(), values.first())
            && order.len() > 1
            && !column(row.table, first.column)?.facts.nullable
        {
            // Says no more than what follows, but in words that an index understands.
            self.filter_value(row, first.column, if first.descending { Cmp::Le } else { Cmp::Ge }, value)?;
            self.sql.push(" AND ");
        }
        self.sql.push("(");
        let mut first = true;
        for (at, (here, value)) in order.iter().zip(values).enumerate() {
            // Nothing comes after a NULL.
            let Some(value) = value else { continue };
            if !first {
                self.sql.push(" OR ");
            }
            first = false;
            self.sql.push("(");
            for (before, known) in order.iter().zip(values).take(at) {
                match known {
                    Some(known) => self.same_place(row, before.column, known)?,
                    None => {
                        self.operand(row, ColumnRef::Own(before.column), Form::Raw)?;
                        self.sql.push(" IS NULL");
                    }
                }
                self.sql.push(" AND ");
            }
            let nullable = column(row.table, here.column)?.facts.nullable;
            if nullable {
                self.sql.push("(");
            }
            self.filter_value(row, here.column, if here.descending { Cmp::Lt } else { Cmp::Gt }, value)?;
            if nullable {
                self.sql.push(" OR ");
                self.operand(row, ColumnRef::Own(here.column), Form::Raw)?;
                self.sql.push(" IS NULL)");
            }
            self.sql.push(")");
        }
        if first {
            self.truth(Truth::False);
        }
        self.sql.push(")");
        Ok(())
    }

    /// Equality in the form that the order uses, so that the two never disagree.
    fn same_place(&mut self, row: Row<'a>, id: ColumnId, value: &Value) -> Result<(), RenderError> {
        let form = self.sql.speech().form(&column(row.table, id)?.facts, Use::Order);
        self.compare_value(row, ColumnRef::Own(id), form, Cmp::Eq, value, Origin::Caller)
    }

    /// `(a, b) > (x, y)`.
    fn after_tuple(&mut self, row: Row<'a>, order: &[Order], values: &[Option<Value>]) -> Result<(), RenderError> {
        let many = order.len() > 1;
        if many {
            self.sql.push("(");
        }
        for (at, order) in order.iter().enumerate() {
            if at > 0 {
                self.sql.push(", ");
            }
            let form = self.sql.speech().form(&column(row.table, order.column)?.facts, Use::Order);
            self.operand(row, ColumnRef::Own(order.column), form)?;
        }
        if many {
            self.sql.push(")");
        }
        let descending = order.first().is_some_and(|order| order.descending);
        self.sql.push(if descending { " < " } else { " > " });
        if many {
            self.sql.push("(");
        }
        for (at, (order, value)) in order.iter().zip(values).enumerate() {
            if at > 0 {
                self.sql.push(", ");
            }
            let facts = &column(row.table, order.column)?.facts;
            let form = self.sql.speech().form(facts, Use::Order);
            let value = value.as_ref().ok_or(RenderError::Inconsistent("a cursor without a value"))?;
            self.sql.value(value, facts, form, From::Field(facts));
        }
        if many {
            self.sql.push(")");
        }
        Ok(())
    }
}
