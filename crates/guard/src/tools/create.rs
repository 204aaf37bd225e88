//! `create`: one new row.

use tenantry_policy::request::Act;
use tenantry_policy::{Denied, Tool};

use crate::arguments::{self, Arguments};
use crate::tools::{Asked, model, writing};

/// Reads the arguments.
pub(super) fn read(arguments: &mut Arguments) -> Result<Asked, Denied> {
    let model = model(arguments)?;
    let rows = vec![arguments::row(arguments.need("data")?, "data")?];
    let return_fields = arguments.texts("return_fields")?;
    writing(Tool::Create, model, Act::Create { rows, return_fields }, arguments)
}
