//! update, bulk_update and delete.

use std::sync::Arc;

use tenantry_policy::condition::Truth;
use tenantry_policy::query::{Delete, Order, Reference, Target, Update};
use tenantry_policy::{Access, ColumnId, Context, Table, Value};

use crate::RenderError;
use crate::builder::{Alias, Finished};
use crate::columns::Columns;
use crate::program::{Change, ChangeParams, Conflict, Param, References, Remove, Steps};
use crate::reference::{Written, image, unique_keys};
use crate::scribe::{Marked, Row, Scribe};

/// Changed rows.
pub(crate) fn update(context: &Context, update: &Update) -> Result<Change, RenderError> {
    let table = table(context, update.table)?;
    Changing {
        context,
        table,
        accesses: [update.read, update.access],
        target: &update.target,
        set: &update.set,
        references: &update.references,
        marked: Marked::Hidden,
    }
    .change(&update.returning, update.max_rows, update.dry_run)
}

/// A removed or marked row.
pub(crate) fn delete(context: &Context, delete: &Delete) -> Result<Steps, RenderError> {
    let table = table(context, delete.table)?;
    let accesses = [delete.read, delete.access];
    if let Some(mark) = &delete.mark {
        let target = Target::Key(delete.key.clone());
        let changing =
            Changing { context, table, accesses, target: &target, set: mark, references: &[], marked: Marked::Kept };
        return changing.change(&[], 1, delete.dry_run).map(Steps::Update);
    }
    let mut scribe = Scribe::call(context, table, Some(table));
    scribe.few = true;
    let row = Row::new(Alias::Own, table);
    let shown = image(table);
    let mut columns = Columns::shown(&shown);
    let image = columns.places(shown);
    let key = columns.places(table.key.iter().copied());
    scribe.sql.push("DELETE FROM ");
    scribe.sql.table(table);
    scribe.sql.note_delete(table);
    scribe.sql.push(" WHERE ");
    scribe.key_is(row, &delete.key, None)?;
    scribe.sql.push(" AND ");
    scribe.visible(row, &accesses, Marked::Hidden)?;
    scribe.sql.push(" RETURNING ");
    scribe.columns(row, &columns, false)?;
    let statement = scribe.sql.finish()?.statement;
    Ok(Steps::Delete(Remove { statement, key, image, dry_run: delete.dry_run }))
}

fn table(context: &Context, id: tenantry_policy::TableId) -> Result<&Table, RenderError> {
    context.bound.policy.table(id).ok_or(RenderError::Inconsistent("a table"))
}

/// A change being written.
#[derive(Clone, Copy)]
struct Changing<'a> {
    context: &'a Context,
    table: &'a Table,
    accesses: [Access; 2],
    target: &'a Target,
    set: &'a [(ColumnId, Option<Value>)],
    references: &'a [Reference],
    /// May the new row carry the mark of a soft delete?
    marked: Marked,
}

impl<'a> Changing<'a> {
    fn change(self, returning: &[ColumnId], max_rows: u32, dry_run: bool) -> Result<Change, RenderError> {
        if self.set.is_empty() {
            return Err(RenderError::Inconsistent("nothing to change"));
        }
        let shown = image(self.table);
        let mut columns = Columns::shown(&shown);
        let image = columns.places(shown);
        let key = columns.places(self.table.key.iter().copied());
        let returning = columns.places(returning.iter().copied());
        let before = self.before(&columns, max_rows)?;
        let update = self.update(&columns)?;
        let pairs = self.rows(&before).into_iter().zip(self.rows(&update));
        Ok(Change {
            rows: pairs.map(|(before, update)| ChangeParams { before, update }).collect(),
            exactly_one: !matches!(self.target, Target::Where(_)),
            max_rows,
            references: self.find_references()?,
            conflict: self.find_conflict()?,
            before: before.statement,
            update: update.statement,
            key,
            returning,
            image,
            dry_run,
        })
    }

    fn scribe(&self, own: Option<&'a Table>) -> Scribe<'a> {
        let mut scribe = Scribe::call(self.context, self.table, own);
        scribe.few = true;
        scribe
    }

    /// The written values: their slots follow those of the key.
    fn written(&self) -> Written<'a> {
        Written { list: self.set, slot: self.table.key.len() }
    }

