//! `GET /api/v2/stats/active-users` and `/api/v2/stats/daily`.

use jiff::civil::Date;
use serde_json::{Value, json};
use tenantry_identity::Refusal;
use tenantry_identity::text::time;

use crate::management::route::{Answer, Call};

/// Answers the call for the users of the last 30 days.
pub(super) async fn active_users(call: Call) -> Result<Answer, Refusal> {
    Ok(Answer::ok(json!(call.identity.active_users(&call.caller).await?)))
}

/// Answers the call for each day's logins.
pub(super) async fn daily(call: Call) -> Result<Answer, Refusal> {
    let (from, to) = (day(call.query.text("from"))?, day(call.query.text("to"))?);
    let stats = call.identity.daily_stats(&call.caller, from, to).await?;
    let shown = stats.iter().map(|day| {
        json!({
            "date": time(day.date_micros),
            "logins": day.logins,
            "signups": day.signups,
            "leaked_passwords": 0,
            "updated_at": time(day.updated_micros),
            "created_at": time(day.created_micros),
        })
    });
    Ok(Answer::ok(Value::Array(shown.collect())))
}

/// `20260131` as days since 1970.
fn day(text: Option<&str>) -> Result<Option<i64>, Refusal> {
    let Some(text) = text else { return Ok(None) };
    let wrong = || Refusal::Invalid {
        code: "invalid_query_string",
        message: "Query validation error: 'A day is YYYYMMDD'.".to_owned(),
    };
    let date = Date::strptime("%Y%m%d", text).map_err(|_| wrong())?;
    let start = date.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| wrong())?;
    Ok(Some(start.timestamp().as_second().div_euclid(86_400)))
}
