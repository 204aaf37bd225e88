//! What runs is what was rendered.

use tenantry_sql::program::{Program, Steps};

fn swap(program: &mut Program, text: &str) {
    if let Steps::Read(level) = &mut program.steps {
        level.statement.sql = text.to_owned();
    }
}

fn main() {}
