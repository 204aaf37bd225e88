//! What callers do while the database is failing them, and what must be true of it afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value, json};
use tenantry_guard::Guard;
use tenantry_guard::reply::Reply;
use tenantry_policy::{Bound, Code, Principal};

use crate::support::database::TableDef;

/// The longest that a statement may run, as the budgets below say.
pub const STATEMENT: Duration = Duration::from_millis(400);

/// The file, without its source. `notices` has public rows, so that somebody without a tenant gets
/// as far as the database.
pub const FILE: &str = r#"
[role.agent]
tools = ["items.*", "parts.*", "events.*", "cells.*", "notices.*"]

[table.items]
source = "main.items"
scope = { tenant_id = "principal.tenant_id" }
fields = { id = "allow", tenant_id = "allow", name = "allow", qty = "allow" }
relations = { parts = { table = "parts", foreign_key = "item_id" } }
budget = { max_rows = 50, max_includes = 2, timeout = "400ms" }

[table.parts]
source = "main.parts"
scope = { tenant_id = "principal.tenant_id" }
fields = { id = "allow", item_id = "allow", label = "allow" }
budget = { max_rows = 50, timeout = "400ms" }

[table.events]
source = "main.events"
scope = { tenant_id = "principal.tenant_id" }
fields = { id = "allow", tenant_id = "allow", ref = "allow" }
budget = { max_rows = 50, timeout = "400ms" }
[table.events.write]
create = ["ref"]
delete = true
max_rows = 5

[table.cells]
source = "main.cells"
scope = { tenant_id = "principal.tenant_id" }
fields = { id = "allow", tenant_id = "allow", value = "allow" }
budget = { timeout = "400ms" }
[table.cells.write]
update = ["value"]

[table.notices]
source = "main.notices"
shared = "is_public = TRUE"
fields = { id = "allow", tenant_id = "allow", is_public = "allow" }
budget = { timeout = "400ms" }
[table.notices.bypass.own]
when = "tenant_id = principal.tenant_id"
"#;

/// The tenants.
pub const TENANTS: [&str; 3] = ["a", "b", "c"];

/// Callers at the same time, each of one tenant and with one row of `cells`.
pub const CALLERS: usize = 6;

const ITEMS: i64 = 8;

/// The tenant of a caller.
pub fn tenant_of(caller: usize) -> &'static str {
    TENANTS[caller % TENANTS.len()]
}

fn item(tenant: usize, at: i64) -> Value {
    let id = i64::try_from(tenant).unwrap() * 1_000 + at;
    json!({"id": id, "tenant_id": TENANTS[tenant], "name": format!("item {at} of {}", TENANTS[tenant]), "qty": at * 3})
}

fn part(tenant: usize, at: i64, half: i64) -> Value {
    let item = i64::try_from(tenant).unwrap() * 1_000 + at;
    json!({"id": item * 10 + half, "item_id": item, "label": format!("{half} of {item} of {}", TENANTS[tenant])})
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// The tables and the rows that never change.
pub fn tables() -> Vec<TableDef> {
    let table = |name: &str, columns: &[(&str, &str)], rows: Vec<Map<String, Value>>| TableDef {
        name: name.to_owned(),
        columns: columns.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned(), false)).collect(),
        key: vec!["id".to_owned()],
        rows,
        ..TableDef::default()
    };
    let every = |make: &dyn Fn(usize, i64) -> Vec<Value>| -> Vec<Map<String, Value>> {
        let places = (0..TENANTS.len()).flat_map(|tenant| (1..=ITEMS).map(move |at| (tenant, at)));
        places.flat_map(|(tenant, at)| make(tenant, at)).map(object).collect()
    };
    let parts = |tenant: usize, at: i64| {
        let with_tenant = |half| {
            let mut part = object(part(tenant, at, half));
            part.insert("tenant_id".to_owned(), json!(TENANTS[tenant]));
            Value::Object(part)
        };
        vec![with_tenant(1), with_tenant(2)]
    };
    let cells =
        (0..CALLERS).map(|caller| object(json!({"id": caller, "tenant_id": tenant_of(caller), "value": "new"})));
    let notices = |tenant: usize, at: i64| {
        let id = i64::try_from(tenant).unwrap() * 1_000 + at;
        vec![json!({"id": id, "tenant_id": TENANTS[tenant], "is_public": at == 1})]
    };
    vec![
        table(
            "items",
            &[("id", "int"), ("tenant_id", "text"), ("name", "text"), ("qty", "int")],
            every(&|tenant, at| vec![item(tenant, at)]),
        ),
        table("parts", &[("id", "int"), ("tenant_id", "text"), ("item_id", "int"), ("label", "text")], every(&parts)),
        // `ref` is no key: a write that ran twice would be there twice.
        table("events", &[("id", "serial"), ("tenant_id", "text"), ("ref", "text")], Vec::new()),
        table("cells", &[("id", "int"), ("tenant_id", "text"), ("value", "text")], cells.collect()),
        table("notices", &[("id", "int"), ("tenant_id", "text"), ("is_public", "bool")], every(&notices)),
    ]
}

