//! create, update and delete.

use crate::attribute::AttrId;
use crate::bound::Slot;
use crate::condition::{Cmp, ColumnRef, Cond, Term};
use crate::decide::literal::to_write;
use crate::decide::read::key;
use crate::decide::{Asker, broken, fields, shorten};
use crate::denied::{Code, Denied};
use crate::ids::{ColumnId, RelationId};
use crate::query::{Create, Delete, Reference, Target, Update};
use crate::request::{AskTarget, Literal};
use crate::table::{AutoValue, DeleteMode, Op, RuleKind, Table};
use crate::value::{Type, Value};

/// The longest reason, in characters.
const LONGEST_REASON: usize = 1_000;

type Assignments = Vec<(ColumnId, Option<Value>)>;

impl<'a> Asker<'a> {
    /// New rows.
    pub(super) fn create(
        &mut self,
        table: &'a Table,
        rows: Vec<Vec<(String, Literal)>>,
        return_fields: Option<Vec<String>>,
        reason: Option<&str>,
        dry_run: bool,
    ) -> Result<Create, Denied> {
        let access = self.access(table, Op::Create)?;
        let read = self.access(table, Op::Read)?;
        let Some(creatable) = &table.writes.create else { return Err(disabled(table, "creating")) };
        check_reason(table, reason)?;
        if rows.is_empty() {
            return Err(Denied::new(Code::ValidationError, "there is no row to create").at("rows"));
        }
        check_count(table, rows.len())?;
        let given = self.given_by_server(table)?;
        let mut columns: Option<Vec<ColumnId>> = None;
        let mut checked = Vec::with_capacity(rows.len());
        for (position, row) in rows.iter().enumerate() {
            let at = if rows.len() == 1 { "data".to_owned() } else { format!("rows[{position}]") };
            let row = self.new_row(table, creatable, &given, row, &at)?;
            let names: Vec<ColumnId> = row.iter().map(|(column, _)| *column).collect();
            match &columns {
                Some(known) if *known != names => {
                    return Err(Denied::new(Code::ValidationError, "every row must set the same fields")
                        .at(at)
                        .hint("write null for a field that a row leaves empty"));
                }
                Some(_) => {}
                None => columns = Some(names),
            }
            checked.push(row.into_iter().map(|(_, value)| value).collect());
        }
        let columns = columns.unwrap_or_default();
        Ok(Create {
            table: table.id,
            access,
            read,
            references: self.references(table, &columns),
            columns,
            rows: checked,
            returning: fields::select(table, return_fields.as_deref(), "return_fields")?,
            dry_run,
        })
    }

    /// Changed rows.
    pub(super) fn update(
        &mut self,
        table: &'a Table,
        target: &AskTarget,
        data: Vec<(String, Literal)>,
        reason: Option<&str>,
        dry_run: bool,
    ) -> Result<Update, Denied> {
        let access = self.access(table, Op::Update)?;
        let read = self.access(table, Op::Read)?;
        if table.writes.update.is_empty() {
            return Err(disabled(table, "updating"));
        }
        check_reason(table, reason)?;
        if data.is_empty() {
            return Err(Denied::new(Code::ValidationError, "there is nothing to change").at("data"));
        }
        let mut set: Assignments = Vec::with_capacity(data.len() + table.writes.auto_update.len());
        for (name, value) in &data {
            let at = format!("data.{}", shorten(name));
            let named = fields::visible(table, name, &at)?;
            if !table.writes.update.contains(&named.id) {
                return Err(not_writable(table, name, &table.writes.update, &at));
            }
            if set.iter().any(|(column, _)| *column == named.id) {
                return Err(
                    Denied::new(Code::ValidationError, format!("field `{}` is set twice", shorten(name))).at(at)
                );
            }
            set.push((named.id, to_write(named.column, value, &at)?));
        }
        let references = self.references(table, &set.iter().map(|(column, _)| *column).collect::<Vec<_>>());
        self.add_automatic(table, &mut set)?;
        Ok(Update {
            table: table.id,
            access,
            read,
            target: self.target(table, target)?,
            set,
            references,
            returning: fields::all_visible(table),
            max_rows: table.writes.max_rows,
            dry_run,
        })
    }

