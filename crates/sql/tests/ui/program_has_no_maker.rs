//! `render` is the only maker of a `Program`.

use std::sync::Arc;
use std::time::Duration;

use tenantry_policy::catalog::Dialect;
use tenantry_sql::Program;
use tenantry_sql::program::Steps;

fn forge(steps: Steps) -> Program {
    Program {
        source: Arc::from("main"),
        dialect: Dialect::Sqlite,
        settings: Vec::new(),
        timeout: Duration::from_secs(1),
        max_bytes: 1,
        steps,
    }
}

fn main() {}
