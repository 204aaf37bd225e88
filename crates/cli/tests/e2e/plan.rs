//! The way from file to plan to apply, with real processes.

use std::path::Path;

use serde_json::Value;

use crate::support::{Home, Ran};

/// A file of roles.
fn roles() -> Home {
    let home = Home::empty();
    home.write("tenantry.toml", "[role.reader]\ndescription = \"Reads\"\n[role.writer]\n");
    home
}

fn code(ran: &Ran) -> (i32, String) {
    (ran.code, ran.envelope()["error"]["code"].as_str().unwrap_or_default().to_owned())
}

fn actions(plan: &Value) -> Vec<String> {
    let steps = plan["steps"].as_array().unwrap();
    steps
        .iter()
        .map(|step| format!("{} {}", step["action"].as_str().unwrap(), step["address"].as_str().unwrap()))
        .collect()
}

#[test]
fn a_file_is_planned_applied_and_then_there_is_nothing_to_do() {
    let home = roles();
    let plan = home.run(&["plan", "--json"]).envelope();
    assert_eq!(actions(&plan["data"]), ["create role.reader", "create role.writer"]);
    assert_eq!(home.run(&["plan", "--exit-code"]).code, 2);
    // A plan alone changes nothing.
    assert_eq!(home.good(&["role", "list", "--json"]).matches("reader").count(), 0);
    home.good(&["apply"]);
    assert_eq!(home.good(&["role", "list", "--json"]).matches("\"reader\"").count(), 1);
    let plan = home.run(&["plan", "--exit-code", "--json"]);
    assert_eq!((plan.code, actions(&plan.envelope()["data"])), (0, Vec::<String>::new()));
    assert_eq!(home.run(&["apply", "--json"]).envelope()["data"]["applied"], 0);
    // What goes from the file goes from the store; what never stood in it stays.
    home.good(&["role", "create", "by-hand"]);
    home.write("tenantry.toml", "[role.reader]\ndescription = \"Reads all\"\n");
    let plan = home.run(&["plan", "--json"]).envelope();
    assert_eq!(actions(&plan["data"]), ["update role.reader", "delete role.writer"]);
    home.good(&["apply"]);
    let left = home.good(&["role", "list", "--json"]);
    assert!(left.contains("by-hand") && left.contains("Reads all") && !left.contains("\"writer\""), "{left}");
    let record = home.good(&["audit", "--json"]);
    assert!(record.contains("apply.create") && record.contains("apply.delete"), "{record}");
    assert!(home.good(&["audit", "verify"]).contains("sound"));
}

#[test]
fn a_kept_plan_is_done_as_long_as_nothing_moved() {
    let home = roles();
    home.good(&["plan", "--out", "plan.json"]);
    home.write("tenantry.toml", "[role.reader]\n");
    assert_eq!(code(&home.run(&["apply", "plan.json", "--json"])), (3, "PLAN_MOVED".to_owned()));
    home.good(&["plan", "--out", "plan.json"]);
    home.good(&["role", "create", "reader"]);
    assert_eq!(code(&home.run(&["apply", "plan.json", "--json"])), (3, "PLAN_MOVED".to_owned()));
    // What was made by hand meanwhile becomes the file's, and is told.
    let plan = home.run(&["plan", "--out", "plan.json", "--json"]).envelope();
    assert_eq!(actions(&plan["data"]), ["adopt role.reader"]);
    home.good(&["apply", "plan.json"]);
    assert_eq!(code(&home.run(&["apply", "plan.json", "--json"])), (3, "PLAN_MOVED".to_owned()));
    for (text, why) in [("", "empty"), ("{}", "no plan"), ("{\"format\":2}", "another format")] {
        home.write("plan.json", text);
        assert_eq!(code(&home.run(&["apply", "plan.json", "--json"])), (3, "PLAN_UNREADABLE".to_owned()), "{why}");
    }
    assert_eq!(code(&home.run(&["apply", "absent.json", "--json"])).0, 3);
}

#[test]
fn a_plan_is_the_same_text_for_everybody() {
    let home = roles();
    let plain = home.good(&["plan"]);
    let lines = [
        "identity",
        "  + role role.reader                                        tenantry.toml:1",
        "      description  \"Reads\"",
        "      level        \"account\"",
        "      name         \"reader\"",
        "  + role role.writer                                        tenantry.toml:3",
        "      level  \"account\"",
        "      name   \"writer\"",
        "",
        "2 to create.",
        "",
    ];
    assert_eq!(plain, lines.join("\n"));
    assert!(!plain.contains('\u{1b}'));
    let coloured = home.good(&["plan", "--color", "always"]);
    assert!(coloured.contains("\u{1b}[32m+ role role.reader"), "{coloured}");
    assert!(!Path::new(&home.file("plan.json")).exists());
}

