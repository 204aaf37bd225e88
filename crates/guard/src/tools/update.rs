//! `update`: one changed row, by its id.

use tenantry_policy::request::{Act, AskTarget};
use tenantry_policy::{Denied, Tool};

use crate::arguments::{self, Arguments};
use crate::tools::{Asked, model, writing};

/// Reads the arguments.
pub(super) fn read(arguments: &mut Arguments) -> Result<Asked, Denied> {
    let model = model(arguments)?;
    let target = AskTarget::Id(arguments::id(arguments.need("id")?, "id")?);
    let data = arguments::row(arguments.need("data")?, "data")?;
    writing(Tool::Update, model, Act::Update { target, data }, arguments)
}