    /// A removed row.
    pub(super) fn delete(
        &mut self,
        table: &'a Table,
        id: &crate::request::Id,
        reason: Option<&str>,
        dry_run: bool,
    ) -> Result<Delete, Denied> {
        let access = self.access(table, Op::Delete)?;
        let read = self.access(table, Op::Read)?;
        let mark = match table.writes.delete {
            DeleteMode::Off => return Err(disabled(table, "deleting")),
            DeleteMode::Hard => None,
            DeleteMode::Soft(column) => {
                let value = match table.column(column).and_then(|column| column.facts.ty) {
                    Some(Type::Bool) => Value::Bool(true),
                    Some(Type::Timestamp) => Value::Timestamp(self.context.now_micros),
                    _ => return Err(broken()),
                };
                let mut set = vec![(column, Some(value))];
                self.add_automatic(table, &mut set)?;
                Some(set)
            }
        };
        check_reason(table, reason)?;
        Ok(Delete { table: table.id, access, read, key: key(table, id, "id")?, mark, dry_run })
    }

    fn target(&mut self, table: &'a Table, target: &AskTarget) -> Result<Target, Denied> {
        match target {
            AskTarget::Id(id) => key(table, id, "id").map(Target::Key),
            AskTarget::Ids(ids) => {
                if ids.is_empty() {
                    return Err(Denied::new(Code::ValidationError, "there is no id").at("ids"));
                }
                check_count(table, ids.len())?;
                let mut keys: Vec<Vec<Value>> = Vec::with_capacity(ids.len());
                for (position, id) in ids.iter().enumerate() {
                    let at = format!("ids[{position}]");
                    let key = key(table, id, &at)?;
                    if keys.contains(&key) {
                        return Err(Denied::new(Code::ValidationError, "an id stands twice in the list").at(at));
                    }
                    keys.push(key);
                }
                Ok(Target::Keys(keys))
            }
            AskTarget::Where(ask) => {
                let filter = self.filter(table, ask, "where")?;
                self.narrow_enough(table, Some(&filter))?;
                Ok(Target::Where(filter))
            }
        }
    }

    /// The columns that the server fills in a new row: the scope's, where the principal has the
    /// attribute, and those of `auto_set`.
    fn given_by_server(&self, table: &Table) -> Result<Assignments, Denied> {
        let mut given: Assignments = Vec::new();
        for (column, attr) in scope_pairs(table) {
            if let Slot::One(value) = self.bound.slot(attr) {
                given.push((column, Some(value.clone())));
            }
        }
        for (column, value) in &table.writes.auto_set {
            let value = self.automatic(table, *column, value)?;
            match given.iter().find(|(known, _)| known == column) {
                None => given.push((*column, Some(value))),
                Some((_, Some(known))) if known.same(&value) => {}
                Some(_) => return Err(broken()),
            }
        }
        Ok(given)
    }

    fn new_row(
        &self,
        table: &Table,
        creatable: &[ColumnId],
        given: &Assignments,
        row: &[(String, Literal)],
        at: &str,
    ) -> Result<Assignments, Denied> {
        let mut set: Assignments = Vec::with_capacity(row.len() + given.len());
        for (name, literal) in row {
            let at = format!("{at}.{}", shorten(name));
            let named = fields::visible(table, name, &at)?;
            if set.iter().any(|(column, _)| *column == named.id) {
                return Err(
                    Denied::new(Code::ValidationError, format!("field `{}` is set twice", shorten(name))).at(at)
                );
            }
            if let Some((_, server)) = given.iter().find(|(column, _)| *column == named.id) {
                let value = to_write(named.column, literal, &at)?;
                let same = matches!((&value, server), (Some(a), Some(b)) if a.same(b));
                if !same {
                    return Err(Denied::new(
                        Code::ValidationError,
                        format!("field `{}` is set by the server; leave it out", shorten(name)),
                    )
                    .at(at));
                }
                continue;
            }
            if !creatable.contains(&named.id) {
                return Err(not_writable(table, name, creatable, &at));
            }
            set.push((named.id, to_write(named.column, literal, &at)?));
        }
        set.extend(given.iter().cloned());
        set.sort_by_key(|(column, _)| *column);
        for (position, column) in table.columns.iter().enumerate() {
            let id = ColumnId(u16::try_from(position).map_err(|_| broken())?);
            let value = set.iter().find(|(known, _)| *known == id).map(|(_, value)| value);
            let required = table.writes.required.contains(&id);
            let unfilled = value.is_none() && !column.facts.nullable && !column.facts.has_default;
            if (required && !matches!(value, Some(Some(_)))) || unfilled {
                if !column.field.visible() {
                    // The table's own required column is hidden from this caller: nothing it could
                    // send would help, so the table is simply not writable through tools.
                    return Err(disabled(table, "creating"));
                }
                return Err(
                    Denied::new(Code::ValidationError, format!("field `{}` is required", column.facts.name)).at(at)
                );
            }
        }
        Ok(set)
    }

