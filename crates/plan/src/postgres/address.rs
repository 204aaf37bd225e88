//! Addresses of what stands in a database, and back: `source.main.role.app.grants."public.orders"`.
//!
//! An address says all that is needed to find the thing, so what the state keeps can be removed although the file
//! does not name it any more.

use tenantry_policy::object::{Future, Object};

/// What an address of a source means.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// `role.app`
    Role(String),
    /// `role.app.member_of.readers`
    Member {
        /// The role that is in the other.
        member: String,
        /// The other.
        role: String,
    },
    /// `role.app.grants."public.orders"`, `public.grants."schema public"`
    Grants {
        /// `None` for everybody.
        to: Option<String>,
        /// On what; columns stand with their table.
        on: Object,
    },
    /// `role.app.default_privileges."tables in schema public by migrator"`
    Default {
        /// `None` for everybody.
        to: Option<String>,
        /// On what will be made.
        future: Future,
    },
    /// `seats`: what SQL seats rest on.
    Seats,
    /// `role.ann.tenant`: whose a seat is.
    Seat(String),
    /// `owner."public.orders"`
    Owner(Object),
    /// `database.app`
    Database(String),
    /// `schema.sales`
    Schema(String),
    /// `extension.pgcrypto`
    Extension(String),
    /// `row_security."public.orders"`
    RowSecurity(Object),
    /// `row_security."public.orders".policy."tenantry:scope"`
    Policy {
        /// The table.
        table: Object,
        /// The policy's name.
        name: String,
    },
}

impl Place {
    /// The address in a source.
    pub(super) fn address(&self, source: &str) -> String {
        let mut parts = vec!["source".to_owned(), segment(source)];
        let of = |to: &Option<String>| match to {
            Some(role) => vec!["role".to_owned(), segment(role)],
            None => vec!["public".to_owned()],
        };
        match self {
            Place::Role(name) => parts.extend(["role".to_owned(), segment(name)]),
            Place::Member { member, role } => {
                parts.extend(["role".to_owned(), segment(member), "member_of".to_owned(), segment(role)]);
            }
            Place::Grants { to, on } => {
                parts.extend(of(to));
                parts.extend(["grants".to_owned(), quoted(&on.to_string())]);
            }
            Place::Default { to, future } => {
                parts.extend(of(to));
                parts.extend(["default_privileges".to_owned(), quoted(&future.to_string())]);
            }
            Place::Seats => parts.push("seats".to_owned()),
            Place::Seat(name) => parts.extend(["role".to_owned(), segment(name), "tenant".to_owned()]),
            Place::Owner(object) => parts.extend(["owner".to_owned(), quoted(&object.to_string())]),
            Place::Database(name) => parts.extend(["database".to_owned(), segment(name)]),
            Place::Schema(name) => parts.extend(["schema".to_owned(), segment(name)]),
            Place::Extension(name) => parts.extend(["extension".to_owned(), segment(name)]),
            Place::RowSecurity(table) => parts.extend(["row_security".to_owned(), quoted(&table.to_string())]),
            Place::Policy { table, name } => parts.extend([
                "row_security".to_owned(),
                quoted(&table.to_string()),
                "policy".to_owned(),
                segment(name),
            ]),
        }
        parts.join(".")
    }

    /// What an address means; `None` for one of another source, or of something else.
    pub(super) fn of(address: &str, source: &str) -> Option<Place> {
        let parts = segments(address)?;
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let ["source", name, rest @ ..] = parts.as_slice() else { return None };
        if *name != source {
            return None;
        }
        let object = |text: &str| Object::parse(text).ok();
        Some(match rest {
            ["role", name] => Place::Role((*name).to_owned()),
            ["seats"] => Place::Seats,
            ["role", name, "tenant"] => Place::Seat((*name).to_owned()),
            ["role", member, "member_of", role] => {
                Place::Member { member: (*member).to_owned(), role: (*role).to_owned() }
            }
            ["role", to, "grants", on] => Place::Grants { to: Some((*to).to_owned()), on: object(on)? },
            ["public", "grants", on] => Place::Grants { to: None, on: object(on)? },
            ["role", to, "default_privileges", future] => {
                Place::Default { to: Some((*to).to_owned()), future: Future::parse(future).ok()? }
            }
            ["public", "default_privileges", future] => {
                Place::Default { to: None, future: Future::parse(future).ok()? }
            }
            ["owner", on] => Place::Owner(object(on)?),
            ["database", name] => Place::Database((*name).to_owned()),
            ["schema", name] => Place::Schema((*name).to_owned()),
            ["extension", name] => Place::Extension((*name).to_owned()),
            ["row_security", table] => Place::RowSecurity(object(table)?),
            ["row_security", table, "policy", name] => {
                Place::Policy { table: object(table)?, name: (*name).to_owned() }
            }
            _ => return None,
        })
    }
}

fn segment(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !name.is_empty() && name.chars().all(plain) { name.to_owned() } else { quoted(name) }
}

fn quoted(name: &str) -> String {
    ["\"", &name.replace('"', "\"\""), "\""].concat()
}

fn segments(address: &str) -> Option<Vec<String>> {
    let mut out = Vec::new();
    let mut chars = address.chars().peekable();
    loop {
        let mut part = String::new();
        if chars.next_if_eq(&'"').is_some() {
            loop {
                match chars.next()? {
                    '"' if chars.next_if_eq(&'"').is_some() => part.push('"'),
                    '"' => break,
                    c => part.push(c),
                }
            }
        } else {
            while let Some(c) = chars.next_if(|c| *c != '.') {
                part.push(c);
            }
        }
        out.push(part);
        match chars.next() {
            None => return Some(out),
            Some('.') => {}
            Some(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lead_back() {
        let object = |text: &str| Object::parse(text).unwrap();
        for place in [
            Place::Role("app".to_owned()),
            Place::Role("a.b \"c\"".to_owned()),
            Place::Member { member: "Ü".to_owned(), role: "b".to_owned() },
            Place::Grants { to: Some("app".to_owned()), on: object("\"my schema\".\"a.b\"\"c\"") },
            Place::Grants { to: None, on: object("function public.f(integer, text[])") },
            Place::Default {
                to: Some("x".to_owned()),
                future: Future::parse("tables in schema s by \"o w\"").unwrap(),
            },
            Place::Seats,
            Place::Seat("a.b \"c\"".to_owned()),
            Place::Owner(object("large object 5")),
            Place::Database("d".to_owned()),
            Place::Schema("s".to_owned()),
            Place::Extension("uuid-ossp".to_owned()),
            Place::RowSecurity(object("public.orders")),
            Place::Policy { table: object("public.orders"), name: "tenantry:scope".to_owned() },
        ] {
            let address = place.address("main");
            assert_eq!(Place::of(&address, "main"), Some(place), "{address}");
            assert_eq!(Place::of(&address, "other"), None);
        }
        let orders = Place::Grants { to: Some("app".to_owned()), on: object("public.orders") };
        assert_eq!(orders.address("main"), "source.main.role.app.grants.\"public.orders\"");
    }
}
