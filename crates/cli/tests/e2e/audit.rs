//! The record: read, exported, checked from outside, and found changed when it was.

use std::path::Path;

use serde_json::Value;

use crate::support::{Home, Ran};

fn verify(home: &Home, more: &[&str]) -> Ran {
    let args: Vec<&str> = ["audit", "verify", "--json"].iter().chain(more).copied().collect();
    home.run(&args)
}

fn sound(ran: &Ran) -> bool {
    let envelope = ran.envelope();
    let sound = envelope["data"]["sound"].as_bool() == Some(true);
    assert_eq!(ran.code, if sound { 0 } else { 2 }, "{envelope}");
    sound
}

#[test]
fn every_act_is_on_record_with_its_reasons_and_its_rows() {
    let home = Home::desk();
    let body = r#"{"model":"documents","data":{"title":"Hello","body":"World","is_confidential":true}}"#;
    home.good(&["ask", "northwind/ada@northwind.example", "create", body]);
    home.run(&[
        "ask",
        "northwind/ana@northwind.example",
        "query",
        r#"{"model":"customers","where":{"field":"card","op":"eq","value":"4000111122223333"}}"#,
    ]);
    let list = |args: &[&str]| -> Vec<Value> {
        let args: Vec<&str> = ["audit", "list", "--json"].iter().chain(args).copied().collect();
        home.run(&args).envelope()["data"].as_array().unwrap().clone()
    };
    let created = list(&["--account", "northwind", "--tool", "create", "--model", "documents", "--limit", "1"]);
    let id = created[0]["id"].as_str().unwrap();
    let both = home.run(&["audit", "show", id, "--json"]).envelope()["data"].clone();
    let phases: Vec<&str> = both.as_array().unwrap().iter().map(|entry| entry["phase"].as_str().unwrap()).collect();
    assert_eq!(phases, ["started", "completed"]);
    assert_eq!(both[0]["user"], "ada@northwind.example");
    assert_eq!(both[1]["after"][0]["title"], "Hello", "{both}");
    assert!(both[1]["duration_micros"].as_i64().unwrap() >= 0);
    // A denied call is on record; what it asked about a masked field is not, in clear.
    let denied = list(&["--account", "northwind", "--denied", "--model", "customers", "--limit", "1"]);
    assert_eq!(denied[0]["code"], "FIELD_NOT_ALLOWED", "{denied:?}");
    assert!(!denied[0].to_string().contains("4000111122223333"), "{denied:?}");
    let shown = home.good(&["audit", "show", id]);
    assert!(
        shown.contains("started\n") && shown.contains("completed\n") && shown.contains("table.documents"),
        "{shown}"
    );
    assert!(list(&["--account", "globex", "--user", "ada@northwind.example"]).is_empty());
    assert!(list(&["--since", "1h"]).len() > 10);
}

#[test]
fn an_export_is_verified_from_outside_and_every_change_is_found() {
    let home = Home::desk();
    let ran = home.run(&["audit", "export", "--account", "northwind", "--out", "northwind.jsonl", "--json"]);
    let head = ran.envelope()["data"]["head"].as_str().unwrap().to_owned();
    let whole = home.read("northwind.jsonl");
    assert_eq!(
        home.good(&["audit", "export", "--account", "northwind", "--quiet"]),
        whole,
        "on standard output, the same"
    );
    // From outside: a folder with neither file nor store.
    let outside = Home::empty();
    let check = |text: &str, more: &[&str]| {
        outside.write("chain.jsonl", text);
        let args: Vec<&str> = ["--export", "chain.jsonl"].iter().chain(more).copied().collect();
        verify(&outside, &args)
    };
    assert!(sound(&check(&whole, &["--head", &head])));
    let lines: Vec<&str> = whole.lines().collect();
    let last = lines.len() - 1;
    let joined = |lines: &[&str]| lines.iter().flat_map(|line| [*line, "\n"]).collect::<String>();
    let mut cases: Vec<(&str, String)> = vec![
        ("another name", whole.replacen("ana@northwind.example", "bob@northwind.example", 1)),
        ("another count", whole.replacen("\"rows\":1", "\"rows\":2", 1)),
        ("an entry less", joined(&[&lines[..5], &lines[6..]].concat())),
        ("an entry twice", joined(&[&lines[..6], &lines[5..]].concat())),
        ("the end cut off", joined(&[&lines[..last - 2], &lines[last..]].concat())),
    ];
    let mut swapped = lines.clone();
    swapped.swap(4, 5);
    cases.push(("two entries swapped", joined(&swapped)));
    for (what, changed) in cases {
        assert_ne!(changed, whole, "{what}");
        let ran = check(&changed, &[]);
        assert_eq!(ran.code, 2, "{what}: {}", ran.out);
        ran.envelope();
    }
    // Without its last line it is no export; a head of elsewhere is not its head.
    assert_eq!(check(&joined(&lines[..last]), &[]).code, 2);
    let other = format!("northwind@3:{}", "0".repeat(64));
    assert_eq!(check(&whole, &["--head", &other]).code, 2);
    assert_eq!(check("not an export\n", &[]).code, 2);
}

