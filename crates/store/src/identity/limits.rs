//! What accounts and their workspaces say of their limits.

use std::time::Duration;

use serde_json::{Map, Value};
use tenantry_policy::limits::{Budget, Limits, Period, Rate};

use crate::backend::Param;
use crate::{Store, StoreError};

/// The most calls that may run at one time, as in the file.
const MOST_CONCURRENT: u32 = 1_000_000;

/// Lets nothing pass.
const NOTHING: Rate = Rate { count: 0, within: Duration::from_secs(1) };

/// Limits that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Where: `budget.amount`; empty for all of them.
    pub place: String,
    /// What stands there instead of what.
    pub why: &'static str,
}

/// The limits in the field `limits` of a document, and the first of them that cannot be read. That one lets nothing
/// pass: it was meant to limit something.
#[must_use]
pub fn read(said: Option<&Value>) -> (Limits, Option<Unreadable>) {
    let mut reader = Reader { wrong: None };
    let limits = match said {
        None | Some(Value::Null) => Limits::default(),
        Some(Value::Object(said)) => reader.limits(said),
        Some(_) => {
            reader.note("", "it is no object");
            Limits { requests: Some(NOTHING), ..Limits::default() }
        }
    };
    (limits, reader.wrong)
}

struct Reader {
    wrong: Option<Unreadable>,
}

impl Reader {
    fn note(&mut self, place: &str, why: &'static str) {
        self.wrong.get_or_insert_with(|| Unreadable { place: place.to_owned(), why });
    }

    /// Somebody meant something by a name that is none.
    fn known(&mut self, said: &Map<String, Value>, before: &str, names: &[&str]) {
        if let Some(other) = said.keys().find(|name| !names.contains(&name.as_str())) {
            let shown: String = other.chars().filter(|letter| !letter.is_control()).take(64).collect();
            self.note(&[before, &shown].concat(), "there is no such limit");
        }
    }

    fn limits(&mut self, said: &Map<String, Value>) -> Limits {
        self.known(said, "", &["requests", "tokens", "concurrent", "budget"]);
        Limits {
            requests: self.rate(said, "requests"),
            tokens: self.rate(said, "tokens"),
            concurrent: present(said, "concurrent").map(|value| {
                let most = value.as_u64().and_then(|most| u32::try_from(most).ok());
                most.filter(|most| *most <= MOST_CONCURRENT).unwrap_or_else(|| {
                    self.note("concurrent", "it is no whole number from 0 to 1,000,000");
                    0
                })
            }),
            budget: present(said, "budget")
                .map(|value| self.budget(value).unwrap_or(Budget { micros: 0, period: Period::Hour, tolerance: None })),
        }
    }

    fn rate(&mut self, said: &Map<String, Value>, name: &str) -> Option<Rate> {
        let rate = present(said, name)?.as_str().and_then(Rate::parse);
        Some(rate.unwrap_or_else(|| {
            self.note(name, "it is no rate such as `600/min`; units are s, min, hour and day");
            NOTHING
        }))
    }

    fn budget(&mut self, value: &Value) -> Option<Budget> {
        let Some(said) = value.as_object() else {
            self.note("budget", "it is no object with an amount and a period");
            return None;
        };
        self.known(said, "budget.", &["amount", "per", "tolerance"]);
        // The ledger counts in 63 bits.
        let micros = present(said, "amount").and_then(Value::as_u64).filter(|amount| i64::try_from(*amount).is_ok());
        if micros.is_none() {
            self.note("budget.amount", "it is no whole number of micro-units, 0 or more");
        }
        let period = present(said, "per").and_then(Value::as_str).and_then(Period::parse);
        if period.is_none() {
            self.note("budget.per", "it is none of `hour`, `day` and `month`");
        }
        let tolerance = match present(said, "tolerance") {
            None => None,
            Some(percent) => {
                let percent = percent.as_u64().and_then(|percent| u8::try_from(percent).ok());
                let percent = percent.filter(|percent| (1..=100).contains(percent));
                if percent.is_none() {
                    self.note("budget.tolerance", "it is no whole number from 1 to 100");
                }
                Some(percent?)
            }
        };
        Some(Budget { micros: micros?, period: period?, tolerance })
    }
}

fn present<'s>(said: &'s Map<String, Value>, name: &str) -> Option<&'s Value> {
    said.get(name).filter(|value| !value.is_null())
}

