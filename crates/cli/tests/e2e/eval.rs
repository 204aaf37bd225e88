//! `tenantry eval`: suites in this process and at a running server.

use serde_json::Value;

use crate::support::{Home, Server, until};

#[test]
fn the_demos_suite_holds_here_and_at_a_server_alike() {
    let home = Home::desk();
    let rows = home.rows();
    let here = home.run(&["eval", "run", "suite.toml", "--json"]);
    assert_eq!(here.code, 0, "{}{}", here.out, here.err);
    let here = here.envelope();
    assert_eq!(here["data"]["broken"], 0, "{here:#}");
    for rule in [
        "as expected",
        "same as",
        "no foreign row",
        "no denied field",
        "within budget",
        "same on replay",
        "foreign as absent",
    ] {
        assert!(here["data"]["checked"][rule].as_u64().unwrap() > 0, "{rule} was never checked: {here:#}");
    }
    let server = Server::start(&home);
    let target = format!("http://{}", server.address);
    let there = home.run(&["eval", "run", "suite.toml", "--json", "--target", &target]);
    assert_eq!(there.code, 0, "{}{}", there.out, there.err);
    let there = there.envelope();
    assert_eq!(here["data"]["calls"], there["data"]["calls"]);
    assert_eq!(here["data"]["checked"], there["data"]["checked"]);
    assert_eq!(home.rows(), rows, "rows have changed");
}