/// Does SQL to the store, as somebody who got hold of the file.
fn tamper(store: &Path, sql: &str) {
    let connection = rusqlite::Connection::open(store).unwrap();
    let triggers: Vec<String> = {
        let mut statement = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    for trigger in triggers {
        connection.execute_batch(&format!("DROP TRIGGER \"{trigger}\"")).unwrap();
    }
    assert!(connection.execute(sql, []).unwrap() > 0, "{sql}");
}

#[test]
fn a_changed_store_is_found() {
    let home = Home::desk();
    let store = home.file(".tenantry/store.sqlite");
    assert!(sound(&verify(&home, &[])));
    let heads = verify(&home, &["--account", "northwind"]).envelope()["data"]["chains"][0]["head"].clone();
    let head = heads.as_str().unwrap().to_owned();
    // Everything is in the one file, so that it can be put back.
    rusqlite::Connection::open(&store).unwrap().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let untouched = std::fs::read(&store).unwrap();
    let put_back = || {
        for more in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(store.with_file_name(format!("store.sqlite{more}")));
        }
        std::fs::write(&store, &untouched).unwrap();
    };
    for sql in [
        "UPDATE tenantry_audit SET user_id = 'bob@northwind.example' WHERE account = 'northwind' AND seq = 3",
        "UPDATE tenantry_audit SET time_micros = time_micros + 1 WHERE account = 'northwind' AND seq = 3",
        "DELETE FROM tenantry_audit WHERE account = 'northwind' AND seq = 3",
        "DELETE FROM tenantry_audit WHERE account = 'northwind' AND seq > 3",
        "DELETE FROM tenantry_audit WHERE account = 'globex'",
        "DELETE FROM tenantry_audit_heads WHERE account = 'globex'",
        "UPDATE tenantry_audit_heads SET seq = seq - 1 WHERE account = 'northwind'",
    ] {
        tamper(&store, sql);
        assert!(!sound(&verify(&home, &[])), "{sql}");
        put_back();
        assert!(sound(&verify(&home, &[])), "put back");
    }
    // A store put back to an older state is sound in itself; a head written down elsewhere tells.
    home.good(&["ask", "northwind/ana@northwind.example", "query", r#"{"model":"plans"}"#]);
    let later = verify(&home, &["--account", "northwind"]).envelope()["data"]["chains"][0]["head"].clone();
    assert!(sound(&verify(&home, &["--head", &head])), "an older head still holds");
    put_back();
    assert!(!sound(&verify(&home, &["--head", later.as_str().unwrap()])));
}

#[test]
fn no_audit_no_act() {
    let home = Home::desk();
    let rows = home.rows();
    let server = crate::support::Server::start(&home);
    let token = home.token("northwind", "ada@northwind.example");
    let update = r#"{"model":"orders","id":3,"data":{"status":"open"},"reason":"again"}"#;
    // Nothing can be written to the record any more: somebody sits on the journal's lock.
    let journal = std::fs::OpenOptions::new().read(true).write(true).open(home.file(".tenantry/store.sqlite.journal"));
    let journal = journal.unwrap();
    journal.lock().unwrap();
    for (tool, body) in
        [("update", update), ("query", r#"{"model":"plans"}"#), ("query", "{"), ("describe_schema", "{}")]
    {
        let answer = server.call(&token, tool, body);
        assert_eq!((answer.status, answer.code().as_str()), (500, "INTERNAL_ERROR"), "{tool}");
    }
    assert_eq!(home.rows(), rows);
    journal.unlock().unwrap();
    assert_eq!(server.call(&token, "query", r#"{"model":"plans"}"#).status, 200);
}

/// A backup without its journal: the store goes on when an operator says so, and says that it did.
#[test]
fn a_lost_journal_is_given_up_on_record() {
    let home = Home::desk();
    let sound = home.run(&["audit", "accept-loss", "--yes", "--json"]);
    assert_eq!((sound.code, &sound.envelope()["data"]["lost"]), (0, &Value::Bool(false)));
    let server = crate::support::Server::start(&home);
    let token = home.token("northwind", "ada@northwind.example");
    assert_eq!(server.call(&token, "query", r#"{"model":"plans"}"#).status, 200);
    // Killed: it could not bring the journal to its end.
    drop(server);
    std::fs::remove_file(home.file(".tenantry/store.sqlite.journal")).unwrap();
    let ask = ["ask", "northwind/ada@northwind.example", "query", r#"{"model":"plans"}"#];
    assert_eq!(home.run(&ask).code, 1, "no record, no act");
    assert_eq!(home.run(&["audit", "accept-loss"]).code, 4, "a loss is accepted with --yes only");
    assert_eq!(home.run(&ask).code, 1, "asking changes nothing");
    let done = home.run(&["audit", "accept-loss", "--yes", "--json"]);
    assert_eq!((done.code, &done.envelope()["data"]["lost"]), (0, &Value::Bool(true)), "{}", done.envelope());
    home.good(&ask);
    assert_eq!(verify(&home, &[]).code, 0);
    let listed = home.run(&["audit", "list", "--account", "-", "--tool", "audit.accept_loss", "--json"]);
    assert_eq!(
        listed.envelope()["data"].as_array().unwrap().iter().find_map(|entry| entry["inputs"]["generation"].as_u64()),
        done.envelope()["data"]["generation"].as_u64()
    );
}
