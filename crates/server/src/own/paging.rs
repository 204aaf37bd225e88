//! Lists: `take` and `cursor`, as the data tools take them.

use schemars::JsonSchema;
use serde::Deserialize;
use tenantry_identity::Part;

/// Which part of a list.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Paging {
    /// How many items at most, 1 to 100
    #[schemars(range(min = 1, max = 100))]
    pub(crate) take: Option<i64>,
    /// Where an earlier answer ended: its `next_cursor`
    #[schemars(length(max = 2000))]
    pub(crate) cursor: Option<String>,
}

impl Paging {
    /// The part that is asked for.
    pub(crate) fn part(&self) -> Part {
        Part::From { from: self.cursor.clone(), take: self.take.unwrap_or(50).clamp(1, 100) }
    }
}
