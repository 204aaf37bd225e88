//! The demo: a support desk with three organizations, made from a seed.

pub mod agents;
pub mod client;
pub mod data;
pub mod judge;
pub mod load_postgres;
pub mod load_sqlite;
pub mod models;
pub mod people;
pub mod play;
pub mod rows;
pub mod stage;
pub mod trials;

use tenantry_policy::catalog::Dialect;

/// The database beside the demo's file, on SQLite.
pub const DATABASE: &str = "demo.sqlite";
/// The file beside the demo's file that holds the runtime role's address, on PostgreSQL.
pub const URL_FILE: &str = "database.url";
/// The variable under which the demo's file looks for the owner's address, on PostgreSQL.
pub const OWNER_VARIABLE: &str = "TENANTRY_DEMO_OWNER";

/// The database of a demo: PostgreSQL where an owner's address is given, else SQLite.
#[must_use]
pub fn dialect_of(owner: Option<&str>) -> Dialect {
    owner.map_or(Dialect::Sqlite, |_| Dialect::Postgres)
}

/// The demo's file as written for SQLite.
const FILE: &str = include_str!("tenantry.toml");

/// Calls that the demo's people may make, for `tenantry eval run`.
const SUITE: &str = include_str!("suite.toml");

/// The demo's file for a database: on PostgreSQL, whose catalog knows booleans and timestamps, the
/// storage hints go, and the addresses are secrets.
#[must_use]
pub fn file_for(dialect: Dialect) -> String {
    match dialect {
        Dialect::Sqlite => FILE.to_owned(),
        Dialect::Postgres => {
            let mut text = String::with_capacity(FILE.len());
            for line in FILE.lines().filter(|line| !line.starts_with("types = ")) {
                if line == ["url = \"sqlite:", DATABASE, "\""].concat() {
                    let lines = ["url = \"file:", URL_FILE, "\"\nadmin_url = \"env:", OWNER_VARIABLE, "\""];
                    text.push_str(&lines.concat());
                } else {
                    text.push_str(line);
                }
                text.push('\n');
            }
            text
        }
    }
}
