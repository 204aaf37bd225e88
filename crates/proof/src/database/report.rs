//! What is told of a database that nobody governs with Tenantry.

use tenantry_policy::{Op, Value};

use crate::obligation::Promise;

/// What a person says of the database beforehand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// `[TABLE.]COLUMN=SETTING`: whose rows are.
    pub tenants: Vec<String>,
    /// `TABLE` or `TABLE=CONDITION`: rows that everybody may read.
    pub shared: Vec<String>,
    /// Conditions on the session under which it may do anything.
    pub bypasses: Vec<String>,
    /// Roles that may do anything, and functions (`schema.name()`) that somebody has read.
    pub trusted: Vec<String>,
    /// Only this table, or view.
    pub table: Option<String>,
}

impl Said {
    /// Has somebody read this function?
    pub(crate) fn vouched(&self, schema: &str, name: &str) -> bool {
        let full = [schema, ".", name, "()"].concat();
        let short = (schema == "public").then(|| [name, "()"].concat());
        self.trusted.iter().any(|one| *one == full || Some(one) == short.as_ref())
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// Every finding, by table.
    pub findings: Vec<Finding>,
    /// What was taken as given: whose rows are, who may set what.
    pub assumptions: Vec<String>,
}

impl Judged {
    /// Those that are broken.
    pub fn leaks(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|one| matches!(one.verdict, Verdict::Leaks(_)))
    }

    /// Those that are open.
    pub fn open(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|one| matches!(one.verdict, Verdict::NotUnderstood(_)))
    }
}

/// One thing asked, and its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The table, view or function.
    pub relation: String,
    /// Which promise.
    pub promise: Promise,
    /// For which operation, where it differs.
    pub op: Option<Op>,
    /// The roles that it is about.
    pub roles: Vec<String>,
    /// The answer.
    pub verdict: Verdict,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// No principal and no rows break it.
    Proved,
    /// These do.
    Leaks(Box<Leak>),
    /// Nobody's rows are shown, but something tells of them, or fails.
    Warns(String),
    /// Something in the way was not understood: it may be safe or not.
    NotUnderstood(String),
}

impl Verdict {
    /// The word for it in reports.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Verdict::Proved => "proved",
            Verdict::Leaks(_) => "leaks",
            Verdict::Warns(_) => "warns",
            Verdict::NotUnderstood(_) => "not-understood",
        }
    }
}

/// Who and which rows break a promise.
#[derive(Debug, Clone, PartialEq)]
pub struct Leak {
    /// The database role.
    pub role: String,
    /// Who logged in, where that was another one, who became the role since.
    pub login: Option<String>,
    /// The settings of its session; one that is not listed is not set.
    pub settings: Vec<(String, String)>,
    /// The rows, the one in question first.
    pub rows: Vec<LeakRow>,
    /// What lets it: names of policies, or why none holds.
    pub by: Vec<String>,
    /// What would mend it.
    pub fix: String,
    /// Was it seen on the real database?
    pub replay: Replay,
    /// Through what.
    pub through: Through,
    /// Has nobody the privilege yet, so that the role is one that would be given it?
    pub unheld: bool,
}

/// What rows are reached through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Through {
    /// The table itself.
    Table,
    /// A view, by schema and name.
    View(String, String),
    /// A materialized view.
    Frozen,
    /// A function.
    Function,
    /// A privilege that row security does not hold.
    Privilege,
}

/// A row of a leak.
#[derive(Debug, Clone, PartialEq)]
pub struct LeakRow {
    /// What it is in the question: `row`, `new row`.
    pub role: String,
    /// Its table's schema and name.
    pub schema: String,
    /// Its table's name.
    pub table: String,
    /// Columns that matter; NULL is `None`.
    pub cells: Vec<(String, Option<Value>)>,
    /// Is it in the table before the act?
    pub stored: bool,
}

/// Where a leak was replayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replay {
    /// In the evaluator alone, with the reason why not on the database.
    Evaluator(String),
    /// On the real database, in a transaction that was rolled back.
    Database,
}
