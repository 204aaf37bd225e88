//! `query`: many rows, a page at a time.

use tenantry_policy::request::Act;
use tenantry_policy::{Denied, Tool};

use crate::arguments::{self, Arguments};
use crate::tools::{Asked, model, reading};

/// Reads the arguments.
pub(super) fn read(arguments: &mut Arguments) -> Result<Asked, Denied> {
    let model = model(arguments)?;
    let ask = arguments::read(arguments)?;
    let cursor = arguments.text("cursor")?;
    Ok(reading(Tool::Query, model, Act::Query(ask), cursor))
}
