//! Roles, rights, owners and row security as statements. Pure: what is wanted comes in, text goes out.
//!
//! A [`Statement`] grows by words of this program, by names and texts that the one quoting function puts in, and
//! by the expressions of hand-written policies, which loading has checked to end where they should.

mod policy;
mod rights;
mod role;
pub mod scram;
pub mod seats;
mod things;

use std::fmt;

use tenantry_policy::object::{Object, TypeName};

use crate::builder::{quote, quote_text};

pub use policy::{
    PolicyText, alter_policy, create_policy, drop_policy, mark_of, mark_policy, set_row_security, source_mark,
};
pub use rights::{act_as, act_as_oneself, default_grant, default_revoke, grant, revoke, revoke_option};
pub use role::{
    Attributes, Options, alter_role, comment_on_role, create_role, drop_role, grant_role, is_list, list_of,
    revoke_admin, revoke_role, set_for_database, set_for_role,
};
pub use things::{
    create_database, create_extension, create_schema, drop_extension, drop_schema, limit_database, move_extension,
    owner_to, update_extension,
};

/// A statement for the owner's connection.
#[derive(Clone, PartialEq, Eq)]
pub struct Statement {
    text: String,
    /// Where a verifier stands in it.
    hidden: Option<(usize, usize)>,
}

impl Statement {
    /// For the database alone: a password's verifier may stand in it.
    #[must_use]
    pub fn sql(&self) -> &str {
        &self.text
    }
}

/// For people: without a verifier.
impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.hidden {
            None => f.write_str(&self.text),
            Some((from, to)) => {
                f.write_str(self.text.get(..from).unwrap_or_default())?;
                f.write_str("'…'")?;
                f.write_str(self.text.get(to..).unwrap_or_default())
            }
        }
    }
}

impl fmt::Debug for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Statement({self})")
    }
}

/// Who holds something: a role, or everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder<'a> {
    /// PUBLIC
    Everybody,
    /// A role.
    Role(&'a str),
}

/// A statement that grows.
struct Draft {
    text: String,
    hidden: Option<(usize, usize)>,
}

impl Draft {
    fn new(word: &'static str) -> Draft {
        Draft { text: word.to_owned(), hidden: None }
    }

    fn push(&mut self, word: &'static str) -> &mut Draft {
        self.text.push_str(word);
        self
    }

    /// A name of the database's.
    fn name(&mut self, name: &str) -> &mut Draft {
        quote(&mut self.text, name);
        self
    }

    fn pair(&mut self, schema: &str, name: &str) -> &mut Draft {
        self.name(schema).push(".").name(name)
    }

    /// A name with dots between its parts: a setting.
    fn dotted(&mut self, name: &str) -> &mut Draft {
        for (at, part) in name.split('.').enumerate() {
            if at > 0 {
                self.push(".");
            }
            self.name(part);
        }
        self
    }

    /// A text in quotes.
    fn literal(&mut self, text: &str) -> &mut Draft {
        quote_text(&mut self.text, text);
        self
    }

    fn number(&mut self, number: i64) -> &mut Draft {
        self.text.push_str(&number.to_string());
        self
    }

    /// A verifier, which people are not shown.
    fn verifier(&mut self, verifier: &scram::Verifier) -> &mut Draft {
        let from = self.text.len();
        quote_text(&mut self.text, verifier.text());
        self.hidden = Some((from, self.text.len()));
        self
    }

    /// An expression between parentheses. INVARIANT: loading has checked that its parentheses and quotes are even
    /// and that it holds no comment, so that ours is the one that ends it.
    fn expression(&mut self, text: &str) -> &mut Draft {
        self.text.push('(');
        self.text.push_str(text);
        self.text.push(')');
        self
    }

    fn type_name(&mut self, name: &TypeName) -> &mut Draft {
        self.pair(&name.schema, &name.name);
        self.push(if name.array { "[]" } else { "" })
    }

    fn holder(&mut self, holder: Holder<'_>) -> &mut Draft {
        match holder {
            Holder::Everybody => self.push("PUBLIC"),
            Holder::Role(name) => self.name(name),
        }
    }

