//! `render` is the only maker of a `Program`.

use tenantry_sql::program::{Parts, Program};

fn forge(parts: Parts) -> Program {
    Program { parts }
}

fn main() {}
