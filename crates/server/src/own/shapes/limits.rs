//! Limits as they are sent, and how they stand.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenantry_guard::limits::Holding;
use tenantry_identity::text::time;
use tenantry_policy::limits::Rate;

/// What may be asked and what it may cost; what is not said does not limit, and nothing (`0/min`, 0) lets nothing pass
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "its form is what counts: the members are taken as they were sent")]
pub(crate) struct Limits {
    /// Calls: `600/min`; units are `s`, `min`, `hour` and `day`
    #[schemars(regex(pattern = r"^[0-9]{1,19}/(s|min|hour|day)$"))]
    requests: Option<String>,
    /// Tokens of AI models: `200000/day`
    #[schemars(regex(pattern = r"^[0-9]{1,19}/(s|min|hour|day)$"))]
    tokens: Option<String>,
    /// Calls at one time
    #[schemars(range(min = 0, max = 1_000_000))]
    concurrent: Option<u32>,
    budget: Option<Budget>,
}

/// Money in each period of the calendar (UTC)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "its form is what counts: the members are taken as they were sent")]
struct Budget {
    /// Millionths of the platform's unit of money
    #[schemars(range(min = 0, max = 1_000_000_000_000_000_000_i64))]
    amount: i64,
    per: Period,
    /// Per cent that estimates may lead beyond it; without, it is never exceeded
    #[schemars(range(min = 1, max = 100))]
    tolerance: Option<u8>,
}

/// A stretch of the calendar
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Period {
    Hour,
    Day,
    Month,
}

/// The limits that hold, the widest place first. A call stands under all of them
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Holdings {
    limits: Vec<Held>,
}

/// The limits at one place
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LimitsHeld")]
struct Held {
    /// `account`, `workspace`, `user` or `model`
    level: &'static str,
    /// The workspace's or the model's name, the user's id; null for the account itself and for each user
    name: Option<String>,
    /// In this workspace alone
    workspace: Option<String>,
    /// Does it hold for each user who has none of their own?
    each: bool,
    requests: Option<RateHeld>,
    tokens: Option<RateHeld>,
    concurrent: Option<ConcurrentHeld>,
    budget: Option<BudgetHeld>,
}

/// So many in so long
#[derive(Debug, Serialize, JsonSchema)]
struct RateHeld {
    most: u64,
    within_seconds: u64,
    /// How many are left at the moment; null where it holds for each user
    left: Option<u64>,
}

/// Calls at one time
#[derive(Debug, Serialize, JsonSchema)]
struct ConcurrentHeld {
    most: u32,
    /// How many run at the moment, on the server that answers; null where it holds for each user
    running: Option<u32>,
}

/// Money in a period of the calendar (UTC)
#[derive(Debug, Serialize, JsonSchema)]
struct BudgetHeld {
    /// Millionths of the platform's unit of money
    amount: u64,
    /// `hour`, `day` or `month`
    per: &'static str,
    /// Per cent that estimates may lead beyond it; null for one that is never exceeded
    tolerance: Option<u8>,
    /// What was spent; null where it holds for each user
    spent: Option<u64>,
    /// What is set aside for calls under way
    held: Option<u64>,
    /// What neither was spent nor is set aside
    left: Option<u64>,
    /// When the period ends
    resets_at: Option<String>,
}

impl From<Vec<Holding>> for Holdings {
    fn from(holdings: Vec<Holding>) -> Holdings {
        Holdings { limits: holdings.into_iter().map(Held::from).collect() }
    }
}

impl From<Holding> for Held {
    fn from(holding: Holding) -> Held {
        let rate = |rate: Option<Rate>, left| {
            rate.map(|rate| RateHeld { most: rate.count, within_seconds: rate.within.as_secs(), left })
        };
        let limits = holding.limits;
        Held {
            level: holding.level.name(),
            requests: rate(limits.requests, holding.requests),
            tokens: rate(limits.tokens, holding.tokens),
            concurrent: limits
                .concurrent
                .map(|most| ConcurrentHeld { most, running: (!holding.each).then_some(holding.running) }),
            budget: limits.budget.map(|budget| BudgetHeld {
                amount: budget.micros,
                per: budget.period.name(),
                tolerance: budget.tolerance,
                spent: holding.money.map(|money| money.spent),
                held: holding.money.map(|money| money.held),
                left: holding.money.map(|money| budget.micros.saturating_sub(money.spent.saturating_add(money.held))),
                resets_at: holding.money.map(|money| time(money.resets_micros)),
            }),
            name: holding.name.map(String::from),
            workspace: holding.workspace.map(String::from),
            each: holding.each,
        }
    }
}
