//! aggregate.

use std::sync::Arc;

use tenantry_policy::catalog::{CatalogColumn, Storage};
use tenantry_policy::condition::{Cmp, ColumnRef};
use tenantry_policy::query::{Aggregate, Having};
use tenantry_policy::request::Operation;
use tenantry_policy::{ColumnId, Context, Table, Type, Value};

use crate::RenderError;
use crate::builder::{From, column, type_of};
use crate::columns::{show, shown_storage};
use crate::dialect::{Adjusted, Form, Use, operator};
use crate::program::{Groups, Output, Show};
use crate::scribe::{Marked, Row, Scribe};

/// A calculation over rows.
pub(crate) fn aggregate(context: &Context, ask: &Aggregate) -> Result<Groups, RenderError> {
    let table = context.bound.policy.table(ask.table).ok_or(RenderError::Inconsistent("a table"))?;
    let mut scribe = Scribe::call(context, table, None);
    scribe.few = ask.filter.is_some();
    let row = Row::new(scribe.sql.alias(), table);
    scribe.sql.push("SELECT ");
    for id in &ask.group_by {
        scribe.group_shown(row, *id)?;
        scribe.sql.push(", ");
        let facts = &column(table, *id)?.facts;
        let form = scribe.sql.speech().form(facts, Use::Show);
        scribe.sql.output(Output {
            name: Arc::from(facts.name.as_str()),
            ty: type_of(facts)?,
            storage: shown_storage(facts.storage, form),
            scale: facts.scale,
            show: show(table, *id)?,
        });
    }
    let subject = Subject::new(table, ask)?;
    scribe.value_shown(row, &subject)?;
    scribe.sql.push(" FROM ");
    scribe.sql.table_as(table, row.alias);
    scribe.sql.push(" WHERE ");
    scribe.visible(row, &[ask.access], Marked::Hidden)?;
    if let Some(filter) = &ask.filter {
        scribe.sql.push(" AND ");
        scribe.filter(row, filter)?;
    }
    if !ask.group_by.is_empty() {
        scribe.sql.push(" GROUP BY ");
        for (at, id) in ask.group_by.iter().enumerate() {
            if at > 0 {
                scribe.sql.push(", ");
            }
            scribe.group_key(row, *id)?;
        }
    }
    if let Some(having) = &ask.having {
        scribe.sql.push(" HAVING ");
        match having {
            Having::Compare(cmp, value) => scribe.having(row, &subject, *cmp, value)?,
            Having::Between(low, high) => {
                scribe.having(row, &subject, Cmp::Ge, low)?;
                scribe.sql.push(" AND ");
                scribe.having(row, &subject, Cmp::Le, high)?;
            }
        }
    }
    if !ask.group_by.is_empty() {
        scribe.sql.push(" ORDER BY ");
        for (at, id) in ask.group_by.iter().enumerate() {
            if at > 0 {
                scribe.sql.push(", ");
            }
            scribe.group_order(row, *id)?;
        }
        scribe.sql.push(" LIMIT ");
        scribe.sql.number(u64::from(ask.max_groups) + 1);
    }
    Ok(Groups {
        statement: scribe.sql.finish()?.statement,
        average: ask.operation == Operation::Avg,
        max_groups: ask.max_groups,
    })
}

/// What is calculated.
struct Subject<'a> {
    table: &'a Table,
    operation: Operation,
    column: Option<(ColumnId, &'a CatalogColumn, Type)>,
    distinct: bool,
}

impl<'a> Subject<'a> {
    fn new(table: &'a Table, ask: &Aggregate) -> Result<Subject<'a>, RenderError> {
        let column = match ask.column {
            None if ask.operation == Operation::Count => None,
            None => return Err(RenderError::Inconsistent("a calculation without a field")),
            Some(id) => {
                let facts = &column(table, id)?.facts;
                Some((id, facts, type_of(facts)?))
            }
        };
        Ok(Subject { table, operation: ask.operation, column, distinct: ask.distinct })
    }

    fn subject(&self) -> Result<(ColumnId, &'a CatalogColumn, Type), RenderError> {
        self.column.ok_or(RenderError::Inconsistent("a calculation without a field"))
    }
}

impl<'a> Scribe<'a> {
    /// The form in which values of a group are the same.
    fn group_form(&self, facts: &CatalogColumn) -> Form {
        self.sql.speech().form(facts, Use::Equal)
    }

