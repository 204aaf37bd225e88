//! The executor on real files: fence, limits, includes, writes.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tenantry_policy::catalog::Storage;
use tenantry_policy::redact::{HashKey, Mask};
use tenantry_policy::{Clock, Type, Value};
use tenantry_sql::program::{Output, Param, Show, Touch};

use super::bind::keys_json;
use super::connection::{Connection, Opening, Role};
use super::failure::Fault;
use super::read::{Ask, Desk};
use super::write::{Edit, Shape, Why};
use super::{Sqlite, Work};
use crate::Options;
use crate::answer::{Answer, Redactor};
use crate::error::{Constraint, RunError};

mod programs;

/// A clock that goes on by so much with each look.
struct Ticking {
    now: AtomicU64,
    step: u64,
}

impl Clock for Ticking {
    fn now_micros(&self) -> i64 {
        0
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.now.fetch_add(self.step, Ordering::Relaxed))
    }
}

fn clock(step: u64) -> Arc<dyn Clock> {
    Arc::new(Ticking { now: AtomicU64::new(0), step })
}

struct Room {
    dir: tempfile::TempDir,
    redactor: Redactor,
}

const SCHEMA: &str = "
    CREATE TABLE org (id TEXT PRIMARY KEY, name TEXT NOT NULL, secret TEXT);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, org TEXT NOT NULL REFERENCES org (id), \
        total NUMERIC(10,2) CHECK (total >= 0), code TEXT UNIQUE);
    CREATE TABLE lines (id INTEGER PRIMARY KEY, order_id INT REFERENCES orders (id) ON DELETE CASCADE, sku TEXT);
    CREATE TABLE log (what TEXT, at TEXT);
    CREATE TRIGGER orders_log AFTER UPDATE OF total ON orders \
        BEGIN INSERT INTO log VALUES ('total', new.id); END;
    CREATE VIEW everything AS SELECT * FROM orders;
    INSERT INTO org VALUES ('a', 'Acme', 's3cret'), ('b', 'Globex', 't0psecret');
    INSERT INTO orders VALUES (1, 'a', 12.5, 'A1'), (2, 'a', 7, NULL), (3, 'b', 99.99, 'B1');
    INSERT INTO lines VALUES (1, 1, 'pen'), (2, 1, 'ink'), (3, 3, 'car');
";

impl Room {
    fn new() -> Room {
        let dir = tempfile::tempdir().unwrap();
        rusqlite::Connection::open(dir.path().join("shop.db")).unwrap().execute_batch(SCHEMA).unwrap();
        Room { dir, redactor: Redactor { hash: HashKey::derive(b"secret", "acme") } }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("shop.db")
    }

    /// A connection to the file as an outsider has it.
    fn outside(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path()).unwrap()
    }

    fn opening(&self, role: Role, clock: Arc<dyn Clock>) -> Opening {
        Opening { path: self.path(), role, busy: Duration::ZERO, statements: 16, clock }
    }

    fn open(&self, role: Role) -> Connection {
        self.opening(role, clock(0)).open().unwrap()
    }

    fn desk<'a>(&'a self, connection: &'a Connection) -> Desk<'a> {
        Desk { connection, redactor: &self.redactor, timeout: Duration::from_secs(1), max_bytes: 10_000 }
    }
}

fn touch(table: &str, reads: &[&str], updates: &[&str], inserts: bool, deletes: bool) -> Touch {
    let names = |names: &[&str]| names.iter().map(|name| Arc::from(*name)).collect();
    Touch { table: Arc::from(table), reads: names(reads), updates: names(updates), inserts, deletes }
}

fn output(name: &str, ty: Type) -> Output {
    let (storage, scale) = match ty {
        Type::Bool => (Storage::BoolInt, None),
        Type::Decimal => (Storage::DecimalNumber, Some(2)),
        _ => (Storage::Native, None),
    };
    Output { name: Arc::from(name), ty, storage, scale, show: Show::Plain }
}

fn hidden(name: &str, ty: Type) -> Output {
    Output { show: Show::Hidden, ..output(name, ty) }
}

