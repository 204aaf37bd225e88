//! The commands on accounts, users and roles, and the first owner's set-up.

use std::io::BufRead as _;
use std::process::Stdio;

use serde_json::Value;

use crate::support::{Answer, Home, Running, Server};

fn empty() -> Home {
    let home = Home::empty();
    home.write("tenantry.toml", "[platform]\nfriendly_name = \"empty\"\n");
    home
}

fn data(home: &Home, args: &[&str]) -> Value {
    let mut all = args.to_vec();
    all.push("--json");
    let ran = home.run(&all);
    assert_eq!(ran.code, 0, "{args:?} {}{}", ran.out, ran.err);
    ran.envelope()["data"].clone()
}

#[test]
fn an_account_with_its_people_is_made_and_removed_by_commands() {
    let mut home = empty();
    let made = data(&home, &["account", "create", "acme", "--display-name", "Acme", "--set", "metadata={\"a\":\"1\"}"]);
    assert_eq!((&made["name"], &made["metadata"]["a"]), (&"acme".into(), &"1".into()));
    let taken = home.run(&["account", "create", "acme", "--json"]);
    assert_eq!((taken.code, taken.envelope()["error"]["code"].as_str()), (2, Some("CONFLICT")));
    assert_eq!(home.run(&["account", "create", "No Name"]).code, 3);
    data(&home, &["workspace", "create", "acme", "prod"]);
    // A password that is made is shown once; one that is given never.
    let ada = data(&home, &["user", "create", "ada@acme.example"]);
    let password = ada["password"].as_str().unwrap().to_owned();
    assert!(password.len() > 20);
    assert_eq!(data(&home, &["user", "show", "ada@acme.example"])["password"], Value::Null);
    home.set("SECRET", "Correct-horse-42");
    let bob = data(&home, &["user", "create", "bob@acme.example", "--password", "env:SECRET"]);
    assert_eq!(bob["password"], Value::Null);
    assert_eq!(home.run(&["user", "create", "c@acme.example", "--password", "env:NOBODY"]).code, 3);
    data(&home, &["member", "add", "acme", "ada@acme.example", "bob@acme.example"]);
    data(&home, &["member", "add", "acme", "ada@acme.example", "--workspace", "prod"]);
    let role = data(&home, &["role", "create", "reader", "--level", "account", "--permission", "dashboard#read:roles"]);
    assert_eq!(role["permissions"], serde_json::json!(["dashboard#read:roles"]));
    let granted = home.good(&["role", "grant", "reader", "--user", "ada@acme.example", "--account", "acme"]);
    assert!(granted.contains("holds reader in acme"), "{granted}");
    let members = data(&home, &["member", "list", "acme"]);
    let members = members["members"].as_array().unwrap();
    assert_eq!((members.len(), &members[0]["roles"]), (2, &serde_json::json!(["reader"])));
    home.good(&["role", "revoke", "reader", "--user", "ada@acme.example", "--account", "acme"]);
    assert_eq!(data(&home, &["member", "list", "acme"])["members"][0]["roles"], serde_json::json!([]));
    let blocked = data(&home, &["user", "update", "bob@acme.example", "--set", "blocked=true"]);
    assert_eq!(blocked["blocked"], true);
    home.good(&["member", "remove", "acme", "bob@acme.example"]);
    home.good(&["user", "delete", "bob@acme.example"]);
    assert_eq!(home.run(&["user", "show", "bob@acme.example"]).code, 2);
    home.good(&["workspace", "delete", "acme", "prod"]);
    home.good(&["account", "delete", "acme"]);
    assert_eq!(data(&home, &["account", "list"])["accounts"], serde_json::json!([]));
    assert_eq!(home.run(&["account", "show", "acme"]).code, 2);
    // Nothing that was secret stands on the record.
    let record = home.good(&["audit", "list", "--json"]);
    assert!(record.contains("users.create") && !record.contains(&password) && !record.contains("Correct-horse-42"));
}

#[test]
fn keys_are_listed_and_rotated_when_they_are_known_long_enough() {
    let home = empty();
    let keys = data(&home, &["key", "list"]);
    assert!(keys["keys"].as_array().unwrap().len() >= 2, "{keys}");
    let refused = home.run(&["key", "rotate", "--algorithm", "RS256", "--json"]);
    assert_eq!((refused.code, refused.envelope()["error"]["code"].as_str()), (2, Some("TOO_SOON")));
    assert_eq!(home.run(&["key", "revoke", "nobody"]).code, 2);
}

/// The page of a set-up link, asked for over plain HTTP.
fn submit(server: &Server, link: &str, headers: &[(&str, &str)], form: Option<&str>) -> Answer {
    let path = &["/setup/", link.split("/setup/").nth(1).unwrap()].concat();
    match form {
        None => server.send("GET", path, headers, b""),
        Some(form) => {
            let mut all = vec![("content-type", "application/x-www-form-urlencoded")];
            all.extend(headers);
            server.send("POST", path, &all, form.as_bytes())
        }
    }
}