#[test]
fn a_suite_that_does_not_hold_says_where_and_ends_with_2() {
    let home = Home::desk();
    let people = "[principal.ana]\nas = \"northwind/ana@northwind.example\"\n[principal.gia]\nas = \"globex/gia@globex.example\"\n";
    let calls = [
        (
            "as = \"gia\"\ntool = \"query\"\narguments = { model = \"orders\", take = 3 }\nexpect = { every = { tenant_id = \"northwind\" } }",
            "as expected",
        ),
        (
            "as = \"gia\"\ntool = \"query\"\narguments = { model = \"orders\", take = 3 }\nexpect = { code = \"FIELD_NOT_ALLOWED\" }",
            "as expected",
        ),
        (
            "as = \"gia\"\ntool = \"query\"\narguments = { model = \"orders\", select = [\"secret\"] }\nexpect = { rows = 1 }",
            "as expected",
        ),
        (
            "as = \"gia\"\ntool = \"query\"\narguments = { model = \"orders\", take = 2 }\nsame_as = { model = \"orders\", take = 1 }",
            "same as",
        ),
        (
            "as = \"gia\"\ntool = \"query\"\narguments = { model = \"orders\", take = 2 }\nexpect = { lacks = [\"globex\"] }",
            "as expected",
        ),
    ];
    for (call, rule) in calls {
        home.write("bad.toml", format!("{people}[[call]]\nname = \"it\"\n{call}\n"));
        let ran = home.run(&["eval", "run", "bad.toml"]);
        assert_eq!(ran.code, 2, "{call}\n{}{}", ran.out, ran.err);
        assert!(ran.out.contains("BROKEN  it  (bad.toml:5)") && ran.out.contains(rule), "{}", ran.out);
    }
    home.write("bad.toml", format!("{people}[[call]]\nas = \"anna\"\ntool = \"get\"\n"));
    let ran = home.run(&["eval", "run", "bad.toml"]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(
        ran.err.contains("error[F160]") && ran.err.contains("bad.toml:6:") && ran.err.contains("did you mean `ana`?"),
        "{}",
        ran.err
    );
    // What else is wrong with a suite is said with its code and place, before anything is called.
    for (text, code, place) in [
        ("[principal.gia]\n[[call]]\nas = \"gia\"\ntool = \"get\"\n".to_owned(), "F161", "bad.toml:1:"),
        (
            format!("{people}[[call]]\nas = \"gia\"\ntool = \"get\"\nexpect = {{ code = \"NOT_FOUND\", rows = 1 }}\n"),
            "F162",
            "bad.toml:8:",
        ),
        (people.to_owned(), "F163", "bad.toml:1:"),
    ] {
        home.write("bad.toml", text);
        let ran = home.run(&["eval", "run", "bad.toml"]);
        assert_eq!(ran.code, 3, "{code}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains(&format!("error[{code}]")) && ran.err.contains(place), "{code}: {}", ran.err);
        let ran = home.run(&["explain", code]);
        assert_eq!(ran.code, 0, "{code}: {}", ran.err);
    }
    home.write("bad.toml", "[principal.x]\nas = \"northwind/nobody\"\n[[call]]\nas = \"x\"\ntool = \"get\"\n");
    let ran = home.run(&["eval", "run", "bad.toml", "--json"]);
    assert_eq!((ran.code, ran.envelope()["error"]["code"].as_str()), (3, Some("UNKNOWN_PRINCIPAL")), "{}", ran.out);
}

#[test]
fn a_server_is_called_with_tokens_from_outside_and_without_its_law() {
    let home = Home::desk();
    let server = Server::start(&home);
    let target = format!("http://{}", server.address);
    let mut away = Home::empty();
    away.set("GUS", &home.token("globex", "gus@globex.example"));
    away.write(
        "suite.toml",
        "[principal.gus]\ntoken = \"env:GUS\"\n[[call]]\nas = \"gus\"\ntool = \"query\"\narguments = { model = \"orders\", take = 3 }\nexpect = { rows = 3, every = { tenant_id = \"globex\" } }\n",
    );
    let ran = away.run(&["eval", "run", "suite.toml", "--target", &target]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("no file here"), "{}", ran.err);
    away.set("GUS", "eyJ.not.good");
    let ran = away.run(&["eval", "run", "suite.toml", "--target", &target, "--json"]);
    let data: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        (ran.code, data["data"]["calls"][0]["code"].as_str()),
        (2, Some("AUTHENTICATION_REQUIRED")),
        "{}",
        ran.out
    );
    assert!(!ran.out.contains("eyJ.not.good"), "a token in the report");
    drop(server);
    let ran = away.run(&["eval", "run", "suite.toml", "--target", &target]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("NO_ANSWER"), "{}", ran.err);
}

#[test]
fn every_attack_on_the_demo_holds_here_and_at_a_server() {
    let home = Home::desk();
    let rows = home.rows();
    let pair = ["--attacker", "northwind/ines@northwind.example", "--victim", "globex/gia@globex.example"];
    let here = home.run(&[&["eval", "attack", "--json"][..], &pair].concat());
    assert_eq!(here.code, 0, "{}{}", here.out, here.err);
    let here = here.envelope();
    assert!(here["data"]["tried"].as_u64().unwrap() > 2_000 && here["data"]["broken"] == 0, "{here:#}");
    let server = Server::start(&home);
    let target = format!("http://{}", server.address);
    let some = [
        "--target",
        &target,
        "--only",
        "ids",
        "--only",
        "tokens",
        "--only",
        "other audiences",
        "--only",
        "identity",
        "--only",
        "headers",
    ];
    let there = home.run(&[&["eval", "attack", "--json"][..], &pair, &some].concat());
    assert_eq!(there.code, 0, "{}{}", there.out, there.err);
    let there = there.envelope();
    let families =
        |report: &Value, place: usize, name: &str| report["data"]["burglars"][place]["families"][name].as_u64();
    for (place, name) in [(0, "ids"), (1, "tokens"), (1, "other audiences"), (1, "identity"), (1, "headers")] {
        assert!(families(&there, place, name).unwrap() > 5, "{name}: {there:#}");
        assert!(families(&here, place, name).unwrap() > 5, "{name}: {here:#}");
    }
    assert_eq!(home.rows(), rows, "rows have changed");
    // Where something may be left behind, a request that waits for approval is attacked as well.
    let writing = home.run(&[
        "eval",
        "attack",
        "--json",
        "--writes",
        "--only",
        "approvals",
        "--attacker",
        "globex/gia@globex.example",
        "--victim",
        "northwind/ada@northwind.example",
    ]);
    assert_eq!(writing.code, 0, "{}{}", writing.out, writing.err);
    assert_eq!(families(&writing.envelope(), 1, "approvals"), Some(2), "{}", writing.out);
    // Without people of two accounts there is nothing to try, and that is not the same as all is well.
    home.write("alone.toml", "[source.main]\nurl = \"sqlite:demo.sqlite\"\n");
    let ran = home.run(&["eval", "attack", "--file", "alone.toml", "--json"]);
    assert_eq!((ran.code, ran.envelope()["error"]["code"].as_str()), (3, Some("NOBODY_TO_ATTACK")), "{}", ran.out);
}

#[test]
fn a_file_that_differs_from_what_the_server_enforces_is_found_with_the_shortest_way_to_see_it() {
    let home = Home::desk();
    let server = Server::start(&home);
    let target = format!("http://{}", server.address);
    // The server goes on with the law it began with; from here on the file says less.
    let file = home.read("tenantry.toml");
    home.write("tenantry.toml", file.replace("updated_by = \"allow\"", "updated_by = \"deny\""));
    let args = [
        "eval",
        "attack",
        "--target",
        &target,
        "--only",
        "fields",
        "--only",
        "tokens",
        "--attacker",
        "northwind/ada@northwind.example",
        "--victim",
        "globex/gia@globex.example",
    ];
    let ran = home.run(&args);
    assert_eq!(ran.code, 2, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("BROKEN") && ran.out.contains("denied updated_by in "), "{}", ran.out);
    assert!(ran.out.contains("tenantry ask northwind/ada@northwind.example query '{"), "{}", ran.out);
    assert!(!ran.out.contains("eyJ"), "a token in the report");
}

#[test]
fn what_was_called_is_recorded_without_hidden_values_and_replayed_under_another_file() {
    let home = Home::desk();
    let ask = |who: &str, tool: &str, body: &str| home.run(&["ask", who, tool, body, "--quiet"]);
    let body = r#"{"model":"documents","select":["id","title"],"take":50}"#;
    assert_eq!(ask("northwind/ana@northwind.example", "query", body).code, 0);
    let hidden = r#"{"model":"customers","where":{"field":"internal_note","op":"eq","value":"pays late indeed"}}"#;
    assert_eq!(ask("northwind/ada@northwind.example", "query", hidden).code, 2);
    let ran = home.run(&["eval", "record", "--out", "calls.jsonl", "--json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let said = ran.envelope();
    assert!(
        said["data"]["calls"].as_u64().unwrap() > 10 && said["data"]["left_out"]["redacted"].as_u64().unwrap() > 0,
        "{said:#}"
    );
    let recording = home.read("calls.jsonl");
    assert!(!recording.contains("pays late indeed") && !recording.contains("eyJ") && !recording.contains("[redacted]"));
    // Under the same file nothing differs.
    let rows = home.rows();
    let same = home.run(&["eval", "replay", "calls.jsonl", "--against", "tenantry.toml", "--json"]);
    assert_eq!(same.code, 0, "{}{}", same.out, same.err);
    assert_eq!(same.envelope()["data"]["different"], 0);
    // Under one that shows less, and one column less, each call says what it lost.
    let file = home.read("tenantry.toml");
    let other = file
        .replace(
            "when = \"is_confidential = FALSE OR owner_id = principal.metadata.agent OR 'admin' IN principal.roles\"",
            "when = \"id > 2\"",
        )
        .replace("price_cents = \"allow\", internal_cost_cents", "price_cents = \"deny\", internal_cost_cents");
    assert_ne!(other, file);
    home.write("other.toml", &other);
    let ran = home.run(&["eval", "replay", "calls.jsonl", "--against", "other.toml"]);
    assert_eq!(ran.code, 2, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("DIFFERS northwind/prod/ana@northwind.example query"), "{}", ran.out);
    assert!(ran.out.contains("rows gained: ") || ran.out.contains("rows lost: "), "{}", ran.out);
    assert_eq!(home.rows(), rows, "a replay has changed rows");
    home.write("calls.jsonl", "{\"as\":\"x\"}\n");
    let ran = home.run(&["eval", "replay", "calls.jsonl", "--json"]);
    assert_eq!((ran.code, ran.envelope()["error"]["code"].as_str()), (3, Some("BAD_RECORDING")));
}

#[test]
fn a_canarys_hit_closes_its_table_until_an_operator_has_looked() {
    let home = Home::desk();
    let file = home.read("tenantry.toml");
    home.write("tenantry.toml", file.replace("[tenancy]", "[platform.canary]\nevery = \"200ms\"\n\n[tenancy]"));
    let token = home.token("globex", "gia@globex.example");
    let count = |server: &Server, model: &str| {
        server.call(&token, "aggregate", &format!("{{\"model\":\"{model}\",\"operation\":\"count\"}}")).status
    };
    let server = Server::start(&home);
    // The first round is over when the canaries stand on record.
    let tenant = until("the first round", || {
        let list = home.run(&["audit", "list", "--json", "--limit", "200"]).envelope().to_string();
        let from = list.find("tenantry-canary-")?;
        list[from..].split('"').next().map(str::to_owned)
    });
    assert_eq!(home.run(&["canary"]).code, 0, "nothing is wrong yet");
    assert_eq!(count(&server, "customers"), 200);
    // A row that comes to stand in a canary's tenant without being its own: it owns none.
    let connection = rusqlite::Connection::open(home.file("demo.sqlite")).unwrap();
    let sql = "INSERT INTO customers (id, tenant_id, name, email, phone, card, plan_id, created_at) SELECT 900001, ?1, name, email, phone, card, plan_id, created_at FROM customers LIMIT 1";
    connection.execute(sql, [&tenant]).unwrap();
    until("the table to be closed", || (count(&server, "customers") == 500).then_some(()));
    assert_eq!(count(&server, "orders"), 200, "other tables go on");
    // What only includes it is closed too.
    let include = r#"{"model":"orders","take":1,"include":[{"relation":"customer"}]}"#;
    let answer = server.call(&token, "query", include);
    assert_eq!((answer.status, answer.code().as_str()), (500, "INTERNAL_ERROR"), "{}", answer.text());
    assert!(!answer.text().contains("customers"), "{}", answer.text());
    let listed = home.run(&["canary", "--json"]);
    assert_eq!(listed.code, 2, "{}", listed.out);
    assert_eq!(listed.envelope()["data"]["frozen"][0]["table"], "customers");
    let incidents = home.good(&["audit", "list", "--account", "-", "--tool", "canary.hit"]);
    assert!(incidents.contains("customers.canary.hit") && incidents.contains("inc_"), "{incidents}");
    // It outlives the server.
    drop(server);
    let server = Server::start(&home);
    assert_eq!(count(&server, "customers"), 500);
    connection.execute("DELETE FROM customers WHERE id = 900001", []).unwrap();
    home.good(&["canary", "release", "customers", "--reason", "a row of a test was taken away"]);
    until("the table to be open", || (count(&server, "customers") == 200).then_some(()));
    assert_eq!(home.run(&["canary"]).code, 0);
    assert_eq!(home.run(&["canary", "release", "customers", "--reason", "again"]).code, 2);
    // A row that could not be taken away again is refused before anything starts.
    home.write(
        "tenantry.toml",
        file.replace("[tenancy]", "[platform.canary.rows]\norders = { status = \"open\" }\n\n[tenancy]"),
    );
    let ran = home.run(&["serve", "--http", "--listen", "127.0.0.1:0", "--json"]);
    assert_eq!((ran.code, ran.envelope()["error"]["code"].as_str()), (3, Some("CANARY_ROW")), "{}", ran.out);
}