fn param(value: Value) -> Param {
    Param::Value { ty: value.ty(), value: Some(value), storage: Storage::Native, label: Arc::from("p") }
}

fn text(answer: &Answer) -> &str {
    std::str::from_utf8(&answer.rows).unwrap()
}

fn error<T: std::fmt::Debug>(result: Result<T, Fault>) -> RunError {
    result.unwrap_err().run_error()
}

#[test]
fn the_fence_lets_through_what_the_statement_touches_and_nothing_else() {
    let room = Room::new();
    let connection = room.open(Role::Writer);
    let desk = room.desk(&connection);
    let touches = [
        touch("orders", &["id", "org", "total"], &["total"], false, false),
        touch("json_each", &["value", "json"], &[], false, false),
    ];
    let run = |sql: &str| {
        let outputs = [hidden("x", Type::Int)];
        let result = desk.groups(Ask { sql, touches: &touches, params: &[], outputs: &outputs }, false, 100);
        connection.settle().unwrap();
        result
    };
    for sql in [
        "SELECT id FROM orders WHERE org = 'a'",
        "SELECT count(*) FROM orders",
        "SELECT o.id FROM orders AS o WHERE o.id IN (SELECT k.value FROM json_each('[1]') AS k)",
        "SELECT x.n FROM (SELECT id, row_number() OVER (PARTITION BY org ORDER BY id) AS n FROM orders) AS x",
        "WITH mine AS (SELECT id AS i FROM orders) SELECT i FROM mine",
        "UPDATE orders SET total = 1 WHERE id = 1 RETURNING id",
    ] {
        assert!(run(sql).is_ok(), "{sql}: {:?}", run(sql));
    }
    for sql in [
        // Another column, another table, the schema.
        "SELECT code FROM orders",
        "SELECT name FROM org",
        "SELECT count(*) FROM org",
        "SELECT id FROM orders WHERE EXISTS (SELECT 1 FROM org WHERE secret LIKE 's%')",
        "SELECT rootpage FROM sqlite_master",
        "SELECT rootpage FROM sqlite_schema",
        "SELECT rootpage FROM sqlite_temp_schema",
        "SELECT seq FROM sqlite_sequence",
        // Ways around: functions over the schema, pages, views, names that look like something else.
        "SELECT cid FROM pragma_table_info('org')",
        "SELECT seq FROM pragma_database_list",
        "SELECT pageno FROM dbstat",
        "SELECT id FROM everything",
        "SELECT id FROM main.everything",
        "WITH everything AS (SELECT secret FROM org) SELECT * FROM everything",
        "WITH orders_log AS (SELECT what FROM log) SELECT * FROM orders_log",
        "SELECT load_extension('x')",
        "SELECT randomblob(1000000000)",
        "SELECT sqlite_version()",
        "SELECT \"no such column\" FROM orders",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n LIMIT 3",
        // Other writes than its own.
        "UPDATE orders SET org = 'b' WHERE id = 1 RETURNING id",
        "DELETE FROM orders RETURNING id",
        "INSERT INTO orders (org) VALUES ('a') RETURNING id",
        "INSERT INTO log VALUES ('x', 'y')",
        "UPDATE log SET at = 1",
        "CREATE TABLE t (a)",
        "CREATE TEMP TABLE t (a)",
        "CREATE TEMP VIEW orders AS SELECT * FROM org",
        "DROP TABLE orders",
        "ALTER TABLE orders ADD COLUMN x",
        "ATTACH 'other.db' AS other",
        "DETACH main",
        "PRAGMA query_only = 0",
        "PRAGMA table_info(org)",
        "PRAGMA writable_schema = 1",
        "VACUUM",
        "VACUUM INTO 'copy.db'",
        "ANALYZE",
        "REINDEX",
        "SAVEPOINT s",
        "BEGIN",
        "COMMIT",
        "EXPLAIN SELECT secret FROM org",
        "SELECT id FROM orders; SELECT secret FROM org",
    ] {
        assert!(run(sql).is_err(), "{sql}");
    }
    // What one statement may do is not there for the next.
    assert!(connection.raw().prepare("SELECT id FROM orders").is_err());
    // A cached statement of the same text needs no second permission.
    run("SELECT count(*) FROM orders").unwrap();
    assert!(connection.raw().prepare_cached("SELECT count(*) FROM orders").is_ok());
}

