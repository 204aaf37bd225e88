//! Dangers that are accepted for a time.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::words::Date;

/// A danger or a broken promise that is accepted: `[waive."table.orders".read-own]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaiveDecl {
    /// Why it is accepted.
    pub reason: String,
    /// The last day on which it is.
    pub until: Date,
}
