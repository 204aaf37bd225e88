//! Why a call does not pass, and how a caller stands.

use std::time::Duration;

use super::scope::Level;

/// Why a call does not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Too many calls in the time.
    Requests,
    /// Too many tokens in the time.
    Tokens,
    /// Too many calls at one time, and no turn came.
    Concurrent,
    /// The rest of the budget does not cover it.
    Budget {
        /// When the next period begins, microseconds since 1970 UTC.
        resets_micros: i64,
    },
    /// The ledger of a hard budget does not answer, or whoever knows which limits there are.
    Ledger,
}

impl Why {
    /// The word, in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Why::Requests => "requests",
            Why::Tokens => "tokens",
            Why::Concurrent => "concurrent",
            Why::Budget { .. } => "budget",
            Why::Ledger => "ledger",
        }
    }
}

/// How a caller stands with a limit of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// How many in the time.
    pub limit: u64,
    /// How many are left.
    pub remaining: u64,
    /// In what time.
    pub within: Duration,
    /// When all of them are there again.
    pub reset: Duration,
}

/// A call that does not pass. Nothing was charged for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub why: Why,
    /// Whose limit.
    pub level: Level,
    /// When it may be tried again; `None` is never, as things are.
    pub wait: Option<Duration>,
    /// How the caller stands, where it may know.
    pub standing: Option<Standing>,
    /// Shall it stand on record? Of a flood of refusals one in a second does.
    pub noted: bool,
}

impl Refused {
    /// Whole seconds to wait, 1 or more; `None` is never.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        self.wait.map(|wait| (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1))
    }

    /// The sentence for the caller.
    #[must_use]
    pub fn message(&self) -> String {
        let whose = match self.level {
            Level::Model => "the model",
            Level::Client => "the application",
            Level::User => "you",
            Level::Workspace => "the workspace",
            Level::Account => "the account",
        };
        match (self.why, self.wait) {
            (Why::Budget { resets_micros }, _) => {
                let until = tenantry_policy::value::format_timestamp(resets_micros).unwrap_or_default();
                format!("the budget of the {} is spent; it resets at {until}", self.level.name())
            }
            (Why::Ledger, _) => "the limits cannot be checked at the moment".to_owned(),
            (Why::Requests, Some(_)) => format!("too many calls for {whose} at the moment"),
            (Why::Tokens, Some(_)) => format!("too many tokens for {whose} at the moment"),
            (Why::Concurrent, Some(_)) => format!("too many calls at one time for {whose}"),
            (_, None) => format!("the limits let no such call of {whose} pass"),
        }
    }
}
