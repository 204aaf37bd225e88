//! `tenantry serve`: who a caller is, and approvals.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};

use crate::support::{Answer, Home, Server, until};

const COUNT: &str = r#"{"model":"orders","operation":"count"}"#;

fn count(answer: &Answer) -> i64 {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["data"][0]["value"].as_i64().unwrap()
}

#[test]
fn health_and_keys_are_public_and_nothing_else_is() {
    let home = Home::desk();
    let server = Server::start(&home);
    for path in ["/healthz", "/readyz"] {
        assert_eq!(server.send("GET", path, &[], b"").status, 200, "{path}");
    }
    for (path, kind) in [("/.well-known/jwks.json", "RSA"), ("/.well-known/jwks-own.json", "EC")] {
        let keys = server.send("GET", path, &[], b"").json();
        let keys = keys["keys"].as_array().unwrap();
        assert!(!keys.is_empty() && keys.iter().all(|key| key.get("d").is_none() && key["kty"] == kind), "{keys:?}");
    }
    let everything_else = [
        ("POST", "/app/v1/tools/query"),
        ("POST", "/app/v1/tools/delete"),
        ("POST", "/app/v1/tools/describe_schema"),
        ("POST", "/app/v1/tools/no_such_tool"),
        ("GET", "/app/v1/approvals"),
        ("POST", "/app/v1/approvals/apr_0/approve"),
        ("POST", "/app/v1/approvals/apr_0/deny"),
    ];
    for (method, path) in everything_else {
        let answer = server.send(method, path, &[("content-type", "application/json")], b"{}");
        assert_eq!((answer.status, answer.code().as_str()), (401, "AUTHENTICATION_REQUIRED"), "{path}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer error=\"invalid_token\""), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
    }
}

#[test]
fn only_a_good_token_of_this_installation_is_taken() {
    let home = Home::desk();
    let server = Server::start(&home);
    let rows = home.rows();
    let good = home.token("globex", "gus@globex.example");
    let all = count(&server.call(&good, "aggregate", COUNT));
    assert!(all > 0);
    let parts: Vec<&str> = good.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("{good}") };
    let told = |part: &str| -> Value { serde_json::from_slice(&BASE64.decode(part).unwrap()).unwrap() };
    let sealed = |value: &Value| BASE64.encode(value.to_string());
    let mut claims = told(payload);
    claims["account_id"] = json!("northwind");
    let forged = sealed(&claims);
    let with_algorithm = |name: &str| {
        let mut header = told(header);
        header["alg"] = json!(name);
        sealed(&header)
    };
    // The public key taken for the secret of a symmetric algorithm.
    let keys = server.send("GET", "/.well-known/jwks-own.json", &[], b"");
    let key = &keys.json()["keys"][0];
    let point: Vec<u8> =
        ["x", "y"].iter().flat_map(|name| BASE64.decode(key[*name].as_str().unwrap()).unwrap()).collect();
    let confused = |secret: &[u8]| {
        let body = format!("{}.{forged}", with_algorithm("HS256"));
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
        format!("{body}.{}", BASE64.encode(aws_lc_rs::hmac::sign(&key, body.as_bytes())))
    };
    let mut flipped = BASE64.decode(signature).unwrap();
    flipped[0] ^= 1;
    // Another installation: the same file, keys of its own.
    let stranger =
        home.good(&["token", "--quiet", "--account", "globex", "--user", "gus@globex.example", "--state", "elsewhere"]);
    let mut critical = told(header);
    critical["crit"] = json!(["exp"]);
    let cases = [
        ("of another installation", stranger.trim().to_owned()),
        ("with other claims", format!("{header}.{forged}.{signature}")),
        ("with algorithm none", format!("{}.{forged}.", with_algorithm("none"))),
        ("with algorithm None", format!("{}.{forged}.{signature}", with_algorithm("None"))),
        ("with another algorithm", format!("{}.{payload}.{signature}", with_algorithm("ES384"))),
        ("with a symmetric algorithm", confused(&point)),
        ("with a symmetric algorithm and the document", confused(&keys.body)),
        ("with another signature", format!("{header}.{payload}.{}", BASE64.encode(flipped))),
        ("with a shorter signature", format!("{header}.{payload}.{}", signature.get(..signature.len() - 4).unwrap())),
        ("without a signature", format!("{header}.{payload}")),
        ("with a critical extension", format!("{}.{payload}.{signature}", sealed(&critical))),
        ("with a part too many", format!("{good}.x")),
        ("that is nothing", "x".to_owned()),
        ("that is long", "x".repeat(7000)),
    ];
    for (what, token) in cases {
        let answer = server.call(&token, "aggregate", COUNT);
        assert_eq!((answer.status, answer.code().as_str()), (401, "AUTHENTICATION_REQUIRED"), "a token {what}");
        assert!(!answer.text().contains("northwind"), "a token {what}");
    }
    // In one header, in the way that RFC 6750 says, once.
    let bearer = format!("Bearer {good}");
    let json = ("content-type", "application/json");
    let stranger = format!("Bearer {}", home.token("northwind", "ada@northwind.example"));
    let lower = format!("bearer {good}");
    let basic = format!("Basic {good}");
    let headers: [(&[(&str, &str)], u16); 7] = [
        (&[("authorization", &bearer), json], 200),
        (&[("Authorization", &lower), json], 200),
        (&[("authorization", &bearer), ("authorization", &bearer), json], 401),
        (&[("authorization", &bearer), ("authorization", &stranger), json], 401),
        (&[("authorization", &basic), json], 401),
        (&[("x-authorization", &bearer), json], 401),
        (&[("cookie", &bearer), json], 401),
    ];
    for (headers, status) in headers {
        let answer = server.send("POST", "/app/v1/tools/aggregate", headers, COUNT.as_bytes());
        assert_eq!(answer.status, status, "{headers:?} {}", answer.text());
    }
    let in_path = format!("/app/v1/tools/aggregate?access_token={good}");
    assert_eq!(server.send("POST", &in_path, &[json], COUNT.as_bytes()).status, 401);
    assert_eq!(count(&server.call(&good, "aggregate", COUNT)), all, "the good one is still good");
    assert_eq!(home.rows(), rows);
}

