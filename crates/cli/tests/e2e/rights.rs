//! Who may do what in a cluster: `explain --who-can` against what the server itself says, and what the lint finds.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tenantry_plan::rights::{Holder, Rows, who_can};
use tenantry_policy::object::{Object, ObjectKind, Privilege};
use tenantry_source::SourceUrl;
use tenantry_source::admin::Admin;
use tenantry_source::cluster::Snapshot;

use crate::postgres::{Database, shop};

/// A small generator, so that a failure can be had again from its seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn one_of<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }
}

fn place(at: u64) -> usize {
    usize::try_from(at).unwrap()
}

impl Database {
    fn root_url(&self) -> String {
        let mut url = url::Url::parse(&std::env::var("TENANTRY_TEST_POSTGRES").unwrap()).unwrap();
        url.set_path(&self.name);
        url.to_string()
    }

    fn snapshot(&self) -> Snapshot {
        let talk = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let url = SourceUrl::parse(&self.root_url()).unwrap();
        talk.block_on(async { Admin::connect(&url).await.unwrap().snapshot().await.unwrap() })
    }
}

/// Roles that a test made, dropped with it.
struct Roles<'a> {
    database: &'a Database,
    names: Vec<String>,
}

impl<'a> Roles<'a> {
    fn make(database: &'a Database, roles: &[(&str, &str)]) -> Roles<'a> {
        let mut made = Roles { database, names: Vec::new() };
        for (name, attributes) in roles {
            let name = format!("{}_{name}", database.name);
            database.root(&database.name, &format!("CREATE ROLE \"{name}\" {attributes}"));
            made.names.push(name);
        }
        made
    }
}

impl Drop for Roles<'_> {
    fn drop(&mut self) {
        let list = self.names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        let _ = self.database.run(&self.database.root_url(), &format!("DROP OWNED BY {list} CASCADE"));
        for name in &self.names {
            let _ = self.database.run(&self.database.root_url(), &format!("DROP ROLE IF EXISTS \"{name}\""));
        }
    }
}

const THINGS: &str = "
CREATE SCHEMA s; CREATE SCHEMA hidden;
CREATE TABLE s.t (id int PRIMARY KEY, a int, b int); INSERT INTO s.t VALUES (1, 1, 1), (2, 2, 2);
CREATE TABLE s.guarded (id int PRIMARY KEY, a int); INSERT INTO s.guarded VALUES (1, 1), (2, 2), (3, 3);
ALTER TABLE s.guarded ENABLE ROW LEVEL SECURITY;
CREATE TABLE s.forced (id int PRIMARY KEY, a int); INSERT INTO s.forced VALUES (1, 1), (2, 2);
ALTER TABLE s.forced ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE TABLE hidden.t (id int);
CREATE SEQUENCE s.q;
CREATE FUNCTION s.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE VIEW s.v AS SELECT * FROM s.guarded;
CREATE VIEW s.w WITH (security_invoker = true) AS SELECT * FROM s.guarded;
CREATE MATERIALIZED VIEW s.m AS SELECT * FROM s.v;
";

/// What the server says, by the function that it has for the kind.
fn asked(role: &str, privilege: Privilege, object: &Object) -> Option<String> {
    let privilege = privilege.name();
    let call = match object {
        Object::Table { schema, name } => format!("has_table_privilege('{role}', '{schema}.{name}', '{privilege}')"),
        Object::Column { schema, table, name } => {
            format!("has_column_privilege('{role}', '{schema}.{table}', '{name}', '{privilege}')")
        }
        Object::Sequence { schema, name } => {
            format!("has_sequence_privilege('{role}', '{schema}.{name}', '{privilege}')")
        }
        Object::Routine { schema, name, .. } => {
            format!("has_function_privilege('{role}', '{schema}.{name}(int)', '{privilege}')")
        }
        Object::Schema(name) => format!("has_schema_privilege('{role}', '{name}', '{privilege}')"),
        Object::Database(name) => format!("has_database_privilege('{role}', '{name}', '{privilege}')"),
        _ => return None,
    };
    Some(call)
}

fn objects(database: &Database) -> Vec<Object> {
    let mut all: Vec<Object> = ["s.t", "s.guarded", "s.forced", "hidden.t", "s.v", "s.w", "s.m", "s.t(a)", "s.t(b)"]
        .iter()
        .map(|text| Object::parse(text).unwrap())
        .collect();
    for text in ["sequence s.q", "function s.f(integer)", "schema s", "schema hidden", "schema public"] {
        all.push(Object::parse(text).unwrap());
    }
    all.push(Object::Database(database.name.clone()));
    all
}

