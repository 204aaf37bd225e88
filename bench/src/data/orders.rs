//! The table, its rows, the questions, and the answers as one would write them by hand.

use std::io::Write as _;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use tenantry_policy::value::format_timestamp;

/// How many tenants read. As many more, of the same order, only create.
pub(crate) const TENANTS: i64 = 100;
/// How many rows there are at the start.
pub(crate) const ROWS: i64 = 100_000;
/// How many rows a page has.
pub(crate) const PAGE: usize = 25;

const STATUSES: [&str; 5] = ["open", "paid", "packed", "shipped", "cancelled"];
/// The status that pages and counts ask for.
pub(crate) const ASKED: &str = "open";
/// 2025-01-01T00:00:00Z in microseconds.
const BEGINNING: i64 = 1_735_689_600_000_000;

/// One row.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    /// The key.
    pub(crate) id: i64,
    /// Whose it is.
    pub(crate) tenant_id: String,
    /// Who ordered.
    pub(crate) customer_id: i64,
    /// Its state.
    pub(crate) status: &'static str,
    /// Cents.
    pub(crate) total_cents: i64,
    /// Microseconds since 1970 UTC, whole seconds.
    pub(crate) created_at: i64,
    /// A remark.
    pub(crate) note: String,
}

impl Order {
    /// The row with that key; tenants take turns, as rows do that come in over time.
    #[must_use]
    pub(crate) fn numbered(id: i64) -> Order {
        let status = usize::try_from((id / TENANTS * 31 + id) % 5).unwrap_or(0);
        Order {
            id,
            tenant_id: tenant(id % TENANTS),
            customer_id: id * 7_919 % 5_000 + 1,
            status: STATUSES.get(status).copied().unwrap_or(ASKED),
            total_cents: id * 104_729 % 200_000,
            created_at: BEGINNING + id * 7_001 % 31_536_000 * 1_000_000,
            note: format!("order number {id}, to be left with the neighbours"),
        }
    }

    /// `2025-01-01 00:00:00`, as SQLite keeps it.
    #[must_use]
    pub(crate) fn created_text(&self) -> String {
        let text = format_timestamp(self.created_at).unwrap_or_default();
        text.trim_end_matches('Z').replace('T', " ")
    }
}

/// The name of a tenant.
#[must_use]
pub(crate) fn tenant(at: i64) -> String {
    format!("tenant-{at}")
}

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// A page of 25 rows by status, newest first.
    Query,
    /// A row by its key.
    Get,
    /// Rows counted by status.
    Aggregate,
    /// Open rows counted, without groups, which OrmAI does not have.
    Count,
    /// A row added.
    Create,
}

impl Kind {
    /// Those that P1 names.
    pub(crate) const OURS: [Kind; 4] = [Kind::Query, Kind::Get, Kind::Aggregate, Kind::Create];
    /// Those that OrmAI can do too.
    pub(crate) const SHARED: [Kind; 4] = [Kind::Query, Kind::Get, Kind::Count, Kind::Create];

    /// Its name in tables and to OrmAI.
    #[must_use]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Query => "query",
            Kind::Get => "get",
            Kind::Aggregate => "aggregate",
            Kind::Count => "count",
            Kind::Create => "create",
        }
    }

    /// The tool that does it.
    #[must_use]
    pub(crate) fn tool(self) -> &'static str {
        match self {
            Kind::Count => "aggregate",
            other => other.name(),
        }
    }

    /// The arguments of the tool.
    #[must_use]
    pub(crate) fn body(self, case: Case) -> Vec<u8> {
        match self {
            Kind::Query => format!(
                r#"{{"model":"orders","where":[{{"field":"status","op":"eq","value":"{ASKED}"}}],"order_by":[{{"field":"created_at","direction":"desc"}}],"take":{PAGE}}}"#
            ),
            Kind::Get => format!(r#"{{"model":"orders","id":{}}}"#, case.id),
            Kind::Aggregate => r#"{"model":"orders","operation":"count","group_by":["status"]}"#.to_owned(),
            Kind::Count => format!(
                r#"{{"model":"orders","operation":"count","where":[{{"field":"status","op":"eq","value":"{ASKED}"}}]}}"#
            ),
            Kind::Create => format!(
                r#"{{"model":"orders","data":{{"customer_id":{},"status":"{ASKED}","total_cents":{},"note":"{NOTE}"}}}}"#,
                case.customer(),
                case.cents()
            ),
        }
        .into_bytes()
    }
}

/// The note of created rows.
pub(crate) const NOTE: &str = "please ring twice";

