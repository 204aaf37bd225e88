//! Changes of what the store keeps: statements that happen together or not at all.
//!
//! Each resource's file adds its own acts to [`Batch`], so an operation composes them without knowing
//! SQL: `batch.insert_account(&account); batch.insert_member(…); store.commit(batch).await?`.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::Write as _;

use crate::backend::Param;
use crate::{Store, StoreError};

/// One statement of a batch.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) sql: Cow<'static, str>,
    pub(crate) params: Vec<Param>,
    /// It must touch so many rows at least, or the whole batch is undone.
    pub(crate) least: u64,
}

/// Whose rights a change concerns. Tokens that were made for it before are refused afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Subject {
    /// A user, wherever.
    User(String),
    /// A user in one account.
    Member {
        /// The account's id.
        account: String,
        /// The user's id.
        user: String,
    },
    /// Everybody in an account.
    Account(String),
    /// Everybody in a workspace.
    Workspace(String),
    /// Everybody who holds a role.
    Role(String),
    /// A client acting for itself or for users.
    Client(String),
    /// Everybody who may use an API, by its identifier.
    Api(String),
    /// One token, by its `jti`.
    Token(String),
    /// The keys that sign tokens. No token is refused for it: servers read the keys anew.
    SigningKeys,
}

impl Subject {
    /// The kind and the name, as stored.
    #[must_use]
    pub fn parts(&self) -> (&'static str, Cow<'_, str>) {
        match self {
            Subject::User(id) => ("user", Cow::Borrowed(id)),
            Subject::Member { account, user } => ("member", Cow::Owned([account, "/", user].concat())),
            Subject::Account(id) => ("account", Cow::Borrowed(id)),
            Subject::Workspace(id) => ("workspace", Cow::Borrowed(id)),
            Subject::Role(id) => ("role", Cow::Borrowed(id)),
            Subject::Client(id) => ("client", Cow::Borrowed(id)),
            Subject::Api(id) => ("api", Cow::Borrowed(id)),
            Subject::Token(id) => ("token", Cow::Borrowed(id)),
            Subject::SigningKeys => ("signing_keys", Cow::Borrowed("")),
        }
    }

    /// What [`Subject::parts`] took apart; `None` for a kind that a newer Tenantry wrote.
    #[must_use]
    pub fn parse(kind: &str, name: &str) -> Option<Subject> {
        let owned = || name.to_owned();
        Some(match kind {
            "user" => Subject::User(owned()),
            "member" => {
                let (account, user) = name.split_once('/')?;
                Subject::Member { account: account.to_owned(), user: user.to_owned() }
            }
            "account" => Subject::Account(owned()),
            "workspace" => Subject::Workspace(owned()),
            "role" => Subject::Role(owned()),
            "client" => Subject::Client(owned()),
            "api" => Subject::Api(owned()),
            "token" => Subject::Token(owned()),
            "signing_keys" => Subject::SigningKeys,
            _ => return None,
        })
    }
}

/// Statements for one transaction, in order, and whose rights they change.
#[derive(Debug)]
pub struct Batch {
    pub(crate) statements: Vec<Statement>,
    pub(crate) affected: Vec<Subject>,
    /// The same, to know them again.
    known: HashSet<Subject>,
    /// By how much the totals of long tables change.
    totals: Vec<(&'static str, i64)>,
    pub(crate) notes_only: bool,
    /// When, in microseconds since 1970 UTC.
    pub(crate) now: i64,
}

/// The place of an act in a batch, by which [`BatchError`] names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(pub(crate) usize);

impl Batch {
    /// An empty batch at a time (microseconds since 1970 UTC).
    #[must_use]
    pub fn new(now: i64) -> Batch {
        Batch {
            statements: Vec::new(),
            affected: Vec::new(),
            known: HashSet::new(),
            totals: Vec::new(),
            notes_only: false,
            now,
        }
    }

    /// The place of the next act: what is added from now on stands there and after it.
    #[must_use]
    pub fn next(&self) -> Place {
        Place(self.statements.len())
    }

    /// Adds a statement that may touch any number of rows.
    pub(crate) fn run(&mut self, sql: impl Into<Cow<'static, str>>, params: Vec<Param>) -> Place {
        self.statements.push(Statement { sql: sql.into(), params, least: 0 });
        Place(self.statements.len() - 1)
    }