#[test]
fn who_can_says_what_the_server_says() {
    let Some(database) = Database::make() else { return };
    let roles = [
        ("root", "SUPERUSER"),
        ("seer", "BYPASSRLS LOGIN"),
        ("boss", "LOGIN"),
        ("g1", ""),
        ("g2", ""),
        ("g3", "NOINHERIT"),
        ("a", "LOGIN"),
        ("b", "LOGIN NOINHERIT"),
        ("c dé", "LOGIN"),
        ("e", "LOGIN"),
    ];
    let made = Roles::make(&database, &roles.map(|(name, attributes)| (name, attributes)));
    let names = made.names.clone();
    database.root(&database.name, THINGS);
    let objects = objects(&database);
    let (mut compared, mut rows) = (0, 0);
    for seed in 0..12_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1);
        let shuffled = arrange(&mut dice, &database, &names, &objects);
        let snapshot = database.snapshot();
        for object in &objects {
            let who = who_can(&snapshot, object).unwrap_or_else(|| panic!("seed {seed}: {object}"));
            let held: BTreeMap<(&str, Privilege), &Holder> = who
                .holders
                .iter()
                .filter(|holder| holder.columns.is_empty() && holder.becomes.is_none())
                .map(|holder| ((holder.role.as_str(), holder.privilege), holder))
                .collect();
            let questions: Vec<(&String, Privilege, String)> = names
                .iter()
                .flat_map(|role| object.kind().privileges().iter().map(move |privilege| (role, *privilege)))
                .filter(|(_, privilege)| *privilege != Privilege::Maintain || snapshot.server.major() >= 17)
                .filter_map(|(role, privilege)| Some((role, privilege, asked(role, privilege, object)?)))
                .collect();
            let calls: Vec<&str> = questions.iter().map(|(_, _, call)| call.as_str()).collect();
            let sql = format!("SELECT unnest(ARRAY[{}])::text", calls.join(", "));
            let answers = database.run(&database.root_url(), &sql).unwrap();
            for ((role, privilege, call), answer) in questions.iter().zip(answers) {
                let told = held.contains_key(&(role.as_str(), *privilege));
                assert_eq!(answer == "true", told, "seed {seed}: {call}\n{}", shuffled.join(";\n"));
                compared += 1;
            }
        }
        for table in ["s.t", "s.guarded", "s.forced", "hidden.t", "s.w"] {
            rows += reads(&database, &snapshot, &names, table, seed, &shuffled);
        }
    }
    assert!(compared > 5_000 && rows > 300, "{compared} {rows}");
}

/// Random memberships, rights, owners and policies; what was done before is taken back.
fn arrange(dice: &mut Dice, database: &Database, names: &[String], objects: &[Object]) -> Vec<String> {
    let mut sql = Vec::new();
    let list = names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    sql.push(format!("REASSIGN OWNED BY {list} TO postgres; DROP OWNED BY {list}"));
    for (member, role) in names.iter().flat_map(|member| names.iter().map(move |role| (member, role))) {
        sql.push(format!("REVOKE \"{role}\" FROM \"{member}\""));
    }
    for role in ["pg_read_all_data", "pg_write_all_data"] {
        sql.push(format!("REVOKE {role} FROM {list}"));
    }
    for table in ["s.t", "s.guarded", "s.forced"] {
        sql.push(format!(
            "DO $$ DECLARE p record; BEGIN FOR p IN SELECT policyname FROM pg_policies WHERE schemaname || '.' || tablename = '{table}' LOOP EXECUTE format('DROP POLICY %I ON {table}', p.policyname); END LOOP; END $$"
        ));
        sql.push(format!("REVOKE ALL ON {table} FROM PUBLIC"));
    }
    // A later role may be in an earlier one only, so that there is no cycle.
    for _ in 0..dice.below(10) {
        let (one, other) = (dice.below(names.len() as u64), dice.below(names.len() as u64));
        if one != other {
            let (role, member) = (one.min(other), one.max(other));
            sql.push(format!("GRANT \"{}\" TO \"{}\"", names[place(role)], names[place(member)]));
        }
    }
    if dice.below(3) == 0 {
        let role = dice.one_of(&["pg_read_all_data", "pg_write_all_data"]);
        sql.push(format!("GRANT {role} TO \"{}\"", dice.one_of(names)));
    }
    for table in ["s.t", "s.guarded", "s.forced", "s.v", "s.m", "s.w"] {
        if dice.below(2) == 0 {
            let kind = match table {
                "s.v" | "s.w" => "VIEW",
                "s.m" => "MATERIALIZED VIEW",
                _ => "TABLE",
            };
            sql.push(format!("ALTER {kind} {table} OWNER TO \"{}\"", dice.one_of(names)));
        }
    }
    for _ in 0..dice.below(20) {
        let object = dice.one_of(objects);
        let privilege = dice.one_of(object.kind().privileges());
        if *privilege == Privilege::Maintain {
            continue;
        }
        let to = match dice.below(6) {
            0 => "PUBLIC".to_owned(),
            _ => format!("\"{}\"", dice.one_of(names)),
        };
        let word = privilege.name();
        let on = match object {
            Object::Table { schema, name } => format!("{word} ON {schema}.{name}"),
            Object::Column { schema, table, name } => format!("{word} ({name}) ON {schema}.{table}"),
            Object::Sequence { schema, name } => format!("{word} ON SEQUENCE {schema}.{name}"),
            Object::Routine { .. } => format!("{word} ON FUNCTION s.f(int)"),
            Object::Schema(name) => format!("{word} ON SCHEMA {name}"),
            Object::Database(name) => format!("{word} ON DATABASE {name}"),
            other => panic!("{other}"),
        };
        let take = dice.below(4) == 0;
        sql.push(if take { format!("REVOKE {on} FROM {to}") } else { format!("GRANT {on} TO {to}") });
    }
    for at in 0..dice.below(4) {
        let table = dice.one_of(&["s.guarded", "s.forced"]);
        let kind = dice.one_of(&["PERMISSIVE", "RESTRICTIVE"]);
        let command = dice.one_of(&["ALL", "SELECT", "DELETE"]);
        let to = if dice.below(3) == 0 { "PUBLIC".to_owned() } else { format!("\"{}\"", dice.one_of(names)) };
        sql.push(format!("CREATE POLICY p{at} ON {table} AS {kind} FOR {command} TO {to} USING (a = 1)"));
    }
    database.root(&database.name, &sql.join(";\n"));
    sql
}

