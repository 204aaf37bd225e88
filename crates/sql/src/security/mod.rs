//! The second fence on PostgreSQL: row security and exact privileges, made from the same rules.
//!
//! Every rule becomes a policy of its own, so that a person who looks into the database finds the
//! names of the file. `scope`, `shared`, `permit` and `bypass` are PERMISSIVE; `require` and the
//! boundary are RESTRICTIVE, so a permissive policy that someone adds by hand widens nothing.
//! The marks of a soft delete are left out: PostgreSQL would refuse the very update that sets one.

mod expressions;
mod privileges;
mod seats;

use std::sync::Arc;

use tenantry_policy::catalog::Dialect;
use tenantry_policy::{Object, Policy, Table};

use crate::RenderError;
use crate::builder::{quote, quote_text};
use crate::cluster::{mark_policy, source_mark};

pub use privileges::{RuntimeRight, runtime_rights};

pub use expressions::{Command, PolicyExpression, policy_expressions};
pub use seats::seat_expressions;

/// A statement of the script that sets a table up, to be run by the table's owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ddl {
    /// The table's name in the policy.
    pub table: Arc<str>,
    /// One statement, without a semicolon at its end.
    pub sql: String,
    /// What it is for, in a few words, for people.
    pub purpose: &'static str,
}

/// The script that brings every governed table of a source under row security and gives the runtime
/// role exactly the privileges that its statements need. It may be run again and again: each run
/// ends in the same state. Run it in one transaction, since it drops and makes anew. The source must
/// be of PostgreSQL; for another the script is empty.
///
/// Privileges on sequences that belong to a table's columns (`serial`) are granted by looking them up
/// in the catalog when the script runs.
///
/// # Errors
/// [`RenderError`] when the policy contradicts itself.
pub fn row_security(policy: &Policy, source: &str, runtime_role: &str) -> Result<Vec<Ddl>, RenderError> {
    let expressions = policy_expressions(policy, source)?;
    let mut script = Vec::new();
    for table in governed(policy, source) {
        let mut add = |sql: Text, purpose| script.push(Ddl { table: table.name.clone(), sql: sql.0, purpose });
        let mut sql = Text::new("ALTER TABLE ");
        sql.table(table).push(" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY");
        add(sql, "row security on, for the owner too");
        add(drop_policies(table), "drop the policies made before");
        for policy in expressions.iter().filter(|policy| policy.table == table.name) {
            add(create_policy(table, policy, runtime_role), policy.purpose());
            add(mark(table, policy), "note what the policy was made from");
        }
        privileges::privileges(policy, table, runtime_role, &mut add)?;
    }
    Ok(script)
}

/// The tables of a source that row security is made for.
fn governed<'a>(policy: &'a Policy, source: &'a str) -> impl Iterator<Item = &'a Table> {
    policy.tables.iter().filter(move |table| table.source.as_ref() == source && table.dialect == Dialect::Postgres)
}

fn drop_policies(table: &Table) -> Text {
    let mut body = Text::new("DECLARE p record; BEGIN FOR p IN SELECT policyname FROM pg_catalog.pg_policies ");
    body.push("WHERE schemaname = ").text(&table.schema).push(" AND tablename = ").text(&table.db_name);
    body.push(" AND starts_with(policyname, 'tenantry:') LOOP EXECUTE pg_catalog.format('DROP POLICY %I ON %I.%I', ");
    body.push("p.policyname, ").text(&table.schema).push(", ").text(&table.db_name).push("); END LOOP; END");
    body.as_block()
}

/// The mark by which a plan knows that the policy is the one that the rules want.
fn mark(table: &Table, policy: &PolicyExpression) -> Text {
    let object = Object::Table { schema: table.schema.to_string(), name: table.db_name.to_string() };
    let source = source_mark(policy.using.as_deref(), policy.check.as_deref());
    Text(mark_policy(&object, &policy.name, &source).sql().to_owned())
}

fn create_policy(table: &Table, policy: &PolicyExpression, role: &str) -> Text {
    let mut sql = Text::new("CREATE POLICY ");
    sql.name(&policy.name).push(" ON ").table(table);
    sql.push(if policy.permissive { " AS PERMISSIVE FOR " } else { " AS RESTRICTIVE FOR " });
    sql.push(policy.command.name()).push(" TO ").name(role);
    if let Some(using) = &policy.using {
        sql.push(" USING (").0.push_str(using);
        sql.push(")");
    }
    if let Some(check) = &policy.check {
        sql.push(" WITH CHECK (").0.push_str(check);
        sql.push(")");
    }
    sql
}

/// A statement of the script. Grows by words of this program and by quoted names.
struct Text(String);

impl Text {
    fn new(word: &'static str) -> Text {
        Text(word.to_owned())
    }

    fn push(&mut self, word: &'static str) -> &mut Text {
        self.0.push_str(word);
        self
    }

    fn name(&mut self, name: &str) -> &mut Text {
        quote(&mut self.0, name);
        self
    }

    fn table(&mut self, table: &Table) -> &mut Text {
        self.name(&table.schema).push(".").name(&table.db_name)
    }

    /// A name as a quoted text, to look it up in the catalog.
    fn text(&mut self, text: &str) -> &mut Text {
        quote_text(&mut self.0, text);
        self
    }

    /// The text as the body of a block of PL/pgSQL.
    fn as_block(&self) -> Text {
        // A tag that the body does not hold, whatever its names are.
        let mut tag = String::from("$tenantry$");
        while self.0.contains(&tag) {
            tag.insert(1, '_');
        }
        Text(["DO ", &tag, " ", &self.0, " ", &tag].concat())
    }
}
