//! `tenantry usage`: what model calls used and cost.

use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use tenantry_policy::value::format_timestamp;
use tenantry_store::usage::{UsageBy, UsageFilter, UsageSum};

use crate::commands::{Run, audit};
use crate::output::{Failure, Outcome};
use crate::runtime::{self, Ambient, store_failure};

/// Without a beginning: so long.
const USUAL: Duration = Duration::from_hours(30 * 24);

/// Which calls, and what they are summed by.
#[derive(Debug, Clone, Args)]
pub struct UsageArgs {
    /// Of this account; `-` is the platform's own. Without it all
    #[arg(long, value_name = "NAME")]
    pub account: Option<String>,
    /// In this workspace
    #[arg(long, value_name = "NAME")]
    pub workspace: Option<String>,
    /// Of this user
    #[arg(long, value_name = "ID")]
    pub user: Option<String>,
    /// Of this model
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Not older than this: 90s, 10m, 2h, 7d (default: 30d)
    #[arg(long, value_name = "AGE", value_parser = audit::age)]
    pub since: Option<Duration>,
    /// What the sums are made by, one or several (default: account, model)
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    pub by: Vec<By>,
}

/// What sums are made by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// The account
    Account,
    /// The workspace
    Workspace,
    /// The user
    User,
    /// The client application
    Client,
    /// The API key
    ApiKey,
    /// The model
    Model,
    /// The day (UTC)
    Day,
}

impl By {
    fn stored(self) -> UsageBy {
        match self {
            By::Account => UsageBy::Account,
            By::Workspace => UsageBy::Workspace,
            By::User => UsageBy::User,
            By::Client => UsageBy::Client,
            By::ApiKey => UsageBy::Key,
            By::Model => UsageBy::Model,
            By::Day => UsageBy::Day,
        }
    }

    fn name(self) -> &'static str {
        match self {
            By::Account => "account",
            By::Workspace => "workspace",
            By::User => "user",
            By::Client => "client",
            By::ApiKey => "api_key",
            By::Model => "model",
            By::Day => "day",
        }
    }
}

/// Runs the command.
///
/// # Errors
/// What keeps the file or the store from opening or being read.
pub async fn run(run: Run<'_>, args: &UsageArgs) -> Result<Outcome, Failure> {
    let project = run.project()?;
    let loaded = project.load()?;
    let ambient = Ambient::default();
    let store = runtime::open_store(&project, &loaded, &ambient).await?;
    let now = ambient.clock.now_micros();
    let since = i64::try_from(args.since.unwrap_or(USUAL).as_micros()).unwrap_or(i64::MAX);
    let mut by = args.by.clone();
    if by.is_empty() {
        by = vec![By::Account, By::Model];
    }
    by.dedup();
    let filter = UsageFilter {
        account: args.account.as_deref().map(|account| if account == "-" { String::new() } else { account.to_owned() }),
        workspace: args.workspace.clone(),
        user: args.user.clone(),
        model: args.model.clone(),
        from_micros: now.saturating_sub(since),
        to_micros: now.saturating_add(1),
    };
    let stored: Vec<UsageBy> = by.iter().map(|by| by.stored()).collect();
    let sums = store.usage_sums(&filter, &stored).await.map_err(|error| store_failure(&error))?;
    let data = json!({
        "since": format_timestamp(filter.from_micros),
        "until": format_timestamp(filter.to_micros),
        "sums": sums.iter().map(|sum| shown(sum, &by)).collect::<Vec<Value>>(),
    });
    Ok(Outcome::new(data, table(&sums, &by)))
}

/// What stands at a place of a sum.
fn value(by: By, text: &str) -> Option<String> {
    match by {
        By::Day => format_timestamp(text.parse().ok()?).map(|time| time.chars().take(10).collect()),
        _ => Some(text.to_owned()).filter(|text| !text.is_empty()),
    }
}

fn shown(sum: &UsageSum, by: &[By]) -> Value {
    let mut shown = json!({
        "requests": sum.requests,
        "unfinished": sum.unfinished,
        "input_tokens": sum.input_tokens,
        "cached_tokens": sum.cached_tokens,
        "output_tokens": sum.output_tokens,
        "cost_micros": sum.cost_micros,
        "duration_micros": sum.duration_micros,
    });
    if let Some(members) = shown.as_object_mut() {
        for (by, text) in by.iter().zip(&sum.by) {
            members.insert(by.name().to_owned(), value(*by, text).map_or(Value::Null, Value::from));
        }
    }
    shown
}

fn table(sums: &[UsageSum], by: &[By]) -> String {
    if sums.is_empty() {
        return "No model was called.\n".to_owned();
    }
    let mut text = String::new();
    for by in by {
        text.push_str(&format!("{:<24} ", by.name()));
    }
    text.push_str(&format!("{:>9} {:>12} {:>12} {:>14}\n", "requests", "input", "output", "cost"));
    for sum in sums {
        for (by, name) in by.iter().zip(&sum.by) {
            text.push_str(&format!("{:<24} ", value(*by, name).unwrap_or_else(|| "-".to_owned())));
        }
        let cost = format!("{}.{:06}", sum.cost_micros / 1_000_000, sum.cost_micros % 1_000_000);
        text.push_str(&format!("{:>9} {:>12} {:>12} {cost:>14}\n", sum.requests, sum.input_tokens, sum.output_tokens));
    }
    text
}
