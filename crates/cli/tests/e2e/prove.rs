//! What is proved of the demo's file, and a leak that is caught in it.

use serde_json::Value;

use crate::support::Home;

/// The demo's file with one rule as somebody in a hurry would write it.
fn hasty(home: &Home) {
    let file = home.read("tenantry.toml");
    let hasty = file.replace("tenant_id = principal.tenant_id AND 'admin'", "'admin'");
    assert_ne!(file, hasty);
    home.write("hasty.toml", hasty);
}

#[test]
fn everything_in_the_demo_is_proved() {
    let home = Home::desk();
    let ran = home.run(&["prove", "--json", "--html", "report.html"]);
    let data = &ran.envelope()["data"];
    assert_eq!(ran.code, 0, "{data:#}");
    assert_eq!((&data["leaks"], &data["undecided"]), (&Value::from(0), &Value::from(0)), "{data:#}");
    assert!(data["proved"].as_u64().unwrap() > 60, "{data:#}");
    let page = home.read("report.html");
    let parts = ["What was asked", "Declared exceptions", "Assumptions", "Outside the model", "Every obligation"];
    for part in parts {
        assert!(page.contains(&format!("<h2>{part}</h2>")), "{part}: {page}");
    }
    // Each exception with its rule and with somebody to whom it shows a row.
    for exception in ["table.orders.bypass.support", "table.plans.shared", "reach of orders, read"] {
        assert!(page.contains(exception), "{exception}: {page}");
    }
    assert!(page.contains("tenant_id is NOT NULL") && !page.contains("Broken promises"), "{page}");
    assert!(!page.contains("src=") && !page.contains("href="), "the page needs nothing from elsewhere");
}

#[test]
fn a_leak_names_principal_row_operation_rule_line_and_fix() {
    let home = Home::desk();
    hasty(&home);
    let ran = home.run(&["prove", "--file", "hasty.toml", "--json", "--html", "report.html"]);
    assert_eq!(ran.code, 2, "{}", ran.err);
    let data = ran.envelope()["data"].clone();
    let obligations = data["obligations"].as_array().unwrap().clone();
    let leak = |name: &str| {
        let found = obligations.iter().find(|one| one["name"] == name && one["outcome"] == "leaks");
        found.unwrap_or_else(|| panic!("{name}: {data:#}")).clone()
    };
    for (name, operation) in [("read-own", "read"), ("update-own", "update"), ("update-stays", "update")] {
        let leak = leak(name);
        assert_eq!((&leak["table"], &leak["operation"]), (&Value::from("tickets"), &Value::from(operation)));
        let witness = &leak["witness"];
        assert_eq!(witness["rules"][0]["address"], "table.tickets.permit.admin", "{leak:#}");
        let line =
            home.read("hasty.toml").lines().position(|line| line.contains("[table.tickets.permit.admin]")).unwrap();
        let place = witness["rules"][0]["place"].as_str().unwrap();
        let told: usize = place.rsplit(':').next().unwrap().parse().unwrap();
        assert!(place.starts_with("hasty.toml:") && told.abs_diff(line + 1) <= 1, "{place}");
        assert_ne!(witness["rows"][0]["columns"]["tenant_id"], witness["principal"]["principal.tenant_id"], "{leak:#}");
        assert!(!leak["fix"].as_str().unwrap().is_empty());
        assert_eq!(witness["replayed"], serde_json::json!(["evaluator", "SQLite"]), "{leak:#}");
    }
    assert_eq!(data["faults"], 0);
    let page = home.read("report.html");
    assert!(page.contains("Broken promises") && page.contains("To mend it"), "{page}");
    assert!(page.contains("replayed: evaluator, SQLite"), "{page}");
    let text = home.run(&["prove", "--file", "hasty.toml", "--table", "tickets"]);
    assert!(text.out.contains("    replayed: evaluator, SQLite\n"), "{}", text.out);
    // A plan shows the same leaks, tried alike.
    let plan = home.run(&["plan", "--file", "hasty.toml", "--json"]).envelope();
    let broken = plan["data"]["proof"]["broken"].as_array().unwrap().clone();
    assert!(!broken.is_empty(), "{plan:#}");
    for one in &broken {
        let lines = one["witness"].as_array().unwrap();
        assert!(lines.contains(&Value::from("replayed: evaluator, SQLite")), "{one:#}");
    }
}

#[test]
fn leaks_are_tried_in_a_database_that_is_given_for_it() {
    let mut home = Home::desk();
    hasty(&home);
    let Ok(cluster) = std::env::var("TENANTRY_TEST_POSTGRES") else {
        eprintln!("skipped: TENANTRY_TEST_POSTGRES is not set");
        return;
    };
    home.set("SCRATCH", &cluster);
    let args = ["prove", "--file", "hasty.toml", "--table", "tickets", "--json", "--scratch", "env:SCRATCH"];
    let ran = home.run(&args);
    assert_eq!(ran.code, 2, "{}{}", ran.out, ran.err);
    let data = ran.envelope()["data"].clone();
    let leaks: Vec<&Value> =
        data["obligations"].as_array().unwrap().iter().filter(|one| one["outcome"] == "leaks").collect();
    assert!(leaks.len() > 3 && data["faults"] == 0, "{data:#}");
    for leak in leaks {
        assert_eq!(leak["witness"]["replayed"], serde_json::json!(["evaluator", "SQLite", "PostgreSQL"]), "{leak:#}");
    }
    // One that cannot be used is said, and nothing is taken for tried.
    home.set("SCRATCH", "postgres://nobody@127.0.0.1:1/nowhere");
    let ran = home.run(&args);
    assert_eq!((ran.code, ran.envelope()["error"]["code"].as_str()), (1, Some("SOURCE_UNAVAILABLE")), "{}", ran.out);
}
