//! `tenantry audit list`.

use std::time::Duration;

use serde_json::Value;
use tenantry_policy::value::format_timestamp;
use tenantry_store::{Decision, Filter, Phase, Recorded, Store};

use crate::commands::audit::{AuditFilter, chains, entry, name};
use crate::output::{Failure, Outcome, Paint};
use crate::runtime::store_failure;

/// Reads an age: 90s, 10m, 2h, 7d.
pub(in crate::commands) fn age(text: &str) -> Result<Duration, String> {
    let wrong = || "write a whole number and a unit: 90s, 10m, 2h, 7d".to_owned();
    let at = text.find(|character: char| !character.is_ascii_digit()).ok_or_else(wrong)?;
    let (digits, unit) = text.split_at_checked(at).ok_or_else(wrong)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 24 * 3600,
        _ => return Err(wrong()),
    };
    digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit)).map(Duration::from_secs).ok_or_else(wrong)
}

/// Lists the newest entries of one chain or of all.
pub(super) async fn run(store: &Store, filter: &AuditFilter, now_micros: i64) -> Result<Outcome, Failure> {
    let since = filter.since.map(|age| now_micros.saturating_sub(i64::try_from(age.as_micros()).unwrap_or(i64::MAX)));
    let mut found: Vec<Recorded> = Vec::new();
    for account in chains(store, filter.account.as_deref()).await? {
        let wanted = Filter {
            account,
            tool: filter.tool.clone(),
            model: filter.model.clone(),
            user: filter.user.clone(),
            since_micros: since,
            decision: filter.denied.then_some(Decision::Denied),
            limit: filter.limit,
            ..Filter::default()
        };
        found.extend(store.list(&wanted).await.map_err(|error| store_failure(&error))?);
    }
    found.sort_by_key(|recorded| std::cmp::Reverse((recorded.entry.time_micros, recorded.seq)));
    found.truncate(usize::try_from(filter.limit).unwrap_or(usize::MAX));
    let data: Vec<Value> = found.iter().map(entry).collect();
    let mut text = String::new();
    for recorded in &found {
        text.push_str(&line(recorded));
        text.push('\n');
    }
    if found.is_empty() {
        text.push_str("No entry fits.\n");
    }
    Ok(Outcome::new(Value::Array(data), text))
}

/// An entry in one line of stable widths.
fn line(recorded: &Recorded) -> String {
    let entry = &recorded.entry;
    let phase = format!("{:<9}", entry.phase.name());
    let phase = match entry.phase {
        Phase::Denied | Phase::Failed => Paint::BAD.on(&phase),
        Phase::Completed => Paint::GOOD.on(&phase),
        Phase::Started => Paint::FAINT.on(&phase),
    };
    let what = match &entry.model {
        Some(model) => [model, ".", &entry.tool].concat(),
        None => entry.tool.clone(),
    };
    let mut text = format!(
        "{}  {:<14} {:>6}  {phase}  {:<28} {:<28} {}",
        format_timestamp(entry.time_micros).unwrap_or_default(),
        name(&entry.account),
        recorded.seq,
        entry.user.as_deref().unwrap_or("-"),
        what,
        entry.id,
    );
    if let Some(rows) = entry.rows {
        text.push_str(&format!("  {rows} rows"));
    }
    if let Some(error) = &entry.error {
        text.push_str(&format!("  {error}"));
    }
    text
}
