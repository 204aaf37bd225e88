//! create and bulk_create.

use std::sync::Arc;

use tenantry_policy::query::{Create, Reference};
use tenantry_policy::{ColumnId, Context, Value};

use crate::RenderError;
use crate::builder::{Alias, Finished};
use crate::columns::Columns;
use crate::program::{Conflict, Insert, Param, References};
use crate::reference::{Written, image, unique_keys};
use crate::scribe::{Marked, Row, Scribe};

/// New rows.
pub(crate) fn insert(context: &Context, create: &Create) -> Result<Insert, RenderError> {
    let table = context.bound.policy.table(create.table).ok_or(RenderError::Inconsistent("a table"))?;
    if create.rows.iter().any(|row| row.len() != create.columns.len()) {
        return Err(RenderError::Inconsistent("a row of another shape"));
    }
    let first = create.rows.first().ok_or(RenderError::Inconsistent("no row to create"))?;
    let list: Vec<(ColumnId, Option<Value>)> = create.columns.iter().copied().zip(first.iter().cloned()).collect();
    let written = Written { list: &list, slot: 0 };

    let mut scribe = Scribe::call(context, table, Some(table));
    scribe.few = true;
    let row = Row::new(Alias::Own, table);
    let shown = image(table);
    let mut columns = Columns::shown(&shown);
    let image = columns.places(shown);
    let key = columns.places(table.key.iter().copied());
    let returning = columns.places(create.returning.iter().copied());

    let mut known: Vec<&Reference> = Vec::new();
    // A reference with a column that the database fills can only be looked up by the new row.
    let mut late: Vec<&Reference> = Vec::new();
    for reference in &create.references {
        if scribe.complete(table, written, reference)? { known.push(reference) } else { late.push(reference) }
    }

    scribe.sql.push("INSERT INTO ");
    scribe.sql.table(table);
    scribe.sql.note_insert(table);
    if list.is_empty() {
        scribe.sql.push(" DEFAULT VALUES");
    } else {
        scribe.sql.push(" (");
        for (at, (id, _)) in list.iter().enumerate() {
            if at > 0 {
                scribe.sql.push(", ");
            }
            scribe.sql.column_name(table, *id)?;
        }
        scribe.sql.push(") SELECT ");
        for (at, (id, _)) in list.iter().enumerate() {
            if at > 0 {
                scribe.sql.push(", ");
            }
            scribe.written_value(table, written, *id)?;
        }
        for (at, reference) in known.iter().enumerate() {
            scribe.sql.push(if at > 0 { " AND " } else { " WHERE " });
            scribe.reference(table, written, reference, None)?;
        }
    }
    scribe.sql.push(" RETURNING ");
    scribe.columns(row, &columns, false)?;
    scribe.new_row_check(row, &[create.read, create.access], Marked::Hidden, &late)?;
    let insert = scribe.sql.finish()?;

    Ok(Insert {
        rows: rows(&insert, create),
        references: references(context, create, written, &known)?,
        conflict: conflict(context, create, written)?,
        statement: insert.statement,
        key,
        returning,
        image,
        dry_run: create.dry_run,
    })
}

fn rows(finished: &Finished, create: &Create) -> Vec<Vec<Param>> {
    create.rows.iter().map(|row| finished.params(|slot| row.get(slot).and_then(Option::as_ref))).collect()
}

fn references(
    context: &Context,
    create: &Create,
    written: Written<'_>,
    known: &[&Reference],
) -> Result<Option<References>, RenderError> {
    if known.is_empty() {
        return Ok(None);
    }
    let table = context.bound.policy.table(create.table).ok_or(RenderError::Inconsistent("a table"))?;
    let mut scribe = Scribe::call(context, table, None);
    scribe.few = true;
    let mut names: Vec<Arc<str>> = Vec::with_capacity(known.len());
    scribe.sql.push("SELECT ");
    for (at, reference) in known.iter().enumerate() {
        if at > 0 {
            scribe.sql.push(", ");
        }
        let (relation, related) = scribe.to_one(table, reference.relation)?;
        scribe.reference(table, written, reference, None)?;
        scribe.sql.output_bool(&relation.name);
        names.push(scribe.told(table, relation, related));
    }
    let finished = scribe.sql.finish()?;
    Ok(Some(References { rows: rows(&finished, create), statement: finished.statement, names }))
}

fn conflict(context: &Context, create: &Create, written: Written<'_>) -> Result<Option<Conflict>, RenderError> {
    let table = context.bound.policy.table(create.table).ok_or(RenderError::Inconsistent("a table"))?;
    let keys: Vec<&[ColumnId]> = unique_keys(table).filter(|key| key.iter().all(|id| written.has(*id))).collect();
    if keys.is_empty() {
        return Ok(None);
    }
    let mut scribe = Scribe::call(context, table, None);
    scribe.few = true;
    let row = Row::new(scribe.sql.alias(), table);
    scribe.sql.push("SELECT ");
    scribe.truth(tenantry_policy::condition::Truth::True);
    scribe.sql.output_bool("tenantry.conflict");
    scribe.sql.push(" FROM ");
    scribe.sql.table_as(table, row.alias);
    scribe.sql.push(" WHERE ");
    scribe.same_unique(row, None, written, &keys)?;
    scribe.sql.push(" AND ");
    scribe.visible(row, &[create.read], Marked::Hidden)?;
    scribe.sql.push(" LIMIT 1");
    let finished = scribe.sql.finish()?;
    Ok(Some(Conflict { rows: rows(&finished, create), statement: finished.statement }))
}
