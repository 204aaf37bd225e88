//! The only place where SQL text grows.
//!
//! INVARIANT: the text takes fragments written in this program (`&'static str`), numbers, and names
//! that a policy's tables, columns and attributes carry, quoted. A value enters a statement as a
//! parameter and in no other way; only the text of row security, where no caller takes part and no
//! parameters exist, spells out the literals of the file's own rules.

use std::fmt::{Display, Write as _};
use std::sync::Arc;

use tenantry_policy::catalog::{CatalogColumn, Storage};
use tenantry_policy::seat;
use tenantry_policy::table::Column;
use tenantry_policy::{Address, AttrId, Attribute, ColumnId, Policy, Table, TableId, Type, Value};

use crate::RenderError;
use crate::dialect::{Form, Speech, postgres};
use crate::program::{Injected, Output, Param, Show, Statement, Touch};

/// The name by which a statement speaks of a row of one of its tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alias {
    /// The table that the statement changes, by its own name: the only name that `RETURNING` knows
    /// on both databases.
    Own,
    /// `t0`, `t1` …
    Numbered(u32),
}

/// What is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Statement,
    RowSecurity(Voice),
}

/// Whom row security asks who the session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voice {
    /// The session's settings, which Tenantry's own connections set.
    Settings,
    /// The table of seats, by the name that the session logged in as. Only the tenant is known of a seat.
    Seat,
}

/// A statement, or an expression of row security, in the making.
pub(crate) struct Sql<'a> {
    policy: &'a Policy,
    speech: &'static dyn Speech,
    kind: Kind,
    own: Option<&'a Table>,
    text: String,
    params: Vec<Param>,
    /// Parameters that rules bring, by their attribute or as literals, so that each is bound once.
    shared: Vec<(Option<AttrId>, usize)>,
    /// Parameters whose value differs by row: position in `params`, and the row's slot.
    varying: Vec<(usize, usize)>,
    injected: Vec<Injected>,
    touches: Vec<Touching>,
    reads_keys: bool,
    output: Vec<Output>,
    aliases: u32,
}

struct Touching {
    table: TableId,
    reads: Vec<ColumnId>,
    updates: Vec<ColumnId>,
    inserts: bool,
    deletes: bool,
}

/// Where a marked part began.
#[must_use]
pub(crate) struct Mark(usize);

/// A finished statement, and which of its parameters differ by row.
pub(crate) struct Finished {
    pub(crate) statement: Statement,
    varying: Vec<(usize, usize)>,
}

impl Finished {
    /// The parameters for one row: `value` gives the value of each slot.
    pub(crate) fn params<'v>(&self, value: impl Fn(usize) -> Option<&'v Value>) -> Vec<Param> {
        let mut params = self.statement.params.clone();
        for (at, slot) in &self.varying {
            if let Some(Param::Value { value: place, .. }) = params.get_mut(*at) {
                *place = value(*slot).cloned();
            }
        }
        params
    }
}

impl<'a> Sql<'a> {
    /// An empty statement. `own` is the table that it changes, if it changes one.
    pub(crate) fn statement(policy: &'a Policy, speech: &'static dyn Speech, own: Option<&'a Table>) -> Sql<'a> {
        Sql::new(policy, speech, Kind::Statement, own)
    }

    /// An empty expression of row security on `own`.
    pub(crate) fn row_security(
        policy: &'a Policy,
        speech: &'static dyn Speech,
        own: &'a Table,
        voice: Voice,
    ) -> Sql<'a> {
        Sql::new(policy, speech, Kind::RowSecurity(voice), Some(own))
    }

    fn new(policy: &'a Policy, speech: &'static dyn Speech, kind: Kind, own: Option<&'a Table>) -> Sql<'a> {
        Sql {
            policy,
            speech,
            kind,
            own,
            text: String::with_capacity(512),
            params: Vec::new(),
            shared: Vec::new(),
            varying: Vec::new(),
            injected: Vec::new(),
            touches: Vec::new(),
            reads_keys: false,
            output: Vec::new(),
            aliases: 0,
        }
    }

    pub(crate) fn speech(&self) -> &'static dyn Speech {
        self.speech
    }

    /// Is this an expression of row security?
    pub(crate) fn is_row_security(&self) -> bool {
        matches!(self.kind, Kind::RowSecurity(_))
    }

    /// Adds text written in this program.
    pub(crate) fn push(&mut self, fragment: &'static str) {
        self.text.push_str(fragment);
    }

