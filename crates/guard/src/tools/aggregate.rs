//! `aggregate`: a calculation over many rows.

use tenantry_policy::request::Act;
use tenantry_policy::{Denied, Tool};

use crate::arguments::{self, Arguments};
use crate::tools::{Asked, model, reading};

/// Reads the arguments.
pub(super) fn read(arguments: &mut Arguments) -> Result<Asked, Denied> {
    let model = model(arguments)?;
    let ask = arguments::aggregate(arguments)?;
    Ok(reading(Tool::Aggregate, model, Act::Aggregate(ask), None))
}
