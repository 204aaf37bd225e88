//! Events, and how many users log in.

mod list;
mod of_user;
mod read;
mod stats;

use tenantry_identity::Refusal;
use tenantry_identity::logs::{LogList, Sort};

use crate::management::query::Query;
use crate::management::route::{Route, route};

/// The family's endpoints.
pub(crate) const ROUTES: &[Route] = &[
    route!("GET /logs", list::handle),
    route!("GET /logs/{id}", read::handle),
    route!("GET /users/{id}/logs", of_user::handle),
    route!("GET /stats/active-users", stats::active_users),
    route!("GET /stats/daily", stats::daily),
];

/// No list by page numbers reaches further than this.
const FURTHEST: i64 = 1_000;

/// Which events a query asks for. `from` wins over pages.
fn wanted(query: &Query) -> Result<LogList, Refusal> {
    if query.text("from").is_some() || query.int("take").is_some() {
        let take = query.int("take").unwrap_or(50).clamp(1, 100);
        return Ok(LogList::After { from: query.text("from").unwrap_or_default().to_owned(), take });
    }
    let wrong = |message: &str| Refusal::Invalid { code: "invalid_query_string", message: message.to_owned() };
    let limit = query.int("per_page").unwrap_or(50);
    let offset = query.int("page").unwrap_or(0).saturating_mul(limit);
    if offset.saturating_add(limit) > FURTHEST && offset > 0 {
        return Err(wrong("You can only page through the first 1000 records. Use from and take to read further."));
    }
    let sort = match query.text("sort") {
        None | Some("date:-1") => Sort::Newest,
        Some("date:1") => Sort::Oldest,
        Some(_) => return Err(wrong("Events can be sorted by date alone.")),
    };
    let search = query.text("q").or_else(|| query.text("search")).unwrap_or_default().to_owned();
    let total = query.flag("include_totals").unwrap_or(false);
    Ok(LogList::Page { offset, limit, total, sort, search })
}