/// An agent of a tenant, or of none.
pub fn bind(guard: &Guard, tenant: Option<&str>) -> Arc<Bound> {
    let principal = Principal {
        tenant_id: tenant.map(str::to_owned),
        user_id: Some("ada".to_owned()),
        roles: vec!["agent".to_owned()],
        ..Principal::default()
    };
    Arc::new(guard.bind(Arc::new(principal)).expect("the principal fits"))
}

/// Numbers from a seed.
pub struct Dice(ChaCha8Rng);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(ChaCha8Rng::seed_from_u64(seed))
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.0.next_u64() % bound
    }

    pub fn at(&mut self, bound: usize) -> usize {
        usize::try_from(self.below(u64::try_from(bound).unwrap())).unwrap()
    }
}

/// What is known of a row that a caller wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// Sent, and never acknowledged.
    Sent,
    /// Acknowledged, under this key.
    There(i64),
    /// Acknowledged, and then its removal was sent.
    Leaving,
    /// Its removal was acknowledged.
    Gone,
}

/// What callers know of their writes.
#[derive(Default)]
pub struct Ledger {
    events: BTreeMap<String, (&'static str, Known)>,
    /// Calls that wrote two rows.
    pairs: Vec<[String; 2]>,
    /// By caller: what its cell may hold now.
    cells: BTreeMap<usize, BTreeSet<String>>,
    next: u64,
    /// Calls answered right, and calls answered with an error.
    pub right: u64,
    pub failed: BTreeMap<&'static str, u64>,
}

impl Ledger {
    fn fresh(&mut self, tenant: &'static str) -> String {
        self.next += 1;
        let name = format!("{tenant}{}", self.next);
        self.events.insert(name.clone(), (tenant, Known::Sent));
        name
    }

    fn know(&mut self, name: &str, known: Known) {
        self.events.get_mut(name).expect("sent before").1 = known;
    }

    /// Writes that were acknowledged, and writes that were sent and were not.
    pub fn counts(&self) -> (usize, usize) {
        let unknown = self.events.values().filter(|(_, known)| *known == Known::Sent).count();
        (self.events.len() - unknown, unknown)
    }

    /// Compares the rows of `events` with what is known: (ref, tenant, how often). Answers how many
    /// rows are there that nobody acknowledged.
    pub fn check_events(&self, rows: &[(String, String, i64)]) -> usize {
        let mut stored = BTreeSet::new();
        let mut unacknowledged = 0;
        for (name, tenant, count) in rows {
            assert_eq!(*count, 1, "`{name}` is there {count} times");
            let (owner, known) = self.events.get(name).unwrap_or_else(|| panic!("nobody sent `{name}`"));
            assert_eq!(owner, tenant, "`{name}` has changed hands");
            assert_ne!(*known, Known::Gone, "`{name}` was removed and is there");
            unacknowledged += usize::from(*known == Known::Sent);
            stored.insert(name.as_str());
        }
        for (name, (_, known)) in &self.events {
            assert!(!matches!(known, Known::There(_)) || stored.contains(name.as_str()), "`{name}` is lost");
        }
        for [one, other] in &self.pairs {
            let removed = [one, other].iter().any(|name| matches!(self.events[*name].1, Known::Gone | Known::Leaving));
            let (one, other) = (stored.contains(one.as_str()), stored.contains(other.as_str()));
            assert!(removed || one == other, "half of a call was written");
        }
        unacknowledged
    }