    /// Adds a statement that must touch a row: [`BatchError::Untouched`] names its place otherwise.
    pub(crate) fn must(&mut self, sql: impl Into<Cow<'static, str>>, params: Vec<Param>) -> Place {
        self.statements.push(Statement { sql: sql.into(), params, least: 1 });
        Place(self.statements.len() - 1)
    }

    /// Adds a statement that must touch so many rows: [`BatchError::Untouched`] names its place otherwise.
    pub(crate) fn must_all(&mut self, sql: impl Into<Cow<'static, str>>, params: Vec<Param>, least: usize) -> Place {
        self.statements.push(Statement { sql: sql.into(), params, least: u64::try_from(least).unwrap_or(u64::MAX) });
        Place(self.statements.len() - 1)
    }

    /// Notes that a long table becomes longer or shorter. All of it is written at the end of the batch: every
    /// other batch that counts the same table waits from then on.
    pub(crate) fn count(&mut self, table: &'static str, by: i64) {
        match self.totals.iter_mut().find(|(known, _)| *known == table) {
            Some((_, sum)) => *sum += by,
            None => self.totals.push((table, by)),
        }
    }

    /// Notes that somebody's rights change.
    pub fn affects(&mut self, subject: Subject) {
        if self.known.insert(subject.clone()) {
            self.affected.push(subject);
        }
    }

    /// Says that nothing which servers keep in memory (clients, APIs, grants, settings) changes by it: log
    /// events, attempts, tokens given. Without it, what is kept in memory is read again.
    pub fn notes_only(&mut self) {
        self.notes_only = true;
    }

    /// Nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.statements.is_empty() && self.affected.is_empty()
    }
}

/// Why a batch did not happen. Nothing of it was written, unless the store did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The act at this place found no row.
    #[error("act {} of the batch found nothing to change", .0.0)]
    Untouched(Place),
    /// The act at this place would make a second row with a unique key.
    #[error("act {} of the batch would make something twice", .0.0)]
    Duplicate(Place),
    /// The act at this place refers to a row that does not exist.
    #[error("act {} of the batch refers to something that does not exist", .0.0)]
    Dangling(Place),
    /// The store's own trouble.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Changes of one statement. There are two texts for the database to know: this many, and one.
const CHANGES: usize = 50;

/// The statements that note changes of rights, each with the next number in their order. Changes take turns, so that
/// a number is seen by everybody before a later one is given.
pub(crate) fn change_inserts(now: i64, affected: &[Subject]) -> Vec<(String, Vec<Param>)> {
    let mut statements = Vec::new();
    let mut rest = affected;
    while !rest.is_empty() {
        let (some, later) = rest.split_at_checked(CHANGES).unwrap_or_else(|| rest.split_at(1));
        rest = later;
        let mut sql = "INSERT INTO tenantry_change (seq, time_micros, kind, subject) \
            SELECT last.seq + new.column1, $1, new.column2, new.column3 \
            FROM (SELECT coalesce(max(seq), 0) AS seq FROM tenantry_change) AS last, (VALUES "
            .to_owned();
        let mut params = vec![Param::int(now)];
        for (number, subject) in (1_usize..).zip(some) {
            let (kind, name) = subject.parts();
            // Writing to a text cannot fail.
            let _ =
                write!(sql, "{}({number}, ${}, ${})", if number == 1 { "" } else { ", " }, number * 2, number * 2 + 1);
            params.extend([Param::text(kind), Param::text(&name)]);
        }
        sql.push_str(") AS new");
        statements.push((sql, params));
    }
    statements
}

impl Store {
    /// A batch at the present time.
    #[must_use]
    pub fn batch(&self) -> Batch {
        Batch::new(self.clock.now_micros())
    }

    /// Runs a batch in one transaction; answers how many rows each act touched, by its place.
    ///
    /// # Errors
    /// [`BatchError`]; nothing was written then, unless the store did not answer.
    pub async fn commit(&self, mut batch: Batch) -> Result<Vec<u64>, BatchError> {
        for (table, by) in std::mem::take(&mut batch.totals) {
            batch.run(
                "UPDATE tenantry_total SET count = count + $1 WHERE name = $2",
                vec![Param::int(by), Param::text(table)],
            );
        }
        let (affects, notes_only) = (!batch.affected.is_empty(), batch.notes_only);
        let done = self.backend.change(batch).await;
        if !notes_only {
            self.epochs.wrote();
        }
        // Also after a failure: a commit whose answer was lost may have happened.
        if affects && let Err(error) = self.look_for_changes().await {
            tracing::warn!(%error, "a change of rights is seen here only at the next look");
        }
        done
    }
}
