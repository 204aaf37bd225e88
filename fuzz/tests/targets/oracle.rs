//! Another parser's word on our statements.

use sqlparser::dialect::{PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;
use tenantry_policy::catalog::Dialect;
use tenantry_sql::Program;
use tenantry_sql::program::{Level, Statement, Steps};

/// A text that no policy and no catalog of these tests holds: where it stands in SQL, a caller wrote SQL.
pub(crate) const MARK: &str = "zqx";

/// One statement, and nothing of a caller in it.
pub(crate) fn check(dialect: Dialect, sql: &str) {
    let parsed = match dialect {
        Dialect::Sqlite => Parser::parse_sql(&SQLiteDialect {}, sql),
        Dialect::Postgres => Parser::parse_sql(&PostgreSqlDialect {}, sql),
    };
    let parsed = parsed.unwrap_or_else(|error| panic!("{error}: {sql}"));
    assert_eq!(parsed.len(), 1, "{sql}");
    assert!(!sql.to_lowercase().contains(MARK), "a caller's text is in the statement: {sql}");
}

/// Every statement of a program; how long each is, roughly.
pub(crate) fn check_program(program: &Program) -> Vec<usize> {
    let statements = statements(&program.steps);
    for statement in &statements {
        check(program.dialect, &statement.sql);
    }
    statements.iter().map(|statement| statement.sql.len() / 64).collect()
}

fn statements(steps: &Steps) -> Vec<&Statement> {
    fn level<'s>(of: &'s Level, all: &mut Vec<&'s Statement>) {
        all.push(&of.statement);
        of.children.iter().for_each(|child| level(&child.level, all));
    }
    let mut all = Vec::new();
    match steps {
        Steps::Read(read) => level(read, &mut all),
        Steps::Aggregate(groups) => all.push(&groups.statement),
        Steps::Create(insert) => {
            all.push(&insert.statement);
            all.extend(insert.references.iter().map(|references| &references.statement));
            all.extend(insert.conflict.iter().map(|conflict| &conflict.statement));
        }
        Steps::Update(change) => {
            all.extend([&change.before, &change.update]);
            all.extend(change.references.iter().map(|references| &references.statement));
            all.extend(change.conflict.iter().map(|conflict| &conflict.statement));
        }
        Steps::Delete(remove) => all.push(&remove.statement),
        other => panic!("{other:?} is not checked"),
    }
    all
}
