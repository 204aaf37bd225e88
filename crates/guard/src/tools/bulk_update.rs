//! `bulk_update`: several changed rows, by ids or by a filter.

use tenantry_policy::request::{Act, AskTarget};
use tenantry_policy::{Code, Denied, Tool};

use crate::arguments::{self, Arguments};
use crate::json::Json;
use crate::tools::{Asked, model, writing};

/// Reads the arguments.
pub(super) fn read(arguments: &mut Arguments) -> Result<Asked, Denied> {
    let model = model(arguments)?;
    let target = match (arguments.take("ids"), arguments.take("where")) {
        (Some(Json::List(items)), None) => AskTarget::Ids(
            items
                .into_iter()
                .enumerate()
                .map(|(at, item)| arguments::id(item, &format!("ids[{at}]")))
                .collect::<Result<_, _>>()?,
        ),
        (Some(_), None) => return Err(Denied::new(Code::ValidationError, "`ids` must be a list").at("ids")),
        (None, Some(json)) => match arguments::filter(json, "where")? {
            Some(filter) => AskTarget::Where(filter),
            None => return Err(too_broad()),
        },
        (None, None) => return Err(too_broad()),
        (Some(_), Some(_)) => {
            return Err(Denied::new(Code::ValidationError, "give either `ids` or `where`, not both").at("where"));
        }
    };
    let data = arguments::row(arguments.need("data")?, "data")?;
    writing(Tool::BulkUpdate, model, Act::Update { target, data }, arguments)
}

fn too_broad() -> Denied {
    Denied::new(Code::QueryTooBroad, "a bulk update must say which rows").hint("give `ids`, or a filter in `where`")
}
