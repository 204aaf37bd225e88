//! query and get.

use tenantry_policy::query::{Include, Read};
use tenantry_policy::table::Relation;
use tenantry_policy::{Context, Table};

use crate::RenderError;
use crate::builder::{column, type_of};
use crate::columns::Columns;
use crate::dialect::{Form, Use};
use crate::program::{Child, Level, Param};
use crate::scribe::{Marked, Row, Scribe};

/// A read and the reads that hang on its rows.
pub(crate) fn read(context: &Context, read: &Read) -> Result<Level, RenderError> {
    let table = context.bound.policy.table(read.table).ok_or(RenderError::Inconsistent("a table"))?;
    let plan = Plan::new(table, read, None)?;
    let mut scribe = Scribe::call(context, table, None);
    scribe.few = read.key.is_some() || read.filter.is_some();
    let row = Row::new(scribe.sql.alias(), table);
    scribe.sql.push("SELECT ");
    scribe.columns(row, &plan.columns, false)?;
    scribe.sql.push(" FROM ");
    scribe.sql.table_as(table, row.alias);
    scribe.sql.push(" WHERE ");
    if let Some(key) = &read.key {
        scribe.key_is(row, key, None)?;
        scribe.sql.push(" AND ");
    }
    scribe.visible(row, &[read.access], Marked::Hidden)?;
    scribe.asked(row, read)?;
    // A key finds one row at most: there is nothing to order.
    if read.key.is_none() && !read.order.is_empty() {
        scribe.sql.push(" ORDER BY ");
        scribe.order(row, &read.order)?;
    }
    scribe.sql.push(" LIMIT ");
    scribe.sql.number(u64::from(read.take) + 1);
    plan.level(context, table, read, scribe)
}

/// The rows of one relation of all parents at once.
fn child(
    context: &Context,
    parent: &Table,
    include: &Include,
    parent_places: Vec<usize>,
) -> Result<Child, RenderError> {
    let read = &include.read;
    let mut scribe = {
        let table = context.bound.policy.table(read.table).ok_or(RenderError::Inconsistent("a table"))?;
        Scribe::call(context, table, None)
    };
    scribe.few = true;
    let table = scribe.table(read.table)?;
    let relation = parent.relation(include.relation).ok_or(RenderError::Inconsistent("a relation"))?;
    if relation.to != read.table || parent.source != table.source {
        return Err(RenderError::Inconsistent("a relation to another table"));
    }
    let plan = Plan::new(table, read, Some(relation))?;
    let row = Row::new(scribe.sql.alias(), table);
    let (own, to_one) = (plan.own.clone(), relation.to_one);
    if to_one {
        scribe.sql.push("SELECT ");
        scribe.columns(row, &plan.columns, false)?;
        scribe.of_parents(row, parent, relation)?;
        scribe.sql.push(" AND ");
        scribe.visible(row, &[read.access], Marked::Hidden)?;
        scribe.asked(row, read)?;
    } else {
        scribe.sql.push("SELECT ");
        for at in 0..plan.columns.len() {
            if at > 0 {
                scribe.sql.push(", ");
            }
            scribe.sql.push("w.");
            scribe.sql.inner_name(at);
        }
        scribe.sql.push(" FROM (SELECT ");
        scribe.columns(row, &plan.columns, true)?;
        scribe.sql.push(", row_number() OVER (PARTITION BY ");
        for (at, (_, theirs)) in relation.pairs.iter().enumerate() {
            if at > 0 {
                scribe.sql.push(", ");
            }
            scribe.key_column(row, *theirs)?;
        }
        if !read.order.is_empty() {
            scribe.sql.push(" ORDER BY ");
            scribe.order(row, &read.order)?;
        }
        scribe.sql.push(") AS \"tenantry.n\"");
        scribe.of_parents(row, parent, relation)?;
        scribe.sql.push(" AND ");
        scribe.visible(row, &[read.access], Marked::Hidden)?;
        scribe.asked(row, read)?;
        scribe.sql.push(") AS w WHERE w.\"tenantry.n\" <= ");
        scribe.sql.number(u64::from(read.take));
        // The runner sorts rows to their parents; within each they come in this order.
        scribe.sql.push(" ORDER BY w.\"tenantry.n\"");
    }
    let level = plan.level(context, table, read, scribe)?;
    Ok(Child { name: relation.name.clone(), to_one, parent: parent_places, own, level })
}