#[test]
fn a_reader_cannot_write() {
    let room = Room::new();
    let connection = room.open(Role::Reader);
    let touches = [touch("orders", &["id"], &["total"], true, true)];
    let ask = Ask { sql: "DELETE FROM orders RETURNING id", touches: &touches, params: &[], outputs: &[] };
    let failed = error(room.desk(&connection).groups(ask, false, 9));
    assert!(matches!(failed, RunError::Unavailable(_) | RunError::Internal(_)), "{failed}");
    let left: i64 = room.outside().query_row("SELECT count(*) FROM orders", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 3);
}

#[test]
fn the_fence_holds_when_the_schema_changes_under_a_cached_statement() {
    let room = Room::new();
    let connection = room.open(Role::Writer);
    let desk = room.desk(&connection);
    let touches = [touch("orders", &["id"], &[], false, false)];
    let outputs = [output("id", Type::Int)];
    let ask = Ask { sql: "SELECT id FROM orders ORDER BY id", touches: &touches, params: &[], outputs: &outputs };
    assert_eq!(text(&desk.page(ask, 2, &[0]).unwrap()), r#"[{"id":1},{"id":2}]"#);
    room.outside().execute_batch("CREATE INDEX later ON orders (org)").unwrap();
    assert_eq!(desk.page(ask, 9, &[0]).unwrap().count, 3);
    // The table becomes a view over what the statement may not touch.
    room.outside()
        .execute_batch("ALTER TABLE orders RENAME TO old; CREATE VIEW orders AS SELECT secret AS id FROM org")
        .unwrap();
    assert!(desk.page(ask, 9, &[0]).is_err());
}

#[test]
fn a_change_of_the_schema_is_no_refusal_for_a_statement_that_is_new() {
    let room = Room::new();
    let connection = room.open(Role::Writer);
    let desk = room.desk(&connection);
    let ask = |sql| {
        let touches = [touch("orders", &["id"], &[], false, false)];
        let outputs = [output("id", Type::Int)];
        text(&desk.page(Ask { sql, touches: &touches, params: &[], outputs: &outputs }, 2, &[0]).unwrap()).to_owned()
    };
    ask("SELECT id FROM orders ORDER BY id");
    // The connection has seen the schema, but not this change; and the statement is not in its cache.
    room.outside().execute_batch("CREATE TABLE unrelated (a)").unwrap();
    assert_eq!(ask("SELECT id FROM orders WHERE id = 1 ORDER BY id"), r#"[{"id":1}]"#);
}

#[test]
fn pages_know_whether_there_is_more() {
    let room = Room::new();
    let connection = room.open(Role::Reader);
    let desk = room.desk(&connection);
    let touches = [touch("orders", &["id", "org", "total", "code"], &[], false, false)];
    let outputs = [
        output("id", Type::Int),
        output("total", Type::Decimal),
        Output { show: Show::Mask(Mask::Last(1)), ..output("org", Type::Text) },
        Output { show: Show::Hash { table: Arc::from("orders") }, ..output("code", Type::Text) },
        hidden("key", Type::Int),
    ];
    let sql = "SELECT id, total, org, code, id FROM orders WHERE id >= ?1 ORDER BY id LIMIT 3";
    let params = [param(Value::Int(1))];
    let ask = Ask { sql, touches: &touches, params: &params, outputs: &outputs };
    let page = desk.page(ask, 2, &[1, 4]).unwrap();
    let rows: serde_json::Value = serde_json::from_slice(&page.rows).unwrap();
    assert!(text(&page).starts_with(r#"[{"id":1,"total":12.50,"org":"***","code":""#), "{}", text(&page));
    assert_eq!(rows[0]["code"].as_str().unwrap().len(), 32);
    assert!(rows[1]["code"].is_null() && rows[0].get("key").is_none());
    assert_eq!((page.count, page.has_more), (2, true));
    assert_eq!(page.last, Some(vec![Some(Value::Decimal("7.00".parse().unwrap())), Some(Value::Int(2))]));
    let page = desk.page(ask, 3, &[1, 4]).unwrap();
    assert_eq!((page.count, page.has_more, page.last), (3, false, None));
    let none = [param(Value::Int(100))];
    assert_eq!(text(&desk.page(ask.with(&none), 2, &[]).unwrap()), "[]");

    let small = Desk { max_bytes: 60, ..desk };
    assert_eq!(error(small.page(ask, 3, &[])), RunError::TooManyBytes);
    assert_eq!(error(desk.groups(ask, false, 2)), RunError::TooManyGroups);
}

#[test]
fn a_stored_value_of_another_type_fails_the_call() {
    let room = Room::new();
    room.outside().execute_batch("UPDATE orders SET total = 'a lot' WHERE id = 2").unwrap();
    let connection = room.open(Role::Reader);
    let touches = [touch("orders", &["total"], &[], false, false)];
    let outputs = [output("total", Type::Decimal)];
    let ask = Ask { sql: "SELECT total FROM orders", touches: &touches, params: &[], outputs: &outputs };
    let failed = error(room.desk(&connection).page(ask, 9, &[]));
    assert_eq!(failed, RunError::Internal("column `total` holds a value that is no decimal".to_owned()));
}

#[test]
fn averages_are_divided_here() {
    let room = Room::new();
    let connection = room.open(Role::Reader);
    let touches = [touch("orders", &["org", "total"], &[], false, false)];
    let outputs = [output("org", Type::Text), output("value", Type::Decimal), output("n", Type::Int)];
    let sql = "SELECT org, sum(total), count(total) FROM orders GROUP BY org ORDER BY org";
    let ask = Ask { sql, touches: &touches, params: &[], outputs: &outputs };
    let answer = room.desk(&connection).groups(ask, true, 9).unwrap();
    assert_eq!(text(&answer), r#"[{"org":"a","value":9.75},{"org":"b","value":99.99}]"#);
}

#[test]
fn includes_are_joined_into_their_parents() {
    let room = Room::new();
    let connection = room.open(Role::Reader);
    let desk = room.desk(&connection);
    let orders = [touch("orders", &["id", "org"], &[], false, false)];
    let outputs = [output("id", Type::Int), hidden("org", Type::Text)];
    let ask = Ask { sql: "SELECT id, org FROM orders ORDER BY id", touches: &orders, params: &[], outputs: &outputs };
    let none = desk.include(ask, "[]", &[], &[&[0], &[1]], 0);
    let mut rows = none.unwrap();

    let keys = Param::Keys { pair: 0, ty: Type::Int, storage: Storage::Native };
    let params = [keys];
    let each = touch("json_each", &["value", "json"], &[], false, false);
    let lines = [touch("lines", &["id", "order_id", "sku"], &[], false, false), each.clone()];
    let line_outputs = [output("sku", Type::Text), hidden("order_id", Type::Int)];
    let sql = "SELECT sku, order_id FROM lines WHERE order_id IN \
        (SELECT json_extract(k.value, '$[0]') FROM json_each(?1) AS k) ORDER BY id";
    let json = keys_json(&rows.keys_of(0), &[Storage::Native]).unwrap();
    assert_eq!(json, "[[1],[2],[3]]");
    let ask = Ask { sql, touches: &lines, params: &params, outputs: &line_outputs };
    let loaded = desk.include(ask, &json, &[1], &[], rows.bytes()).unwrap();

    let orgs = [touch("org", &["id", "name"], &[], false, false), each];
    let org_outputs = [hidden("id", Type::Text), output("name", Type::Text)];
    let sql = "SELECT id, name FROM org WHERE id IN (SELECT json_extract(k.value, '$[0]') FROM json_each(?1) AS k) AND id = 'a'";
    let json = keys_json(&rows.keys_of(1), &[Storage::Native]).unwrap();
    assert_eq!(json, r#"[["a"],["b"]]"#);
    let ask = Ask { sql, touches: &orgs, params: &params, outputs: &org_outputs };
    let org = desk.include(ask, &json, &[0], &[], 0).unwrap();
    rows.attach(Arc::from("lines"), false, loaded);
    rows.attach(Arc::from("org"), true, org);
    let mut out = Vec::new();
    rows.write_array(&mut out, 10_000).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        concat!(
            r#"[{"id":1,"lines":[{"sku":"pen"},{"sku":"ink"}],"org":{"name":"Acme"}},"#,
            r#"{"id":2,"lines":[],"org":{"name":"Acme"}},"#,
            r#"{"id":3,"lines":[{"sku":"car"}],"org":null}]"#
        )
    );
    assert_eq!(rows.write_array(&mut Vec::new(), 50), Err(RunError::TooManyBytes));
}

#[test]
fn a_statement_ends_with_its_time() {
    let room = Room::new();
    let values: Vec<String> = (10..300).map(|id| format!("({id}, 'a')")).collect();
    room.outside().execute_batch(&format!("INSERT INTO orders (id, org) VALUES {}", values.join(","))).unwrap();
    // Each look at the clock takes 100 ms of a second.
    let connection = room.opening(Role::Reader, clock(100)).open().unwrap();
    let desk = room.desk(&connection);
    let touches = [touch("orders", &["id", "org"], &[], false, false)];
    let outputs = [output("n", Type::Int)];
    let sql = "SELECT count(*) FROM orders AS a, orders AS b, orders AS c WHERE a.id + b.id + c.id < 0";
    let ask = Ask { sql, touches: &touches, params: &[], outputs: &outputs };
    assert_eq!(error(desk.groups(ask, false, 1)), RunError::Timeout);
    connection.settle().unwrap();
    // The next statement has time of its own.
    let ask = Ask { sql: "SELECT count(*) FROM orders", ..ask };
    assert_eq!(text(&desk.groups(ask, false, 1).unwrap()), r#"[{"n":293}]"#);
    // And work can be bounded apart from time.
    connection.limit_work(Some(2));
    let ask = Ask { sql, ..ask };
    assert!(desk.groups(ask, false, 1).unwrap_err().interrupted());
    assert!(connection.work_is_spent());
}

/// The parts of `INSERT INTO orders`, as the renderer would make them for organization `a`.
fn create(room: &Room, writer: &Connection, rows: &[[Value; 3]], dry_run: bool) -> Result<Answer, Fault> {
    let touches =
        [touch("orders", &["id", "org", "total", "code"], &[], true, false), touch("org", &["id"], &[], false, false)];
    let outputs =
        [output("id", Type::Int), output("total", Type::Decimal), output("code", Type::Text), hidden("ok", Type::Bool)];
    let rows: Vec<Vec<Param>> = rows.iter().map(|row| row.iter().cloned().map(param).collect()).collect();
    let insert = Ask {
        sql: "INSERT INTO orders (org, total, code) SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM org WHERE id = ?1 AND id <> 'z') \
              RETURNING id, total, code, org = 'a'",
        touches: &touches,
        params: &[],
        outputs: &outputs,
    };
    let bools = [hidden("seen", Type::Bool)];
    let references = Ask {
        sql: "SELECT EXISTS (SELECT 1 FROM org WHERE id = ?1 AND id <> 'z')",
        touches: &touches[1..],
        params: &[],
        outputs: &bools,
    };
    let conflict = Ask {
        sql: "SELECT 1 FROM orders WHERE org = 'a' AND code = ?3",
        touches: &touches[..1],
        params: &[],
        outputs: &bools,
    };
    let names = [Arc::from("organization")];
    let orgs: Vec<Vec<Param>> = rows.iter().map(|row| row[..1].to_vec()).collect();
    let shape = Shape {
        key: &[0],
        returning: &[0, 2],
        image: &[1, 2],
        references: Some(Why { ask: references, rows: &orgs, names: &names }),
        conflict: Some(Why { ask: conflict, rows: &rows, names: &[] }),
        dry_run,
    };
    let result = room.desk(writer).create(insert, &rows, shape);
    writer.settle().unwrap();
    result
}

fn row(org: &str, total: &str, code: &str) -> [Value; 3] {
    [Value::text(org), Value::Decimal(total.parse().unwrap()), Value::text(code)]
}

fn orders(room: &Room) -> i64 {
    room.outside().query_row("SELECT count(*) FROM orders", [], |row| row.get(0)).unwrap()
}

#[test]
fn creates_are_all_or_none() {
    let room = Room::new();
    let writer = room.open(Role::Writer);
    let made = create(&room, &writer, &[row("a", "1.10", "X"), row("a", "2", "Y")], false).unwrap();
    assert_eq!(text(&made), r#"[{"id":4,"code":"X"},{"id":5,"code":"Y"}]"#);
    assert_eq!(made.changes[0].key, br#"{"id":4}"#);
    assert_eq!(made.changes[0].after.as_deref(), Some(&br#"{"total":1.10,"code":"X"}"#[..]));
    assert_eq!((made.count, orders(&room)), (2, 5));

    let made = create(&room, &writer, &[row("a", "1", "Z")], true).unwrap();
    assert_eq!((text(&made), orders(&room)), (r#"[{"id":6,"code":"Z"}]"#, 5));

    let fails = |rows: &[[Value; 3]]| error(create(&room, &writer, rows, false));
    let names = vec!["organization".to_owned()];
    assert_eq!(fails(&[row("a", "1", "P"), row("z", "1", "Q")]), RunError::ReferenceNotVisible { names });
    assert_eq!(fails(&[row("a", "1", "P"), row("b", "1", "Q")]), RunError::RuleRefusesRow);
    assert_eq!(fails(&[row("a", "1", "P"), row("a", "1", "P")]), RunError::UniqueConflict { own: true });
    assert_eq!(fails(&[row("a", "1", "B1")]), RunError::UniqueConflict { own: false });
    assert_eq!(fails(&[row("a", "-1", "P")]), RunError::Constraint(Constraint::Check));
    assert_eq!(orders(&room), 5, "nothing of a refused call stays");
}

#[test]
fn updates_carry_their_images_and_triggers_run() {
    let room = Room::new();
    let writer = room.open(Role::Writer);
    let touches = [touch("orders", &["id", "org", "total"], &["total", "org"], false, false)];
    let outputs = [output("id", Type::Int), output("total", Type::Decimal), hidden("ok", Type::Bool)];
    let edit = Edit {
        before: Ask {
            sql: "SELECT id, total FROM orders WHERE org = 'a' AND (?1 = 0 OR id = ?1)",
            touches: &touches,
            params: &[],
            outputs: &outputs[..2],
        },
        update: Ask {
            sql: "UPDATE orders SET total = ?2, org = ?3 WHERE org = 'a' AND (?1 = 0 OR id = ?1) RETURNING id, total, org = 'a'",
            touches: &touches,
            params: &[],
            outputs: &outputs,
        },
        exactly_one: true,
        max_rows: 2,
    };
    let run = |edit: Edit<'_>, ids: &[i64], total: &str, org: &str, dry_run: bool| {
        let before: Vec<Vec<Param>> = ids.iter().map(|id| vec![param(Value::Int(*id))]).collect();
        let update: Vec<Vec<Param>> = ids
            .iter()
            .map(|id| {
                vec![param(Value::Int(*id)), param(Value::Decimal(total.parse().unwrap())), param(Value::text(org))]
            })
            .collect();
        let rows: Vec<(&[Param], &[Param])> =
            before.iter().zip(&update).map(|(before, update)| (before.as_slice(), update.as_slice())).collect();
        let shape = Shape { key: &[0], returning: &[1], image: &[1], references: None, conflict: None, dry_run };
        let result = room.desk(&writer).update(edit, &rows, shape);
        writer.settle().unwrap();
        result
    };
    let changed = run(edit, &[2, 1], "20.5", "a", false).unwrap();
    assert_eq!(text(&changed), r#"[{"total":20.50},{"total":20.50}]"#);
    assert_eq!(changed.changes[1].key, br#"{"id":1}"#);
    assert_eq!(changed.changes[1].before.as_deref(), Some(&br#"{"total":12.50}"#[..]));
    assert_eq!(changed.changes[1].after.as_deref(), Some(&br#"{"total":20.50}"#[..]));
    let logged: i64 = room.outside().query_row("SELECT count(*) FROM log", [], |row| row.get(0)).unwrap();
    assert_eq!(logged, 2);

    assert_eq!(error(run(edit, &[1, 3], "1", "a", false)), RunError::NotFound);
    assert_eq!(error(run(edit, &[1], "1", "b", false)), RunError::RuleRefusesRow);
    assert_eq!(error(run(edit, &[1], "1", "nobody", false)), RunError::Constraint(Constraint::ForeignKey));
    assert_eq!(error(run(Edit { max_rows: 1, ..edit }, &[1, 2], "1", "a", false)), RunError::MaxRows { limit: 1 });
    let any = Edit { exactly_one: false, ..edit };
    assert_eq!(error(run(Edit { max_rows: 1, ..any }, &[0], "1", "a", false)), RunError::MaxRows { limit: 1 });
    assert_eq!(run(any, &[0], "3", "a", true).unwrap().count, 2);
    let total: f64 = room.outside().query_row("SELECT sum(total) FROM orders", [], |row| row.get(0)).unwrap();
    assert!((total - 140.99).abs() < 1e-9, "{total}");
}

#[test]
fn deletes_cascade_as_the_schema_says() {
    let room = Room::new();
    let writer = room.open(Role::Writer);
    let touches = [touch("orders", &["id", "org", "total"], &[], false, true)];
    let outputs = [output("id", Type::Int), output("total", Type::Decimal)];
    let run = |id: i64| {
        let params = [param(Value::Int(id))];
        let ask = Ask {
            sql: "DELETE FROM orders WHERE org = 'a' AND id = ?1 RETURNING id, total",
            touches: &touches,
            params: &params,
            outputs: &outputs,
        };
        let shape = Shape { key: &[0], returning: &[], image: &[1], references: None, conflict: None, dry_run: false };
        let result = room.desk(&writer).delete(ask, shape);
        writer.settle().unwrap();
        result
    };
    let gone = run(1).unwrap();
    assert_eq!((text(&gone), gone.count), ("[]", 1));
    assert_eq!(gone.changes[0].before.as_deref(), Some(&br#"{"total":12.50}"#[..]));
    let lines: i64 = room.outside().query_row("SELECT count(*) FROM lines", [], |row| row.get(0)).unwrap();
    assert_eq!(lines, 1);
    assert_eq!(error(run(3)), RunError::NotFound);
    assert_eq!(error(run(1)), RunError::NotFound);
}

#[test]
fn another_writer_makes_it_busy() {
    let room = Room::new();
    let writer = room.open(Role::Writer);
    let outside = room.outside();
    outside.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(error(create(&room, &writer, &[row("a", "1", "X")], false)), RunError::Busy);
    // Readers go on: the file is in write-ahead mode.
    let reader = room.open(Role::Reader);
    let touches = [touch("orders", &["id"], &[], false, false)];
    let outputs = [output("n", Type::Int)];
    let ask = Ask { sql: "SELECT count(*) FROM orders", touches: &touches, params: &[], outputs: &outputs };
    assert!(room.desk(&reader).groups(ask, false, 1).is_ok());
    outside.execute_batch("COMMIT").unwrap();
    assert!(create(&room, &writer, &[row("a", "1", "X")], false).is_ok());
}

async fn source(room: &Room) -> Sqlite {
    Sqlite::open(Arc::from("shop"), &room.path(), &Options { readers: Some(2), ..Options::default() }, clock(0))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_file_that_is_not_there_is_not_made() {
    let room = Room::new();
    let missing = room.dir.path().join("missing.db");
    assert!(Sqlite::open(Arc::from("x"), &missing, &Options::default(), clock(0)).await.is_err());
    assert!(!missing.exists());
    std::fs::write(&missing, "this is not a database at all, only some text").unwrap();
    assert!(Sqlite::open(Arc::from("x"), &missing, &Options::default(), clock(0)).await.is_err());
}

#[tokio::test]
async fn the_source_answers_and_keeps_write_ahead_mode() {
    let room = Room::new();
    let source = source(&room).await;
    source.health().await.unwrap();
    let mode: String = room.outside().query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
    assert_eq!(source.catalog().await.unwrap().tables.len(), 5);
}

/// Work that inserts a log line in a transaction and then does `last`.
fn logging(last: impl FnOnce(&Connection) -> Result<(), Fault> + Send + 'static) -> Work {
    Box::new(move |connection| {
        connection.begin(Role::Writer)?;
        connection.start(Duration::from_secs(1));
        let touches = [touch("log", &[], &[], true, false)];
        connection.with("INSERT INTO log VALUES ('x', 'y')", &touches, |statement| {
            statement.raw_execute()?;
            Ok(())
        })?;
        last(connection)?;
        Ok(Answer::default())
    })
}

#[tokio::test]
async fn what_a_call_leaves_open_is_rolled_back_before_the_next() {
    let room = Room::new();
    let source = source(&room).await;
    let logged = || room.outside().query_row("SELECT count(*) FROM log", [], |row| row.get::<_, i64>(0)).unwrap();
    source.send(&source.0.writes, logging(|_| Ok(()))).await.unwrap();
    assert_eq!(logged(), 0);
    let failed = source.send(&source.0.writes, logging(|_| Err(RunError::NotFound.into()))).await;
    assert_eq!((failed, logged()), (Err(RunError::NotFound), 0));
    source.send(&source.0.writes, logging(Connection::commit)).await.unwrap();
    assert_eq!(logged(), 1);
}

#[tokio::test]
async fn a_dropped_call_that_has_begun_completes_and_one_that_has_not_never_does() {
    let room = Room::new();
    let source = source(&room).await;
    let (began, has_began) = crossbeam_channel::bounded(1);
    let (go, may_go) = crossbeam_channel::bounded::<()>(1);
    let first = source.send(
        &source.0.writes,
        logging(move |connection| {
            began.send(()).unwrap();
            may_go.recv().unwrap();
            connection.commit()
        }),
    );
    let second = source.send(&source.0.writes, logging(Connection::commit));
    {
        let mut first = Box::pin(first);
        let mut second = Box::pin(second);
        // Polled once, both are handed over; then their callers go away.
        tokio::select! {
            biased;
            _ = &mut first => panic!("the first is not done"),
            _ = &mut second => panic!("the second waits for the first"),
            () = std::future::ready(()) => {}
        }
        has_began.recv().unwrap();
    }
    go.send(()).unwrap();
    source.health().await.unwrap();
    let logged: i64 = room.outside().query_row("SELECT count(*) FROM log", [], |row| row.get(0)).unwrap();
    assert_eq!(logged, 1, "the first committed, the second did not begin");
}

#[tokio::test]
async fn a_small_read_runs_here_and_a_large_one_elsewhere() {
    let room = Room::new();
    let values: Vec<String> = (10..300).map(|id| format!("({id}, 'a')")).collect();
    room.outside().execute_batch(&format!("INSERT INTO orders (id, org) VALUES {}", values.join(","))).unwrap();
    let source = source(&room).await;
    let count = |sql: &'static str| {
        let redactor = room.redactor.clone();
        move |connection: &Connection| {
            let touches = [touch("orders", &["id"], &[], false, false)];
            let outputs = [output("n", Type::Int)];
            let ask = Ask { sql, touches: &touches, params: &[], outputs: &outputs };
            let desk = Desk { connection, redactor: &redactor, timeout: Duration::from_secs(60), max_bytes: 1000 };
            desk.groups(ask, false, 1)
        }
    };
    let here = source.here(count("SELECT count(*) FROM orders")).unwrap().unwrap();
    assert_eq!(text(&here), r#"[{"n":293}]"#);
    let large = "SELECT count(*) FROM orders AS a, orders AS b WHERE a.id + b.id < 0";
    assert!(source.here(count(large)).is_none());
    let elsewhere = source.send(&source.0.reads, Box::new(count(large))).await.unwrap();
    assert_eq!(text(&elsewhere), r#"[{"n":0}]"#);
    // The spare connection is whole again.
    assert!(source.here(count("SELECT count(*) FROM orders")).is_some());
}
