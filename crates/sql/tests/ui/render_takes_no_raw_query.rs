//! The renderer takes only what was decided.

use tenantry_policy::Query;
use tenantry_sql::{Program, RenderError};

const AROUND_THE_DECISION: fn(&Query) -> Result<Program, RenderError> = tenantry_sql::render;

fn main() {}
