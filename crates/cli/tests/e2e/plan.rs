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
    assert_eq!(
        plain,
        "identity\n  + role role.reader                                        tenantry.toml:1\n      \
         description  \"Reads\"\n      name         \"reader\"\n  + role role.writer                                        \
         tenantry.toml:3\n      name         \"writer\"\n\n2 to create.\n"
    );
    assert!(!plain.contains('\u{1b}'));
    let coloured = home.good(&["plan", "--color", "always"]);
    assert!(coloured.contains("\u{1b}[32m+ role role.reader"), "{coloured}");
    assert!(!Path::new(&home.file("plan.json")).exists());
}