/// Which columns a read needs, and where they stand.
struct Plan {
    columns: Columns,
    order: Vec<usize>,
    key: Vec<usize>,
    own: Vec<usize>,
    parents: Vec<Vec<usize>>,
}

impl Plan {
    fn new(table: &Table, read: &Read, through: Option<&Relation>) -> Result<Plan, RenderError> {
        let mut columns = Columns::shown(&read.select);
        let key = columns.places(table.key.iter().copied());
        let order = columns.places(read.order.iter().map(|order| order.column));
        let own = match through {
            Some(relation) => columns.places(relation.pairs.iter().map(|(_, theirs)| *theirs)),
            None => Vec::new(),
        };
        let mut parents = Vec::with_capacity(read.includes.len());
        for include in &read.includes {
            let relation = table.relation(include.relation).ok_or(RenderError::Inconsistent("a relation"))?;
            parents.push(columns.places(relation.pairs.iter().map(|(own, _)| *own)));
        }
        Ok(Plan { columns, order, key, own, parents })
    }

    fn level(self, context: &Context, table: &Table, read: &Read, scribe: Scribe<'_>) -> Result<Level, RenderError> {
        let statement = scribe.sql.finish()?.statement;
        let children = read
            .includes
            .iter()
            .zip(self.parents)
            .map(|(include, places)| child(context, table, include, places))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Level { statement, take: read.take, order: self.order, key: self.key, children })
    }
}

impl<'a> Scribe<'a> {
    /// Writes ` AND …` with the caller's filter and cursor.
    fn asked(&mut self, row: Row<'a>, read: &Read) -> Result<(), RenderError> {
        if let Some(filter) = &read.filter {
            self.sql.push(" AND ");
            self.filter(row, filter)?;
        }
        if let Some(after) = &read.after {
            self.sql.push(" AND ");
            self.after(row, &read.order, after)?;
        }
        Ok(())
    }

    /// Writes ` FROM table WHERE columns IN (the parents' keys)`.
    fn of_parents(&mut self, row: Row<'a>, parent: &Table, relation: &Relation) -> Result<(), RenderError> {
        let speech = self.sql.speech();
        self.sql.push(" FROM ");
        self.sql.table_as(row.table, row.alias);
        self.sql.push(" WHERE ");
        let many = relation.pairs.len() > 1;
        if many {
            self.sql.push("(");
        }
        let mut types = Vec::with_capacity(relation.pairs.len());
        let mut first = None;
        for (pair, (ours, theirs)) in relation.pairs.iter().enumerate() {
            if pair > 0 {
                self.sql.push(", ");
            }
            let facts = &column(row.table, *theirs)?.facts;
            // A column of keys is compared as it is, or as text where its type is none the runner has.
            let form = match speech.form(facts, Use::List) {
                form @ (Form::Text { .. } | Form::Utc) => form,
                _ => Form::Raw,
            };
            speech.column(&mut self.sql, row.alias, row.table, *theirs, form)?;
            let ty = type_of(&column(parent, *ours)?.facts)?;
            types.push(ty);
            if pair == 0 || speech.keys_by_pair() {
                let at = self.sql.add_param(Param::Keys { pair, ty, storage: facts.storage });
                first = first.or(Some(at));
            }
        }
        if many {
            self.sql.push(")");
        }
        let first = first.ok_or(RenderError::Inconsistent("a relation without columns"))?;
        speech.keys(&mut self.sql, first + 1, &types);
        Ok(())
    }
}