#[test]
fn the_first_owner_sets_up_the_platform_once() {
    let home = empty();
    let server = Server::start(&home);
    let link = home.good(&["setup", "--quiet"]).trim().to_owned();
    let other = home.good(&["setup", "--quiet"]).trim().to_owned();
    assert!(link.starts_with("https://localhost:8443/setup/") && link != other);
    let page = submit(&server, &link, &[], None);
    assert_eq!(page.status, 200);
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
    ] {
        assert_eq!(page.header(name), Some(value));
    }
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!page.text().contains("<script") && page.text().contains("<html lang=\"en\">"));
    let wrong = "/setup/0000000000000000000000000000000000000000000";
    assert_eq!(submit(&server, wrong, &[], None).status, 404);
    assert_eq!(
        submit(&server, wrong, &[], Some("email=a%40b.example&password=Correct-horse-42&again=Correct-horse-42"))
            .status,
        404
    );
    let good = "email=Owner%40acme.example&password=Correct-horse-42&again=Correct-horse-42";
    // From another site, with two passwords, with a weak one, with a name that is none: the link stays good.
    for (headers, form, status) in [
        (&[("sec-fetch-site", "cross-site")][..], good, 403),
        (&[("origin", "https://evil.example")], good, 403),
        (&[], "email=owner%40acme.example&password=Correct-horse-42&again=other", 400),
        (&[], "email=owner%40acme.example&password=short&again=short", 400),
        (&[], "email=%22%3E%3Cscript%3E&password=Correct-horse-42&again=Correct-horse-42", 400),
    ] {
        let refused = submit(&server, &link, headers, Some(form));
        assert_eq!(refused.status, status, "{form} {}", refused.text());
        assert!(!refused.text().contains("<script") && !refused.text().contains("Correct-horse"), "{}", refused.text());
    }
    let done = submit(&server, &link, &[("sec-fetch-site", "same-origin")], Some(good));
    assert_eq!(done.status, 201, "{}", done.text());
    assert!(done.text().contains("owner@acme.example"));
    // Neither this link nor another one, nor a new one.
    for link in [&link, &other] {
        assert_eq!(submit(&server, link, &[], None).status, 404);
        assert_eq!(submit(&server, link, &[], Some(good)).status, 404);
    }
    let refused = home.run(&["setup", "--json"]);
    assert_eq!((refused.code, refused.envelope()["error"]["code"].as_str()), (2, Some("OWNED")));
    let owner = data(&home, &["user", "show", "owner@acme.example"]);
    assert_eq!(owner["platform"], true);
    drop(server);
    assert!(!told(&home).contains("/setup/"));
}

/// What a server says to people until it listens.
fn told(home: &Home) -> String {
    let mut child =
        home.command(&["serve", "--http", "--listen", "127.0.0.1:0"]).stdout(Stdio::null()).spawn().unwrap();
    let talk = std::io::BufReader::new(child.stderr.take().unwrap());
    let running = Running(child);
    let mut text = String::new();
    // The set-up link, when there is one, comes last before requests are answered.
    let mut lines = talk.lines();
    text.push_str(&lines.next().unwrap().unwrap());
    running.signal(nix::sys::signal::Signal::SIGINT);
    lines.for_each(|line| text.push_str(&line.unwrap()));
    text
}

#[test]
fn a_server_that_nobody_owns_prints_the_link() {
    let home = empty();
    let text = told(&home);
    assert!(text.contains("/setup/"), "{text}");
    // Only its hash is kept.
    let ticket = text.split("/setup/").nth(1).unwrap().get(..43).unwrap().to_owned();
    for file in std::fs::read_dir(home.file(".tenantry")).unwrap().flatten() {
        let bytes = std::fs::read(file.path()).unwrap_or_default();
        assert!(!bytes.windows(ticket.len()).any(|window| window == ticket.as_bytes()), "{:?}", file.path());
    }
}