    /// Adds a number.
    pub(crate) fn number(&mut self, number: u64) {
        self.display(&number);
    }

    fn display(&mut self, number: &(dyn Display + '_)) {
        // Writing to a text does not fail.
        let _ = write!(self.text, "{number}");
    }

    /// Adds a quoted name. Callers inside this room pass names of the policy only.
    fn quoted(&mut self, name: &str) {
        quote(&mut self.text, name);
    }

    /// A name for one more row. Never the name of the table that the statement changes.
    pub(crate) fn alias(&mut self) -> Alias {
        loop {
            let number = self.aliases;
            self.aliases += 1;
            let taken = self.own.is_some_and(|own| {
                own.db_name.strip_prefix(['t', 'T']).is_some_and(|digits| digits == number.to_string())
            });
            if !taken {
                return Alias::Numbered(number);
            }
        }
    }

    /// Adds the alias itself.
    pub(crate) fn write_alias(&mut self, alias: Alias) {
        match (alias, self.own) {
            (Alias::Numbered(number), _) => {
                self.text.push('t');
                self.number(u64::from(number));
            }
            (Alias::Own, Some(own)) => self.quoted(&own.db_name),
            (Alias::Own, None) => {}
        }
    }

    /// Adds a table's qualified name.
    pub(crate) fn table(&mut self, table: &Table) {
        self.quoted(&table.schema);
        self.text.push('.');
        self.quoted(&table.db_name);
        self.touching(table.id, |_| {});
    }

    /// Adds `table AS alias`.
    pub(crate) fn table_as(&mut self, table: &Table, alias: Alias) {
        self.table(table);
        self.text.push_str(" AS ");
        self.write_alias(alias);
    }

    /// Adds `alias."column"` and notes that it is read.
    pub(crate) fn column(&mut self, alias: Alias, table: &Table, id: ColumnId) -> Result<(), RenderError> {
        let column = column(table, id)?;
        self.write_alias(alias);
        self.text.push('.');
        self.quoted(&column.facts.name);
        self.touching(table.id, |touching| {
            if !touching.reads.contains(&id) {
                touching.reads.push(id);
            }
        });
        Ok(())
    }

    /// Adds the column's name alone, for column lists of INSERT.
    pub(crate) fn column_name(&mut self, table: &Table, id: ColumnId) -> Result<(), RenderError> {
        let column = column(table, id)?;
        self.quoted(&column.facts.name);
        Ok(())
    }

    /// Adds the column's name alone, for SET, and notes that it is updated.
    pub(crate) fn set_column(&mut self, table: &Table, id: ColumnId) -> Result<(), RenderError> {
        self.column_name(table, id)?;
        self.touching(table.id, |touching| {
            if !touching.updates.contains(&id) {
                touching.updates.push(id);
            }
        });
        Ok(())
    }

    /// Adds the name of a database type that the catalog gave, already quoted there.
    pub(crate) fn native(&mut self, facts: &CatalogColumn) {
        self.text.push_str(&facts.native);
    }

    /// Adds the name that a column of an inner select goes by.
    pub(crate) fn inner_name(&mut self, at: usize) {
        self.text.push_str("\"c");
        self.display(&at);
        self.text.push('"');
    }

    /// Adds what row security reads an attribute from: a text, or NULL.
    pub(crate) fn asked(&mut self, attribute: &Attribute) {
        if self.kind == Kind::RowSecurity(Voice::Seat) {
            self.quoted(seat::SCHEMA);
            self.push(".");
            self.quoted(seat::FUNCTION);
            self.push("()");
            return;
        }
        self.push("nullif(current_setting(");
        quote_text(&mut self.text, &attribute.setting());
        self.push(", true), '')");
    }

    /// Notes that rows are inserted into the table.
    pub(crate) fn note_insert(&mut self, table: &Table) {
        self.touching(table.id, |touching| touching.inserts = true);
    }

    /// Notes that rows of the table are deleted.
    pub(crate) fn note_delete(&mut self, table: &Table) {
        self.touching(table.id, |touching| touching.deletes = true);
    }

    /// Notes that the parents' keys are read out of JSON (SQLite).
    pub(crate) fn note_keys(&mut self) {
        self.reads_keys = true;
    }

    fn touching(&mut self, table: TableId, note: impl FnOnce(&mut Touching)) {
        if let Some(known) = self.touches.iter_mut().find(|known| known.table == table) {
            note(known);
            return;
        }
        let mut fresh = Touching { table, reads: Vec::new(), updates: Vec::new(), inserts: false, deletes: false };
        note(&mut fresh);
        self.touches.push(fresh);
    }

    /// Adds a value: a parameter, or in row security the literal of a rule.
    pub(crate) fn value(&mut self, value: &Value, facts: &CatalogColumn, form: Form, from: From<'_>) {
        if self.is_row_security() {
            postgres::literal(self, value, facts, form);
            return;
        }
        let (ty, storage) = (value.ty(), if form.is_computed() { Storage::Native } else { facts.storage });
        let at = self.add_value(Some(value), ty, storage, from);
        self.speech.parameter(self, at + 1, ty, storage, facts, form);
    }

    /// Adds a value without writing it; the answer is its position.
    pub(crate) fn add_value(&mut self, value: Option<&Value>, ty: Type, storage: Storage, from: From<'_>) -> usize {
        let made = |label: Arc<str>| Param::Value { value: value.cloned(), ty, storage, label };
        match from {
            From::Field(facts) => self.add_param(made(Arc::from(facts.name.as_str()))),
            From::Literal(facts) => {
                let same = |param: &Param| {
                    matches!(param, Param::Value { value: held, ty: known, storage: stored, label }
                        if held.as_ref() == value && *known == ty && *stored == storage && **label == *facts.name)
                };
                match self.known(None, same) {
                    Some(at) => at,
                    None => self.share(None, made(Arc::from(facts.name.as_str()))),
                }
            }
            From::Attribute(id, attribute) => {
                let same = |param: &Param| {
                    matches!(param, Param::Value { value: held, ty: known, storage: stored, .. }
                        if held.as_ref() == value && *known == ty && *stored == storage)
                };
                match self.known(Some(id), same) {
                    Some(at) => at,
                    None => self.share(Some(id), made(Arc::from(attribute.path.to_string()))),
                }
            }
            From::Row(facts, slot) => {
                // One parameter a slot, however often the statement speaks of it.
                let known = self.varying.iter().find(|(at, known)| {
                    *known == slot
                        && matches!(self.params.get(*at), Some(Param::Value { storage: stored, .. }) if *stored == storage)
                });
                if let Some((at, _)) = known {
                    return *at;
                }
                self.params.push(made(Arc::from(facts.name.as_str())));
                self.varying.push((self.params.len() - 1, slot));
                self.params.len() - 1
            }
        }
    }

    /// Adds a list of values without writing it; the answer is its position.
    pub(crate) fn add_list(&mut self, values: &[Value], ty: Type, from: From<'_>) -> usize {
        let made = |label: Arc<str>| Param::List { values: values.to_vec(), ty, label };
        match from {
            From::Attribute(id, attribute) => match self.known(Some(id), |param| matches!(param, Param::List { .. })) {
                Some(at) => at,
                None => self.share(Some(id), made(Arc::from(attribute.path.to_string()))),
            },
            From::Field(facts) | From::Literal(facts) | From::Row(facts, _) => {
                self.add_param(made(Arc::from(facts.name.as_str())))
            }
        }
    }

    fn known(&self, from: Option<AttrId>, same: impl Fn(&Param) -> bool) -> Option<usize> {
        let mut shared = self.shared.iter().filter(|(known, _)| *known == from).map(|(_, at)| *at);
        shared.find(|at| self.params.get(*at).is_some_and(&same))
    }

    fn share(&mut self, from: Option<AttrId>, param: Param) -> usize {
        let at = self.add_param(param);
        self.shared.push((from, at));
        at
    }

    /// Adds a parameter that is not a single value; the answer is its position.
    pub(crate) fn add_param(&mut self, param: Param) -> usize {
        self.params.push(param);
        self.params.len() - 1
    }

    /// Adds `?1` or `$1`.
    pub(crate) fn placeholder(&mut self, sign: char, number: usize) {
        self.text.push(sign);
        self.display(&number);
    }

    /// Adds a literal of a rule, as quoted text. Only in row security.
    pub(crate) fn quoted_literal(&mut self, text: &str) {
        if self.is_row_security() {
            quote_text(&mut self.text, text);
        }
    }

    /// Adds a number of a rule. Only in row security.
    pub(crate) fn number_literal(&mut self, number: &(dyn Display + '_)) {
        if self.is_row_security() {
            self.display(number);
        }
    }

    /// Begins a part that a rule put in.
    pub(crate) fn mark(&mut self, rule: &Address) -> Mark {
        let at = self.text.len();
        self.injected.push(Injected { range: at..at, rule: rule.clone() });
        Mark(self.injected.len() - 1)
    }

    /// Ends it.
    pub(crate) fn end_mark(&mut self, mark: &Mark) {
        let end = self.text.len();
        if let Some(injected) = self.injected.get_mut(mark.0) {
            injected.range.end = end;
        }
    }

    /// Describes the next column of the result.
    pub(crate) fn output(&mut self, output: Output) {
        self.output.push(output);
    }

    /// Describes the next column of the result, which holds a yes or no.
    pub(crate) fn output_bool(&mut self, name: &str) {
        let storage = self.speech.bool_storage();
        self.output.push(Output { name: Arc::from(name), ty: Type::Bool, storage, scale: None, show: Show::Hidden });
    }

    /// The columns that an expression reads of other tables than its own.
    pub(crate) fn reads_elsewhere(&self) -> Vec<(TableId, ColumnId)> {
        let own = self.own.map(|own| own.id);
        let others = self.touches.iter().filter(|touching| Some(touching.table) != own);
        others.flat_map(|touching| touching.reads.iter().map(|column| (touching.table, *column))).collect()
    }

    /// The text of an expression.
    pub(crate) fn into_text(self) -> String {
        self.text
    }

    /// The statement.
    pub(crate) fn finish(self) -> Result<Finished, RenderError> {
        let names = |table: &Table, ids: &[ColumnId]| -> Result<Vec<Arc<str>>, RenderError> {
            ids.iter().map(|id| Ok(Arc::from(column(table, *id)?.facts.name.as_str()))).collect()
        };
        let mut touches = Vec::with_capacity(self.touches.len() + 1);
        for touching in &self.touches {
            let table = self.policy.table(touching.table).ok_or(RenderError::Inconsistent("a table"))?;
            touches.push(Touch {
                table: table.db_name.clone(),
                reads: names(table, &touching.reads)?,
                updates: names(table, &touching.updates)?,
                inserts: touching.inserts,
                deletes: touching.deletes,
            });
        }
        if self.reads_keys {
            touches.push(Touch {
                table: Arc::from("json_each"),
                reads: vec![Arc::from("value"), Arc::from("json")],
                updates: Vec::new(),
                inserts: false,
                deletes: false,
            });
        }
        let statement =
            Statement { sql: self.text, params: self.params, injected: self.injected, touches, output: self.output };
        Ok(Finished { statement, varying: self.varying })
    }
}

/// Where a value comes from, for its label and for sharing its parameter.
#[derive(Clone, Copy)]
pub(crate) enum From<'f> {
    /// The caller's filter or key: named after the field it is compared with.
    Field(&'f CatalogColumn),
    /// A rule's literal: named after the column it is compared with.
    Literal(&'f CatalogColumn),
    /// An attribute of the principal.
    Attribute(AttrId, &'f Attribute),
    /// A value that differs by row, by its slot.
    Row(&'f CatalogColumn, usize),
}

/// A column of a table; a query that was decided under this policy names only such.
pub(crate) fn column(table: &Table, id: ColumnId) -> Result<&Column, RenderError> {
    table.column(id).ok_or(RenderError::Inconsistent("a column"))
}

/// A column's type; every column that rules or callers name has one.
pub(crate) fn type_of(facts: &CatalogColumn) -> Result<Type, RenderError> {
    facts.ty.ok_or(RenderError::Inconsistent("a column without a type"))
}

/// Adds a name in double quotes, inner ones doubled: both databases read it back as it was.
pub(crate) fn quote(out: &mut String, name: &str) {
    out.push('"');
    for c in name.chars() {
        if c == '"' {
            out.push('"');
        }
        out.push(c);
    }
    out.push('"');
}

/// Adds a text in single quotes, inner ones doubled. With a backslash in it, PostgreSQL's `E''` form,
/// which means the same whatever `standard_conforming_strings` says.
pub(crate) fn quote_text(out: &mut String, text: &str) {
    let escape = text.contains('\\');
    if escape {
        out.push('E');
    }
    out.push('\'');
    for c in text.chars() {
        if c == '\'' || (escape && c == '\\') {
            out.push(c);
        }
        out.push(c);
    }
    out.push('\'');
}
