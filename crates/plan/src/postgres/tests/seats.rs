//! SQL seats, as people who log in as them find them: nothing that a session may do shows it another account's rows.

use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use super::{World, changes, is_delete, servers, with};
use crate::lint::{Level, lint};

const TABLES: &str = "\
CREATE TABLE customers (id int8 PRIMARY KEY, tenant_id text NOT NULL, name text, card text, deleted_at timestamptz);
CREATE TABLE orders (id int8 PRIMARY KEY, tenant_id text NOT NULL, customer_id int8, status text, note text, secret text);
CREATE TABLE lines (id int8 PRIMARY KEY, order_id int8 NOT NULL, sku text);
INSERT INTO customers VALUES (1, 'acme', 'ann', '4111', NULL), (2, 'globex', 'GLOBEX', '4222', NULL),
                             (3, 'acme', 'gone', '4333', now());
INSERT INTO orders VALUES (1, 'acme', 1, 'new', 'acme one', 's'), (2, 'globex', 2, 'new', 'GLOBEX two', 's'),
                          (3, 'acme', 1, 'hidden', 'acme three', 's'), (4, 'globex', 2, 'old', 'GLOBEX four', 's');
INSERT INTO lines VALUES (1, 1, 'acme a'), (2, 2, 'GLOBEX b'), (3, 3, 'acme c'), (4, 4, 'GLOBEX d');
ANALYZE";

/// Whoever is `vip` is a matter of the principal's metadata, and managers of its roles: neither is known of a seat.
const RULES: &str = r#"
[account.acme]
[account.globex]
[table.customers]
source = "main.customers"
scope = { tenant_id = "principal.tenant_id" }
fields = { id = "allow", name = "allow", card = "mask:last4" }
write = { update = ["name"], delete = { soft = "deleted_at" } }
[table.orders]
source = "main.orders"
scope = { tenant_id = "principal.tenant_id" }
fields = { id = "allow", customer_id = "allow", status = "allow", note = "allow" }
relations = { customer = { table = "customers", key = "customer_id" } }
require = { open = { when = "status <> 'hidden' OR 'manager' IN principal.roles", on = ["read"] } }
permit = { vip = { when = "tenant_id = principal.tenant_id AND principal.metadata.vip = 'yes'", on = ["read"] } }
write = { create = ["id", "customer_id", "status", "note"], update = ["status", "note"], delete = true }
[table.lines]
source = "main.lines"
scope = { "order.tenant_id" = "principal.tenant_id" }
fields = { id = "allow", order_id = "allow", sku = "allow" }
relations = { order = { table = "orders", key = "order_id" } }
"#;

const ACME: &str = r#"
[source.main.role.{p}_acme]
login = true
tenant = "acme"
grants = { "schema public" = ["USAGE"], "public.orders(id, tenant_id, customer_id, status, note)" = ["SELECT"], "public.lines" = ["SELECT"], "public.customers(id, tenant_id, name)" = ["SELECT"] }
"#;

const GLOBEX: &str = r#"
[source.main.role.{p}_globex]
login = true
tenant = "globex"
grants = { "schema public" = ["USAGE"], "public.orders(id, tenant_id, customer_id, status, note)" = ["SELECT"], "public.lines" = ["SELECT"], "public.customers(id, tenant_id, name)" = ["SELECT"] }
"#;

fn file(parts: &[&str]) -> String {
    [RULES, &parts.concat()].concat()
}

impl World {
    /// A session of whoever logs in as a role.
    async fn login(&self, role: &str) -> Client {
        let url = with(&self.server, Some(&self.text(role)), &self.prefix);
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }
}

/// What statements answer: rows with `|` between columns, and errors in the server's words.
async fn told(client: &Client, sql: &str) -> Vec<String> {
    match client.simple_query(sql).await {
        Ok(messages) => messages
            .iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => Some(
                    (0..row.len()).map(|at| row.get(at).unwrap_or("NULL").to_owned()).collect::<Vec<_>>().join("|"),
                ),
                _ => None,
            })
            .collect(),
        Err(error) => {
            let error = error.as_db_error().unwrap_or_else(|| panic!("{error}: {sql}"));
            let detail = error.detail().unwrap_or_default();
            vec![format!("error: {} {detail}", error.message())]
        }
    }
}

