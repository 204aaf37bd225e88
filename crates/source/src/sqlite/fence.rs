//! SQLite's own refusal, independent of the compiled predicates: the authorizer.
//!
//! INVARIANT: outside [`Fence::open`] the authorizer denies everything. A statement that was not
//! prepared under the list of what it may touch therefore cannot run: a cached one was prepared so
//! for the same text, and SQLite asks again when a changed schema makes it prepare anew, and is
//! denied. The one statement that SQLite prepares without asking, VACUUM, fails when it runs: its own
//! ATTACH meets the closed fence.

use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization, TransactionOperation};
use tenantry_sql::program::Touch;

/// The functions that the renderer uses. All are pure but `strftime`, which is only given columns;
/// none reads a file or the schema, and none makes large values from small ones.
const FUNCTIONS: [&str; 16] = [
    "abs",
    "avg",
    "coalesce",
    "count",
    "ifnull",
    "instr",
    "json_extract",
    "length",
    "max",
    "min",
    "nullif",
    "round",
    "row_number",
    "strftime",
    "substr",
    "sum",
];

/// What the next preparation may do.
#[derive(Debug, Default)]
enum Grant {
    /// Nothing at all.
    #[default]
    Nothing,
    /// Begin, commit, roll back.
    Transaction,
    /// What a program's statement touches, and what the database does by itself because of it.
    Statement { touches: Vec<Touch>, effects: Arc<[Effect]> },
    /// One of our own probes: what is asked for is allowed and written down.
    Probe(Vec<Effect>),
}

/// Something that the database's own schema makes a write do: keys and triggers of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Effect {
    /// The trigger whose text asks for it; `None` for foreign keys.
    accessor: Option<String>,
    action: Action,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Action {
    Select,
    Function(String),
    Read(String, String),
    Insert(String),
    Update(String, String),
    Delete(String),
}

/// The key to one connection's authorizer.
#[derive(Debug, Clone, Default)]
pub(super) struct Fence(Arc<Mutex<Grant>>);

impl Fence {
    /// Puts the fence up. Everything is denied from here on.
    pub(super) fn put_up(&self, connection: &mut rusqlite::Connection) -> rusqlite::Result<()> {
        let grant = Arc::clone(&self.0);
        connection.authorizer(Some(move |context: AuthContext<'_>| {
            if grant.lock().allows(&context) {
                return Authorization::Allow;
            }
            // Names of the schema only: a statement's values are parameters.
            tracing::debug!(action = ?context.action, accessor = ?context.accessor, "the authorizer refused");
            Authorization::Deny
        }))
    }

    /// Runs `prepare` while a program's statement may be prepared.
    pub(super) fn for_statement<T>(&self, touches: &[Touch], effects: Arc<[Effect]>, prepare: impl FnOnce() -> T) -> T {
        self.open(Grant::Statement { touches: touches.to_vec(), effects }, prepare).0
    }

    /// Runs `prepare` while transactions may be begun and ended.
    pub(super) fn for_transaction<T>(&self, prepare: impl FnOnce() -> T) -> T {
        self.open(Grant::Transaction, prepare).0
    }

    /// Runs `prepare` while our own probe may be prepared; answers what it asked for.
    pub(super) fn for_probe<T>(&self, prepare: impl FnOnce() -> T) -> (T, Vec<Effect>) {
        match self.open(Grant::Probe(Vec::new()), prepare) {
            (result, Grant::Probe(effects)) => (result, effects),
            (result, _) => (result, Vec::new()),
        }
    }

    fn open<T>(&self, grant: Grant, prepare: impl FnOnce() -> T) -> (T, Grant) {
        *self.0.lock() = grant;
        let result = prepare();
        (result, std::mem::take(&mut *self.0.lock()))
    }
}

