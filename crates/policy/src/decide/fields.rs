//! Fields by name: which a caller may see, and which it may use to find rows.

use crate::decide::{Asker, shorten};
use crate::denied::{Code, Denied};
use crate::ids::{ColumnId, RelationId};
use crate::table::{Column, Relation, Table};

/// At most this many names in one hint.
const HINTED: usize = 40;

/// A field that a caller named, resolved.
pub(super) struct Named<'t> {
    pub(super) id: ColumnId,
    pub(super) column: &'t Column,
}

/// The visible field of that name. A denied field answers exactly as one that does not exist.
pub(super) fn visible<'t>(table: &'t Table, name: &str, at: &str) -> Result<Named<'t>, Denied> {
    if let Some(id) = table.find_column(name)
        && let Some(column) = table.column(id)
        && column.field.visible()
    {
        return Ok(Named { id, column });
    }
    let denied = Denied::new(
        Code::FieldNotAllowed,
        format!("model `{}` has no field `{}` that you may use", table.name, shorten(name)),
    )
    .at(at);
    Err(suggest(denied, name, visible_names(table), "fields"))
}

/// A visible field that may also find, order or group rows. Masked and hashed ones may not, unless
/// the policy says so: each such use tells something of the hidden value.
pub(super) fn usable<'t>(table: &'t Table, name: &str, at: &str) -> Result<Named<'t>, Denied> {
    let named = visible(table, name, at)?;
    if !named.column.field.filterable() {
        return Err(Denied::new(
            Code::FieldNotAllowed,
            format!("field `{}` of model `{}` is shown redacted and cannot be used here", shorten(name), table.name),
        )
        .at(at));
    }
    if !named.column.facts.ty.is_some_and(|ty| ty.filterable()) {
        return Err(Denied::new(
            Code::FieldNotAllowed,
            format!("field `{}` of model `{}` can be shown but not compared", shorten(name), table.name),
        )
        .at(at));
    }
    Ok(named)
}

/// The names of a table's visible fields.
pub(super) fn visible_names(table: &Table) -> impl Iterator<Item = &str> {
    table.columns.iter().filter(|column| column.field.visible()).map(|column| column.facts.name.as_str())
}

/// All visible fields.
pub(super) fn all_visible(table: &Table) -> Vec<ColumnId> {
    table
        .columns
        .iter()
        .enumerate()
        .filter(|(_, column)| column.field.visible())
        .filter_map(|(at, _)| u16::try_from(at).ok().map(ColumnId))
        .collect()
}

/// The columns of a `select` or `return_fields`, or all visible ones.
pub(super) fn select(table: &Table, wanted: Option<&[String]>, at: &str) -> Result<Vec<ColumnId>, Denied> {
    let Some(names) = wanted else { return Ok(all_visible(table)) };
    if names.is_empty() {
        return Err(Denied::new(Code::ValidationError, format!("`{at}` is empty: leave it out for all fields")).at(at));
    }
    let most = usize::try_from(table.budget.max_columns).unwrap_or(usize::MAX);
    if names.len() > most {
        return Err(Denied::new(Code::QueryBudgetExceeded, format!("more than {most} fields are selected")).at(at));
    }
    let mut columns = Vec::with_capacity(names.len());
    for (position, name) in names.iter().enumerate() {
        let named = visible(table, name, &format!("{at}[{position}]"))?;
        if columns.contains(&named.id) {
            return Err(Denied::new(Code::ValidationError, format!("field `{}` is named twice", shorten(name))).at(at));
        }
        columns.push(named.id);
    }
    Ok(columns)
}

impl<'a> Asker<'a> {
    /// The relation of that name, when the caller may query its other table. All else answers as if
    /// there were no such relation.
    pub(super) fn relation(
        &self,
        table: &'a Table,
        name: &str,
        at: &str,
    ) -> Result<(RelationId, &'a Relation), Denied> {
        if let Some((id, relation)) = table.find_relation(name)
            && self.may_read(relation)
        {
            return Ok((id, relation));
        }
        let denied = Denied::new(
            Code::RelationNotAllowed,
            format!("model `{}` has no relation `{}` that you may use", table.name, shorten(name)),
        )
        .at(at);
        let known = table.relations.iter().filter(|relation| self.may_read(relation)).map(|r| r.name.as_ref());
        Err(suggest(denied, name, known, "relations"))
    }

    fn may_read(&self, relation: &Relation) -> bool {
        let tools = self.bound.tools(relation.to);
        (tools.has(crate::tool::Tool::Query) || tools.has(crate::tool::Tool::Get))
            && self.bound.access(relation.to, crate::table::Op::Read).verdict() == crate::bound::Verdict::Open
    }
}

/// Adds the nearest of the names that the caller may use, and all of them.
pub(super) fn suggest<'n>(denied: Denied, wrong: &str, known: impl Iterator<Item = &'n str>, what: &str) -> Denied {
    let known: Vec<&str> = known.collect();
    let near = known
        .iter()
        .map(|name| (strsim::jaro_winkler(&wrong.chars().take(64).collect::<String>(), name), *name))
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let denied = match near {
        Some((_, name)) => denied.hint(format!("did you mean `{name}`?")),
        None => denied,
    };
    if known.is_empty() {
        return denied.hint(format!("your roles grant no {what} here"));
    }
    let shown: Vec<&str> = known.iter().take(HINTED).copied().collect();
    let more = if known.len() > HINTED { ", …" } else { "" };
    denied.hint(format!("{what} you may use: {}{more}", shown.join(", ")))
}
