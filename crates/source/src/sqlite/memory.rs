//! SQLite in memory: always there, and gone with the call.

use std::sync::Arc;
use std::time::Duration;

use rust_decimal::Decimal;
use tenantry_policy::catalog::Dialect;
use tenantry_policy::redact::HashKey;
use tenantry_policy::{Clock, Policy, Value};
use tenantry_sql::Program;

use super::bind::bind_value;
use super::connection::{Connection, quoted};
use super::failure::Fault;
use super::perform;
use crate::answer::{Answer, Redactor};
use crate::rehearsal::{RehearsalError, StagedRow, cells, create_table, staged};

/// Makes the policy's tables in memory, puts the rows in, and runs the program that `decide` makes for the policy as
/// it is there, behind the authorizer. Rows are known by their places.
///
/// # Errors
/// [`RehearsalError`]; or what `decide` says.
pub fn in_memory<E>(
    policy: &Policy,
    rows: &[StagedRow],
    decide: impl FnOnce(Policy) -> Result<Program, E>,
) -> Result<Result<Answer, E>, RehearsalError> {
    let staged = staged(policy, Dialect::Sqlite, "main");
    let unable = |error: rusqlite::Error| RehearsalError::Unable(format!("SQLite does not take it: {error}"));
    let raw = rusqlite::Connection::open_in_memory().map_err(unable)?;
    for table in &staged.tables {
        let name = quoted(&table.db_name);
        raw.execute_batch(&create_table(table, &name, quoted)).map_err(unable)?;
    }
    for row in rows {
        let Some(table) = staged.table(row.table) else { continue };
        let cells = cells(table, row);
        let names: Vec<String> = cells.iter().map(|(facts, _)| quoted(&facts.name)).collect();
        let places: Vec<String> = (1..=cells.len()).map(|at| format!("?{at}")).collect();
        let table = quoted(&table.db_name);
        let sql = ["INSERT INTO ", &table, " (", &names.join(", "), ") VALUES (", &places.join(", "), ")"].concat();
        let mut statement = raw.prepare(&sql).map_err(unable)?;
        for (at, (facts, value)) in cells.iter().enumerate() {
            if let Some(Value::Decimal(number)) = value
                && !held_exactly(*number, facts.scale)
            {
                return Err(RehearsalError::Unable(format!("SQLite does not hold {number} exactly")));
            }
            let at = at.saturating_add(1);
            let bound = match value {
                Some(value) => bind_value(&mut statement, at, value, facts.storage),
                None => statement.raw_bind_parameter(at, rusqlite::types::Null).map_err(Fault::from),
            };
            bound.map_err(Fault::run_error)?;
        }
        statement.raw_execute().map_err(unable)?;
    }
    let program = match decide(staged) {
        Ok(program) => program,
        Err(error) => return Ok(Err(error)),
    };
    let clock: Arc<dyn Clock> = Arc::new(Still);
    let connection = Connection::over(raw, clock).map_err(unable)?;
    let redactor = Redactor { hash: HashKey::derive(b"", "") };
    Ok(Ok(perform(&connection, &program, &redactor).map_err(Fault::run_error)?))
}

/// Does a double, scaled as the renderer scales it, stand for this decimal alone?
fn held_exactly(number: Decimal, scale: Option<u8>) -> bool {
    // Up to here each whole number is a double of its own.
    const WHOLE: i64 = 9_007_199_254_740_992;
    let scale = u32::from(scale.unwrap_or(0));
    let Some(factor) = 10_i64.checked_pow(scale) else { return false };
    let scaled = number.checked_mul(Decimal::from(factor));
    number.normalize().scale() <= scale && scaled.is_some_and(|scaled| scaled.abs() < Decimal::from(WHOLE))
}

/// A clock that stands: a few rows in memory need no limit of time.
struct Still;

impl Clock for Still {
    fn now_micros(&self) -> i64 {
        0
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}
