//! PostgreSQL for real: the first file, row security applied, a server that refuses a dangerous role,
//! the store, the demo. Skipped, saying so, where no server is given.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use crate::support::{Home, Ran, Server};

/// A database of this test, with an owner and a name for the runtime role. Goes away with it.
pub struct Database {
    server: String,
    pub name: String,
    pub owner: String,
    pub app: String,
    talk: tokio::runtime::Runtime,
}

impl Database {
    /// None where no server is given.
    pub fn make() -> Option<Database> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let Ok(server) = std::env::var("TENANTRY_TEST_POSTGRES") else {
            eprintln!("skipped: TENANTRY_TEST_POSTGRES is not set (run `cargo xtask test`)");
            return None;
        };
        let name = format!("e2e_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let talk = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let database = Database { server, owner: format!("{name}_owner"), app: format!("{name}_app"), name, talk };
        let Database { name, owner, .. } = &database;
        database.root("postgres", &format!("CREATE ROLE {owner} LOGIN CREATEROLE"));
        database.root("postgres", &format!("CREATE DATABASE {name} OWNER {owner}"));
        Some(database)
    }

    /// The address of a role in a database of the server.
    fn url(&self, role: &str, database: &str) -> String {
        let mut url = url::Url::parse(&self.server).unwrap();
        url.set_username(role).unwrap();
        url.set_path(database);
        url.to_string()
    }

    pub fn owner_url(&self) -> String {
        self.url(&self.owner, &self.name)
    }

    pub fn app_url(&self) -> String {
        self.url(&self.app, &self.name)
    }

