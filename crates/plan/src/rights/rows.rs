//! Which rows of a table a right reaches, as far as row security says.

use std::fmt;

use tenantry_policy::object::{Object, Privilege};
use tenantry_source::cluster::{Grantee, RelationKind};

use super::holds::Holds;

/// Which rows a right reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rows {
    /// The thing has no rows, or the right does not concern single ones.
    Whole,
    /// Every row, and why.
    Every(&'static str),
    /// None: row security is on, and no permissive policy is for the role.
    None,
    /// Those that one of the permissive policies shows and every restrictive one leaves.
    By {
        /// The names of the permissive ones.
        shown: Vec<String>,
        /// The names of the restrictive ones.
        narrowed: Vec<String>,
    },
    /// What the owner of a view sees there.
    AsOwner(String),
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rows::Whole => Ok(()),
            Rows::Every(why) => write!(f, "every row ({why})"),
            Rows::None => f.write_str("no row"),
            Rows::By { shown, narrowed } if narrowed.is_empty() => write!(f, "rows by {}", shown.join(" or ")),
            Rows::By { shown, narrowed } => {
                write!(f, "rows by {}, within {}", shown.join(" or "), narrowed.join(" and "))
            }
            Rows::AsOwner(owner) => write!(f, "rows that {owner} sees"),
        }
    }
}

impl<'a> Holds<'a> {
    /// Which rows of a table a role reaches by a right that it holds.
    #[must_use]
    pub fn rows(&self, role: &'a str, privilege: Privilege, object: &Object) -> Rows {
        let command = match privilege {
            Privilege::Select => "SELECT",
            Privilege::Insert => "INSERT",
            Privilege::Update => "UPDATE",
            Privilege::Delete => "DELETE",
            Privilege::Truncate => return Rows::Every("TRUNCATE is not asked of row security"),
            _ => return Rows::Whole,
        };
        let table = object.table_of_column().unwrap_or_else(|| object.clone());
        let Some(relation) = self.snapshot().relation(&table) else { return Rows::Whole };
        let owner = self.snapshot().things.get(&table).map(|thing| thing.owner.to_string()).unwrap_or_default();
        match relation.kind {
            RelationKind::View if !relation.security_invoker => return Rows::AsOwner(owner),
            RelationKind::View => return Rows::Whole,
            RelationKind::Materialized => return Rows::Every("a copy, which has no row security"),
            RelationKind::Foreign => return Rows::Every("a foreign table, which has no row security"),
            RelationKind::Table | RelationKind::Partitioned => {}
        }
        if !relation.row_security {
            return Rows::Every("row security is off");
        }
        if self.skips_row_security(role) {
            return Rows::Every(if self.is_superuser(role) { "superuser" } else { "BYPASSRLS" });
        }
        let inherited = self.inherited(role);
        if !relation.forced && inherited.contains_key(owner.as_str()) {
            return Rows::Every("the owner, on whom row security is not forced");
        }
        let (mut shown, mut narrowed) = (Vec::new(), Vec::new());
        let all = self
            .snapshot()
            .policies
            .iter()
            .filter(|((on, _), policy)| *on == table && (policy.command == "ALL" || policy.command == command));
        for ((_, name), policy) in all {
            let concerns = policy.roles.iter().any(|to| match to {
                Grantee::Public => true,
                Grantee::Role(to) => inherited.contains_key(to.as_ref()),
            });
            if concerns {
                (if policy.permissive { &mut shown } else { &mut narrowed }).push(name.to_string());
            }
        }
        if shown.is_empty() { Rows::None } else { Rows::By { shown, narrowed } }
    }
}
