//! `bulk_create`: several new rows, all or none.

use tenantry_policy::request::Act;
use tenantry_policy::{Code, Denied, Tool};

use crate::arguments::{self, Arguments};
use crate::json::Json;
use crate::tools::{Asked, model, writing};

/// Reads the arguments.
pub(super) fn read(arguments: &mut Arguments) -> Result<Asked, Denied> {
    let model = model(arguments)?;
    let Json::List(items) = arguments.need("rows")? else {
        return Err(Denied::new(Code::ValidationError, "`rows` must be a list of objects").at("rows"));
    };
    let rows = items
        .into_iter()
        .enumerate()
        .map(|(at, item)| arguments::row(item, &format!("rows[{at}]")))
        .collect::<Result<_, _>>()?;
    let return_fields = arguments.texts("return_fields")?;
    writing(Tool::BulkCreate, model, Act::Create { rows, return_fields }, arguments)
}