    /// Compares the cells with what they may hold.
    pub fn check_cells(&self, rows: &[(i64, String)]) {
        for (id, value) in rows {
            let caller = usize::try_from(*id).unwrap();
            let may = self.cells.get(&caller).map_or_else(|| value == "new", |may| may.contains(value));
            assert!(may, "cell {id} holds `{value}`, which is older than its last acknowledged write");
        }
    }
}

/// One caller: which one, bound, with its own dice.
pub struct Caller {
    pub guard: Arc<Guard>,
    pub bound: Arc<Bound>,
    pub number: usize,
    pub dice: Dice,
    pub ledger: Arc<Mutex<Ledger>>,
}

/// Is this one of the answers that a failing database excuses?
pub fn excused(code: Code) -> bool {
    matches!(code, Code::Timeout | Code::InternalError)
}

pub fn body(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).expect("the answer is JSON")
}

/// The page of a tenant's items.
pub fn items_of(tenant: usize) -> Value {
    let rows: Vec<Value> = (1..=ITEMS).map(|at| item(tenant, at)).collect();
    json!({"success": true, "data": rows, "next_cursor": null, "has_more": false})
}

/// The call whose answer is [`items_of`].
pub fn all_items() -> Value {
    json!({"model": "items", "order_by": [{"field": "id", "direction": "asc"}], "take": 50})
}

/// What somebody without a tenant sees of `notices`.
pub fn public_notices() -> Value {
    let rows: Vec<Value> = (0..3).map(|tenant| json!({"id": tenant * 1_000 + 1, "is_public": true})).collect();
    json!({"success": true, "data": rows, "next_cursor": null, "has_more": false})
}

/// The call whose answer is [`public_notices`].
pub fn notices() -> Value {
    json!({"model": "notices", "select": ["id", "is_public"], "order_by": [{"field": "id", "direction": "asc"}], "take": 50})
}

impl Caller {
    /// One call drawn from the dice. Whether it was answered with success; a wrong answer fails the test.
    pub async fn call(&mut self) -> bool {
        match self.dice.below(10) {
            0..=4 => self.read().await,
            5..=6 => self.create().await,
            7 => self.bulk_create().await,
            8 => self.update().await,
            _ => self.delete().await,
        }
    }

    /// Calls a tool. `None` when the answer is an excused error.
    async fn ask(&self, tool: &str, args: &Value) -> Option<Value> {
        let reply = self.guard.call(&self.bound, tool, args.to_string().as_bytes()).await;
        let answer = body(&reply);
        let mut ledger = self.ledger.lock().unwrap();
        match reply.code {
            None => {
                assert_eq!(answer["success"], true, "{answer}");
                ledger.right += 1;
                Some(answer)
            }
            Some(code) => {
                assert!(excused(code), "{tool} {args}: {answer}");
                assert_eq!(answer["success"], false);
                assert!(answer.get("data").is_none(), "an error shows no row: {answer}");
                *ledger.failed.entry(code.name()).or_default() += 1;
                None
            }
        }
    }

