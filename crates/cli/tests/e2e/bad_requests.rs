//! Requests that are wrong or hostile: each gets its status and a stable code, soon, and changes nothing.

use std::io::Write as _;
use std::time::{Duration, Instant};

use crate::support::{Home, Server, answer};

/// What "soon" means, on a slow machine that does other things as well.
const SOON: Duration = Duration::from_secs(5);

/// As deep as asked.
fn nested(depth: usize) -> String {
    let leaf = r#"{"field":"id","op":"eq","value":1}"#;
    format!(r#"{{"model":"orders","where":{}{leaf}{}}}"#, r#"{"not":"#.repeat(depth), "}".repeat(depth))
}

#[test]
fn bodies_that_are_wrong_are_refused_and_change_nothing() {
    let home = Home::desk();
    let server = Server::start(&home);
    let token = home.token("northwind", "ada@northwind.example");
    let bearer = format!("Bearer {token}");
    let rows = home.rows();
    let leaf = r#"{"field":"id","op":"eq","value":1}"#;
    let wide = format!(r#"{{"model":"orders","where":[{}]}}"#, vec![leaf; 1000].join(","));
    let many: Vec<String> = (0..100_000).map(|id| id.to_string()).collect();
    let many = format!(r#"{{"model":"orders","where":{{"field":"id","op":"in","value":[{}]}}}}"#, many.join(","));
    let includes = format!(r#"{{"model":"orders","include":[{}]}}"#, vec![r#"{"relation":"lines"}"#; 100].join(","));
    let number =
        |text: &str| format!(r#"{{"model":"orders","where":{{"field":"total_cents","op":"gt","value":{text}}}}}"#);
    let update = |data: &str| format!(r#"{{"model":"orders","id":1,"reason":"x","data":{data}}}"#);
    let bad = "VALIDATION_ERROR";
    // Tool, body, status, code.
    let cases: Vec<(&str, Vec<u8>, u16, &str)> = vec![
        ("query", b"".to_vec(), 400, bad),
        ("query", b"null".to_vec(), 400, bad),
        ("query", b"[]".to_vec(), 400, bad),
        ("query", b"\"orders\"".to_vec(), 400, bad),
        ("query", b"{\"model\":\"orders\"".to_vec(), 400, bad),
        ("query", b"{\"model\":\"orders\"}{}".to_vec(), 400, bad),
        ("query", b"{\"model\":\"ord\xff\xfeers\"}".to_vec(), 400, bad),
        ("query", b"\xef\xbb\xbf{\"model\":\"orders\"}".to_vec(), 400, bad),
        ("query", b"{\"model\":\"orders\\u0000\"}".to_vec(), 400, bad),
        ("query", b"{\"model\":\"orders\0\"}".to_vec(), 400, bad),
        ("query", b"{\"model\":\"\\ud800\"}".to_vec(), 400, bad),
        ("query", br#"{"model":"orders","model":"plans"}"#.to_vec(), 400, bad),
        ("query", br#"{"model":"orders","where":{"field":"id","op":"eq","value":1,"\u0066ield":"status"}}"#.to_vec(), 400, bad),
        ("query", nested(1000).into_bytes(), 400, bad),
        ("query", nested(200_000).into_bytes(), 413, bad),
        ("query", wide.into_bytes(), 400, "QUERY_BUDGET_EXCEEDED"),
        ("query", many.into_bytes(), 400, "QUERY_BUDGET_EXCEEDED"),
        ("query", includes.into_bytes(), 400, bad),
        (
            "query",
            br#"{"model":"orders","include":[{"relation":"lines"},{"relation":"customer","include":[{"relation":"plan"}]}]}"#
                .to_vec(),
            400,
            "QUERY_BUDGET_EXCEEDED",
        ),
        ("query", number("1e999").into_bytes(), 400, bad),
        ("query", number(&"9".repeat(40)).into_bytes(), 400, bad),
        ("query", number(&"9".repeat(100_000)).into_bytes(), 400, bad),
        ("query", number("1.5").into_bytes(), 400, bad),
        ("query", number("NaN").into_bytes(), 400, bad),
        ("query", number("\"1 OR 1=1\"").into_bytes(), 400, bad),
        ("query", br#"{"model":"orders","take":0}"#.to_vec(), 400, bad),
        ("query", br#"{"model":"orders","take":-1}"#.to_vec(), 400, bad),
        ("query", br#"{"model":"orders","take":4294967296}"#.to_vec(), 400, bad),
        ("query", br#"{"model":"orders","take":1.5}"#.to_vec(), 400, bad),
        ("query", br#"{"model":"orders","take":201}"#.to_vec(), 400, "QUERY_BUDGET_EXCEEDED"),
        ("query", br#"{"model":"orders","cursor":"not-a-cursor"}"#.to_vec(), 400, bad),
        ("query", br#"{"model":"orders","limit":5}"#.to_vec(), 400, bad),
        ("query", br#"{"model":"orders","where":{"field":"id","op":"like","value":1}}"#.to_vec(), 400, bad),
        ("query", br#"{"model":"orders","where":{"field":"id","op":"eq"}}"#.to_vec(), 400, bad),
        ("query", br#"{"model":"orders","order_by":[{"field":"id","direction":"up"}]}"#.to_vec(), 400, bad),
        ("query", br#"{"model":"orders","order_by":[{"field":"id; DROP TABLE orders"}]}"#.to_vec(), 403, "FIELD_NOT_ALLOWED"),
        ("query", br#"{"model":"orders\" --"}"#.to_vec(), 403, "MODEL_NOT_ALLOWED"),
        ("query", br#"{"model":"sqlite_schema"}"#.to_vec(), 403, "MODEL_NOT_ALLOWED"),
        ("query", br#"{"model":"orders","include":[{"relation":"secrets"}]}"#.to_vec(), 403, "RELATION_NOT_ALLOWED"),
        ("get", br#"{"model":"orders"}"#.to_vec(), 400, bad),
        ("get", br#"{"model":"orders","id":[1]}"#.to_vec(), 400, bad),
        ("get", br#"{"model":"orders","id":"1"}"#.to_vec(), 400, bad),
        ("get", br#"{"model":"orders","id":{"id":1,"x":2}}"#.to_vec(), 400, bad),
        ("get", br#"{"model":"orders","id":99999999999999999999}"#.to_vec(), 400, bad),
        ("aggregate", br#"{"model":"orders","operation":"median"}"#.to_vec(), 400, bad),
        ("aggregate", br#"{"model":"orders","operation":"sum"}"#.to_vec(), 400, bad),
        ("aggregate", br#"{"model":"customers","operation":"min","field":"card"}"#.to_vec(), 403, "FIELD_NOT_ALLOWED"),
        ("update", update(r#"{"status":5}"#).into_bytes(), 400, bad),
        ("update", update(r#"{"status":null}"#).into_bytes(), 400, bad),
        ("update", update(r#"{"customer_id":1}"#).into_bytes(), 403, "WRITE_DISABLED"),
        ("update", update(r#"{"tenant_id":"globex"}"#).into_bytes(), 403, "WRITE_DISABLED"),
        ("update", update(r#"{"deleted_at":null}"#).into_bytes(), 403, "FIELD_NOT_ALLOWED"),
        ("update", update(r#"{"nothing":1}"#).into_bytes(), 403, "FIELD_NOT_ALLOWED"),
        ("update", update("{}").into_bytes(), 400, bad),
        ("update", update("[]").into_bytes(), 400, bad),
        ("bulk_update", br#"{"model":"orders","data":{"status":"paid"},"reason":"x"}"#.to_vec(), 400, "QUERY_TOO_BROAD"),
        ("bulk_update", br#"{"model":"orders","where":[],"data":{"status":"paid"},"reason":"x"}"#.to_vec(), 400, "QUERY_TOO_BROAD"),
        ("bulk_update", br#"{"model":"orders","ids":[1,2,3,4,5,6],"data":{"status":"paid"},"reason":"x"}"#.to_vec(), 400, "MAX_AFFECTED_ROWS_EXCEEDED"),
        ("delete", br#"{"model":"plans","id":1,"reason":"x"}"#.to_vec(), 403, "TOOL_NOT_ALLOWED"),
        ("delete", br#"{"model":"orders","id":1}"#.to_vec(), 400, "REASON_REQUIRED"),
        ("delete", br#"{"model":"orders","id":1,"reason":" "}"#.to_vec(), 400, "REASON_REQUIRED"),
        ("drop_table", b"{}".to_vec(), 403, "TOOL_NOT_ALLOWED"),
        ("..%2f..%2fetc", b"{}".to_vec(), 403, "TOOL_NOT_ALLOWED"),
        ("%ff", b"{}".to_vec(), 403, "TOOL_NOT_ALLOWED"),
        ("%00", b"{}".to_vec(), 403, "TOOL_NOT_ALLOWED"),
    ];
    let mut wrong = Vec::new();
    for (tool, body, status, code) in cases {
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let began = Instant::now();
        let answer = server.send("POST", &format!("/app/v1/tools/{tool}"), &headers, &body);
        let shown = String::from_utf8_lossy(&body[..body.len().min(120)]).into_owned();
        assert!(began.elapsed() < SOON, "{tool} {shown}: {:?}", began.elapsed());
        let text = answer.text();
        let found = serde_json::from_str::<serde_json::Value>(&text)
            .ok()
            .and_then(|json| Some(json.pointer("/error/code")?.as_str()?.to_owned()))
            .unwrap_or_default();
        if (answer.status, found.as_str()) != (status, code) {
            wrong.push(format!("{tool} {shown}: expected {status} {code}, got {} {text}", answer.status));
        }
        for secret in ["SELECT ", "sqlite", "demo.sqlite", ".rs:", "panicked"] {
            if text.contains(secret) && !shown.contains(secret) {
                wrong.push(format!("{tool} {shown}: the answer holds `{secret}`: {text}"));
            }
        }
        if text.len() > 4096 {
            wrong.push(format!("{tool} {shown}: a refusal of {} bytes", text.len()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(home.rows(), rows);
    // Refused calls are on record, and the record is sound.
    assert!(home.good(&["audit", "list", "--denied", "--account", "northwind"]).contains("VALIDATION_ERROR"));
    assert!(home.good(&["audit", "verify"]).contains("verified"));
    assert_eq!(server.call(&token, "query", r#"{"model":"orders","take":1}"#).status, 200);
}

#[test]
fn wrong_paths_methods_and_types_are_refused_in_the_same_shape() {
    let home = Home::desk();
    let server = Server::start(&home);
    let token = home.token("northwind", "ada@northwind.example");
    let bearer = format!("Bearer {token}");
    let auth = ("authorization", bearer.as_str());
    let json = ("content-type", "application/json");
    let body = br#"{"model":"orders","take":1}"#;
    let tool = "/app/v1/tools/query";
    type Headers<'a> = &'a [(&'a str, &'a str)];
    let cases: &[(&str, &str, Headers<'_>, u16, &str)] = &[
        ("POST", "/", &[auth, json], 404, "NOT_FOUND"),
        ("POST", "/app/v1/tools", &[auth, json], 404, "NOT_FOUND"),
        ("POST", "/app/v1/tools/", &[auth, json], 404, "NOT_FOUND"),
        ("POST", "/app/v1/tools/query/", &[auth, json], 404, "NOT_FOUND"),
        ("POST", "/app/v1/tools/query/northwind", &[auth, json], 404, "NOT_FOUND"),
        ("POST", "/app/v2/tools/query", &[auth, json], 404, "NOT_FOUND"),
        ("POST", "/APP/V1/TOOLS/query", &[auth, json], 404, "NOT_FOUND"),
        ("GET", tool, &[auth, json], 405, "VALIDATION_ERROR"),
        ("PUT", tool, &[auth, json], 405, "VALIDATION_ERROR"),
        ("DELETE", tool, &[auth, json], 405, "VALIDATION_ERROR"),
        ("OPTIONS", tool, &[auth, json], 405, "VALIDATION_ERROR"),
        ("POST", "/app/v1/approvals", &[auth, json], 405, "VALIDATION_ERROR"),
        ("POST", tool, &[auth], 415, "VALIDATION_ERROR"),
        ("POST", tool, &[auth, ("content-type", "text/plain")], 415, "VALIDATION_ERROR"),
        ("POST", tool, &[auth, ("content-type", "application/x-www-form-urlencoded")], 415, "VALIDATION_ERROR"),
        ("POST", tool, &[auth, ("content-type", "application/jsonp")], 415, "VALIDATION_ERROR"),
        ("POST", tool, &[auth, ("content-type", "application/json; charset=utf-8")], 200, ""),
        ("POST", tool, &[auth, ("content-type", "Application/JSON")], 200, ""),
    ];
    for (method, path, headers, status, code) in cases {
        let answer = server.send(method, path, headers, body);
        assert_eq!(answer.status, *status, "{method} {path} {headers:?} {}", answer.text());
        if !code.is_empty() {
            assert_eq!(answer.code(), *code, "{method} {path}");
            assert_eq!(answer.header("content-type"), Some("application/json"), "{method} {path}");
        }
    }
}

#[test]
fn a_large_body_is_refused_before_it_is_read() {
    let home = Home::desk();
    let server = Server::start(&home);
    let token = home.token("northwind", "ada@northwind.example");
    let rows = home.rows();
    let head = format!(
        "POST /app/v1/tools/query HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n"
    );
    // It says that it is large: the answer comes before a single byte of it.
    let began = Instant::now();
    let said = server.raw(format!("{head}content-length: 10485760\r\n\r\n").as_bytes());
    assert_eq!((said.status, said.code().as_str()), (413, "VALIDATION_ERROR"));
    assert!(began.elapsed() < SOON);
    // It does not say: the answer comes when the limit is passed, not at the end, which never comes.
    let began = Instant::now();
    let mut stream = server.connect();
    let mut sender = stream.try_clone().unwrap();
    let sending = std::thread::spawn(move || {
        sender.write_all(format!("{head}transfer-encoding: chunked\r\n\r\n").as_bytes()).unwrap();
        let chunk = [b"10000\r\n".as_slice(), &vec![b' '; 0x10000], b"\r\n"].concat();
        let mut sent = 0;
        // The server may hang up on us: that is what it should do.
        while sent < 10 * 1024 * 1024 && sender.write_all(&chunk).is_ok() {
            sent += 0x10000;
        }
    });
    let found = answer(&mut stream);
    assert_eq!((found.status, found.code().as_str()), (413, "VALIDATION_ERROR"));
    assert!(began.elapsed() < SOON);
    drop(stream);
    sending.join().unwrap();
    // Without a token nobody's body is read at all.
    let nobody = server.raw(b"POST /app/v1/tools/query HTTP/1.1\r\nhost: x\r\ncontent-length: 10485760\r\n\r\n");
    assert_eq!(nobody.status, 401);
    assert_eq!(home.rows(), rows);
    assert_eq!(server.call(&token, "query", r#"{"model":"orders","take":1}"#).status, 200);
}

#[test]
fn requests_that_are_no_http_end_nothing_but_themselves() {
    let home = Home::desk();
    let server = Server::start(&home);
    let token = home.token("northwind", "ada@northwind.example");
    let long = format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n", "x".repeat(1024 * 1024));
    let smuggled = format!(
        "POST /app/v1/tools/query HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: 5\r\ncontent-length: 50\r\n\r\n{{}}"
    );
    for bytes in [
        b"\0\0\0\0\r\n\r\n".as_slice(),
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /app/v1/tools/query HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        long.as_bytes(),
        smuggled.as_bytes(),
    ] {
        let mut stream = server.connect();
        // Hanging up in the middle is allowed, too.
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut told = Vec::new();
        let _ = std::io::Read::read_to_end(&mut stream, &mut told);
        let told = String::from_utf8_lossy(&told).into_owned();
        assert!(told.is_empty() || told.starts_with("HTTP/1.1 4"), "{told}");
    }
    assert_eq!(server.call(&token, "query", r#"{"model":"orders","take":1}"#).status, 200);
}

/// Two readers of one stream of bytes may cut it into requests in two ways; whoever stands before us must not be able to
/// see one where we see two.
#[test]
fn no_request_hides_in_another() {
    let home = Home::desk();
    let server = Server::start(&home);
    let token = home.good(&[
        "token",
        "--quiet",
        "--account",
        "northwind",
        "--user",
        "ana@northwind.example",
        "--audience",
        MODELS,
    ]);
    let token = token.trim();
    let hidden = format!("GET /v1/models HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n");
    let body = r#"{"model":"small","messages":[{"role":"user","content":"x"}]}"#;
    let chunked = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    for (headers, sent) in [
        // Both say where the body ends: one answer, and the connection ends.
        (
            format!("content-length: {}\r\ntransfer-encoding: chunked\r\n", chunked.len() + hidden.len()),
            format!("{chunked}{hidden}"),
        ),
        (format!("transfer-encoding: chunked\r\ncontent-length: {}\r\n", body.len()), format!("{chunked}{hidden}")),
        ("content-length: 5\r\ncontent-length: 60\r\n".to_owned(), format!("{body}{hidden}")),
        ("content-length: 5, 60\r\n".to_owned(), format!("{body}{hidden}")),
        ("content-length: +60\r\n".to_owned(), format!("{body}{hidden}")),
        ("transfer-encoding: chunked, identity\r\n".to_owned(), format!("{chunked}{hidden}")),
        ("transfer-encoding: xchunked\r\n".to_owned(), format!("{chunked}{hidden}")),
        ("transfer-encoding : chunked\r\n".to_owned(), format!("{chunked}{hidden}")),
        ("x: y\r\n transfer-encoding: chunked\r\n".to_owned(), format!("{chunked}{hidden}")),
        ("transfer-encoding: chunked\r\n".to_owned(), format!("fffffffffffffffff\r\n{body}{hidden}")),
        ("transfer-encoding: chunked\r\n".to_owned(), format!("-1\r\n{body}{hidden}")),
        ("transfer-encoding: chunked\r\n".to_owned(), format!("1;{}\r\n{{\r\n0\r\n\r\n{hidden}", "x".repeat(100_000))),
    ] {
        let mut stream = server.connect();
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n"
        );
        let _ = stream.write_all(format!("{head}{headers}\r\n{sent}").as_bytes());
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut told = Vec::new();
        let _ = std::io::Read::read_to_end(&mut stream, &mut told);
        let told = String::from_utf8_lossy(&told).into_owned();
        assert!(told.matches("HTTP/1.1 ").count() <= 1 && !told.contains("\"object\":\"list\""), "{headers}: {told}");
    }
    // An extension of a chunk is nobody's, and a body in pieces is a body.
    let plain = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n{:x};a=\"b\"\r\n{body}\r\n0\r\nx-trailer: y\r\n\r\n",
        body.len()
    );
    let mut stream = server.connect();
    stream.write_all(plain.as_bytes()).unwrap();
    let mut told = String::new();
    std::io::Read::read_to_string(&mut stream, &mut told).unwrap();
    assert!(told.contains("HTTP/1.1 200 OK") && told.contains("echo: x"), "{told}");
}

const MODELS: &str = "https://models.desk.example/";