/// Real SELECTs as each role, against what is told of the rows.
fn reads(database: &Database, snapshot: &Snapshot, names: &[String], table: &str, seed: u64, done: &[String]) -> usize {
    let object = Object::parse(table).unwrap();
    let who = who_can(snapshot, &object).unwrap();
    let all = database.run(&database.root_url(), &format!("SELECT count(*) FROM {table}")).unwrap();
    for role in names {
        let told = who.holders.iter().find(|holder| {
            holder.role == *role
                && holder.privilege == Privilege::Select
                && holder.becomes.is_none()
                && holder.columns.is_empty()
                && holder.reaches
        });
        let sql = format!("SET ROLE \"{role}\"; SELECT count(x.*) FROM {table} x");
        let got = database.run(&database.root_url(), &sql);
        let why = format!("seed {seed}: {role} {table}: {told:?} {got:?}\n{}", done.join(";\n"));
        match (told.map(|holder| &holder.rows), got) {
            (None, got) => assert!(got.is_err(), "{why}"),
            (Some(Rows::Every(_)), Ok(got)) => assert_eq!(got, all, "{why}"),
            (Some(Rows::None), Ok(got)) => assert_eq!(got, ["0"], "{why}"),
            (Some(Rows::By { .. }), Ok(got)) => assert!(got == ["0"] || got == ["1"], "{why}"),
            // An invoker's view: what is below it decides, and may refuse.
            (Some(Rows::Whole), _) if table == "s.w" => {}
            (Some(_), _) => panic!("{why}"),
        }
    }
    names.len()
}