/// What is tried, and what of it must be answered: the account's own order, or an error with these words.
const ATTACKS: &[(&str, &str)] = &[
    ("SELECT note FROM orders", "acme one"),
    ("SELECT sku FROM lines", "acme a"),
    ("SELECT name FROM customers", "ann"),
    // Settings.
    ("SET tenantry.tenant_id = 'globex'; SELECT note FROM orders", "acme one"),
    (
        "SELECT set_config('tenantry.tenant_id', 'globex', false), set_config('tenantry.roles', '{manager}', false), \
      set_config('tenantry.metadata.vip', 'yes', false); SELECT note FROM orders",
        "acme one",
    ),
    ("BEGIN; SET LOCAL \"tenantry.tenant_id\" = 'globex'; SAVEPOINT a; SELECT note FROM orders; COMMIT", "acme one"),
    ("SET row_security = off; SELECT note FROM orders", "error: query would be affected by row-level security"),
    // Who it is.
    ("SET ROLE {p}_globex; SELECT note FROM orders", "error: permission denied to set role"),
    ("SET SESSION AUTHORIZATION {p}_globex; SELECT note FROM orders", "error: permission denied to set session"),
    ("SET SESSION AUTHORIZATION DEFAULT; RESET SESSION AUTHORIZATION; RESET ROLE; SELECT note FROM orders", "acme one"),
    ("SET ROLE {p}_run", "error: permission denied to set role"),
    ("ALTER ROLE {p}_acme RENAME TO {p}_other", "error: "),
    ("ALTER ROLE {p}_globex PASSWORD 'x'", "error: "),
    ("GRANT {p}_globex TO {p}_acme", "error: "),
    // What says whose it is.
    ("SELECT * FROM tenantry.seat", "error: permission denied for schema"),
    ("UPDATE tenantry.seat SET tenant = 'globex'", "error: permission denied for schema"),
    ("INSERT INTO tenantry.seat VALUES ('{p}_acme', 'globex')", "error: permission denied for schema"),
    ("CREATE TABLE tenantry.other ()", "error: permission denied for schema"),
    (
        "CREATE OR REPLACE FUNCTION tenantry.seat_tenant() RETURNS text LANGUAGE sql AS $$SELECT 'globex'$$",
        "error: permission denied",
    ),
    ("ALTER TABLE orders DISABLE ROW LEVEL SECURITY", "error: must be owner of table orders"),
    ("DROP POLICY \"tenantry:seat:scope:select\" ON orders", "error: "),
    // Names in the way of ours.
    (
        "CREATE TEMP TABLE seat (role name, tenant text); INSERT INTO seat VALUES ('{p}_acme', 'globex'); \
      SET search_path = pg_temp, public; SELECT note FROM orders",
        "acme one",
    ),
    (
        "CREATE FUNCTION pg_temp.seat_tenant() RETURNS text LANGUAGE sql AS $$SELECT 'globex'$$; \
      CREATE FUNCTION pg_temp.any(text, text) RETURNS bool LANGUAGE sql AS $$SELECT true$$; \
      CREATE OPERATOR pg_temp.= (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_temp.any); \
      SET search_path = pg_temp, tenantry, public, pg_catalog; SELECT note FROM orders",
        "acme one",
    ),
    ("SET search_path = {p}_evil, tenantry, public, pg_catalog; SELECT note FROM public.orders", "acme one"),
    // Ways of reading.
    ("CREATE TEMP VIEW v AS SELECT id, note FROM orders; SELECT note FROM v", "acme one"),
    ("CREATE TEMP TABLE t AS SELECT * FROM lines; SELECT sku FROM t", "acme a"),
    ("SELECT query_to_xml('SELECT note FROM orders', true, false, '')", "acme one"),
    ("SELECT table_to_xml('lines', true, false, '')", "acme a"),
    ("SELECT database_to_xml(true, false, '')", "acme a"),
    ("PREPARE p AS SELECT note FROM orders; SET tenantry.tenant_id = 'globex'; EXECUTE p", "acme one"),
    (
        "BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT note FROM orders; SET tenantry.tenant_id = 'globex'; FETCH ALL FROM c; COMMIT",
        "acme one",
    ),
    ("DO $$BEGIN EXECUTE 'CREATE TEMP TABLE d AS SELECT note FROM orders'; END$$; SELECT note FROM d", "acme one"),
    ("SELECT note FROM orders TABLESAMPLE SYSTEM (100)", "acme one"),
    ("SELECT sku FROM lines WHERE ctid >= '(0,0)' ORDER BY ctid", "acme a"),
    ("TABLE lines; SELECT l.sku, o.note FROM lines l FULL JOIN orders o ON true", "acme a"),
    ("SELECT note FROM orders FOR UPDATE", "error: permission denied for table orders"),
    ("WITH RECURSIVE r AS (SELECT note FROM orders UNION SELECT note FROM r) SELECT * FROM r", "acme one"),
    ("SELECT card FROM customers", "error: permission denied for table customers"),
    ("SELECT secret FROM orders", "error: permission denied for table orders"),
    ("SELECT customers FROM customers", "error: permission denied for table customers"),
    ("SELECT lines FROM lines", "(1,1,\"acme a\")"),
    // Filters that tell, before the policies or instead of them.
    (
        "CREATE FUNCTION pg_temp.tell(text) RETURNS bool LANGUAGE plpgsql COST 0.0000001 AS \
      $$BEGIN IF $1 LIKE 'GLOBEX%' THEN RAISE EXCEPTION '%', $1; END IF; RETURN true; END$$; \
      SELECT note FROM orders WHERE pg_temp.tell(note)",
        "acme one",
    ),
    (
        "CREATE FUNCTION pg_temp.tell(text) RETURNS bool LANGUAGE plpgsql LEAKPROOF AS $$BEGIN RETURN true; END$$",
        "error: ",
    ),
    (
        "SELECT note FROM orders WHERE has_table_privilege(CASE WHEN tenant_id = 'globex' THEN note ELSE 'lines' END, 'select')",
        "acme one",
    ),
    ("SELECT note FROM orders WHERE 1 / (CASE WHEN tenant_id = 'globex' THEN 0 ELSE 1 END) = 1", "acme one"),
    ("SELECT note FROM orders WHERE tenant_id = 'globex' AND note::int4 = 1", ""),
    ("SELECT count(*) FROM orders WHERE tenant_id <> 'acme'", "0"),
    // Statistics.
    (
        "SELECT attname, most_common_vals, histogram_bounds FROM pg_stats WHERE tablename IN ('orders', 'lines', 'customers')",
        "",
    ),
    ("SELECT * FROM pg_statistic", "error: permission denied"),
    ("EXPLAIN (ANALYZE, VERBOSE) SELECT note FROM orders WHERE note LIKE 'G%'", "orders"),
    ("SELECT pg_read_file('PG_VERSION')", "error: permission denied"),
    ("TRUNCATE orders", "error: permission denied"),
    (
        "SELECT note FROM orders WHERE tenant_id = (SELECT tenantry.seat_tenant())",
        "error: permission denied for schema",
    ),
    ("SELECT query FROM pg_stat_activity WHERE usename = '{p}_globex'", "<insufficient privilege>"),
    ("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{p}_globex'", "error: "),
];