/// Waivers of everything that a refusal names.
fn waivers(refusal: &Value, until: &str) -> String {
    let broken = refusal["error"]["details"]["broken"].as_array().unwrap();
    let mut all: Vec<String> = broken
        .iter()
        .map(|one| {
            let (address, promise) = (one["address"].as_str().unwrap(), one["promise"].as_str().unwrap());
            format!("[waive.\"{address}\".{promise}]\nreason = \"shown to everybody for a day\"\nuntil = \"{until}\"\n")
        })
        .collect();
    all.sort();
    all.dedup();
    all.concat()
}

#[test]
fn the_whole_desk_is_applied_and_a_change_tells_its_effect_and_a_leak_is_refused() {
    let home = Home::desk();
    home.good(&["apply"]);
    let plan = home.run(&["plan", "--exit-code", "--json"]);
    assert_eq!((plan.code, actions(&plan.envelope()["data"])), (0, Vec::<String>::new()));
    assert_eq!(home.run(&["drift"]).code, 0);
    // A change of rules: who sees what from now on, with a row.
    let text = home.read("tenantry.toml");
    home.write("tenantry.toml", text.replace("shared = \"is_public = TRUE\"", "shared = \"TRUE\""));
    let data = home.run(&["plan", "--json"]).envelope()["data"].clone();
    assert_eq!(actions(&data), ["update table.plans"]);
    let effect = &data["effects"][0];
    assert_eq!(
        (effect["way"].as_str(), effect["who"].as_str(), effect["what"].as_str()),
        (Some("gains"), Some("table.plans"), Some("reading rows of ANOTHER TENANT"))
    );
    assert!(effect["shown_by"].as_str().unwrap().contains("is_public = false"), "{effect}");
    // A rule that shows open orders to everybody.
    let leak = "[table.orders.permit.everybody]\nwhen = \"status = 'open'\"\n";
    home.write("tenantry.toml", [&text, leak].concat());
    let refusal = home.run(&["apply", "--json"]);
    assert_eq!(code(&refusal), (4, "POLICY_LEAKS".to_owned()));
    let refusal = refusal.envelope();
    assert!(refusal["error"]["details"]["broken"].to_string().contains("read-own"), "{refusal}");
    assert!(home.good(&["plan"]).contains("LEAK table.orders read-own (read)"));
    // Nothing was applied of it; a waiver that ran out helps nobody, one in force does.
    let plan = home.run(&["plan", "--json"]).envelope();
    assert_eq!(actions(&plan["data"]), ["update table.orders"]);
    home.write("tenantry.toml", [&text, leak, &waivers(&refusal, "2020-01-01")].concat());
    assert_eq!(code(&home.run(&["apply", "--json"])), (4, "POLICY_LEAKS".to_owned()));
    home.write("tenantry.toml", [&text, leak, &waivers(&refusal, "2999-01-01")].concat());
    home.good(&["apply"]);
}

#[test]
fn what_is_pulled_is_planned_as_adopted_and_destroy_asks() {
    let home = roles();
    home.good(&["apply"]);
    home.good(&["role", "create", "by-hand"]);
    home.good(&["pull", "--out", "pulled.toml"]);
    assert!(home.read("pulled.toml").contains("by-hand"));
    assert_eq!(code(&home.run(&["pull", "--out", "pulled.toml", "--json"])), (4, "FILE_EXISTS".to_owned()));
    let plan = home.run(&["plan", "--file", "pulled.toml", "--json"]).envelope();
    let told = actions(&plan["data"]);
    assert!(told.contains(&"adopt role.by-hand".to_owned()), "{told:?}");
    assert!(told.iter().all(|step| step.starts_with("adopt ")), "{told:?}");
    let id =
        plan["data"]["steps"].as_array().unwrap().iter().find(|step| step["address"] == "role.by-hand").unwrap()["id"]
            .clone();
    home.good(&["import", "role.by-hand", id.as_str().unwrap(), "--file", "pulled.toml"]);
    assert_eq!(code(&home.run(&["destroy", "--json"])), (4, "NOT_APPROVED".to_owned()));
    assert!(home.good(&["role", "list", "--json"]).contains("\"reader\""));
    // Three are managed: two applied, one imported.
    assert_eq!(home.run(&["destroy", "--yes", "--json"]).envelope()["data"]["applied"], 3);
    let left = home.good(&["role", "list", "--json"]);
    assert!(!left.contains("\"reader\"") && !left.contains("by-hand"), "{left}");
    assert_eq!(home.run(&["destroy", "--json"]).envelope()["data"]["applied"], 0);
}
