//! Events for people who look after users: logins, failures, changed passwords, acts on the Management API.
//!
//! Events are not the record (that is the audit): they are kept a few milliseconds late, many at a time, so
//! that a busy token endpoint does not wait for them, and they leave after 30 days.

mod buffer;
mod list;
mod query;
mod stats;

use std::net::IpAddr;

use serde_json::{Value, json};
use tenantry_store::identity::logs::Log as Row;

use crate::text::{Fields, fields, time};
use crate::{Identity, ids};

pub(crate) use buffer::Buffer;
pub use list::{LogList, Sort};
pub use stats::DayStats;

/// Something that happened. `kind` is one of the codes that clients of this API know:
///
/// | code | event |
/// | --- | --- |
/// | `s`, `slo`, `ssa` | a login, a logout, a login without asking |
/// | `f`, `fp`, `fu` | a failed login; by a wrong password; by a name that nobody has |
/// | `limit_wc`, `limit_mu`, `limit_sul` | blocked: a user from an address, an address, a user everywhere |
/// | `seacft`, `feacft`, `seccft`, `feccft`, `sertft`, `fertft`, `sepft`, `fepft` | a token by code, for a client, by refresh token, by password, and their failures |
/// | `gd_auth_succeed`, `gd_auth_failed` | a second factor, and its failure |
/// | `ss`, `fs`, `scp`, `fcp`, `sv`, `fv`, `sdu` | sign-up, changed password, confirmed address, deleted user |
/// | `scpr`, `svr` | asked for a changed password, a confirmed address |
/// | `sapi`, `mgmt_api_read` | an act on the Management API |
#[derive(Debug, Clone, Default)]
pub struct Event {
    /// The code.
    pub kind: &'static str,
    /// A sentence for people; never with a secret.
    pub description: Option<String>,
    /// Whom it concerns.
    pub user_id: Option<String>,
    /// What the user is called, or the name that was tried.
    pub user_name: Option<String>,
    /// The connection's name.
    pub connection: Option<String>,
    /// The client.
    pub client_id: Option<String>,
    /// The client's name.
    pub client_name: Option<String>,
    /// The account's id.
    pub account: Option<String>,
    /// From where.
    pub address: Option<IpAddr>,
    /// What the caller calls itself.
    pub user_agent: Option<String>,
    /// The API that was asked for.
    pub audience: Option<String>,
    /// The permissions that were asked for.
    pub scope: Option<String>,
    /// More, without secrets.
    pub details: Option<Value>,
}

impl Event {
    /// An event of that code.
    #[must_use]
    pub fn new(kind: &'static str) -> Event {
        Event { kind, ..Event::default() }
    }
}

/// The longest text of an event; what callers sent may be longer.
const LONGEST: usize = 1_000;

impl Identity {
    /// Notes that something happened. It is kept a few milliseconds later; what cannot be kept is left out.
    pub fn log(&self, event: Event) {
        if let Some(row) = self.log_row(event) {
            self.logs.push(&self.store, row);
        }
    }

    /// Waits until all events that were noted are kept.
    pub async fn flush_logs(&self) {
        self.logs.flush(&self.store).await;
    }

    pub(crate) fn log_row(&self, event: Event) -> Option<Row> {
        let now = self.now();
        // Digits alone, so that ids are ordered as the events were.
        let drawn = ids::hex(self.entropy.as_ref(), "", 5).ok()?;
        let chance = u64::from_str_radix(&drawn, 16).unwrap_or_default();
        let turn = self.logs.turn();
        let mut doc = Fields::new();
        let mut put = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                doc.insert(name.to_owned(), Value::String(shortened(&value)));
            }
        };
        put("description", event.description);
        put("user_name", event.user_name);
        put("connection", event.connection);
        put("client_name", event.client_name);
        put("ip", event.address.map(|address| address.to_canonical().to_string()));
        put("user_agent", event.user_agent);
        put("audience", event.audience);
        put("scope", event.scope);
        if let Some(details) = event.details {
            doc.insert("details".to_owned(), crate::act::without_secrets(&details));
        }
        Some(Row {
            id: format!("900{:017}{turn:08}{chance:013}", now.max(0)),
            time_micros: now,
            kind: event.kind.to_owned(),
            user_id: event.user_id.map(|id| shortened(&id)),
            client_id: event.client_id.map(|id| shortened(&id)),
            account_id: event.account,
            doc: Value::Object(doc).to_string(),
        })
    }
}

fn shortened(text: &str) -> String {
    // PostgreSQL keeps no NUL in a text.
    text.chars().filter(|c| *c != '\0').take(LONGEST).collect()
}

/// An event as the APIs show it.
pub(crate) fn shown(row: Row) -> Value {
    let mut shown = json!({ "date": time(row.time_micros), "type": row.kind });
    if let Some(shown) = shown.as_object_mut() {
        shown.extend(fields(&row.doc));
        if let Some(client) = row.client_id {
            shown.insert("client_id".to_owned(), client.into());
        }
        if let Some(user) = row.user_id {
            shown.insert("user_id".to_owned(), user.into());
        }
        if let Some(account) = row.account_id {
            shown.insert("organization_id".to_owned(), account.into());
        }
        shown.insert("log_id".to_owned(), row.id.clone().into());
        shown.insert("_id".to_owned(), row.id.into());
        shown.insert("isMobile".to_owned(), false.into());
    }
    shown
}