/// What an account says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredLimits {
    /// The account's remaining fields, a JSON object.
    pub doc: String,
    /// The tenant id of the account above it.
    pub parent: Option<String>,
    /// Its workspaces.
    pub workspaces: Vec<DeclaredWorkspace>,
}

/// What a workspace says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredWorkspace {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its remaining fields, a JSON object.
    pub doc: String,
}

impl Store {
    /// What the account with that tenant id says, and its workspaces.
    ///
    /// # Errors
    /// The store's.
    pub async fn declared_limits(&self, tenant: &str) -> Result<Option<DeclaredLimits>, StoreError> {
        const ACCOUNT: &str = "SELECT a.doc, p.tenant_id, a.id FROM tenantry_account a \
             LEFT JOIN tenantry_account p ON p.id = a.parent_id WHERE a.tenant_id = $1";
        const WORKSPACES: &str = "SELECT id, name, doc FROM tenantry_workspace WHERE account_id = $1 \
             ORDER BY id LIMIT 1000";
        let text = |value: Option<String>| value.unwrap_or_default();
        let found =
            self.backend.find(ACCOUNT, vec![Param::text(tenant)], |row| (row.text(0), row.text(1), row.text(2)));
        let Some((doc, parent, id)) = found.await?.pop() else { return Ok(None) };
        let workspaces = self.backend.find(WORKSPACES, vec![Param::text(&text(id))], |row| DeclaredWorkspace {
            id: row.text(0).unwrap_or_default(),
            name: row.text(1).unwrap_or_default(),
            doc: row.text(2).unwrap_or_default(),
        });
        Ok(Some(DeclaredLimits { doc: text(doc), parent, workspaces: workspaces.await? }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn limits_are_read_and_nothing_is_limited_by_absence() {
        let said = json!({
            "requests": "5/s", "tokens": null, "concurrent": 3,
            "budget": { "amount": 7, "per": "day", "tolerance": 5 },
        });
        let (limits, wrong) = read(Some(&said));
        assert_eq!(wrong, None);
        assert_eq!((limits.requests, limits.tokens, limits.concurrent), (Rate::parse("5/s"), None, Some(3)));
        assert_eq!(limits.budget, Some(Budget { micros: 7, period: Period::Day, tolerance: Some(5) }));
        for nothing in [None, Some(&json!(null)), Some(&json!({}))] {
            assert_eq!(read(nothing), (Limits::default(), None));
        }
    }

    #[test]
    fn what_cannot_be_read_is_named_and_lets_nothing_pass() {
        let budget = |amount: Value, per: Value| json!({ "budget": { "amount": amount, "per": per } });
        for (said, place) in [
            (json!([]), ""),
            (json!("600/min"), ""),
            (json!({ "requests": 5 }), "requests"),
            (json!({ "requests": "5/week" }), "requests"),
            (json!({ "tokens": "-1/s" }), "tokens"),
            (json!({ "concurrent": -1 }), "concurrent"),
            (json!({ "concurrent": 1.5 }), "concurrent"),
            (json!({ "concurrent": 1_000_001 }), "concurrent"),
            (json!({ "budget": 5 }), "budget"),
            (budget(json!(1.5), json!("day")), "budget.amount"),
            (budget(json!(-1), json!("day")), "budget.amount"),
            (budget(json!(u64::MAX), json!("day")), "budget.amount"),
            (budget(json!(1), json!("week")), "budget.per"),
            (json!({ "budget": { "amount": 1, "per": "day", "tolerance": 0 } }), "budget.tolerance"),
            (json!({ "budget": { "amount": 1, "per": "day", "tolerance": 101 } }), "budget.tolerance"),
            (json!({ "budget": { "amount": 1, "per": "day", "percent": 1 } }), "budget.percent"),
            (json!({ "request": "5/s" }), "request"),
        ] {
            let (limits, wrong) = read(Some(&said));
            assert_eq!(wrong.map(|wrong| wrong.place).as_deref(), Some(place), "{said}");
            for rate in [limits.requests, limits.tokens].into_iter().flatten() {
                assert_eq!(rate, NOTHING, "{said}");
            }
            assert!(limits.concurrent.is_none_or(|most| most == 0), "{said}");
            assert!(limits.budget.is_none_or(|budget| budget.micros == 0 || place == "budget.percent"), "{said}");
        }
    }
}
