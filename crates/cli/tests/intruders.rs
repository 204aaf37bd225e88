//! Each kind of attack over HTTP finds a server that has the fault it looks for: the real server, behind something careless.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    unreachable_pub,
    missing_docs,
    reason = "tests"
)]

mod support;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use support::{Home, Server};
use tenantry::http::Server as Client;
use tenantry_eval::wire::{ApiFacts, Hand, Insider, Must, WIRE_FAMILIES, insiders, intrude, requests};
use tenantry_eval::{Asked, NoAnswer, Told, Wire};

/// What stands before the server and should not.
struct Careless {
    server: Client,
    fault: &'static str,
    good: String,
    victim: String,
    /// What the victim's things are called, at the API of accounts.
    names: BTreeSet<String>,
}

impl Careless {
    fn as_somebody(asked: &mut Asked, token: &str) {
        asked.headers.retain(|(name, _)| name != "authorization");
        asked.headers.push(("authorization".to_owned(), format!("Bearer {token}")));
    }
}

impl Wire for Careless {
    async fn send(&self, mut asked: Asked) -> Result<Told, NoAnswer> {
        let token = asked.headers.iter().find(|(name, _)| name == "authorization").map(|(_, value)| value.clone());
        let mut bearer =
            token.as_deref().and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default().to_owned();
        let header = |name: &str| asked.headers.iter().any(|(known, value)| known == name && value == "globex");
        match self.fault {
            // Believes what a token says without looking at its signature.
            "tokens" if bearer.contains('.') && bearer != self.good => Careless::as_somebody(&mut asked, &self.victim),
            // Takes any token of the installation.
            "other audiences" if bearer.starts_with("stale") => Careless::as_somebody(&mut asked, &self.good),
            "headers" if header("x-tenant-id") => Careless::as_somebody(&mut asked, &self.victim),
            "paths" if asked.path.contains("tenant_id=globex") => Careless::as_somebody(&mut asked, &self.victim),
            "methods" if asked.method != "POST" => asked.method = "POST".to_owned(),
            "content types" => {
                asked.headers.retain(|(name, _)| name != "content-type");
                asked.headers.push(("content-type".to_owned(), "application/json".to_owned()));
            }
            // Answers by the name of a thing, whoever asks.
            "identity" if self.names.iter().any(|name| asked.path.contains(name.as_str())) => {
                Careless::as_somebody(&mut asked, &self.victim);
            }
            "approvals" if asked.path.contains("apr_00ff") => {
                let body = br#"{"success":false,"error":{"code":"CONFLICT","details":{}}}"#.to_vec();
                return Ok(Told { status: 409, headers: Vec::new(), body });
            }
            _ => {}
        }
        bearer.clear();
        self.server.send(asked).await
    }
}

#[test]
fn every_kind_finds_its_fault() {
    let home = Home::desk();
    let server = Server::start(&home);
    let good = home.token("northwind", "ana@northwind.example");
    let victim = home.token("globex", "gus@globex.example");
    let keys: Value = server.send("GET", "/.well-known/jwks-own.json", &[], b"").json();
    let hand = Hand {
        token: good.clone(),
        call: ("query".to_owned(), json!({ "model": "orders", "take": 3 })),
        victim: ("globex".to_owned(), "gus@globex.example".to_owned()),
        keys: Some(keys),
        stale: vec![("a token of the dashboard", "stale".to_owned())],
        approvals: vec![("somebody else's request", "apr_00ff00ff00ff00ff00ff00aa".to_owned())],
    };
    let list = requests(&hand);
    assert_eq!(list, requests(&hand), "the same each time");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let found = |fault: &'static str| {
        let wire = Careless {
            server: Client::at(&format!("http://{}", server.address), None).unwrap(),
            fault,
            good: good.clone(),
            victim: victim.clone(),
            names: BTreeSet::new(),
        };
        let mut found = Vec::new();
        for attack in &list {
            if let Some(what) = runtime.block_on(intrude(&wire, attack, &BTreeSet::new())).expect("an answer") {
                found.push((attack.family, format!("{}: {what}", attack.name)));
            }
        }
        found
    };
    assert_eq!(found("nothing"), [], "the server itself has none of these faults");
    for family in WIRE_FAMILIES.iter().filter(|family| **family != "identity") {
        let found = found(family);
        assert!(found.iter().any(|(kind, _)| kind == family), "`{family}` finds nothing: {found:#?}");
    }
}

#[test]
fn an_api_of_accounts_that_answers_by_names_alone_is_found() {
    let home = Home::desk();
    for (account, owner) in [("acme", "ada@acme.example"), ("umbra", "uma@umbra.example")] {
        for args in [
            &["account", "create", account][..],
            &["workspace", "create", account, "prod"],
            &["user", "create", owner],
            &["member", "add", account, owner],
            &["role", "grant", "account-owner", "--user", owner, "--account", account],
        ] {
            home.good(args);
        }
    }
    let server = Server::start(&home);
    let token = |account: &str, user: &str| {
        let args = ["token", "--quiet", "--account", account, "--user", user, "--context", "dashboard"];
        home.good(&args).trim().to_owned()
    };
    let (good, victim) = (token("umbra", "uma@umbra.example"), token("acme", "ada@acme.example"));
    let endpoints: Vec<ApiFacts> = tenantry_server::endpoints()
        .map(|one| ApiFacts { method: one.method.to_owned(), path: one.path.to_owned(), body: one.body.is_some() })
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = || Client::at(&format!("http://{}", server.address), None).unwrap();
    let insider = Insider { prefix: "/dashboard/v1", token: good.clone(), victim: victim.clone(), writes: false };
    let (list, loot) = runtime.block_on(insiders(&client(), &insider, &endpoints)).unwrap();
    let names: BTreeSet<String> = list
        .iter()
        .filter_map(|attack| if let Must::BeAs(_, hiding) = &attack.must { Some(hiding) } else { None })
        .flatten()
        .map(|(name, _)| name.clone())
        .filter(|name| name != "nothing")
        .collect();
    assert!(list.len() > 5 && names.len() > 1, "{list:#?}");
    for (fault, finds) in [("nothing", false), ("identity", true)] {
        let (good, victim, names) = (good.clone(), victim.clone(), names.clone());
        let wire = Careless { server: client(), fault, good, victim, names };
        let found: Vec<String> = list
            .iter()
            .filter_map(|attack| runtime.block_on(intrude(&wire, attack, &loot)).expect("an answer"))
            .collect();
        assert_eq!(!found.is_empty(), finds, "{fault}: {found:#?}");
    }
}
