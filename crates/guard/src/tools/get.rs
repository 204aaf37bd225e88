//! `get`: one row by its id.

use tenantry_policy::request::Act;
use tenantry_policy::{Denied, Tool};

use crate::arguments::{self, Arguments};
use crate::tools::{Asked, model, reading};

/// Reads the arguments.
pub(super) fn read(arguments: &mut Arguments) -> Result<Asked, Denied> {
    let model = model(arguments)?;
    let id = arguments::id(arguments.need("id")?, "id")?;
    let select = arguments.texts("select")?;
    let include = arguments::includes(arguments)?;
    Ok(reading(Tool::Get, model, Act::Get { id, select, include }, None))
}