/// What one call is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    /// The caller's tenant.
    pub(crate) tenant: i64,
    /// A row of that tenant.
    pub(crate) id: i64,
}

impl Case {
    /// The customer of a created row.
    #[must_use]
    pub(crate) fn customer(self) -> i64 {
        self.id % 5_000 + 1
    }

    /// The total of a created row.
    #[must_use]
    pub(crate) fn cents(self) -> i64 {
        self.id % 100_000
    }
}

/// Cases from a seed. Rows are created in tenants of their own, so that what others read stays as
/// it was.
#[must_use]
pub(crate) fn cases(kind: Kind, count: usize) -> Vec<Case> {
    let mut dice = ChaCha8Rng::seed_from_u64(20_261_122);
    (0..count)
        .map(|_| {
            let id = i64::from(dice.next_u32()) % ROWS + 1;
            let extra = if kind == Kind::Create { TENANTS } else { 0 };
            Case { tenant: id % TENANTS + extra, id }
        })
        .collect()
}

/// The policy. `place` is where the table stands in its source.
#[must_use]
pub(crate) fn file(place: &str) -> String {
    format!(
        r#"
[source.main]
url = "env:BENCH_DATABASE"
[role.agent]
tools = ["orders.*"]
[table.orders]
source = "{place}"
scope = {{ tenant_id = "principal.tenant_id" }}
fields = {{ id = "allow", tenant_id = "allow", customer_id = "allow", status = "allow", total_cents = "allow", created_at = "allow", note = "allow" }}
[table.orders.write]
create = ["customer_id", "status", "total_cents", "note"]
auto_set = {{ tenant_id = "principal.tenant_id", created_at = "now" }}
"#
    )
}

/// The columns as every hand-written statement selects them.
pub(crate) const COLUMNS: &str = "id, tenant_id, customer_id, status, total_cents, created_at, note";

/// What a hand-written program reads of a row, borrowed from the driver.
#[derive(Debug)]
pub(crate) struct Shown<'a> {
    /// The key.
    pub(crate) id: i64,
    /// Whose it is.
    pub(crate) tenant_id: &'a str,
    /// Who ordered.
    pub(crate) customer_id: i64,
    /// Its state.
    pub(crate) status: &'a str,
    /// Cents.
    pub(crate) total_cents: i64,
    /// RFC 3339.
    pub(crate) created_at: &'a str,
    /// A remark.
    pub(crate) note: &'a str,
}

/// Writes a row as JSON, the way one does by hand.
pub(crate) fn write_order(out: &mut Vec<u8>, row: &Shown<'_>) {
    // Writing into a Vec cannot fail.
    let _ = write!(out, r#"{{"id":{},"tenant_id":"#, row.id);
    write_text(out, row.tenant_id);
    let _ = write!(out, r#","customer_id":{},"status":"#, row.customer_id);
    write_text(out, row.status);
    let _ = write!(out, r#","total_cents":{},"created_at":"#, row.total_cents);
    write_text(out, row.created_at);
    out.extend_from_slice(br#","note":"#);
    write_text(out, row.note);
    out.push(b'}');
}

/// Writes a text as JSON: most texts need no escape.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    if text.bytes().any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        for character in text.chars() {
            match character {
                '"' => out.extend_from_slice(b"\\\""),
                '\\' => out.extend_from_slice(b"\\\\"),
                control if u32::from(control) < 0x20 => {
                    let _ = write!(out, "\\u{:04x}", u32::from(control));
                }
                other => {
                    let mut bytes = [0_u8; 4];
                    out.extend_from_slice(other.encode_utf8(&mut bytes).as_bytes());
                }
            }
        }
    } else {
        out.extend_from_slice(text.as_bytes());
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tenant_has_rows_of_each_status() {
        for tenant_number in 0..3 {
            let own = (1..=ROWS).map(Order::numbered).filter(|order| order.tenant_id == tenant(tenant_number));
            let mut seen: Vec<&str> = own.map(|order| order.status).collect();
            assert_eq!(seen.len(), 1_000);
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), STATUSES.len());
        }
    }

    #[test]
    fn a_case_is_about_a_row_of_its_tenant() {
        for case in cases(Kind::Get, 500) {
            assert_eq!(Order::numbered(case.id).tenant_id, tenant(case.tenant));
        }
        assert!(cases(Kind::Create, 500).iter().all(|case| case.tenant >= TENANTS));
    }

    #[test]
    fn text_is_json() {
        for text in ["plain", "a \"quoted\" \\ word", "line\nbreak\u{1}", "ünï"] {
            let mut out = Vec::new();
            write_text(&mut out, text);
            assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
    }
}