#[tokio::test]
async fn nothing_that_a_session_does_shows_another_accounts_rows() {
    for server in servers() {
        let mut world = World::new(&server).await;
        world.sql(TABLES).await;
        let file = file(&[ACME, GLOBEX]);
        world.becomes(&file).await;
        // A schema that others may use, with everything that could be in the way of a name.
        world
            .sql(
                "CREATE SCHEMA {p}_evil; GRANT USAGE ON SCHEMA {p}_evil TO PUBLIC; \
                 CREATE FUNCTION {p}_evil.seat_tenant() RETURNS text LANGUAGE sql AS $$SELECT 'globex'$$; \
                 CREATE FUNCTION {p}_evil.session_user() RETURNS text LANGUAGE sql AS $$SELECT '{p}_globex'$$; \
                 CREATE TABLE {p}_evil.seat AS SELECT '{p}_acme'::name AS role, 'globex' AS tenant; \
                 GRANT SELECT ON {p}_evil.seat TO PUBLIC; \
                 CREATE FUNCTION {p}_evil.same(text, text) RETURNS bool LANGUAGE sql AS $$SELECT true$$; \
                 CREATE OPERATOR {p}_evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = {p}_evil.same); \
                 CREATE FUNCTION {p}_evil.same(name, name) RETURNS bool LANGUAGE sql AS $$SELECT true$$; \
                 CREATE OPERATOR {p}_evil.= (LEFTARG = name, RIGHTARG = name, FUNCTION = {p}_evil.same)",
            )
            .await;
        let other = world.login("{p}_globex").await;
        assert_eq!(told(&other, "SELECT note FROM orders ORDER BY id").await, ["GLOBEX two", "GLOBEX four"]);
        let mut wrong = Vec::new();
        for (attack, answer) in ATTACKS {
            let client = world.login("{p}_acme").await;
            let sql = world.text(attack);
            let told = told(&client, &sql).await;
            // What is hidden by a rule on roles or metadata stays hidden.
            let shown = ["GLOBEX", "acme three", "gone"].iter().any(|word| told.iter().any(|line| line.contains(word)));
            let answered = match *answer {
                "" => told.is_empty(),
                answer => told.iter().any(|line| line.contains(answer) || line.contains("unsupported XML feature")),
            };
            if shown || !answered {
                wrong.push(format!("{sql}: {told:?}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        let client = world.login("{p}_acme").await;
        for copy in ["COPY lines TO STDOUT", "COPY (SELECT * FROM lines) TO STDOUT"] {
            let rows = copied(&client, copy).await;
            assert!(rows.contains("acme a") && !rows.contains("GLOBEX"), "{copy}: {rows}");
        }
        let all = told(&client, "SELECT note FROM orders").await;
        assert_eq!(all, ["acme one"], "{all:?}");
        assert_eq!(told(&client, "SELECT sku FROM lines").await, ["acme a"]);
        assert_eq!(told(&client, "SELECT name FROM customers").await, ["ann"]);
        // Row security, read back, shows what the rules show.
        let (_, policy) = world.loaded(&file).await;
        let database = world.admin.database().await.unwrap();
        let seats = [world.text("{p}_acme"), world.text("{p}_globex")];
        let found = tenantry_proof::equal(&database, &policy, "main", &world.text("{p}_run"), &seats);
        let wrong: Vec<_> = found.iter().filter(|one| one.outcome != tenantry_proof::Equal::Same).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
        assert_eq!(found.iter().filter(|one| one.party == tenantry_proof::Party::Seat).count(), 15);
        let judged = tenantry_proof::judge(&database, &tenantry_proof::Said::default()).unwrap();
        // But for the table that was put in the way, which everybody may read.
        let found = judged.leaks().chain(judged.open()).filter(|one| !one.relation.contains("_evil."));
        let leaks: Vec<_> = found.collect();
        assert!(leaks.is_empty(), "{leaks:#?}");
        drop((client, other));
        world.end().await;
    }
}

async fn copied(client: &Client, sql: &str) -> String {
    use futures_util::TryStreamExt as _;
    let rows = client.copy_out(sql).await.unwrap();
    let pieces: Vec<_> = rows.try_collect().await.unwrap();
    pieces.iter().map(|piece| String::from_utf8_lossy(piece).into_owned()).collect()
}

/// One that may write.
const WRITER: &str = r#"
[source.main.role.{p}_acme]
login = true
tenant = "acme"
[source.main.role.{p}_acme.grants]
"schema public" = ["USAGE"]
"public.orders" = ["DELETE"]
"public.orders(id, tenant_id, customer_id)" = ["SELECT", "INSERT"]
"public.orders(status, note)" = ["SELECT", "INSERT", "UPDATE"]
"public.customers" = ["DELETE"]
"public.customers(id)" = ["SELECT"]
"public.customers(name)" = ["SELECT", "UPDATE"]
"public.customers(deleted_at)" = ["UPDATE"]
"#;

/// What a seat that may write tries, and how many rows it comes to; `None`: an error.
const WRITES: &[(&str, Option<&str>)] = &[
    ("INSERT INTO orders (id, tenant_id, status, note) VALUES (10, 'acme', 'new', 'mine')", Some("1")),
    ("INSERT INTO orders (id, tenant_id, status, note) VALUES (11, 'globex', 'new', 'theirs')", None),
    // It could not read it back.
    ("INSERT INTO orders (id, tenant_id, status, note) VALUES (12, 'acme', 'hidden', 'mine')", None),
    (
        "INSERT INTO orders (id, tenant_id, status, note) VALUES (2, 'acme', 'new', 'x') ON CONFLICT (id) DO UPDATE SET note = 'taken'",
        None,
    ),
    ("UPDATE orders SET note = 'mine'", Some("2")),
    ("UPDATE orders SET note = 'x' WHERE tenant_id = 'globex'", Some("0")),
    ("UPDATE orders SET status = 'hidden'", None),
    ("UPDATE orders SET tenant_id = 'globex'", None),
    ("DELETE FROM orders", Some("2")),
    // A soft delete takes the data tools.
    ("UPDATE customers SET name = 'x'", Some("1")),
    ("UPDATE customers SET deleted_at = now()", None),
    ("DELETE FROM customers", Some("0")),
    ("COPY orders (id, tenant_id) FROM STDIN", None),
];

#[tokio::test]
async fn a_seat_writes_what_its_grants_and_the_rules_let_it() {
    for server in servers() {
        let mut world = World::new(&server).await;
        world.sql(TABLES).await;
        world.becomes(&file(&[WRITER])).await;
        let client = world.login("{p}_acme").await;
        for (sql, rows) in WRITES {
            let done = client.simple_query(sql).await;
            let done = done.ok().and_then(|messages| match messages.last() {
                Some(SimpleQueryMessage::CommandComplete(rows)) => Some(rows.to_string()),
                _ => None,
            });
            assert_eq!(done.as_deref(), *rows, "{sql}");
        }
        let owner = tokio_postgres::connect(&with(&world.server, None, &world.prefix), NoTls).await.unwrap();
        tokio::spawn(owner.1);
        let left = told(&owner.0, "SELECT note FROM public.orders ORDER BY id").await;
        assert_eq!(left, ["GLOBEX two", "acme three", "GLOBEX four"], "the hidden one and others' stay");
        drop((client, owner.0));
        world.end().await;
    }
}

#[tokio::test]
async fn moving_and_ending_a_seat_counts_from_the_next_statement_on() {
    for server in servers() {
        let mut world = World::new(&server).await;
        world.sql(TABLES).await;
        world.becomes(&file(&[])).await;
        let server = world.login("{p}_run").await;
        let explain = "EXPLAIN (VERBOSE) SELECT note FROM public.orders WHERE status = 'new'; \
                       EXPLAIN (VERBOSE) SELECT sku FROM public.lines WHERE id = 1";
        let before = told(&server, explain).await;
        let steps = world.becomes(&file(&[ACME])).await;
        // The role that runs the data tools runs the same plans as before.
        assert!(before.len() > 6, "{before:?}");
        assert_eq!(told(&server, explain).await, before);
        let made: Vec<String> = steps
            .iter()
            .filter(|step| !step.address.as_str().contains("policy") && !step.address.as_str().contains("row_security"))
            .map(|step| format!("{}{}", step.action.sign(), step.address).replace(&world.prefix, "{p}"))
            .collect();
        insta::assert_snapshot!("a seat in a plan", made.join("\n"));
        let client = world.login("{p}_acme").await;
        assert_eq!(told(&client, "SELECT note FROM orders").await, ["acme one"]);
        // Another seat changes no table.
        let steps = world.becomes(&file(&[ACME, GLOBEX])).await;
        assert!(steps.iter().all(|step| !step.address.as_str().contains("row_security")), "{steps:#?}");
        assert!(!world.works_as("{p}_run", "SELECT tenantry.seat_tenant()").await);
        let moved = file(&[&ACME.replace("\"acme\"", "\"globex\""), GLOBEX]);
        let steps = world.plan(&moved).await.unwrap();
        assert_eq!(steps.len(), 1, "{steps:#?}");
        assert_eq!(changes(&steps[0]), ["tenant: \"acme\" -> \"globex\""]);
        assert_eq!(super::super::dangers(&steps[0])[0].code, "move-seat");
        world.becomes(&moved).await;
        assert_eq!(told(&client, "SELECT note FROM orders ORDER BY id").await, ["GLOBEX two", "GLOBEX four"]);
        // The role stays, and is no seat any more.
        let ended = file(&[&ACME.replace("tenant = \"acme\"", ""), GLOBEX]);
        let steps = world.becomes(&ended).await;
        assert!(steps.iter().all(is_delete) && steps.len() == 2, "{steps:#?}");
        assert!(told(&client, "SELECT note FROM orders").await.is_empty());
        // The last one takes all of it along.
        world.becomes(&file(&[])).await;
        let left = world.snapshot().await;
        assert!(left.seats.table.is_none() && left.seats.function.is_none());
        assert!(!left.roles.contains_key(tenantry_policy::seat::group(&world.prefix).as_str()));
        assert!(left.policies.keys().all(|(_, name)| !name.starts_with("tenantry:seat:")));
        drop((client, server));
        world.end().await;
    }
}

/// What somebody does by hand, and what the plan says of it.
const BY_HAND: &[(&str, &str)] = &[
    ("UPDATE tenantry.seat SET tenant = 'globex'", "source.main.role.{p}_acme.tenant: tenant"),
    ("DELETE FROM tenantry.seat", "source.main.role.{p}_acme.tenant"),
    ("INSERT INTO tenantry.seat VALUES ('{p}_x', 'acme')", "source.main.seats: strange_seats"),
    ("GRANT SELECT ON tenantry.seat TO {p}_acme", "source.main.seats: rights"),
    ("GRANT UPDATE (tenant) ON tenantry.seat TO PUBLIC", "source.main.seats: rights"),
    ("GRANT CREATE ON SCHEMA tenantry TO {p}_acme", "source.main.seats: rights"),
    ("GRANT EXECUTE ON FUNCTION tenantry.seat_tenant() TO PUBLIC", "source.main.seats: rights"),
    ("ALTER TABLE tenantry.seat DISABLE ROW LEVEL SECURITY", "source.main.seats: table"),
    ("CREATE POLICY p ON tenantry.seat USING (true)", "source.main.seats: table"),
    ("ALTER TABLE tenantry.seat ADD COLUMN x int", "source.main.seats: table"),
    (
        "CREATE OR REPLACE FUNCTION tenantry.seat_tenant() RETURNS text LANGUAGE sql STABLE SECURITY DEFINER AS \
         $$SELECT 'globex'$$",
        "source.main.seats: function",
    ),
    ("ALTER FUNCTION tenantry.seat_tenant() RESET ALL", "source.main.seats: function"),
    ("ALTER FUNCTION tenantry.seat_tenant() LEAKPROOF", "source.main.seats: function"),
    ("ALTER POLICY \"tenantry:seat:scope:select\" ON public.lines USING (true)", "source.main.row_security"),
    ("ALTER POLICY \"tenantry:seat:boundary\" ON public.lines TO {p}_run", "source.main.row_security"),
    ("REVOKE \"tenantry:seats:{p}\" FROM {p}_acme", "source.main.role.{p}_acme.member_of"),
    ("ALTER ROLE \"tenantry:seats:{p}\" BYPASSRLS LOGIN", "source.main.role.\"tenantry:seats:{p}\": bypassrls"),
];

#[tokio::test]
async fn what_somebody_changes_by_hand_is_named_and_mended() {
    for server in servers() {
        let mut world = World::new(&server).await;
        world.sql(TABLES).await;
        let file = file(&[ACME]);
        world.becomes(&file).await;
        for (by_hand, named) in BY_HAND {
            world.sql(by_hand).await;
            let steps = world.plan(&file).await.unwrap();
            let told: Vec<String> = steps
                .iter()
                .flat_map(|step| step.changes.iter().map(move |change| format!("{}: {}", step.address, change.field)))
                .collect();
            let named = world.text(named);
            assert!(told.iter().any(|line| line.contains(&named)), "{by_hand}: {told:?}");
            world.becomes(&file).await;
            let client = world.login("{p}_acme").await;
            assert_eq!(self::told(&client, "SELECT note FROM orders").await, ["acme one"], "{by_hand}");
            assert_eq!(self::told(&client, "SELECT sku FROM lines").await, ["acme a"], "{by_hand}");
        }
        world.end().await;
    }
}

/// What the file or somebody gives a seat, and words of what the lint says.
const LINTS: &[(&str, &str)] = &[
    ("GRANT pg_read_all_stats TO {p}_acme", "reaches past any account"),
    (
        "CREATE ROLE {p}_g; GRANT CREATE ON SCHEMA public TO {p}_g; GRANT {p}_g TO {p}_acme",
        "holds CREATE on schema public",
    ),
    ("GRANT CREATE ON DATABASE {p} TO {p}_acme", "holds CREATE on database {p}"),
    ("GRANT TRIGGER ON orders TO {p}_acme", "holds TRIGGER on public.orders"),
    ("GRANT SELECT (card) ON customers TO {p}_acme", "reads card of public.customers"),
    ("GRANT SELECT (secret) ON orders TO {p}_acme", "reads secret of public.orders"),
    ("GRANT UPDATE (tenant_id) ON orders TO {p}_acme", "may update tenant_id of public.orders"),
    ("REVOKE SELECT (tenant_id) ON orders FROM {p}_acme", "whose rules look at public.orders(tenant_id)"),
    ("GRANT {p}_globex TO {p}_acme", "is another such role"),
    ("ALTER ROLE {p}_acme CREATEROLE", "has CREATEROLE"),
    ("CREATE ROLE {p}_b BYPASSRLS; GRANT {p}_b TO {p}_acme", "row security does not hold"),
    ("ALTER TABLE lines OWNER TO {p}_acme", "owns public.lines"),
    ("GRANT {p}_run TO {p}_acme", "runs the data tools"),
];

#[tokio::test]
async fn the_lint_says_what_row_security_does_not_hold() {
    for server in servers() {
        let mut world = World::new(&server).await;
        world.sql(TABLES).await;
        let file = file(&[ACME, GLOBEX]);
        world.becomes(&file).await;
        let (loaded, policy) = world.loaded(&file).await;
        let run = world.text("{p}_run");
        let seats = |snapshot: &tenantry_source::cluster::Snapshot| -> Vec<String> {
            let found = lint(snapshot, &loaded, &policy, "main", &run, 0);
            let told = found.iter().filter(|one| one.code == "seat" || one.level == Level::Refused);
            told.map(|one| format!("{} {}: {}", one.level.name(), one.code, one.what)).collect()
        };
        let clean = seats(&world.snapshot().await);
        assert!(clean.is_empty(), "{clean:?}");
        let mut before = clean;
        for (sql, words) in LINTS {
            world.sql(sql).await;
            let found = seats(&world.snapshot().await);
            let words = world.text(words);
            assert!(found.iter().any(|line| line.contains(&words)), "{sql}: {found:#?}");
            assert!(before.iter().all(|line| !line.contains(&words)), "{sql}: {before:#?}");
            before = found;
        }
        world.end().await;
    }
}

#[tokio::test]
async fn what_no_seat_can_be_is_refused_with_its_place() {
    for server in servers() {
        let world = World::new(&server).await;
        world.sql(TABLES).await;
        let code = |error: &crate::error::PlanError| error.to_string();
        let run = file(&["[source.main.role.{p}_run]\nlogin = true\ntenant = \"acme\""]);
        let error = world.plan(&run).await.unwrap_err();
        assert!(code(&error).contains("runs the data tools"), "{error}");
        // Somebody had the schema first, and could put a table of theirs in the place of ours.
        world.sql("CREATE ROLE {p}_squat; CREATE SCHEMA tenantry AUTHORIZATION {p}_squat").await;
        let error = world.plan(&file(&[ACME])).await.unwrap_err();
        assert!(code(&error).contains("belongs to"), "{error}");
        world.sql("DROP SCHEMA tenantry").await;
        let old = world.snapshot().await.server.major() < 16;
        let error = world.plan(&file(&[&ACME.replace("login", "inherit = false\nlogin")])).await;
        assert_eq!(error.is_err(), old, "{error:?}");
        world.end().await;
    }
}

#[tokio::test]
async fn a_seat_is_told_and_not_pulled_as_a_role_of_the_file() {
    for server in servers() {
        let mut world = World::new(&server).await;
        world.sql(TABLES).await;
        world.becomes(&file(&[ACME])).await;
        let governed = std::collections::BTreeSet::new();
        let asked = super::super::pull::Asked {
            source: "main",
            urls: Some(("env:URL", None)),
            governed: &governed,
            runtime: None,
            roles: &[],
        };
        let pulled = super::super::pull::written(&world.snapshot().await, &asked);
        let (name, text) = (world.text("{p}_acme"), &pulled.text);
        let told = format!("`{name}` is an SQL seat: write `tenant = \"acme\"`");
        assert!(pulled.left_out.iter().any(|line| line.contains(&told)), "{:#?}", pulled.left_out);
        assert!(text.contains(&format!("[source.main.role.{name}]")), "{text}");
        assert!(!text.contains("[source.main.role.\"tenantry:") && !text.contains("tenantry.seat"), "{text}");
        let loaded = tenantry_file::load(vec![tenantry_file::SourceText::new("tenantry.toml", text.clone())]);
        assert!(loaded.is_ok(), "{loaded:?}\n{text}");
        world.end().await;
    }
}

/// PostgreSQL's planner takes statistics of all rows for operators that it knows to be leakproof, whoever asks.
#[tokio::test]
async fn estimates_tell_of_others_values_until_there_are_no_statistics() {
    for server in servers() {
        let mut world = World::new(&server).await;
        world.sql(TABLES).await;
        world.sql("INSERT INTO orders SELECT n, 'globex', 1, 'new', 'GLOBEX ' || n % 2 FROM generate_series(100, 2000) n; ANALYZE").await;
        let file = file(&[ACME]);
        world.becomes(&file).await;
        let client = world.login("{p}_acme").await;
        let (loaded, policy) = world.loaded(&file).await;
        let run = world.text("{p}_run");
        let warned = async |world: &World| {
            let found = lint(&world.snapshot().await, &loaded, &policy, "main", &run, 0);
            let told = found.iter().find(|one| one.code == "seat-estimates" && one.address == "table.orders");
            told.map(|one| one.what.clone()).unwrap_or_default()
        };
        let estimate = async |note: &str| -> String {
            let sql = format!("EXPLAIN SELECT FROM orders WHERE note = '{note}'");
            let plan = told(&client, &sql).await.join(" ");
            let rows = plan.split("Scan on orders").nth(1).and_then(|rest| rest.split("rows=").nth(1));
            let rows = rows.unwrap_or_else(|| panic!("{plan}"));
            rows.split(' ').next().unwrap().to_owned()
        };
        assert_ne!(estimate("GLOBEX 1").await, estimate("no such").await, "if this holds no more, so much the better");
        assert!(warned(&world).await.contains("status, note"), "{}", warned(&world).await);
        world
            .sql(
                "ALTER TABLE orders ALTER COLUMN note SET STATISTICS 0, ALTER COLUMN status SET STATISTICS 0; \
                  DELETE FROM pg_statistic WHERE starelid = 'orders'::regclass; ANALYZE orders",
            )
            .await;
        assert_eq!(estimate("GLOBEX 1").await, estimate("no such").await);
        assert_eq!(warned(&world).await, "");
        drop(client);
        world.end().await;
    }
}
