//! The demo: a support desk with three organizations, made from a seed.

pub mod client;
pub mod data;
pub mod judge;
pub mod load_postgres;
pub mod load_sqlite;
pub mod play;
pub mod rows;
pub mod stage;
pub mod trials;

use tenantry_policy::catalog::Dialect;

/// The variable under which the demo's file looks for its database.
pub const URL_VARIABLE: &str = "TENANTRY_DEMO_URL";

/// The demo's file as written for SQLite.
const FILE: &str = include_str!("tenantry.toml");

/// The demo's file for a database: on PostgreSQL, whose catalog knows booleans and timestamps, the
/// storage hints go.
#[must_use]
pub fn file_for(dialect: Dialect) -> String {
    match dialect {
        Dialect::Sqlite => FILE.to_owned(),
        Dialect::Postgres => {
            let mut text = String::with_capacity(FILE.len());
            for line in FILE.lines().filter(|line| !line.starts_with("types = ")) {
                text.push_str(line);
                text.push('\n');
            }
            text
        }
    }
}
