//! Rows that a written row points at, and rows that stand in its way.

use std::sync::Arc;

use tenantry_policy::condition::Truth;
use tenantry_policy::query::Reference;
use tenantry_policy::table::Relation;
use tenantry_policy::{Access, ColumnId, Table, Tool, Value};

use crate::builder::{From, column, type_of};
use crate::scribe::{Law, Marked, Row, Scribe};
use crate::{FENCE_ONE, RenderError};

/// The values that a statement writes: a column's slot, and its first row's value.
#[derive(Clone, Copy)]
pub(crate) struct Written<'v> {
    /// Columns and values.
    pub(crate) list: &'v [(ColumnId, Option<Value>)],
    /// The slot of the first of them.
    pub(crate) slot: usize,
}

impl Written<'_> {
    pub(crate) fn has(&self, id: ColumnId) -> bool {
        self.list.iter().any(|(known, _)| *known == id)
    }
}

impl<'a> Scribe<'a> {
    /// Notes a written value as a parameter of its slot; the answer is its number. `None` when the
    /// column is not written.
    fn written_number(
        &mut self,
        table: &Table,
        written: Written<'_>,
        id: ColumnId,
    ) -> Result<Option<usize>, RenderError> {
        let Some(at) = written.list.iter().position(|(known, _)| *known == id) else { return Ok(None) };
        let value = written.list.get(at).and_then(|(_, value)| value.as_ref());
        let facts = &column(table, id)?.facts;
        let from = From::Row(facts, written.slot + at);
        Ok(Some(self.sql.add_value(value, type_of(facts)?, facts.storage, from) + 1))
    }

    /// Writes a written value as it goes into its column.
    pub(crate) fn written_value(
        &mut self,
        table: &Table,
        written: Written<'_>,
        id: ColumnId,
    ) -> Result<(), RenderError> {
        let number = self
            .written_number(table, written, id)?
            .ok_or(RenderError::Inconsistent("a written column without a value"))?;
        let speech = self.sql.speech();
        speech.written(&mut self.sql, number, &column(table, id)?.facts)
    }

    /// Writes a written value to compare it, or the row's own column where it is not written.
    fn pointing(
        &mut self,
        table: &'a Table,
        written: Written<'_>,
        id: ColumnId,
        row: Option<Row<'a>>,
    ) -> Result<(), RenderError> {
        let facts = &column(table, id)?.facts;
        match (self.written_number(table, written, id)?, row) {
            (Some(number), _) => {
                let speech = self.sql.speech();
                speech.parameter(
                    &mut self.sql,
                    number,
                    type_of(facts)?,
                    facts.storage,
                    facts,
                    crate::dialect::Form::Raw,
                );
                Ok(())
            }
            (None, Some(row)) => self.key_column(row, id),
            (None, None) => Err(RenderError::Inconsistent("a reference that is not written")),
        }
    }

    /// What a refused reference is called: the relation, where the caller may use it, otherwise the
    /// visible columns that point. A relation to a hidden table answers nowhere else to its name.
    pub(crate) fn told(&self, table: &Table, relation: &Relation, related: &Table) -> Arc<str> {
        let usable = match self.law {
            Law::Call(context) => {
                let tools = context.bound.tools(related.id);
                tools.has(Tool::Query) || tools.has(Tool::Get)
            }
            Law::Settings | Law::Seat => false,
        };
        if usable {
            return Arc::clone(&relation.name);
        }
        let own = relation.pairs.iter().filter_map(|(own, _)| table.column(*own));
        let names: Vec<&str> =
            own.filter(|column| column.field.visible()).map(|column| column.facts.name.as_str()).collect();
        if names.is_empty() { Arc::from("a reference") } else { Arc::from(names.join(", ")) }
    }

    /// Are all columns of a reference written?
    pub(crate) fn complete(
        &self,
        table: &'a Table,
        written: Written<'_>,
        reference: &Reference,
    ) -> Result<bool, RenderError> {
        let (relation, _) = self.to_one(table, reference.relation)?;
        Ok(relation.pairs.iter().all(|(own, _)| written.has(*own)))
    }

    /// Writes: the reference points nowhere (one of its columns is NULL), or at a row that the
    /// principal may read. An absent row and someone else's are the same FALSE.
    pub(crate) fn reference(
        &mut self,
        table: &'a Table,
        written: Written<'_>,
        reference: &Reference,
        row: Option<Row<'a>>,
    ) -> Result<(), RenderError> {
        let (relation, related) = self.to_one(table, reference.relation)?;
        if !FENCE_ONE {
            self.truth(Truth::True);
            return Ok(());
        }
        self.sql.push("(");
        for (own, _) in &relation.pairs {
            self.pointing(table, written, *own, row)?;
            self.sql.push(" IS NULL OR ");
        }
        let other = Row::new(self.sql.alias(), related);
        self.sql.push("EXISTS (SELECT 1 FROM ");
        self.sql.table_as(related, other.alias);
        self.sql.push(" WHERE ");
        for (own, theirs) in &relation.pairs {
            self.key_column(other, *theirs)?;
            self.sql.push(" = ");
            self.pointing(table, written, *own, row)?;
            self.sql.push(" AND ");
        }
        self.visible(other, &[reference.access], Marked::Hidden)?;
        self.sql.push("))");
        Ok(())
    }

    /// Writes `(unique key is as written OR …)` for keys of which a column is written. Columns that
    /// are not written are those of `old`. The database's own equality decides, as its index does.
    pub(crate) fn same_unique(
        &mut self,
        row: Row<'a>,
        old: Option<Row<'a>>,
        written: Written<'_>,
        keys: &[&[ColumnId]],
    ) -> Result<(), RenderError> {
        self.sql.push("(");
        for (at, key) in keys.iter().enumerate() {
            self.sql.push(if at > 0 { " OR (" } else { "(" });
            for (at, id) in key.iter().enumerate() {
                if at > 0 {
                    self.sql.push(" AND ");
                }
                self.sql.column(row.alias, row.table, *id)?;
                self.sql.push(" = ");
                match old {
                    Some(old) if !written.has(*id) => self.sql.column(old.alias, old.table, *id)?,
                    _ => self.written_value(row.table, written, *id)?,
                }
            }
            self.sql.push(")");
        }
        self.sql.push(")");
        Ok(())
    }

    /// Writes the hidden last column: does the new row satisfy the rules?
    pub(crate) fn new_row_check(
        &mut self,
        row: Row<'a>,
        accesses: &[Access],
        marked: Marked,
        late: &[&Reference],
    ) -> Result<(), RenderError> {
        self.sql.push(", (");
        self.visible(row, accesses, marked)?;
        for reference in late {
            self.sql.push(" AND ");
            self.reference(row.table, Written { list: &[], slot: 0 }, reference, Some(row))?;
        }
        self.sql.push(") IS TRUE");
        self.sql.output_bool("tenantry.ok");
        Ok(())
    }
}

/// The table's key and unique keys.
pub(crate) fn unique_keys(table: &Table) -> impl Iterator<Item = &[ColumnId]> {
    std::iter::once(table.key.as_slice()).chain(table.unique.iter().map(Vec::as_slice)).filter(|key| !key.is_empty())
}

/// The visible fields: what the audit keeps of a row.
pub(crate) fn image(table: &Table) -> Vec<ColumnId> {
    table
        .columns
        .iter()
        .enumerate()
        .filter(|(_, column)| column.field.visible() && column.facts.ty.is_some())
        .filter_map(|(at, _)| u16::try_from(at).ok().map(ColumnId))
        .collect()
}
