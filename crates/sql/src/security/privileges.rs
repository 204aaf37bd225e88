//! What the runtime role may do: the columns that generated statements and rules read and write.

use std::collections::BTreeSet;
use std::sync::Arc;

use tenantry_policy::condition::{ColumnRef, Cond};
use tenantry_policy::object::Privilege;
use tenantry_policy::table::DeleteMode;
use tenantry_policy::{ColumnId, Policy, RuleKind, Table};

use super::Text;
use crate::RenderError;
use crate::builder::column;
use crate::reference::{image, unique_keys};

/// A right that the runtime role needs on a table, or on one of its columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeRight {
    /// Which.
    pub privilege: Privilege,
    /// The column's name in the database; `None` for the whole table.
    pub column: Option<Arc<str>>,
}

/// All rights that the runtime role needs on a governed table; it must hold no others there. Beside them it needs
/// USAGE of the table's schema, and of the sequences of its columns when rows are created.
///
/// # Errors
/// [`RenderError`] when the policy contradicts itself.
pub fn runtime_rights(policy: &Policy, table: &Table) -> Result<Vec<RuntimeRight>, RenderError> {
    let mut rights = Vec::new();
    for (privilege, columns) in [
        (Privilege::Select, read(policy, table)),
        (Privilege::Insert, created(table)),
        (Privilege::Update, updated(table)),
    ] {
        for id in columns {
            let column = Some(Arc::from(column(table, id)?.facts.name.as_ref()));
            rights.push(RuntimeRight { privilege, column });
        }
    }
    if table.writes.delete == DeleteMode::Hard {
        rights.push(RuntimeRight { privilege: Privilege::Delete, column: None });
    }
    Ok(rights)
}

/// Adds the statements that give the runtime role its privileges on a table, and no others.
pub(super) fn privileges(
    policy: &Policy,
    table: &Table,
    role: &str,
    add: &mut impl FnMut(Text, &'static str),
) -> Result<(), RenderError> {
    let mut sql = Text::new("REVOKE ALL ON TABLE ");
    sql.table(table).push(" FROM ").name(role);
    add(sql, "take every privilege back");
    let mut sql = Text::new("GRANT USAGE ON SCHEMA ");
    sql.name(&table.schema).push(" TO ").name(role);
    add(sql, "reach the schema");
    grant(table, "GRANT SELECT (", &read(policy, table), role, "read what callers and rules read", add)?;
    grant(table, "GRANT INSERT (", &created(table), role, "create", add)?;
    grant(table, "GRANT UPDATE (", &updated(table), role, "update", add)?;
    if table.writes.delete == DeleteMode::Hard {
        let mut sql = Text::new("GRANT DELETE ON TABLE ");
        sql.table(table).push(" TO ").name(role);
        add(sql, "delete");
    }
    if table.writes.create.is_some() {
        add(sequences(table, role), "use the sequences of the table's own columns");
    }
    Ok(())
}

fn grant(
    table: &Table,
    verb: &'static str,
    columns: &BTreeSet<ColumnId>,
    role: &str,
    purpose: &'static str,
    add: &mut impl FnMut(Text, &'static str),
) -> Result<(), RenderError> {
    if columns.is_empty() {
        return Ok(());
    }
    let mut sql = Text::new(verb);
    for (at, id) in columns.iter().enumerate() {
        if at > 0 {
            sql.push(", ");
        }
        sql.name(&column(table, *id)?.facts.name);
    }
    sql.push(") ON TABLE ").table(table).push(" TO ").name(role);
    add(sql, purpose);
    Ok(())
}

/// Visible fields, keys, both ends of relations, and whatever any rule of any table reads here.
fn read(policy: &Policy, table: &Table) -> BTreeSet<ColumnId> {
    let mut columns: BTreeSet<ColumnId> = image(table).into_iter().collect();
    columns.extend(unique_keys(table).flatten());
    columns.extend(table.budget.require_filter.iter());
    for other in policy.tables.iter().filter(|other| other.source == table.source) {
        for relation in &other.relations {
            if other.id == table.id {
                columns.extend(relation.pairs.iter().map(|(own, _)| *own));
            }
            if relation.to == table.id {
                columns.extend(relation.pairs.iter().map(|(_, theirs)| *theirs));
            }
        }
        for cond in conditions(other) {
            cond.columns(&mut |reach| match reach {
                ColumnRef::Own(id) if other.id == table.id => {
                    columns.insert(id);
                }
                ColumnRef::Hop(relation, id) if other.relation(relation).is_some_and(|r| r.to == table.id) => {
                    columns.insert(id);
                }
                _ => {}
            });
        }
    }
    columns
}

fn conditions(table: &Table) -> impl Iterator<Item = &Cond> {
    table.rules.iter().map(|rule| &rule.when).chain(&table.boundary)
}

/// What callers may set, and what the server sets: the scope's columns and those of `auto_set`.
fn created(table: &Table) -> BTreeSet<ColumnId> {
    let Some(create) = &table.writes.create else { return BTreeSet::new() };
    let mut columns: BTreeSet<ColumnId> = create.iter().copied().collect();
    columns.extend(table.writes.auto_set.iter().map(|(column, _)| *column));
    for rule in table.rules.iter().filter(|rule| rule.kind == RuleKind::Scope) {
        rule.when.columns(&mut |reach| {
            if let ColumnRef::Own(id) = reach {
                columns.insert(id);
            }
        });
    }
    columns
}

fn updated(table: &Table) -> BTreeSet<ColumnId> {
    let mut columns: BTreeSet<ColumnId> = table.writes.update.iter().copied().collect();
    if let DeleteMode::Soft(mark) = table.writes.delete {
        columns.insert(mark);
    }
    if !columns.is_empty() {
        columns.extend(table.writes.auto_update.iter().map(|(column, _)| *column));
    }
    columns
}

/// Sequences that belong to the table's columns, found when the script runs.
fn sequences(table: &Table, role: &str) -> Text {
    let mut body =
        Text::new("DECLARE s record; BEGIN FOR s IN SELECT n.nspname, c.relname FROM pg_catalog.pg_depend d ");
    body.push("JOIN pg_catalog.pg_class c ON c.oid = d.objid AND c.relkind = 'S' ");
    body.push("JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace ");
    body.push("JOIN pg_catalog.pg_class t ON t.oid = d.refobjid ");
    body.push("JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace ");
    body.push("WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass ");
    body.push("AND d.deptype IN ('a', 'i') AND tn.nspname = ").text(&table.schema);
    body.push(" AND t.relname = ").text(&table.db_name);
    body.push(" LOOP EXECUTE pg_catalog.format('GRANT USAGE ON SEQUENCE %I.%I TO %I', s.nspname, s.relname, ");
    body.text(role).push("); END LOOP; END");
    body.as_block()
}