    async fn read(&mut self) -> bool {
        let tenant = self.number % TENANTS.len();
        let at = 1 + i64::try_from(self.dice.below(u64::try_from(ITEMS).unwrap())).unwrap();
        let (tool, args, expected) = match self.dice.below(6) {
            0 => ("query", all_items(), items_of(tenant)),
            1 => {
                let include =
                    json!([{"relation": "parts", "order_by": [{"field": "id", "direction": "asc"}], "take": 5}]);
                let mut args = all_items();
                args["include"] = include;
                let mut page = items_of(tenant);
                for (row, at) in page["data"].as_array_mut().unwrap().iter_mut().zip(1..) {
                    row["parts"] = json!([part(tenant, at, 1), part(tenant, at, 2)]);
                }
                ("query", args, page)
            }
            2 => {
                let row = item(tenant, at);
                let answer = json!({"success": true, "data": row, "found": true});
                ("get", json!({"model": "items", "id": row["id"]}), answer)
            }
            3 => {
                let row = item((tenant + 1) % TENANTS.len(), at);
                let answer = json!({"success": true, "data": null, "found": false});
                ("get", json!({"model": "items", "id": row["id"]}), answer)
            }
            4 => {
                let sum: i64 = (1..=ITEMS).map(|at| at * 3).sum();
                let args = json!({"model": "items", "operation": "sum", "field": "qty"});
                ("aggregate", args, json!({"success": true, "data": [{"value": sum}]}))
            }
            _ => {
                let args = json!({"model": "events", "take": 50, "order_by": [{"field": "id", "direction": "desc"}]});
                let Some(answer) = self.ask("query", &args).await else { return false };
                let own = json!(TENANTS[tenant]);
                for row in answer["data"].as_array().unwrap() {
                    assert_eq!(row["tenant_id"], own, "another tenant's row: {row}");
                    assert!(row["ref"].as_str().unwrap().starts_with(TENANTS[tenant]), "{row}");
                }
                return true;
            }
        };
        let Some(answer) = self.ask(tool, &args).await else { return false };
        let (answer, expected) = (answer.to_string(), expected.to_string());
        assert_eq!(number_free(&answer), number_free(&expected), "{tool} {args}");
        true
    }

    async fn create(&mut self) -> bool {
        let name = self.ledger.lock().unwrap().fresh(tenant_of(self.number));
        let answer = self.ask("create", &json!({"model": "events", "data": {"ref": name}})).await;
        let Some(answer) = answer else { return false };
        assert_eq!(
            (&answer["data"]["ref"], &answer["data"]["tenant_id"]),
            (&json!(name), &json!(tenant_of(self.number)))
        );
        self.ledger.lock().unwrap().know(&name, Known::There(answer["data"]["id"].as_i64().unwrap()));
        true
    }

    async fn bulk_create(&mut self) -> bool {
        let names = {
            let mut ledger = self.ledger.lock().unwrap();
            let names = [ledger.fresh(tenant_of(self.number)), ledger.fresh(tenant_of(self.number))];
            ledger.pairs.push(names.clone());
            names
        };
        let rows: Vec<Value> = names.iter().map(|name| json!({"ref": name})).collect();
        let answer = self.ask("bulk_create", &json!({"model": "events", "rows": rows})).await;
        let Some(answer) = answer else { return false };
        assert_eq!(answer["count"], 2, "{answer}");
        let mut ledger = self.ledger.lock().unwrap();
        for (name, row) in names.iter().zip(answer["data"].as_array().unwrap()) {
            assert_eq!(row["ref"], json!(name));
            ledger.know(name, Known::There(row["id"].as_i64().unwrap()));
        }
        true
    }

    /// Changes the caller's own cell, which nobody else changes.
    async fn update(&mut self) -> bool {
        let value = {
            let mut ledger = self.ledger.lock().unwrap();
            ledger.next += 1;
            let value = format!("v{}", ledger.next);
            let cell = ledger.cells.entry(self.number).or_insert_with(|| BTreeSet::from(["new".to_owned()]));
            cell.insert(value.clone());
            value
        };
        let args = json!({"model": "cells", "id": self.number, "data": {"value": value}});
        if self.ask("update", &args).await.is_none() {
            return false;
        }
        self.ledger.lock().unwrap().cells.insert(self.number, BTreeSet::from([value]));
        true
    }

    /// Removes a row that the caller's tenant wrote.
    async fn delete(&mut self) -> bool {
        let chosen = {
            let mut ledger = self.ledger.lock().unwrap();
            let own = tenant_of(self.number);
            let found = ledger.events.iter().rev().find_map(|(name, (tenant, known))| match known {
                Known::There(id) if *tenant == own => Some((name.clone(), *id)),
                _ => None,
            });
            if let Some((name, _)) = &found {
                ledger.know(name, Known::Leaving);
            }
            found
        };
        let Some((name, id)) = chosen else { return self.create().await };
        if self.ask("delete", &json!({"model": "events", "id": id})).await.is_none() {
            return false;
        }
        self.ledger.lock().unwrap().know(&name, Known::Gone);
        true
    }
}

/// A sum of integers is a decimal: `108`, `"108"` and `108.0` are the same answer here.
fn number_free(text: &str) -> String {
    text.replace(".0", "").replace('"', "")
}