impl Grant {
    fn allows(&mut self, context: &AuthContext<'_>) -> bool {
        match self {
            Grant::Nothing => false,
            Grant::Transaction => {
                matches!(
                    context.action,
                    AuthAction::Transaction { operation: TransactionOperation::Begin | TransactionOperation::Rollback }
                ) || is_commit(&context.action)
            }
            Grant::Statement { touches, effects } => {
                let Some(action) = governed(context) else { return false };
                named(touches, &action)
                    || effects
                        .iter()
                        .any(|effect| effect.accessor.as_deref() == context.accessor && action.is(&effect.action))
            }
            Grant::Probe(effects) => {
                let Some(action) = governed(context) else { return false };
                let effect = Effect { accessor: context.accessor.map(str::to_owned), action: action.to_owned() };
                if !effects.contains(&effect) {
                    effects.push(effect);
                }
                true
            }
        }
    }
}

/// rusqlite has no name for COMMIT; SQLite's text for it is all that tells.
fn is_commit(action: &AuthAction<'_>) -> bool {
    matches!(action, AuthAction::Transaction { operation: TransactionOperation::Unknown })
}

/// The few actions that a program may ask for at all, borrowed.
#[derive(Clone, Copy)]
enum Asked<'a> {
    Select,
    Function(&'a str),
    Read(&'a str, &'a str),
    Insert(&'a str),
    Update(&'a str, &'a str),
    Delete(&'a str),
}

impl Asked<'_> {
    fn to_owned(self) -> Action {
        match self {
            Asked::Select => Action::Select,
            Asked::Function(name) => Action::Function(name.to_owned()),
            Asked::Read(table, column) => Action::Read(table.to_owned(), column.to_owned()),
            Asked::Insert(table) => Action::Insert(table.to_owned()),
            Asked::Update(table, column) => Action::Update(table.to_owned(), column.to_owned()),
            Asked::Delete(table) => Action::Delete(table.to_owned()),
        }
    }

    fn is(self, action: &Action) -> bool {
        match (self, action) {
            (Asked::Select, Action::Select) => true,
            (Asked::Function(a), Action::Function(b))
            | (Asked::Insert(a), Action::Insert(b))
            | (Asked::Delete(a), Action::Delete(b)) => a == b,
            (Asked::Read(a, x), Action::Read(b, y)) | (Asked::Update(a, x), Action::Update(b, y)) => a == b && x == y,
            _ => false,
        }
    }
}

/// The action, when it is of a kind that a program may ask for and is about neither another
/// database nor the schema.
fn governed<'a>(context: &AuthContext<'a>) -> Option<Asked<'a>> {
    if !matches!(context.database_name, None | Some("main")) {
        return None;
    }
    let (asked, table) = match context.action {
        AuthAction::Select => (Asked::Select, ""),
        AuthAction::Function { function_name } => (Asked::Function(function_name), ""),
        AuthAction::Read { table_name, column_name } => (Asked::Read(table_name, column_name), table_name),
        AuthAction::Insert { table_name } => (Asked::Insert(table_name), table_name),
        AuthAction::Update { table_name, column_name } => (Asked::Update(table_name, column_name), table_name),
        AuthAction::Delete { table_name } => (Asked::Delete(table_name), table_name),
        _ => return None,
    };
    let schema = table.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("sqlite_"));
    (!schema).then_some(asked)
}

/// Does the statement's own list name it?
fn named(touches: &[Touch], asked: &Asked<'_>) -> bool {
    let touch =
        |table: &str, fits: &dyn Fn(&Touch) -> bool| touches.iter().any(|touch| &*touch.table == table && fits(touch));
    match *asked {
        Asked::Select => true,
        Asked::Function(name) => FUNCTIONS.iter().any(|known| known.eq_ignore_ascii_case(name)),
        // A table of which no column is used, as in `count(*)`, is read with an empty column.
        Asked::Read(table, column) => {
            touch(table, &|touch| column.is_empty() || touch.reads.iter().any(|read| &**read == column))
        }
        Asked::Insert(table) => touch(table, &|touch| touch.inserts),
        Asked::Update(table, column) => touch(table, &|touch| touch.updates.iter().any(|name| &**name == column)),
        Asked::Delete(table) => touch(table, &|touch| touch.deletes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_of_the_renderer_is_let_through() {
        for function in tenantry_sql::SQLITE_FUNCTIONS {
            assert!(FUNCTIONS.contains(function), "{function}");
        }
    }
}