    fn group_key(&mut self, row: Row<'a>, id: ColumnId) -> Result<(), RenderError> {
        let form = self.group_form(&column(row.table, id)?.facts);
        self.operand(row, ColumnRef::Own(id), form)
    }

    fn group_shown(&mut self, row: Row<'a>, id: ColumnId) -> Result<(), RenderError> {
        let facts = &column(row.table, id)?.facts;
        match self.group_form(facts) {
            form @ Form::Text { .. } => self.operand(row, ColumnRef::Own(id), form),
            form if form.is_computed() => {
                // Every value of the group rounds to the same decimal; any of them will do.
                self.sql.push("min(");
                self.operand(row, ColumnRef::Own(id), Form::Raw)?;
                self.sql.push(")");
                Ok(())
            }
            _ => {
                let form = self.sql.speech().form(facts, Use::Show);
                self.operand(row, ColumnRef::Own(id), form)
            }
        }
    }

    fn group_order(&mut self, row: Row<'a>, id: ColumnId) -> Result<(), RenderError> {
        let facts = &column(row.table, id)?.facts;
        let form = self.sql.speech().form(facts, Use::Order);
        self.operand(row, ColumnRef::Own(id), form)?;
        if facts.nullable {
            self.sql.push(" NULLS LAST");
        }
        Ok(())
    }

    /// Writes the result's last column, or for a mean the last two.
    fn value_shown(&mut self, row: Row<'a>, subject: &Subject<'a>) -> Result<(), RenderError> {
        let speech = self.sql.speech();
        let output = |ty, storage, scale, show| Output { name: Arc::from("value"), ty, storage, scale, show };
        match subject.operation {
            Operation::Count => {
                self.count(row, subject)?;
                self.sql.output(output(Type::Int, Storage::Native, None, Show::Plain));
            }
            Operation::Sum | Operation::Avg => {
                let (_, facts, ty) = subject.subject()?;
                let form = self.sum(row, subject)?;
                if let Form::Scaled(scale) = form
                    && scale > 0
                {
                    self.sql.push(" / ");
                    self.sql.number(10_u64.saturating_pow(u32::from(scale)));
                    self.sql.push(".0");
                }
                let (ty, storage, scale) = match ty {
                    // Sums of integers outgrow them, and so are decimals without a fraction.
                    Type::Int => (Type::Decimal, self.decimal_storage(), Some(0)),
                    Type::Decimal => (Type::Decimal, facts.storage, facts.scale),
                    other => (other, facts.storage, None),
                };
                self.sql.output(output(ty, storage, scale, show(subject.table, subject.subject()?.0)?));
                if subject.operation == Operation::Avg {
                    self.sql.push(", ");
                    self.count(row, subject)?;
                    self.sql.output(Output {
                        name: Arc::from("count"),
                        ty: Type::Int,
                        storage: Storage::Native,
                        scale: None,
                        show: Show::Hidden,
                    });
                }
            }
            Operation::Min | Operation::Max => {
                let (id, facts, ty) = subject.subject()?;
                let utc = speech.form(facts, Use::Show) == Form::Utc;
                if utc {
                    self.sql.push("(");
                }
                let form = match speech.form(facts, Use::Order) {
                    // The least scaled value is that of the least value.
                    form if form.is_computed() => Form::Raw,
                    form => form,
                };
                self.extreme(row, subject, form)?;
                if utc {
                    self.sql.push(" AT TIME ZONE 'UTC')");
                }
                let storage = shown_storage(facts.storage, speech.form(facts, Use::Show));
                self.sql.output(output(ty, storage, facts.scale, show(subject.table, id)?));
            }
        }
        Ok(())
    }

    fn decimal_storage(&self) -> Storage {
        // What a computed bool is to a database without bools, a computed decimal is too.
        match self.sql.speech().bool_storage() {
            Storage::Native => Storage::Native,
            _ => Storage::DecimalNumber,
        }
    }

    fn distinct(&mut self, subject: &Subject<'a>) {
        if subject.distinct {
            self.sql.push("DISTINCT ");
        }
    }