#[test]
fn the_lint_finds_each_hole_and_a_waiver_is_by_name_and_for_a_time() {
    let Some(database) = Database::make() else { return };
    let home = shop(&database);
    home.good(&["apply"]);
    let (owner, app) = (&database.owner, &database.app);
    let clean = home.run(&["lint", "--json"]);
    let found = |ran: &crate::support::Ran| -> BTreeSet<(String, String)> {
        let envelope = ran.envelope();
        let all = envelope["data"]["findings"].as_array().unwrap().clone();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        all.iter().filter(|one| one["level"] != "noted").map(|one| (text(&one["code"]), text(&one["level"]))).collect()
    };
    let before = found(&clean);
    let refused = |code: &str| (code.to_owned(), "refused".to_owned());
    assert!(before.iter().all(|(_, level)| level != "refused"), "{}", clean.out);
    let others = Roles::make(&database, &[("reader", ""), ("peer", "LOGIN")]);
    let (reader, peer) = (&others.names[0], &others.names[1]);
    // (what goes wrong, the finding, how it is mended)
    let holes = [
        (
            "ALTER TABLE orders NO FORCE ROW LEVEL SECURITY".to_string(),
            "force-missing",
            "ALTER TABLE orders FORCE ROW LEVEL SECURITY".to_owned(),
        ),
        (
            "ALTER TABLE lines DISABLE ROW LEVEL SECURITY".to_string(),
            "row-security-off",
            "ALTER TABLE lines ENABLE ROW LEVEL SECURITY".to_owned(),
        ),
        (
            format!("CREATE VIEW all_orders AS SELECT * FROM orders; GRANT SELECT ON all_orders TO \"{reader}\""),
            "view-as-owner",
            "ALTER VIEW all_orders SET (security_invoker = true)".to_owned(),
        ),
        (
            format!("CREATE MATERIALIZED VIEW copy AS SELECT * FROM all_orders; GRANT SELECT ON copy TO \"{reader}\""),
            "materialized-copy",
            "DROP MATERIALIZED VIEW copy".to_owned(),
        ),
        (
            "CREATE FUNCTION peek() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM orders'"
                .to_owned(),
            "definer-search-path",
            "ALTER FUNCTION peek() SET search_path = pg_catalog, pg_temp".to_owned(),
        ),
        (
            "GRANT SELECT ON orders TO PUBLIC".to_string(),
            "public-grant",
            "REVOKE SELECT ON orders FROM PUBLIC".to_owned(),
        ),
        (
            "GRANT SELECT (id) ON orders TO PUBLIC".to_string(),
            "public-grant",
            "REVOKE SELECT (id) ON orders FROM PUBLIC".to_owned(),
        ),
        (
            format!("GRANT TRUNCATE ON orders TO \"{reader}\""),
            "truncate",
            format!("REVOKE TRUNCATE ON orders FROM \"{reader}\""),
        ),
        (
            format!("CREATE POLICY extra ON orders TO \"{reader}\" USING (true)"),
            "hand-made-policy",
            "DROP POLICY extra ON orders".to_owned(),
        ),
        (format!("GRANT {app} TO \"{peer}\""), "runtime-member", format!("REVOKE {app} FROM \"{peer}\"")),
        (format!("GRANT \"{reader}\" TO {app}"), "runtime-in-role", format!("REVOKE \"{reader}\" FROM {app}")),
        (
            format!("GRANT pg_read_server_files TO {app}"),
            "powerful-membership",
            format!("REVOKE pg_read_server_files FROM {app}"),
        ),
        (format!("ALTER ROLE {app} CREATEDB"), "runtime-attributes", format!("ALTER ROLE {app} NOCREATEDB")),
        (format!("ALTER ROLE {app} BYPASSRLS"), "bypassrls", format!("ALTER ROLE {app} NOBYPASSRLS")),
        (format!("ALTER ROLE {app} REPLICATION"), "replication", format!("ALTER ROLE {app} NOREPLICATION")),
        (format!("ALTER TABLE lines OWNER TO {app}"), "runtime-owns", format!("ALTER TABLE lines OWNER TO {owner}")),
        (
            "CREATE TABLE orders_2026 () INHERITS (orders)".to_owned()
                + &format!("; GRANT SELECT ON orders_2026 TO \"{reader}\""),
            "partition-unguarded",
            format!("REVOKE SELECT ON orders_2026 FROM \"{reader}\""),
        ),
        (
            "GRANT CREATE ON SCHEMA public TO PUBLIC".to_owned(),
            "public-create",
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC".to_owned(),
        ),
    ];
    for (hole, code, mend) in &holes {
        database.root(&database.name, &format!("SET ROLE {owner}; SELECT 1"));
        for statement in hole.split("; ") {
            database.root(&database.name, statement);
        }
        // What a superuser made is the owner's here, as it would be.
        let mine = "SELECT format('ALTER %s %s OWNER TO %I', CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END, oid::regclass, $$OWNER$$) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm') AND relowner = 10";
        for alter in database.run(&database.root_url(), &mine.replace("OWNER$$", &format!("{owner}$$"))).unwrap() {
            database.root(&database.name, &alter);
        }
        let ran = home.run(&["lint", "--json"]);
        assert_eq!(ran.code, 2, "{hole}: {}", ran.out);
        assert!(found(&ran).contains(&refused(code)), "{hole}: {}", ran.out);
        database.root(&database.name, mend);
        let ran = home.run(&["lint", "--json"]);
        assert!(!found(&ran).contains(&refused(code)), "{mend}: {}", ran.out);
    }
    assert_eq!(home.run(&["lint"]).code, 0);
    // A waiver by name, with a reason and a day; the day passes.
    database.root(&database.name, &format!("GRANT TRUNCATE ON orders TO \"{reader}\""));
    let text = home.read("tenantry.toml");
    let waive = |until: &str| {
        format!(
            "{text}\n[waive.\"table.orders\".truncate]\nreason = \"the nightly load empties it\"\nuntil = \"{until}\"\n"
        )
    };
    home.write("tenantry.toml", waive("2999-01-01"));
    let ran = home.run(&["lint"]);
    assert!(ran.code == 0 && ran.out.contains("waived: the nightly load empties it"), "{}{}", ran.out, ran.err);
    home.write("tenantry.toml", waive("2020-01-01"));
    assert_eq!(home.run(&["lint"]).code, 2);
    // Each code explains itself.
    for rule in tenantry_plan::lint::RULES {
        assert!(home.good(&["explain", rule.code]).len() > 60, "{}", rule.code);
    }
}

