//! The columns of a result: those that were asked for, then hidden ones that something needs.

use std::sync::Arc;

use tenantry_policy::catalog::Storage;
use tenantry_policy::condition::ColumnRef;
use tenantry_policy::table::Field;
use tenantry_policy::{ColumnId, Table};

use crate::RenderError;
use crate::builder::{column, type_of};
use crate::dialect::{Form, Use};
use crate::program::{Output, Show};
use crate::scribe::{Row, Scribe};

/// A plan of a result's columns, each once.
#[derive(Default)]
pub(crate) struct Columns {
    list: Vec<(ColumnId, bool)>,
}

impl Columns {
    /// The columns to show, in this order.
    pub(crate) fn shown(ids: &[ColumnId]) -> Columns {
        let mut columns = Columns::default();
        for id in ids {
            if !columns.list.iter().any(|(known, _)| known == id) {
                columns.list.push((*id, true));
            }
        }
        columns
    }

    /// The position of a column, added as a hidden one when it is not there.
    pub(crate) fn place(&mut self, id: ColumnId) -> usize {
        if let Some(at) = self.list.iter().position(|(known, _)| *known == id) {
            return at;
        }
        self.list.push((id, false));
        self.list.len() - 1
    }

    /// The positions of several.
    pub(crate) fn places(&mut self, ids: impl IntoIterator<Item = ColumnId>) -> Vec<usize> {
        ids.into_iter().map(|id| self.place(id)).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    fn iter(&self) -> impl Iterator<Item = (ColumnId, bool)> {
        self.list.iter().copied()
    }
}

/// What callers see of a column.
pub(crate) fn show(table: &Table, id: ColumnId) -> Result<Show, RenderError> {
    Ok(match &column(table, id)?.field {
        Field::Denied => Show::Hidden,
        Field::Allow => Show::Plain,
        Field::Mask { mask, .. } => Show::Mask(*mask),
        Field::Hash { .. } => Show::Hash { table: table.name.clone() },
    })
}

impl<'a> Scribe<'a> {
    /// Writes the columns of a result, each described. `named`: an outer select will read them.
    pub(crate) fn columns(&mut self, row: Row<'a>, columns: &Columns, named: bool) -> Result<(), RenderError> {
        if columns.len() == 0 {
            return Err(RenderError::Inconsistent("a result without columns"));
        }
        for (at, (id, shown)) in columns.iter().enumerate() {
            if at > 0 {
                self.sql.push(", ");
            }
            let facts = &column(row.table, id)?.facts;
            let form = self.sql.speech().form(facts, Use::Show);
            self.operand(row, ColumnRef::Own(id), form)?;
            if named {
                self.sql.push(" AS ");
                self.sql.inner_name(at);
            }
            let show = if shown { show(row.table, id)? } else { Show::Hidden };
            self.sql.output(Output {
                name: Arc::from(facts.name.as_str()),
                ty: type_of(facts)?,
                storage: shown_storage(facts.storage, form),
                scale: facts.scale,
                show,
            });
        }
        Ok(())
    }
}

/// How a column arrives once it has been written in this form.
pub(crate) fn shown_storage(storage: Storage, form: Form) -> Storage {
    match (storage, form) {
        (Storage::Enum, _) | (_, Form::Utc) => Storage::Native,
        _ => storage,
    }
}
