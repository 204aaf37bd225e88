//! What model calls used, as it is shown.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenantry_identity::Refusal;
use tenantry_identity::text::time;
use tenantry_identity::usage::{UsageBy, UsagePart, UsageSum};

/// A day, in microseconds.
const DAY: i64 = 86_400_000_000;

/// Without a beginning: so many days.
const DAYS: i64 = 30;

/// What model calls used in a time
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Usage {
    /// From this moment on
    since: String,
    /// Until before this moment
    until: String,
    /// The sums, the costliest first; at most 10,000
    sums: Vec<Sum>,
}

/// What some calls used together
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "UsageSum")]
struct Sum {
    /// Where the sums are by workspace; null for calls in none
    #[serde(skip_serializing_if = "Option::is_none")]
    workspace: Option<Option<String>>,
    /// Where the sums are by user; null for a client's own calls
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<Option<String>>,
    /// Where the sums are by client
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<Option<String>>,
    /// Where the sums are by API key
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key: Option<Option<String>>,
    /// Where the sums are by model
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<Option<String>>,
    /// Where the sums are by day: its beginning
    #[serde(skip_serializing_if = "Option::is_none")]
    day: Option<Option<String>>,
    /// How many calls
    requests: i64,
    /// Of these, those that failed or that the caller left
    unfinished: i64,
    /// Tokens of prompts
    input_tokens: i64,
    /// Of these, what upstreams had kept
    cached_tokens: i64,
    /// Tokens of answers
    output_tokens: i64,
    /// Millionths of the platform's unit of money
    cost_micros: i64,
    /// How long the calls took together
    duration_micros: i64,
}

/// What sums are made by
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "UsageBy")]
pub(crate) enum By {
    Workspace,
    User,
    Client,
    ApiKey,
    Model,
    Day,
}

/// Which calls
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UsageQuery {
    /// Sums for each of these; the model when absent
    by: Option<By>,
    /// And, within it, for each of these
    and_by: Option<By>,
    /// Only this workspace
    #[schemars(length(max = 1024))]
    workspace: Option<String>,
    /// Only this user
    #[schemars(length(max = 1024))]
    user: Option<String>,
    /// Only this model
    #[schemars(length(max = 1024))]
    model: Option<String>,
    /// Only from this moment on, RFC 3339; 30 days ago when absent
    #[schemars(extend("format" = "date-time"))]
    since: Option<String>,
    /// Only before this moment, RFC 3339
    #[schemars(extend("format" = "date-time"))]
    until: Option<String>,
}

impl UsageQuery {
    /// The part that is asked for, and what its sums are by.
    pub(crate) fn part(&self, now_micros: i64) -> Result<(UsagePart, Vec<By>), Refusal> {
        let micros = |text: &String| text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_microsecond);
        // What ends now is settled now.
        let to_micros = self.until.as_ref().and_then(micros).unwrap_or(now_micros.saturating_add(1));
        let from_micros = self.since.as_ref().and_then(micros).unwrap_or(to_micros.saturating_sub(DAYS * DAY));
        let mut by = vec![self.by.unwrap_or(By::Model)];
        by.extend(self.and_by.filter(|and_by| !by.contains(and_by)));
        let part = UsagePart {
            workspace: self.workspace.clone(),
            user: self.user.clone(),
            model: self.model.clone(),
            from_micros,
            to_micros,
            by: by.iter().map(|by| by.stored()).collect(),
        };
        Ok((part, by))
    }
}

impl By {
    fn stored(self) -> UsageBy {
        match self {
            By::Workspace => UsageBy::Workspace,
            By::User => UsageBy::User,
            By::Client => UsageBy::Client,
            By::ApiKey => UsageBy::Key,
            By::Model => UsageBy::Model,
            By::Day => UsageBy::Day,
        }
    }
}

impl Usage {
    pub(crate) fn of(sums: Vec<UsageSum>, by: &[By], from_micros: i64, to_micros: i64) -> Usage {
        let sums = sums.into_iter().map(|sum| {
            let value = |wanted: By| {
                let place = by.iter().position(|by| *by == wanted)?;
                Some(sum.by.get(place).filter(|value| !value.is_empty()).cloned())
            };
            let day = value(By::Day).map(|day| day.and_then(|day| Some(time(day.parse().ok()?))));
            Sum {
                workspace: value(By::Workspace),
                user: value(By::User),
                client: value(By::Client),
                api_key: value(By::ApiKey),
                model: value(By::Model),
                day,
                requests: sum.requests,
                unfinished: sum.unfinished,
                input_tokens: sum.input_tokens,
                cached_tokens: sum.cached_tokens,
                output_tokens: sum.output_tokens,
                cost_micros: sum.cost_micros,
                duration_micros: sum.duration_micros,
            }
        });
        Usage { since: time(from_micros), until: time(to_micros), sums: sums.collect() }
    }
}