    fn rows(&self, finished: &Finished) -> Vec<Vec<Param>> {
        let keys: &[Vec<Value>] = match self.target {
            Target::Key(key) => std::slice::from_ref(key),
            Target::Keys(keys) => keys,
            Target::Where(_) => &[],
        };
        let first = self.table.key.len();
        let value = |key: &'a [Value], slot: usize| match slot.checked_sub(first) {
            None => key.get(slot),
            Some(at) => self.set.get(at).and_then(|(_, value)| value.as_ref()),
        };
        match self.target {
            Target::Where(_) => vec![finished.params(|slot| value(&[], slot))],
            _ => keys.iter().map(|key| finished.params(|slot| value(key, slot))).collect(),
        }
    }

    /// Writes which rows: the target, the rules for reading and changing.
    fn target(&self, scribe: &mut Scribe<'a>, row: Row<'a>) -> Result<(), RenderError> {
        match self.target {
            Target::Key(key) => scribe.key_is(row, key, Some(0))?,
            Target::Keys(keys) => {
                let first = keys.first().ok_or(RenderError::Inconsistent("no key"))?;
                if keys.iter().any(|key| key.len() != first.len()) {
                    return Err(RenderError::Inconsistent("a key of another shape"));
                }
                scribe.key_is(row, first, Some(0))?;
            }
            Target::Where(filter) => scribe.filter(row, filter)?,
        }
        scribe.sql.push(" AND ");
        scribe.visible(row, &self.accesses, Marked::Hidden)
    }

    /// Writes the whole guard: the target, and that what is written points only at visible rows.
    fn guard(&self, scribe: &mut Scribe<'a>, row: Row<'a>) -> Result<(), RenderError> {
        self.target(scribe, row)?;
        for reference in self.references {
            scribe.sql.push(" AND ");
            scribe.reference(self.table, self.written(), reference, Some(row))?;
        }
        Ok(())
    }

    fn before(&self, columns: &Columns, max_rows: u32) -> Result<Finished, RenderError> {
        let mut scribe = self.scribe(None);
        let row = Row::new(scribe.sql.alias(), self.table);
        scribe.sql.push("SELECT ");
        scribe.columns(row, columns, false)?;
        scribe.sql.push(" FROM ");
        scribe.sql.table_as(self.table, row.alias);
        scribe.sql.push(" WHERE ");
        self.guard(&mut scribe, row)?;
        if matches!(self.target, Target::Where(_)) {
            // The answer's order, and the order in which rows are locked.
            let order: Vec<Order> = self.table.key.iter().map(|id| Order { column: *id, descending: false }).collect();
            if !order.is_empty() {
                scribe.sql.push(" ORDER BY ");
                scribe.order(row, &order)?;
            }
            // One more than allowed is enough to refuse.
            scribe.sql.push(" LIMIT ");
            scribe.sql.number(u64::from(max_rows) + 1);
        }
        let lock = scribe.sql.speech().for_update();
        if !lock.is_empty() {
            scribe.sql.push(lock);
            scribe.sql.write_alias(row.alias);
        }
        scribe.sql.finish()
    }

    fn update(&self, columns: &Columns) -> Result<Finished, RenderError> {
        let mut scribe = self.scribe(Some(self.table));
        let row = Row::new(Alias::Own, self.table);
        scribe.sql.push("UPDATE ");
        scribe.sql.table(self.table);
        for (at, (id, _)) in self.set.iter().enumerate() {
            scribe.sql.push(if at > 0 { ", " } else { " SET " });
            scribe.sql.set_column(self.table, *id)?;
            scribe.sql.push(" = ");
            scribe.written_value(self.table, self.written(), *id)?;
        }
        scribe.sql.push(" WHERE ");
        self.guard(&mut scribe, row)?;
        scribe.sql.push(" RETURNING ");
        scribe.columns(row, columns, false)?;
        scribe.few = true;
        scribe.new_row_check(row, &self.accesses, self.marked, &[])?;
        scribe.sql.finish()
    }

    fn find_references(&self) -> Result<Option<References>, RenderError> {
        if self.references.is_empty() {
            return Ok(None);
        }
        let mut scribe = self.scribe(None);
        let mut alone = true;
        for reference in self.references {
            alone &= scribe.complete(self.table, self.written(), reference)?;
        }
        let row = if alone { None } else { Some(Row::new(scribe.sql.alias(), self.table)) };
        let mut names: Vec<Arc<str>> = Vec::with_capacity(self.references.len());
        scribe.sql.push("SELECT ");
        for (at, reference) in self.references.iter().enumerate() {
            if at > 0 {
                scribe.sql.push(", ");
            }
            let (relation, related) = scribe.to_one(self.table, reference.relation)?;
            scribe.reference(self.table, self.written(), reference, row)?;
            scribe.sql.output_bool(&relation.name);
            names.push(scribe.told(self.table, relation, related));
        }
        if let Some(row) = row {
            scribe.sql.push(" FROM ");
            scribe.sql.table_as(self.table, row.alias);
            scribe.sql.push(" WHERE ");
            self.target(&mut scribe, row)?;
        }
        let finished = scribe.sql.finish()?;
        Ok(Some(References { rows: self.rows(&finished), statement: finished.statement, names }))
    }

    fn find_conflict(&self) -> Result<Option<Conflict>, RenderError> {
        let written = self.written();
        let keys: Vec<&[ColumnId]> =
            unique_keys(self.table).filter(|key| key.iter().any(|id| written.has(*id))).collect();
        if keys.is_empty() {
            return Ok(None);
        }
        let [read, _] = self.accesses;
        let mut scribe = self.scribe(None);
        let row = Row::new(scribe.sql.alias(), self.table);
        let old = Row::new(scribe.sql.alias(), self.table);
        scribe.sql.push("SELECT ");
        scribe.truth(Truth::True);
        scribe.sql.output_bool("tenantry.conflict");
        scribe.sql.push(" FROM ");
        scribe.sql.table_as(self.table, row.alias);
        scribe.sql.push(" WHERE ");
        scribe.visible(row, &[read], Marked::Hidden)?;
        scribe.sql.push(" AND EXISTS (SELECT 1 FROM ");
        scribe.sql.table_as(self.table, old.alias);
        scribe.sql.push(" WHERE ");
        self.target(&mut scribe, old)?;
        for (at, id) in self.table.key.iter().enumerate() {
            scribe.sql.push(if at > 0 { " AND " } else { " AND NOT (" });
            scribe.sql.column(row.alias, self.table, *id)?;
            scribe.sql.push(" = ");
            scribe.sql.column(old.alias, self.table, *id)?;
        }
        if !self.table.key.is_empty() {
            scribe.sql.push(")");
        }
        scribe.sql.push(" AND ");
        scribe.same_unique(row, Some(old), written, &keys)?;
        scribe.sql.push(") LIMIT 1");
        let finished = scribe.sql.finish()?;
        Ok(Some(Conflict { rows: self.rows(&finished), statement: finished.statement }))
    }
}