    fn count(&mut self, row: Row<'a>, subject: &Subject<'a>) -> Result<(), RenderError> {
        self.sql.push("count(");
        match subject.column {
            None => self.sql.push("*"),
            Some((id, facts, ty)) => {
                self.distinct(subject);
                // Types that cannot be compared are only counted, never made distinct.
                let form = if ty.filterable() && subject.distinct { self.group_form(facts) } else { Form::Raw };
                self.operand(row, ColumnRef::Own(id), form)?;
            }
        }
        self.sql.push(")");
        Ok(())
    }

    /// Writes the sum of a column's values in the answered form.
    fn sum(&mut self, row: Row<'a>, subject: &Subject<'a>) -> Result<Form, RenderError> {
        let (id, facts, ty) = subject.subject()?;
        let speech = self.sql.speech();
        let form = speech.form(facts, Use::Equal);
        let (before, after) = speech.sum(ty);
        self.sql.push(before);
        self.distinct(subject);
        self.operand(row, ColumnRef::Own(id), form)?;
        self.sql.push(after);
        Ok(form)
    }

    fn extreme(&mut self, row: Row<'a>, subject: &Subject<'a>, form: Form) -> Result<(), RenderError> {
        let (id, ..) = subject.subject()?;
        self.sql.push(if subject.operation == Operation::Min { "min(" } else { "max(" });
        self.operand(row, ColumnRef::Own(id), form)?;
        self.sql.push(")");
        Ok(())
    }

    /// Writes the test of a group's value: the calculation again, in a form that can be compared.
    fn having(&mut self, row: Row<'a>, subject: &Subject<'a>, cmp: Cmp, value: &Value) -> Result<(), RenderError> {
        let speech = self.sql.speech();
        let (form, facts, ty) = match subject.operation {
            Operation::Count => {
                self.count(row, subject)?;
                self.sql.push(operator(cmp));
                return self.plain_value(value, "count");
            }
            Operation::Avg => {
                let (before, after) = speech.float();
                self.sql.push(before);
                let form = self.sum(row, subject)?;
                self.sql.push(after);
                if let Form::Scaled(scale) = form
                    && scale > 0
                {
                    self.sql.push(" / ");
                    self.sql.number(10_u64.saturating_pow(u32::from(scale)));
                    self.sql.push(".0");
                }
                // Where nothing is counted the sum is NULL, and so is the mean.
                self.sql.push(" / ");
                self.count(row, subject)?;
                self.sql.push(operator(cmp));
                return self.plain_value(value, "avg");
            }
            Operation::Sum => {
                let (_, facts, ty) = subject.subject()?;
                (speech.form(facts, Use::Equal), facts, ty)
            }
            Operation::Min | Operation::Max => {
                let (_, facts, ty) = subject.subject()?;
                (speech.form(facts, Use::Order), facts, ty)
            }
        };
        // A sum of integers is compared as a decimal without a fraction.
        let adjust_as = match (ty, self.decimal_storage()) {
            (Type::Int, Storage::DecimalNumber) => Form::Scaled(0),
            _ => form,
        };
        let write = |scribe: &mut Self| -> Result<(), RenderError> {
            match subject.operation {
                Operation::Sum => scribe.sum(row, subject).map(|_| ()),
                _ => scribe.extreme(row, subject, form),
            }
        };
        match speech.adjust(adjust_as, cmp, value) {
            Adjusted::Compare(cmp, value) => {
                write(self)?;
                self.sql.push(operator(cmp));
                match subject.operation {
                    Operation::Sum => self.plain_value(&value, "sum"),
                    _ => {
                        self.sql.value(&value, facts, form, From::Field(facts));
                        Ok(())
                    }
                }
            }
            Adjusted::Present(truth) => {
                self.sql.push("(");
                write(self)?;
                self.sql.push(if truth { " IS NOT NULL OR NULL)" } else { " IS NULL AND NULL)" });
                Ok(())
            }
        }
    }

    /// Writes a value that is compared with no column's own.
    fn plain_value(&mut self, value: &Value, name: &str) -> Result<(), RenderError> {
        let facts = CatalogColumn {
            name: name.to_owned(),
            ty: Some(value.ty()),
            native: String::new(),
            storage: Storage::Native,
            scale: None,
            whole_digits: None,
            nullable: true,
            has_default: false,
            generated: false,
            loose_collation: None,
            padded: false,
        };
        self.sql.value(value, &facts, Form::Raw, From::Field(&facts));
        Ok(())
    }
}
