//! Limits and budgets.

use schemars::JsonSchema;
use serde::Deserialize;
use tenantry_policy::limits as law;

use crate::words::Rate;

/// Limits on all calls of an account, workspace, user, client or model together. Nothing (`0/min`, 0) lets no
/// call pass; what is not said does not limit. A place below may say less, never more.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Calls: `600/min`.
    pub requests: Option<Rate>,
    /// Tokens of AI models: `200000/day`.
    pub tokens: Option<Rate>,
    /// Calls at one time. More of them wait for their turn.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub concurrent: Option<u32>,
    /// Money.
    pub budget: Option<Budget>,
}

/// How much money may be spent in each period of the calendar (UTC).
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// How much, in millionths of the platform's unit of money.
    #[schemars(range(min = 0))]
    pub amount: i64,
    /// In each `hour`, `day` or `month`.
    pub per: Period,
    /// Makes it a soft budget: by how many per cent estimates may lead beyond it, and how much may be spent while
    /// the ledger does not answer. Without, it is hard: never more than the amount.
    #[schemars(range(min = 1, max = 100))]
    pub tolerance: Option<u8>,
}

/// A stretch of the calendar, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    /// From a full hour to the next.
    Hour,
    /// From midnight to midnight.
    Day,
    /// From the first of a month to the first of the next.
    Month,
}

impl Limits {
    /// The same as the law has it.
    #[must_use]
    pub fn law(&self) -> law::Limits {
        law::Limits {
            requests: self.requests.as_ref().and_then(Rate::rate),
            tokens: self.tokens.as_ref().and_then(Rate::rate),
            concurrent: self.concurrent,
            budget: self.budget.as_ref().map(|budget| law::Budget {
                micros: u64::try_from(budget.amount).unwrap_or_default(),
                period: budget.per.law(),
                tolerance: budget.tolerance,
            }),
        }
    }
}

impl Period {
    /// The same as the law has it.
    #[must_use]
    pub fn law(self) -> law::Period {
        match self {
            Period::Hour => law::Period::Hour,
            Period::Day => law::Period::Day,
            Period::Month => law::Period::Month,
        }
    }
}