    fn add_automatic(&self, table: &Table, set: &mut Assignments) -> Result<(), Denied> {
        for (column, value) in &table.writes.auto_update {
            if !set.iter().any(|(known, _)| known == column) {
                set.push((*column, Some(self.automatic(table, *column, value)?)));
            }
        }
        Ok(())
    }

    fn automatic(&self, table: &Table, column: ColumnId, value: &AutoValue) -> Result<Value, Denied> {
        match value {
            AutoValue::Now => Ok(Value::Timestamp(self.context.now_micros)),
            AutoValue::Literal(value) => Ok(value.clone()),
            AutoValue::Attr(attr) => match self.bound.slot(*attr) {
                Slot::One(value) => Ok(value.clone()),
                Slot::Now => Ok(Value::Timestamp(self.context.now_micros)),
                Slot::Missing | Slot::Many(_) => {
                    let visible = table.column(column).filter(|column| column.field.visible());
                    let what = visible.map_or("a field".to_owned(), |column| format!("field `{}`", column.facts.name));
                    Err(Denied::new(
                        Code::TenantScopeRequired,
                        format!("{what} is filled from an attribute that your token does not carry"),
                    ))
                }
            },
        }
    }

    /// The to-one relations whose columns are written: the rows they then point at must be visible,
    /// whether or not the caller's tools reach that table.
    fn references(&self, table: &Table, written: &[ColumnId]) -> Vec<Reference> {
        table
            .relations
            .iter()
            .enumerate()
            .filter(|(_, relation)| relation.to_one && relation.pairs.iter().any(|(own, _)| written.contains(own)))
            .filter_map(|(at, relation)| {
                let id = RelationId(u16::try_from(at).ok()?);
                Some(Reference { relation: id, access: self.bound.access(relation.to, Op::Read) })
            })
            .collect()
    }
}

/// The own columns that the scope equates with scalar attributes.
pub(super) fn scope_pairs(table: &Table) -> Vec<(ColumnId, AttrId)> {
    fn walk(cond: &Cond, pairs: &mut Vec<(ColumnId, AttrId)>) {
        match cond {
            Cond::And(parts) => parts.iter().for_each(|part| walk(part, pairs)),
            Cond::Compare { left, cmp: Cmp::Eq, right, .. } => {
                if let (Term::Column(ColumnRef::Own(column)), Term::Attr(attr))
                | (Term::Attr(attr), Term::Column(ColumnRef::Own(column))) = (left, right)
                {
                    pairs.push((*column, *attr));
                }
            }
            _ => {}
        }
    }
    let mut pairs = Vec::new();
    if let Some(rule) = table.rules.iter().find(|rule| rule.kind == RuleKind::Scope) {
        walk(&rule.when, &mut pairs);
    }
    pairs
}

fn disabled(table: &Table, doing: &str) -> Denied {
    Denied::new(Code::WriteDisabled, format!("{doing} rows of model `{}` is off", table.name))
}

fn not_writable(table: &Table, name: &str, writable: &[ColumnId], at: &str) -> Denied {
    let names = writable.iter().filter_map(|id| table.column(*id)).map(|column| column.facts.name.as_str());
    let denied = Denied::new(
        Code::WriteDisabled,
        format!("field `{}` of model `{}` cannot be set here", shorten(name), table.name),
    )
    .at(at);
    fields::suggest(denied, name, names, "fields")
}

fn check_reason(table: &Table, reason: Option<&str>) -> Result<(), Denied> {
    match reason.map(str::trim) {
        Some(text) if text.chars().count() > LONGEST_REASON => {
            Err(Denied::new(Code::ValidationError, format!("the reason is longer than {LONGEST_REASON} characters"))
                .at("reason"))
        }
        Some(text) if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') => {
            Err(Denied::new(Code::ValidationError, "the reason holds control characters").at("reason"))
        }
        Some("") | None if table.writes.require_reason => {
            Err(Denied::new(Code::ReasonRequired, format!("writes to model `{}` need a `reason`", table.name))
                .at("reason"))
        }
        _ => Ok(()),
    }
}

fn check_count(table: &Table, count: usize) -> Result<(), Denied> {
    let most = table.writes.max_rows;
    if u32::try_from(count).unwrap_or(u32::MAX) > most {
        return Err(Denied::new(
            Code::MaxAffectedRowsExceeded,
            format!("one call may write at most {most} rows of model `{}`; nothing was changed", table.name),
        ));
    }
    Ok(())
}