#[test]
fn a_token_ends_when_it_says() {
    let home = Home::desk();
    let server = Server::start(&home);
    let short = home.good(&["token", "--quiet", "--account", "globex", "--user", "gus@globex.example", "--ttl", "1s"]);
    // Also while its verification is remembered from a call before.
    let refused = until("the token to end", || {
        let answer = server.call(short.trim(), "aggregate", COUNT);
        (answer.status != 200).then_some(answer)
    });
    assert_eq!((refused.status, refused.code().as_str()), (401, "AUTHENTICATION_REQUIRED"));
}

#[test]
fn no_header_path_or_body_names_the_tenant() {
    let home = Home::desk();
    let server = Server::start(&home);
    let token = home.token("globex", "gia@globex.example");
    let bearer = format!("Bearer {token}");
    let own = count(&server.call(&token, "aggregate", COUNT));
    for name in
        ["x-tenant-id", "x-tenant", "x-account", "x-organization-id", "tenantry-tenant", "x-forwarded-user", "host"]
    {
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json"), (name, "northwind")];
        let answer = server.send("POST", "/app/v1/tools/aggregate", &headers, COUNT.as_bytes());
        // Two hosts are no request at all.
        if name != "host" {
            assert_eq!(count(&answer), own, "{name}");
        }
    }
    for path in ["/app/v1/tools/aggregate?tenant_id=northwind", "/app/v1/tools/aggregate?account=northwind#northwind"] {
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        assert_eq!(count(&server.send("POST", path, &headers, COUNT.as_bytes())), own, "{path}");
    }
    let rows = home.rows();
    for name in ["tenant_id", "tenant", "account", "principal", "scope"] {
        let body = format!(r#"{{"model":"orders","operation":"count","{name}":"northwind"}}"#);
        let answer = server.call(&token, "aggregate", &body);
        assert_eq!((answer.status, answer.code().as_str()), (400, "VALIDATION_ERROR"), "{name}");
        let body = format!(
            r#"{{"model":"documents","data":{{"{name}":"northwind","title":"t","body":"b","is_confidential":false}}}}"#
        );
        let answer = server.call(&token, "create", &body);
        assert!([400, 403].contains(&answer.status), "{name}: {}", answer.text());
    }
    // Asking for the other tenant's rows by filter finds none; it is not an error to ask.
    let filter =
        r#"{"model":"orders","operation":"count","where":{"field":"tenant_id","op":"eq","value":"northwind"}}"#;
    assert_eq!(count(&server.call(&token, "aggregate", filter)), 0);
    assert_eq!(home.rows(), rows);
}

/// Two orders of Northwind that can be deleted.
fn orders(path: &Path) -> Vec<i64> {
    let connection = rusqlite::Connection::open(path).unwrap();
    let mut statement = connection
        .prepare("SELECT id FROM orders WHERE tenant_id = 'northwind' AND status = 'open' AND deleted_at IS NULL ORDER BY id DESC LIMIT 3")
        .unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn a_write_that_needs_approval_runs_once_as_asked_and_never_by_its_requester() {
    let home = Home::desk();
    // Ada may approve too, so that only being the requester stands in her way.
    let file = home.read("tenantry.toml");
    home.write(
        "tenantry.toml",
        file.replace("approval = { roles = [\"manager\"]", "approval = { roles = [\"manager\", \"admin\"]"),
    );
    let server = Server::start(&home);
    let ada = home.token("northwind", "ada@northwind.example");
    let max = home.token("northwind", "max@northwind.example");
    let ana = home.token("northwind", "ana@northwind.example");
    let gia = home.token("globex", "gia@globex.example");
    let ids = orders(&home.file("demo.sqlite"));
    let rows = home.rows();
    let request = |id: i64| {
        let body = json!({"model": "orders", "id": id, "reason": "entered twice"}).to_string();
        let answer = server.call(&ada, "delete", &body);
        assert_eq!((answer.status, answer.code().as_str()), (202, "WRITE_APPROVAL_REQUIRED"));
        answer.json()["error"]["details"]["approval_id"].as_str().unwrap().to_owned()
    };
    let list = |token: &str| {
        let answer = server.ask(token, "GET", "/app/v1/approvals");
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["data"].as_array().unwrap().clone()
    };
    let decide =
        |token: &str, id: &str, word: &str| server.ask(token, "POST", &format!("/app/v1/approvals/{id}/{word}"));
    let before = list(&max).len();

    let approval = request(ids[0]);
    let shown = list(&max);
    assert_eq!(shown.len(), before + 1);
    let shown = shown.iter().find(|shown| shown["id"] == approval.as_str()).unwrap();
    assert_eq!(shown["arguments"]["id"], ids[0], "{shown}");
    assert_eq!((shown["tool"].as_str(), shown["requester"].as_str()), (Some("delete"), Some("ada@northwind.example")));
    // Not by whoever asked, not by an agent, not by another tenant; and for those it is not there.
    let own = decide(&ada, &approval, "approve");
    assert_eq!((own.status, own.code().as_str()), (403, "WRITE_DISABLED"), "{}", own.text());
    assert!(list(&ada).iter().all(|shown| shown["requester"] != "ada@northwind.example"));
    for token in [&ana, &gia] {
        let foreign = decide(token, &approval, "approve");
        assert_eq!((foreign.status, foreign.code().as_str()), (404, "NOT_FOUND"));
        assert_eq!(foreign.without_id(), decide(token, "apr_000000000000000000000000", "approve").without_id());
        assert!(list(token).is_empty());
    }
    let unreadable = decide(&max, "%ff", "approve");
    assert_eq!((unreadable.status, unreadable.code().as_str()), (404, "NOT_FOUND"));
    assert_eq!(home.rows(), rows, "nothing has run yet");

    let done = decide(&max, &approval, "approve");
    assert_eq!(done.status, 200, "{}", done.text());
    let after = home.rows();
    assert_ne!(after, rows);
    let gone = server.call(&ada, "get", &json!({"model": "orders", "id": ids[0]}).to_string());
    assert_eq!(gone.json()["found"], false);
    for word in ["approve", "deny"] {
        let again = decide(&max, &approval, word);
        assert_eq!((again.status, again.code().as_str()), (409, "CONFLICT"), "{}", again.text());
    }
    assert_eq!(home.rows(), after, "it ran once");

    let refused = request(ids[1]);
    let denied = decide(&max, &refused, "deny");
    assert_eq!(denied.status, 200, "{}", denied.text());
    assert_eq!(denied.json()["data"]["status"], "denied");
    assert_eq!(decide(&max, &refused, "approve").status, 409);
    assert_eq!(home.rows(), after);
    // What ran, ran as the one who asked, and the record says who agreed.
    let shown =
        home.good(&["audit", "list", "--account", "northwind", "--tool", "delete", "--user", "ada@northwind.example"]);
    assert!(shown.contains("completed"), "{shown}");
    let shown =
        home.good(&["audit", "list", "--account", "northwind", "--tool", "approve", "--user", "max@northwind.example"]);
    assert!(shown.contains("completed") && shown.contains("CONFLICT"), "{shown}");
    assert!(home.good(&["audit", "verify"]).contains("verified"));
}
