//! What in a PostgreSQL cluster lets somebody past the rules, or may one day: findings with stable codes, from one
//! snapshot. A finding about what the file declares or governs is refused unless the file waives it by name,
//! with a reason and an end; what stands outside is told and left alone.
//!
//! One file per thing that is looked at; [`RULES`] says what each code means.

mod functions;
mod public;
mod roles;
mod rules;
mod runtime;
mod seats;
mod tables;
mod views;

use std::collections::BTreeMap;

use serde::Serialize;
use tenantry_file::Loaded;
use tenantry_policy::Policy;
use tenantry_policy::object::{Object, quote_name};
use tenantry_source::cluster::Snapshot;

use crate::rights::Holds;
use crate::waive::Waivers;

pub(crate) use roles::{CREATEROLE_IS_BOUNDED, SERVER_ROLES};
pub use rules::{RULES, Rule, explain};
pub(crate) use tables::MANY_GRANTEES;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Not applied, unless the file waives it.
    Refused,
    /// To be looked at.
    Warned,
    /// Outside of what the file declares: told, so that nobody believes it is not there.
    Noted,
}

impl Level {
    /// The word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Level::Refused => "refused",
            Level::Warned => "warned",
            Level::Noted => "noted",
        }
    }
}

/// Something that the lint found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lint {
    /// The stable code; [`RULES`] explains it.
    pub code: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What it is about: `source.main.role.app`, `table.orders`, `source.main."public.orders_view"`.
    pub address: String,
    /// What was found.
    pub what: String,
    /// What to do about it.
    pub fix: String,
    /// Where the thing stands in the file.
    pub place: Option<String>,
    /// The waiver's reason and end, when the file accepts it.
    pub waived: Option<String>,
}

impl Lint {
    /// Does it keep the file from being applied?
    #[must_use]
    pub fn refuses(&self) -> bool {
        self.level == Level::Refused && self.waived.is_none()
    }
}

/// What the lint looks at.
pub(crate) struct Ground<'a> {
    pub(crate) holds: Holds<'a>,
    loaded: &'a Loaded,
    source: &'a str,
    /// The role that the running server connects as.
    pub(crate) runtime: &'a str,
    /// Governed tables, with their names in the file.
    pub(crate) governed: BTreeMap<Object, String>,
}

impl<'a> Ground<'a> {
    pub(crate) fn snapshot(&self) -> &'a Snapshot {
        self.holds.snapshot()
    }

    /// Does the file declare a role, as managed or adopted?
    pub(crate) fn declares(&self, role: &str) -> bool {
        self.declared(role).is_some_and(|role| role.mode != tenantry_file::model::DbRoleMode::External)
    }

    pub(crate) fn declared(&self, role: &str) -> Option<&'a tenantry_file::model::DbRole> {
        let sources = &self.loaded.document().source;
        sources.iter().find(|(name, _)| name.as_str() == self.source)?.1.role.get(role)
    }

    /// Is a role trusted with everything here: a superuser, or the one who applies?
    pub(crate) fn is_trusted(&self, role: &str) -> bool {
        self.holds.is_superuser(role) || self.snapshot().server.user.as_ref() == role
    }

    /// The level of a finding about a role.
    pub(crate) fn about(&self, role: &str) -> Level {
        if self.declares(role) || role == self.runtime { Level::Refused } else { Level::Noted }
    }

    pub(crate) fn role(&self, code: &'static str, level: Level, role: &str, what: String, fix: &str) -> Lint {
        let address = format!("source.{}.role.{}", self.source, quote_name(role));
        let place = self.loaded.located(&["source", self.source, "role", role]);
        Lint { code, level, address, what, fix: fix.to_owned(), place, waived: None }
    }

    pub(crate) fn object(&self, code: &'static str, level: Level, object: &Object, what: String, fix: &str) -> Lint {
        let (address, place) = match self.governed.get(object) {
            Some(table) => (["table.", table].concat(), self.loaded.located(&["table", table])),
            None => (format!("source.{}.\"{object}\"", self.source), None),
        };
        Lint { code, level, address, what, fix: fix.to_owned(), place, waived: None }
    }
}

/// Everything that is found in a source's cluster. `now` is in microseconds since 1970 UTC, for waivers.
#[must_use]
pub fn lint(snapshot: &Snapshot, loaded: &Loaded, policy: &Policy, source: &str, runtime: &str, now: i64) -> Vec<Lint> {
    let governed = policy
        .tables
        .iter()
        .filter(|table| table.source.as_ref() == source)
        .map(|table| {
            let object = Object::Table { schema: table.schema.to_string(), name: table.db_name.to_string() };
            (object, table.name.to_string())
        })
        .collect();
    let ground = Ground { holds: Holds::new(snapshot), loaded, source, runtime, governed };
    let mut found = Vec::new();
    for look in [roles::look, runtime::look, tables::look, views::look, functions::look, public::look] {
        look(&ground, &mut found);
    }
    tables::slow(&ground, policy, &mut found);
    seats::look(&ground, policy, &mut found);
    let waivers = Waivers::of(loaded, now);
    for one in &mut found {
        one.waived = waivers.of_danger(&one.address, one.code);
    }
    found.sort_by(|a, b| (a.level, &a.address, a.code, &a.what).cmp(&(b.level, &b.address, b.code, &b.what)));
    found
}
