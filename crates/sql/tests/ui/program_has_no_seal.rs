//! Not through its parts either.

use tenantry_sql::program::{Parts, Program};

fn forge(parts: Parts) -> Program {
    Program::seal(parts)
}

fn main() {}
