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
use tenantry_eval::wire::{Hand, WIRE_FAMILIES, intrude, requests};
use tenantry_eval::{Asked, NoAnswer, Told, Wire};

/// What stands before the server and should not.
struct Careless {
    server: Client,
    fault: &'static str,
    good: String,
    victim: String,
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