    /// As the server's superuser.
    pub fn root(&self, database: &str, sql: &str) {
        let mut url = url::Url::parse(&self.server).unwrap();
        url.set_path(database);
        self.run(url.as_str(), sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    pub fn own(&self, sql: &str) {
        self.run(&self.owner_url(), sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    /// The first column of the rows, as text.
    pub fn run(&self, url: &str, sql: &str) -> Result<Vec<String>, tokio_postgres::Error> {
        self.talk.block_on(async {
            let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
            let link = tokio::spawn(connection);
            let messages = client.simple_query(sql).await?;
            drop(client);
            let _ = link.await;
            let rows = messages.iter().filter_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or("NULL").to_owned()),
                _ => None,
            });
            Ok(rows.collect())
        })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let _ = self.run(&self.server, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        for role in [&self.app, &self.owner] {
            let _ = self.run(&self.server, &format!("DROP ROLE IF EXISTS {role}"));
        }
    }
}

const SHOP: &str = "
CREATE TABLE orders (id bigint PRIMARY KEY, tenant_id text NOT NULL, note text, total numeric(20, 4) NOT NULL);
CREATE TABLE lines (id bigint PRIMARY KEY, order_id bigint NOT NULL REFERENCES orders (id), sku text NOT NULL);
INSERT INTO orders VALUES (1, 'acme', 'a', 1234567890123456.7800), (2, 'globex', 'b', 2.5), (3, 'acme', 'c', 3);
INSERT INTO lines VALUES (10, 1, 'tea'), (11, 2, 'ink');
";

/// A shop whose first file was made by `init`, and whose people may read. Row security is not applied.
pub fn shop(database: &Database) -> Home {
    database.own(SHOP);
    let mut home = Home::empty();
    let told = home.good(&["init", "--from", &database.owner_url()]);
    assert!(told.contains("Set DATABASE_URL to the address of the runtime role"), "{told}");
    let text = home.read("tenantry.toml");
    assert!(!text.contains("postgres://"), "an address may hold a password: {text}");
    // As the file itself says: the owner's address, and somebody to ask as.
    let text = text.replace("# admin_url = ", "admin_url = ");
    let people =
        ["acme", "globex"].map(|name| format!("[account.{name}.workspace.prod.user.ann]\nroles = [\"reader\"]\n"));
    home.write("tenantry.toml", format!("{text}\n{}", people.concat()));
    home.set("DATABASE_ADMIN_URL", &database.owner_url());
    home.set("DATABASE_URL", &database.app_url());
    home.good(&["check"]);
    home
}

fn ask(home: &Home, who: &str) -> Value {
    let body = r#"{"model":"orders","include":[{"relation":"lines"}]}"#;
    let ran = home.run(&["ask", who, "query", body, "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.out);
    ran.envelope()["data"]["answer"]["data"].clone()
}

fn finding<'a>(doctor: &'a Value, part: &str) -> &'a Value {
    let findings = doctor["data"]["findings"].as_array().unwrap();
    findings.iter().find(|finding| finding["part"] == part).unwrap_or_else(|| panic!("{part}: {doctor}"))
}

/// Serve does not start, and says so; ask does not ask.
fn refused(home: &Home, why: &str) -> Ran {
    for args in [&["serve", "--listen", "127.0.0.1:0"][..], &["ask", "acme/ann", "query", r#"{"model":"orders"}"#]] {
        let ran = home.run(args);
        assert_eq!((ran.code, ran.out.as_str()), (4, ""), "{why}: {args:?} {}", ran.err);
        assert!(
            ran.err.contains("error[SOURCE_UNSAFE]") && ran.err.contains("tenantry apply --source main"),
            "{why}: {}",
            ran.err
        );
        assert!(!ran.err.contains("secret-of-the-app"), "{}", ran.err);
    }
    home.run(&["doctor", "--json"])
}

#[test]
fn from_a_database_to_row_security_to_answers() {
    let Some(database) = Database::make() else { return };
    let home = shop(&database);
    let policies = "SELECT count(*) FROM pg_policies";
    // Printed, not run.
    let printed = home.good(&["apply", "--source", "main", "--dry-run"]);
    for expected in
        ["FORCE ROW LEVEL SECURITY", "CREATE POLICY \"tenantry:scope\"", "REVOKE ALL", "GRANT SELECT", &database.app]
    {
        assert!(printed.contains(expected), "{expected}\n{printed}");
    }
    assert_eq!(database.run(&database.owner_url(), policies).unwrap(), ["0"]);
    let as_data = home.run(&["apply", "--source", "main", "--dry-run", "--json"]).envelope();
    assert_eq!(as_data["data"]["role"], database.app.as_str());
    // What is printed is what is applied, and a second time changes nothing.
    let told = home.good(&["apply", "--source", "main"]);
    assert!(told.contains("row security source.main.row_security.") && told.contains("Done: "), "{told}");
    let state = "SELECT string_agg(concat_ws(' ', tablename, policyname, permissive, cmd, qual, with_check), E'\\n' ORDER BY tablename, policyname) FROM pg_policies";
    let first = database.run(&database.owner_url(), state).unwrap();
    let again = home.run(&["apply", "--source", "main", "--json"]).envelope();
    assert_eq!(again["data"]["applied"], 0, "{again}");
    assert_eq!(database.run(&database.owner_url(), state).unwrap(), first);
    // The answers, with the digits as they are stored.
    let acme = ask(&home, "acme/ann");
    assert_eq!(acme.as_array().unwrap().len(), 2, "{acme}");
    assert_eq!(acme[0]["lines"][0]["sku"], "tea", "{acme}");
    assert_eq!(ask(&home, "globex/ann").as_array().unwrap().len(), 1);
    let shown = home.good(&["ask", "acme/ann", "get", r#"{"model":"orders","id":1}"#, "--quiet"]);
    assert!(shown.contains("1234567890123456.7800"), "{shown}");
    let enveloped = home.good(&["ask", "acme/ann", "get", r#"{"model":"orders","id":1}"#, "--json"]);
    assert!(enveloped.contains("1234567890123456.7800"), "{enveloped}");
    // The second fence by itself: without a tenant no row, with one its own, and no way to write.
    let app = database.app_url();
    assert_eq!(database.run(&app, "SELECT count(*) FROM orders").unwrap(), ["0"]);
    let own = "BEGIN; SELECT set_config('tenantry.tenant_id', 'globex', true); SELECT count(*) FROM orders; COMMIT";
    assert_eq!(database.run(&app, own).unwrap(), ["globex", "1"]);
    assert!(database.run(&app, "DELETE FROM orders").is_err());
    let doctor = home.run(&["doctor", "--json"]);
    assert_eq!(doctor.code, 0, "{}", doctor.out);
    assert_eq!(finding(&doctor.envelope(), "row security of main")["health"], "ok");
    let server = Server::start(&home);
    let token = home.token("acme", "ann");
    let answer = server.call(&token, "query", r#"{"model":"orders"}"#);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["data"].as_array().unwrap().len(), 2);
    assert!(home.good(&["audit", "verify"]).contains("sound"));
}

#[test]
fn a_server_refuses_to_start_over_a_fence_that_does_not_stand() {
    let Some(database) = Database::make() else { return };
    let mut home = shop(&database);
    let Database { app, name, .. } = &database;
    let row_security = |home: &Home, why: &str| {
        let doctor = refused(home, why);
        assert_eq!(doctor.code, 2, "{why}");
        let envelope = doctor.envelope();
        let found = finding(&envelope, "row security of main");
        assert_eq!(found["health"], "fail", "{why}");
        assert_eq!(found["remedy"], "tenantry apply --source main", "{why}");
    };
    // The role is there and nothing else is.
    database.root("postgres", &format!("CREATE ROLE {app} LOGIN PASSWORD 'secret-of-the-app'"));
    row_security(&home, "not applied");
    home.good(&["apply", "--source", "main"]);
    ask(&home, "acme/ann");
    database.own("ALTER TABLE orders NO FORCE ROW LEVEL SECURITY");
    row_security(&home, "not forced");
    database.own("ALTER TABLE orders FORCE ROW LEVEL SECURITY");
    ask(&home, "acme/ann");
    database.own("ALTER TABLE lines DISABLE ROW LEVEL SECURITY");
    row_security(&home, "disabled on one table");
    home.good(&["apply", "--source", "main"]);
    ask(&home, "acme/ann");
    for (power, none) in [("SUPERUSER", "NOSUPERUSER"), ("BYPASSRLS", "NOBYPASSRLS")] {
        database.root("postgres", &format!("ALTER ROLE {app} {power}"));
        let doctor = refused(&home, power);
        assert_eq!(doctor.code, 2, "{power}");
        let envelope = doctor.envelope();
        let found = finding(&envelope, "source main");
        assert_eq!(found["health"], "fail", "{power} {envelope}");
        assert!(found["remedy"].as_str().unwrap().contains("BYPASSRLS"), "{found}");
        database.root("postgres", &format!("ALTER ROLE {app} {none}"));
        ask(&home, "acme/ann");
    }
    database.root(name, &format!("ALTER TABLE orders OWNER TO {app}"));
    assert_eq!(refused(&home, "owner of a table").code, 2);
    database.root(name, &format!("ALTER TABLE orders OWNER TO {}", database.owner));
    // The owner's own address for the runtime role.
    home.set("DATABASE_URL", &database.owner_url());
    assert_eq!(refused(&home, "the owner").code, 2);
    let ran = home.run(&["apply", "--source", "main", "--json"]);
    assert_eq!((ran.code, ran.envelope()["error"]["code"].as_str()), (4, Some("SAME_ROLE")));
    // No database at all, and a role that is absent: not dangerous, but not there.
    home.set("DATABASE_URL", &database.url("nobody_has_this_role", &database.name));
    let ran = home.run(&["serve", "--listen", "127.0.0.1:0", "--json"]);
    assert_eq!((ran.code, ran.envelope()["error"]["code"].as_str()), (1, Some("SOURCE_UNAVAILABLE")));
}

#[test]
fn a_running_server_stops_answering_when_its_role_gains_power() {
    let Some(database) = Database::make() else { return };
    let home = shop(&database);
    home.good(&["apply", "--source", "main"]);
    let server = Server::start(&home);
    let token = home.token("acme", "ann");
    let body = r#"{"model":"orders"}"#;
    assert_eq!(server.call(&token, "query", body).status, 200);
    database.root("postgres", &format!("ALTER ROLE {} BYPASSRLS", database.app));
    let answer = crate::support::until("the server to notice", || {
        let answer = server.call(&token, "query", body);
        (answer.status != 200).then_some(answer)
    });
    assert_eq!((answer.status, answer.code().as_str()), (500, "INTERNAL_ERROR"));
    assert_eq!(server.send("GET", "/readyz", &[], b"").status, 503);
    database.root("postgres", &format!("ALTER ROLE {} NOBYPASSRLS", database.app));
    crate::support::until("the server to recover", || (server.call(&token, "query", body).status == 200).then_some(()));
}

#[test]
fn the_store_lives_on_postgres_with_keys_in_a_file() {
    let Some(database) = Database::make() else { return };
    let mut home = Home::desk();
    let text = home.read("tenantry.toml");
    let with_store = text.replace("[platform]\n", "[platform]\nstore = \"env:STORE_URL\"\nkey_file = \"keys.json\"\n");
    assert_ne!(with_store, text);
    home.write("tenantry.toml", &with_store);
    let without = home.run(&["audit", "--json"]);
    assert_eq!((without.code, without.envelope()["error"]["code"].as_str()), (3, Some("SECRET_MISSING")));
    home.set("STORE_URL", &database.owner_url());
    std::fs::remove_dir_all(home.file(".tenantry")).unwrap();
    let ana = "northwind/ana@northwind.example";
    home.good(&["ask", ana, "query", r#"{"model":"plans"}"#]);
    assert_eq!(home.run(&["ask", ana, "query", r#"{"model":"payroll"}"#]).code, 2);
    assert!(home.file("keys.json").is_file());
    assert!(!home.file(".tenantry/store.sqlite").exists());
    let entries = "SELECT count(*) FROM tenantry_audit WHERE account = 'northwind'";
    assert_eq!(database.run(&database.owner_url(), entries).unwrap(), ["3"]);
    let verified = home.good(&["audit", "verify"]);
    assert!(verified.contains("sound") && verified.contains("5 entries in 2 chains"), "{verified}");
    let server = Server::start(&home);
    let token = home.token("northwind", "ana@northwind.example");
    assert_eq!(server.call(&token, "query", r#"{"model":"plans"}"#).status, 200);
    home.good(&["audit", "export", "--account", "northwind", "--out", "chain.jsonl"]);
    home.good(&["audit", "verify", "--export", "chain.jsonl"]);
    database.own("UPDATE tenantry_audit SET user_id = 'bob' WHERE seq = 2");
    let ran = home.run(&["audit", "verify", "--json"]);
    assert_eq!((ran.code, ran.envelope()["data"]["sound"].as_bool()), (2, Some(false)));
    // Without its keys the store does not open, and nothing is made up in their place.
    std::fs::rename(home.file("keys.json"), home.file("elsewhere.json")).unwrap();
    let ran = home.run(&["ask", ana, "query", r#"{"model":"plans"}"#, "--json"]);
    assert_eq!(ran.code, 1, "{}", ran.out);
    assert!(!home.file("keys.json").exists());
}

#[test]
fn the_demo_answers_alike_on_postgres_and_its_folder_can_be_used() {
    let Some(database) = Database::make() else { return };
    let mut home = Home::empty();
    home.set("OWNER", &database.owner_url());
    let demo = ["demo", "--check", "--postgres", "env:OWNER", "--rows", "600", "--keep", "desk"];
    let told = home.good(&demo);
    assert!(told.contains("answers were as expected."), "{told}");
    let kept = std::fs::read_to_string(home.file("desk/tenantry.toml")).unwrap();
    assert!(kept.contains("url = \"file:database.url\"") && !kept.contains("postgres://"), "{kept}");
    std::fs::rename(home.file("desk/tenantry.toml"), home.file("tenantry.toml")).unwrap();
    std::fs::rename(home.file("desk/database.url"), home.file("database.url")).unwrap();
    std::fs::rename(home.file("desk/.tenantry"), home.file(".tenantry")).unwrap();
    let told = home.good(&[
        "ask",
        "northwind/ana@northwind.example",
        "aggregate",
        r#"{"model":"tickets","operation":"count"}"#,
    ]);
    assert!(told.contains("\"value\": "), "{told}");
    assert!(home.good(&["audit", "verify"]).contains("sound"));
    // Row security as the demo applied it equals the rules, for every table and operation.
    home.set("TENANTRY_DEMO_OWNER", &database.owner_url());
    let ran = home.run(&["prove", "--json"]);
    let data = ran.envelope()["data"].clone();
    assert_eq!(ran.code, 0, "{data:#}");
    let equal = data["obligations"].as_array().unwrap().iter().filter(|one| one["name"] == "security-equal");
    let outcomes: Vec<&str> = equal.map(|one| one["outcome"].as_str().unwrap()).collect();
    assert!(outcomes.len() >= 30 && outcomes.iter().all(|outcome| *outcome == "proved"), "{data:#}");
    // What no apply would mend is named by drift and by plans, with a row.
    home.good(&["apply"]);
    assert!(home.good(&["drift"]).contains("No drift"));
    let address = home.read("database.url");
    let role = address.split("://").nth(1).unwrap().split([':', '@']).next().unwrap();
    database.root("postgres", &format!("ALTER ROLE {role} BYPASSRLS"));
    let ran = home.run(&["drift", "--json"]);
    let unlike = ran.envelope()["data"]["unlike"].clone();
    database.root("postgres", &format!("ALTER ROLE {role} NOBYPASSRLS"));
    assert_eq!(ran.code, 2, "{unlike:#}");
    let told = unlike.as_array().unwrap().iter().map(|one| one["what"].as_str().unwrap());
    let what = "to read: the database shows a row that the rules do not\nprincipal: ";
    assert!(told.filter(|told| told.contains(what)).count() >= 4, "{unlike:#}");
    // A database that is not empty is not overwritten.
    let ran = home.run(&["demo", "--check", "--postgres", "env:OWNER", "--rows", "600", "--json"]);
    assert_eq!((ran.code, ran.envelope()["error"]["code"].as_str()), (1, Some("NOT_WRITTEN")));
}
