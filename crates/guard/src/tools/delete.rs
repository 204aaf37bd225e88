//! `delete`: one row gone, or marked, by its id.

use tenantry_policy::request::Act;
use tenantry_policy::{Denied, Tool};

use crate::arguments::{self, Arguments};
use crate::tools::{Asked, model, writing};

/// Reads the arguments.
pub(super) fn read(arguments: &mut Arguments) -> Result<Asked, Denied> {
    let model = model(arguments)?;
    let id = arguments::id(arguments.need("id")?, "id")?;
    writing(Tool::Delete, model, Act::Delete { id }, arguments)
}