#[test]
fn a_machine_gets_what_commands_granted_it() {
    let home = empty();
    let api = data(
        &home,
        &[
            "api",
            "create",
            "https://api.acme.example",
            "--permission",
            "read:invoices=See invoices",
            "--permission",
            "write:invoices",
        ],
    );
    assert_eq!(api["permissions"], serde_json::json!(["read:invoices", "write:invoices"]));
    let id = "https://api.acme.example";
    data(&home, &["api", "permission", "add", id, "delete:invoices"]);
    let api = data(&home, &["api", "permission", "remove", id, "write:invoices"]);
    assert_eq!(api["permissions"], serde_json::json!(["read:invoices", "delete:invoices"]));
    assert_eq!(home.run(&["api", "permission", "remove", id, "write:invoices"]).code, 2);
    let made = data(&home, &["client", "create", "Billing", "--grant-type", "client_credentials"]);
    let (client, first) = (made["client_id"].as_str().unwrap(), made["client_secret"].as_str().unwrap());
    let shown = home.good(&["client", "show", "Billing", "--json"]);
    assert!(!shown.contains(first) && !home.good(&["client", "list", "--json"]).contains(first));
    let granted = data(&home, &["client", "grant", "Billing", id, "--permission", "read:invoices"]);
    assert_eq!(granted["scope"], serde_json::json!(["read:invoices"]));
    let server = Server::start(&home);
    let ask = |secret: &str| {
        let body = serde_json::json!({
            "grant_type": "client_credentials", "client_id": client, "client_secret": secret, "audience": id,
        });
        server.send("POST", "/oauth/token", &[("content-type", "application/json")], body.to_string().as_bytes())
    };
    let answer = ask(first);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["scope"], "read:invoices");
    assert_eq!(answer.header("x-ratelimit-limit"), Some("6000"));
    // While the server runs: another secret, and then no grant.
    let rotated = data(&home, &["client", "rotate-secret", "Billing"]);
    let second = rotated["client_secret"].as_str().unwrap();
    crate::support::until("the first secret to end", || (ask(first).status == 401).then_some(()));
    crate::support::until("the second secret to do", || (ask(second).status == 200).then_some(()));
    home.good(&["client", "revoke", "Billing", id]);
    crate::support::until("the grant to end", || (ask(second).status == 403).then_some(()));
    let output = data(&home, &["output"]);
    assert_eq!(output["client.billing"], client);
    assert_eq!(output["management_audience"], "https://localhost:8443/api/v2/");
    assert_eq!(home.good(&["output", "domain"]).trim(), "localhost:8443");
    assert_eq!(home.run(&["output", "nothing"]).code, 3);
    let connection = data(&home, &["connection", "create", "staff", "--client", "Billing"]);
    assert_eq!(connection["enabled_clients"], serde_json::json!([client]));
    assert_eq!(data(&home, &["connection", "show", "staff"])["id"], connection["id"]);
    for args in [&["connection", "delete", "staff"], &["client", "delete", "Billing"], &["api", "delete", id]] {
        home.good(args);
    }
    assert_eq!(home.run(&["client", "show", "Billing"]).code, 2);
}

#[test]
fn whoever_has_the_keys_makes_tokens_for_users_and_clients_of_the_store() {
    let home = empty();
    for args in [
        &["account", "create", "acme"][..],
        &["workspace", "create", "acme", "prod"],
        &["user", "create", "ada@acme.example"],
        &["user", "create", "bob@acme.example"],
        &["member", "add", "acme", "ada@acme.example"],
        &["role", "grant", "account-owner", "--user", "ada@acme.example", "--account", "acme"],
        &["client", "create", "Billing", "--grant-type", "client_credentials"],
        &["api", "create", "https://api.acme.example", "--permission", "read:invoices"],
        &["client", "grant", "Billing", "https://api.acme.example", "--permission", "read:invoices"],
    ] {
        home.good(args);
    }
    let server = Server::start(&home);
    let ada = ["token", "--quiet", "--account", "acme", "--user", "ada@acme.example", "--context"];
    let token = home.good(&[&ada[..], &["dashboard"]].concat());
    let account = server.ask(token.trim(), "GET", "/dashboard/v1/account");
    assert_eq!(account.status, 200, "{}", account.text());
    // A token is good in its context and nowhere else.
    assert_eq!(server.ask(token.trim(), "GET", "/portal/v1/accounts").status, 401);
    let in_app = home.good(&[&ada[..], &["app"]].concat());
    assert_eq!(server.ask(in_app.trim(), "GET", "/dashboard/v1/account").status, 401);
    // Nobody without a role of the platform, outside the account, or in no workspace.
    for args in [
        &["token", "--user", "ada@acme.example", "--context", "portal"][..],
        &["token", "--account", "acme", "--user", "bob@acme.example"],
        &["token", "--account", "acme", "--workspace", "prod", "--user", "ada@acme.example"],
        &["token", "--account", "acme", "--user", "nobody@acme.example"],
        &["token", "--user", "ada@acme.example"],
    ] {
        let refused = home.run(args);
        assert_eq!(refused.code, 3, "{args:?} {}{}", refused.out, refused.err);
    }
    home.good(&["user", "update", "ada@acme.example", "--set", "blocked=true"]);
    crate::support::until("the token to end", || {
        (server.ask(token.trim(), "GET", "/dashboard/v1/account").status == 401).then_some(())
    });
    assert_eq!(home.run(&[&ada[..], &["dashboard"]].concat()).code, 3);
    let machine = data(&home, &["token", "--client", "Billing", "--audience", "https://api.acme.example"]);
    assert_eq!((&machine["scope"], machine["expires_in"].as_i64()), (&"read:invoices".into(), Some(86_400)));
    assert_eq!(home.run(&["token", "--client", "Billing", "--audience", "https://other.example"]).code, 3);
    assert!(home.good(&["audit", "list", "--json"]).contains("tokens.issue"));
}