#[test]
fn people_and_roles_are_told_what_they_may() {
    let Some(database) = Database::make() else { return };
    let home = shop(&database);
    home.good(&["apply"]);
    let told = home.good(&["explain", "--access", "acme/ann"]);
    assert!(told.contains("account acme") && told.contains("query") && told.contains("rows by"), "{told}");
    let told = home.run(&["explain", "--access", "acme/ann", "--json"]).envelope();
    let tables: Vec<&str> =
        told["data"]["tables"].as_array().unwrap().iter().map(|table| table["table"].as_str().unwrap()).collect();
    assert_eq!(tables, ["lines", "orders"], "{told}");
    let role = format!("source.main.role.{}", database.app);
    let told = home.good(&["explain", "--access", &role]);
    assert!(told.contains("SELECT") && told.contains("tenantry:scope") && !told.contains("every row"), "{told}");
    let told = home.good(&["explain", "--who-can", "public.orders"]);
    assert!(told.contains("rows by tenantry:scope") && told.contains("within tenantry:boundary"), "{told}");
    for (args, code) in [
        (["explain", "--who-can", "public.nothing", "--json"], "UNKNOWN_OBJECT"),
        (["explain", "--who-can", "a.b.c.d", "--json"], "BAD_OBJECT"),
        (["explain", "--access", "acme/nobody", "--json"], "UNKNOWN_PRINCIPAL"),
        (["explain", "--access", "source.main.role.nobody", "--json"], "UNKNOWN_PRINCIPAL"),
        (["explain", "--access", "source.none.role.x", "--json"], "UNKNOWN_SOURCE"),
    ] {
        let ran = home.run(&args);
        assert_eq!((ran.code, &ran.envelope()["error"]["code"]), (3, &json!(code)), "{args:?} {}", ran.out);
    }
    assert_eq!(Object::parse("public.orders").unwrap().kind(), ObjectKind::Table);
}

#[test]
fn apply_refuses_what_would_leave_a_way_past_the_rules() {
    let Some(database) = Database::make() else { return };
    let home = shop(&database);
    home.good(&["apply"]);
    let others = Roles::make(&database, &[("reader", "")]);
    let reader = &others.names[0];
    database.own("CREATE VIEW all_orders AS SELECT * FROM orders");
    let text = home.read("tenantry.toml");
    // A role that may read a view which reads as its owner: the view is the hole, the grant opens it.
    let opened = format!(
        "{text}\n[source.main.role.{reader}]\nmode = \"adopted\"\ngrants = {{ \"public.all_orders\" = [\"SELECT\"] }}\n"
    );
    home.write("tenantry.toml", &opened);
    let plan = home.good(&["plan"]);
    assert!(plan.contains("grant source.main.role."), "{plan}");
    let ran = home.run(&["apply", "--json"]);
    let error = &ran.envelope()["error"];
    assert_eq!((ran.code, &error["code"]), (4, &json!("LINT_REFUSED")), "{}", ran.out);
    assert_eq!(error["details"]["dangers"][0]["codes"], json!(["view-as-owner"]), "{}", ran.out);
    let held = format!("SELECT has_table_privilege('{reader}', 'public.all_orders', 'SELECT')::text");
    assert_eq!(database.run(&database.root_url(), &held).unwrap(), ["false"], "nothing was applied");
    // Mended, it is applied.
    database.own("ALTER VIEW all_orders SET (security_invoker = true)");
    home.good(&["apply"]);
    assert_eq!(database.run(&database.root_url(), &held).unwrap(), ["true"]);
    // Opened by hand afterwards, the next plan says so.
    database.own("ALTER VIEW all_orders SET (security_invoker = false)");
    let plan = home.good(&["plan"]);
    assert!(plan.contains("look: view-as-owner") && plan.contains("without a waiver"), "{plan}");
}
