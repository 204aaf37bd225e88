//! From a database that nobody made for Tenantry to the first answer.

use std::path::{Path, PathBuf};

use crate::support::Home;

const SHOP: &str = "
CREATE TABLE organizations (id TEXT PRIMARY KEY, name TEXT NOT NULL) STRICT;
CREATE TABLE orders (id INTEGER PRIMARY KEY, organization_id TEXT NOT NULL REFERENCES organizations (id),
    total_cents INTEGER NOT NULL) STRICT;
CREATE TABLE order_lines (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders (id),
    sku TEXT NOT NULL) STRICT;
CREATE TABLE products (sku TEXT PRIMARY KEY, name TEXT NOT NULL) STRICT;
INSERT INTO organizations VALUES ('acme', 'Acme'), ('globex', 'Globex');
INSERT INTO orders VALUES (1, 'acme', 500), (2, 'globex', 700), (3, 'acme', 900);
INSERT INTO order_lines VALUES (10, 1, 'tea'), (11, 2, 'ink'), (12, 3, 'tea');
INSERT INTO products VALUES ('tea', 'Tea'), ('ink', 'Ink');
";

fn answer(home: &Home, who: &str, tool: &str, body: &str) -> serde_json::Value {
    let ran = home.run(&["ask", who, tool, body, "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.out);
    ran.envelope()["data"]["answer"].clone()
}

#[test]
fn a_database_gets_a_file_that_is_right_and_answers() {
    let home = Home::empty();
    rusqlite::Connection::open(home.file("shop.sqlite")).unwrap().execute_batch(SHOP).unwrap();
    let told = home.good(&["init", "--from", "sqlite:shop.sqlite"]);
    assert!(told.contains("Wrote tenantry.toml: 4 tables governed, 0 tables left out."), "{told}");
    assert!(told.contains("Nothing in `products` leads to a tenant. May every tenant read all of it?"), "{told}");
    let text = home.read("tenantry.toml");
    assert!(text.contains("DECIDE") && text.contains("\"order.organization_id\" = \"principal.tenant_id\""), "{text}");
    home.good(&["check"]);
    home.good(&["fmt", "--check"]);
    // Nothing is granted to anybody until a person says so.
    assert!(!text.contains("\n[account."), "{text}");
    let people =
        ["acme", "globex"].map(|name| format!("[account.{name}.workspace.prod.user.ann]\nroles = [\"reader\"]\n"));
    home.write("tenantry.toml", format!("{text}\n{}", people.concat()));
    home.good(&["check"]);
    let sum = r#"{"model":"orders","operation":"sum","field":"total_cents"}"#;
    assert_eq!(answer(&home, "acme/ann", "aggregate", sum)["data"][0]["value"], 1400);
    assert_eq!(answer(&home, "globex/ann", "aggregate", sum)["data"][0]["value"], 700);
    let lines =
        r#"{"model":"order_lines","select":["id"],"include":[{"relation":"order","select":["organization_id"]}]}"#;
    let lines = answer(&home, "acme/ann", "query", lines);
    assert_eq!(lines["data"].as_array().unwrap().len(), 2, "{lines}");
    assert!(lines["data"].as_array().unwrap().iter().all(|line| line["order"]["organization_id"] == "acme"), "{lines}");
    assert_eq!(answer(&home, "globex/ann", "get", r#"{"model":"orders","id":1}"#)["found"], false);
    assert_eq!(answer(&home, "globex/ann", "query", r#"{"model":"products"}"#)["data"].as_array().unwrap().len(), 2);
    assert_eq!(home.run(&["ask", "acme/ann", "delete", r#"{"model":"orders","id":1}"#]).code, 2);
    assert_eq!(home.good(&["doctor", "--json"]).matches("\"fail\"").count(), 0);
}

/// The record shop's folder: named by a variable, or beside the checkout.
fn chinook(file: &str) -> Option<PathBuf> {
    let folder = std::env::var("TENANTRY_CHINOOK").map(PathBuf::from).unwrap_or_else(|_| {
        let beside = ["..", "..", "..", "shared", "data", "chinook"];
        beside.iter().fold(Path::new(env!("CARGO_MANIFEST_DIR")).to_owned(), |path, part| path.join(part))
    });
    let path = folder.join(file);
    if !path.is_file() {
        eprintln!("skipped: {file} is not at hand; TENANTRY_CHINOOK names its folder");
        return None;
    }
    Some(path)
}

/// A customer's own sums, as SQL without Tenantry says them, are what the customer gets.
#[test]
fn the_record_shop_s_customers_see_their_own_invoices() {
    let Some(path) = chinook("chinook.sqlite") else { return };
    let home = Home::empty();
    std::fs::copy(path, home.file("chinook.sqlite")).unwrap();
    home.good(&["init", "--from", "sqlite:chinook.sqlite"]);
    home.good(&["check"]);
    let text = home.read("tenantry.toml");
    let people = ["7", "22"].map(|key| format!("[account.\"{key}\".workspace.prod.user.me]\nroles = [\"reader\"]\n"));
    home.write("tenantry.toml", format!("{text}\n{}", people.concat()));
    let connection = rusqlite::Connection::open(home.file("chinook.sqlite")).unwrap();
    for customer in [7_i64, 22] {
        let who = format!("{customer}/me");
        let count = |sql: &str| -> i64 { connection.query_row(sql, [customer], |row| row.get(0)).unwrap() };
        let asked = |model: &str| {
            let body = format!(r#"{{"model":"{model}","operation":"count"}}"#);
            answer(&home, &who, "aggregate", &body)["data"][0]["value"].as_i64().unwrap()
        };
        assert_eq!(asked("invoice"), count("SELECT count(*) FROM Invoice WHERE CustomerId = ?1"));
        let lines = "SELECT count(*) FROM InvoiceLine JOIN Invoice USING (InvoiceId) WHERE CustomerId = ?1";
        assert_eq!(asked("invoice_line"), count(lines));
        assert_eq!(asked("customer"), 1);
        assert_eq!(
            asked("track"),
            connection.query_row("SELECT count(*) FROM Track", [], |row| row.get::<_, i64>(0)).unwrap()
        );
    }
    let refused = home.run(&["ask", "7/me", "query", r#"{"model":"employee"}"#, "--json"]);
    assert_eq!(refused.envelope()["error"]["code"], "MODEL_NOT_ALLOWED");
}