    /// A thing as GRANT names it.
    fn object(&mut self, object: &Object) -> &mut Draft {
        match object {
            Object::Database(name) => self.push("DATABASE ").name(name),
            Object::Schema(name) => self.push("SCHEMA ").name(name),
            Object::Table { schema, name } => self.push("TABLE ").pair(schema, name),
            Object::Column { schema, table, .. } => self.push("TABLE ").pair(schema, table),
            Object::Sequence { schema, name } => self.push("SEQUENCE ").pair(schema, name),
            Object::Routine { schema, name, arguments } => {
                self.push("ROUTINE ").pair(schema, name).push("(");
                for (at, argument) in arguments.iter().enumerate() {
                    if at > 0 {
                        self.push(", ");
                    }
                    self.type_name(argument);
                }
                self.push(")")
            }
            Object::Type { schema, name } => self.push("TYPE ").pair(schema, name),
            Object::Language(name) => self.push("LANGUAGE ").name(name),
            Object::Wrapper(name) => self.push("FOREIGN DATA WRAPPER ").name(name),
            Object::Server(name) => self.push("FOREIGN SERVER ").name(name),
            Object::LargeObject(number) => self.push("LARGE OBJECT ").number(i64::from(*number)),
            Object::Parameter(name) => self.push("PARAMETER ").dotted(name),
            Object::Tablespace(name) => self.push("TABLESPACE ").name(name),
        }
    }

    fn done(&mut self) -> Statement {
        Statement { text: std::mem::take(&mut self.text), hidden: self.hidden.take() }
    }
}

#[cfg(test)]
mod tests {
    use tenantry_policy::object::Privilege;

    use super::*;

    fn object(text: &str) -> Object {
        Object::parse(text).unwrap()
    }

    #[test]
    fn names_are_quoted_whatever_they_hold() {
        let evil = "a\"; DROP TABLE x; --'\\";
        let role = Holder::Role(evil);
        let table = Object::Table { schema: evil.to_owned(), name: "Ü x".to_owned() };
        let quoted = "\"a\"\"; DROP TABLE x; --'\\\"";
        assert_eq!(
            grant(&[Privilege::Select], &table, role, true).sql(),
            format!("GRANT SELECT ON TABLE {quoted}.\"Ü x\" TO {quoted} WITH GRANT OPTION")
        );
        assert_eq!(drop_role(evil).sql(), format!("DROP ROLE {quoted}"));
        assert_eq!(comment_on_role("x", Some("it's \\ one")).sql(), "COMMENT ON ROLE \"x\" IS E'it''s \\\\ one'");
        assert_eq!(
            set_for_role("x", Some("d"), "a.b", Some("'v")).sql(),
            "ALTER ROLE \"x\" IN DATABASE \"d\" SET \"a\".\"b\" TO '''v'"
        );
    }

    #[test]
    fn every_kind_of_thing_has_its_words() {
        for (spelling, wanted) in [
            ("public.t", "TABLE \"public\".\"t\""),
            ("sequence public.s", "SEQUENCE \"public\".\"s\""),
            (
                "function public.f(int, public.mood[])",
                "ROUTINE \"public\".\"f\"(\"pg_catalog\".\"int4\", \"public\".\"mood\"[])",
            ),
            ("type public.t", "TYPE \"public\".\"t\""),
            ("language l", "LANGUAGE \"l\""),
            ("fdw w", "FOREIGN DATA WRAPPER \"w\""),
            ("server s", "FOREIGN SERVER \"s\""),
            ("large object 7", "LARGE OBJECT 7"),
            ("parameter a.b", "PARAMETER \"a\".\"b\""),
            ("tablespace t", "TABLESPACE \"t\""),
            ("database d", "DATABASE \"d\""),
            ("schema s", "SCHEMA \"s\""),
        ] {
            let sql = revoke(&[Privilege::Usage], &object(spelling), Holder::Everybody, false);
            assert_eq!(sql.sql(), format!("REVOKE USAGE ON {wanted} FROM PUBLIC"), "{spelling}");
        }
        let column = object("public.t(\"a b\")");
        assert_eq!(
            grant(&[Privilege::Select, Privilege::Update], &column, Holder::Role("r"), false).sql(),
            "GRANT SELECT (\"a b\"), UPDATE (\"a b\") ON TABLE \"public\".\"t\" TO \"r\""
        );
    }

    #[test]
    fn a_verifier_is_not_shown() {
        let verifier = scram::Verifier::of("sesame", [7; 16]).unwrap();
        let attributes = Attributes { login: Some(true), password: Some(&verifier), ..Attributes::default() };
        let sql = create_role("app", &attributes);
        assert!(sql.sql().contains("PASSWORD 'SCRAM-SHA-256$4096:"), "{}", sql.sql());
        assert!(!sql.sql().contains("sesame"));
        assert_eq!(sql.to_string(), "CREATE ROLE \"app\" LOGIN PASSWORD '…'");
        assert!(!format!("{sql:?} {verifier:?}").contains("4096"));
    }
}
