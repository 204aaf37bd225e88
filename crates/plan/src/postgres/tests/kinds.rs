//! Every kind: applied, the next plan is empty; changed, it changes in place; named no more, it goes.

use super::{World, changes, is_delete, servers};
use crate::step::{Action, Step};

/// (what it is about, statements before, files in turn). After each file the next plan is empty.
const CASES: &[(&str, &str, &[&str])] = &[
    (
        "roles and all their attributes",
        "",
        &[
            "[source.main.role.{p}_a]\nlogin = true\ncreatedb = true\nconnection_limit = 5\n\
             valid_until = \"2030-01-02T03:04:05.5+01:00\"\ncomment = \"it's \\\\ \\\"one\\\"\"\n\
             settings = { statement_timeout = \"5s\", search_path = \"app, \\\"Other One\\\"\", \"my.setting\" = \"x'y\" }\n\
             settings_in.{p} = { work_mem = \"8MB\" }",
            "[source.main.role.{p}_a]\ncreaterole = true\ninherit = false\nreplication = true\nbypassrls = true\n\
             superuser = true\nvalid_until = \"infinity\"\nsettings = { search_path = \"\" }",
            "[source.main.role.{p}_a]",
            "",
        ],
    ),
    (
        "names with quotes, blanks and Unicode",
        "CREATE SCHEMA \"s \"\"q\"\" .Ü\"; CREATE TABLE \"s \"\"q\"\" .Ü\".\"t'; --\" (\"c \"\"x\" int8)",
        &[
            r#"[source.main.role."{p} \"r\" Ü; --".grants]
               "schema \"s \"\"q\"\" .Ü\"" = ["USAGE"]
               "\"s \"\"q\"\" .Ü\".\"t'; --\"" = ["SELECT"]
               "\"s \"\"q\"\" .Ü\".\"t'; --\"(\"c \"\"x\")" = ["UPDATE"]
               [source.main.role."{p} \"r\" Ü; --".member_of."{p} g'"]
               [source.main.role."{p} g'"]
               comment = "$tenantry$ ' \"""#,
            "[source.main.role.\"{p} g'\"]",
            "",
        ],
    ),
    (
        "memberships",
        "",
        &[
            "[source.main.role.{p}_g]\n[source.main.role.{p}_m]\nmember_of = { {p}_g = { admin = true } }",
            "[source.main.role.{p}_g]\n[source.main.role.{p}_m]\nmember_of = { {p}_g = {}, pg_read_all_stats = {} }",
            "[source.main.role.{p}_g]\n[source.main.role.{p}_m]",
        ],
    ),
    (
        "rights on every kind of thing",
        "CREATE TABLE t (id int8, state text); CREATE VIEW v AS SELECT 1 AS one; CREATE MATERIALIZED VIEW mv AS SELECT 1 AS one; \
         CREATE TABLE parted (id int8) PARTITION BY RANGE (id); CREATE SEQUENCE s; CREATE SCHEMA sales; \
         CREATE FUNCTION f(int, VARIADIC text[]) RETURNS int LANGUAGE sql AS 'SELECT 1'; \
         CREATE PROCEDURE pr(\"char\") LANGUAGE sql AS 'SELECT 1'; CREATE AGGREGATE ag(int8) (SFUNC = int8pl, STYPE = int8); \
         CREATE DOMAIN email AS text; CREATE TYPE mood AS ENUM ('x'); CREATE FUNCTION g(mood[]) RETURNS int LANGUAGE sql AS 'SELECT 1'; \
         CREATE FOREIGN DATA WRAPPER {p}_w; CREATE SERVER {p}_s FOREIGN DATA WRAPPER {p}_w; \
         CREATE FOREIGN TABLE ft (id int) SERVER {p}_s; SELECT lo_create(815)",
        &[
            "[source.main.role.{p}_a.grants]\n\
             \"public.t\" = [\"SELECT\", \"INSERT WITH GRANT OPTION\"]\n\"public.t(id, state)\" = [\"UPDATE\"]\n\
             \"public.v\" = [\"SELECT\"]\n\"public.mv\" = [\"SELECT\"]\n\"public.parted\" = [\"ALL\"]\n\"public.ft\" = [\"SELECT\"]\n\
             \"sequence public.s\" = [\"USAGE\", \"SELECT\"]\n\"schema sales\" = [\"USAGE\", \"CREATE\"]\n\
             \"database {p}\" = [\"CONNECT\", \"TEMP\"]\n\"function public.f(int, text[])\" = [\"EXECUTE\"]\n\
             \"procedure public.pr(\\\"char\\\")\" = [\"EXECUTE\"]\n\"aggregate public.ag(bigint)\" = [\"EXECUTE\"]\n\
             \"function public.g(public.mood[])\" = [\"EXECUTE\"]\n\"type public.email\" = [\"USAGE\"]\n\
             \"type public.mood\" = [\"USAGE WITH GRANT OPTION\"]\n\"language plpgsql\" = [\"USAGE\"]\n\
             \"server {p}_s\" = [\"USAGE\"]\n\"fdw {p}_w\" = [\"USAGE\"]\n\"large object 815\" = [\"SELECT\"]\n\
             \"parameter log_statement\" = [\"SET\"]\n\"tablespace pg_default\" = [\"CREATE\"]\n\
             \"function pg_catalog.pg_read_file(text)\" = [\"EXECUTE\"]",
            "[source.main.role.{p}_a.grants]\n\
             \"public.t\" = [\"SELECT WITH GRANT OPTION\", \"INSERT\"]\n\"public.t(id)\" = [\"UPDATE\", \"REFERENCES\"]\n\
             \"public.parted\" = []\n\"sequence public.s\" = [\"ALL\"]\n\"type public.mood\" = [\"USAGE\"]\n\
             \"parameter log_statement\" = [\"ALTER SYSTEM WITH GRANT OPTION\"]",
            "[source.main.role.{p}_a.grants]\n\"all tables in schema public\" = [\"SELECT\"]\n\"public.t\" = [\"DELETE\"]\n\
             \"all sequences in schema public\" = [\"USAGE\"]\n\"all functions in schema public\" = [\"EXECUTE\"]",
            "",
        ],
    ),
    (
        "what everybody may do",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TABLE t (id int8); GRANT SELECT ON t TO PUBLIC",
        &[
            "[source.main.public.grants]\n\"function public.f()\" = []\n\"public.t\" = []\n\"database {p}\" = [\"CONNECT\"]\n\
             \"schema public\" = [\"USAGE\"]",
            "[source.main.public.grants]\n\"function public.f()\" = [\"EXECUTE\"]\n\"public.t(id)\" = [\"SELECT\"]",
            "",
        ],
    ),
    (
        "default privileges",
        "CREATE ROLE {p}_maker; CREATE SCHEMA sales",
        &[
            "[source.main.role.{p}_a.default_privileges]\n\"tables in schema sales by {p}_maker\" = [\"SELECT\", \"INSERT WITH GRANT OPTION\"]\n\
             \"sequences by {p}_maker\" = [\"USAGE\"]\n\"functions by {p}_maker\" = [\"EXECUTE\"]\n\"types by {p}_maker\" = [\"USAGE\"]\n\
             \"schemas by {p}_maker\" = [\"USAGE\"]\n\
             [source.main.public.default_privileges]\n\"functions by {p}_maker\" = []\n\"types by {p}_maker\" = []",
            "[source.main.role.{p}_a.default_privileges]\n\"tables in schema sales by {p}_maker\" = [\"INSERT\"]\n\
             [source.main.public.default_privileges]\n\"functions by {p}_maker\" = [\"EXECUTE\"]",
            "",
        ],
    ),
    (
        "schemas, extensions, owners",
        "CREATE TABLE t (id bigserial); CREATE VIEW v AS SELECT 1 AS one; CREATE FUNCTION f(text) RETURNS int LANGUAGE sql AS 'SELECT 1'; \
         CREATE DOMAIN d AS text; SELECT lo_create(816)",
        &[
            "[source.main.role.{p}_o]\n[source.main.schema.sales]\nowner = \"{p}_o\"\n\
             [source.main.owner]\n\"public.t\" = \"{p}_o\"\n\"public.v\" = \"{p}_o\"\n\"function public.f(text)\" = \"{p}_o\"\n\
             \"type public.d\" = \"{p}_o\"\n\"large object 816\" = \"{p}_o\"\n\
             [source.main.role.{p}_a.grants]\n\"public.t\" = [\"SELECT\"]\n\"schema sales\" = [\"USAGE\"]\n\"sequence public.t_id_seq\" = [\"USAGE\"]",
            "[source.main.role.{p}_o]\n[source.main.role.{p}_p]\n[source.main.schema.sales]\nowner = \"{p}_p\"\n\
             [source.main.owner]\n\"public.t\" = \"{p}_p\"\n\"public.v\" = \"postgres\"\n\"function public.f(text)\" = \"postgres\"\n\
             \"type public.d\" = \"postgres\"\n\"large object 816\" = \"postgres\"\n\
             [source.main.role.{p}_o.grants]\n\"public.t\" = [\"SELECT\", \"UPDATE\"]\n\
             [source.main.role.{p}_a.grants]\n\"public.t\" = [\"INSERT\"]",
        ],
    ),
    (
        "row security by hand",
        "CREATE TABLE notes (id int8, owner text)",
        &[
            "[source.main.role.{p}_a]\n[source.main.row_security.\"public.notes\".policy]\n\
             own = { to = [\"{p}_a\"], using = \"owner=current_user  AND id IN (SELECT 1)\" }\n\
             add = { for = \"insert\", check = \"owner <> 'x;)'\" }\nguard = { restrictive = true, for = \"update\", using = \"true\", check = \"id > 0\" }",
            "[source.main.role.{p}_a]\n[source.main.row_security.\"public.notes\"]\nforced = false\n\
             [source.main.row_security.\"public.notes\".policy]\n\
             own = { to = [\"{p}_a\"], for = \"select\", using = \"owner = 'b'\" }\nguard = { restrictive = true, for = \"update\", using = \"id > 1\" }",
            "[source.main.role.{p}_a]\n[source.main.row_security.\"public.notes\"]\nenabled = false\nforced = false",
            "[source.main.role.{p}_a]\n[source.main.row_security.\"public.notes\"]",
            "",
        ],
    ),
    (
        "SQL seats",
        "CREATE TABLE orders (id int8 PRIMARY KEY, tenant_id text NOT NULL, status text)",
        &[
            "[account.acme]\n[account.globex]\n[table.orders]\nsource = \"main.orders\"\n\
             scope = { tenant_id = \"principal.tenant_id\" }\nfields = { id = \"allow\", status = \"allow\" }\n\
             [source.main.role.{p}_ann]\nlogin = true\ntenant = \"acme\"\n\
             grants = { \"schema public\" = [\"USAGE\"], \"public.orders\" = [\"SELECT\"] }",
            "[account.acme]\n[account.globex]\n[table.orders]\nsource = \"main.orders\"\n\
             scope = { tenant_id = \"principal.tenant_id\" }\nfields = { id = \"allow\", status = \"allow\" }\n\
             [table.orders.require.open]\nwhen = \"status = 'open'\"\n\
             [source.main.role.{p}_ann]\nlogin = true\ntenant = \"globex\"\n\
             grants = { \"schema public\" = [\"USAGE\"], \"public.orders\" = [\"SELECT\"] }\n\
             [source.main.role.{p}_bob]\nlogin = true\ntenant = \"acme\"",
            "[account.acme]\n[account.globex]\n[table.orders]\nsource = \"main.orders\"\n\
             scope = { tenant_id = \"principal.tenant_id\" }\nfields = { id = \"allow\", status = \"allow\" }",
            "",
        ],
    ),
    (
        "the fence of governed tables",
        "CREATE TABLE orders (id bigserial PRIMARY KEY, tenant_id text NOT NULL, status text, secret text); \
         CREATE POLICY \"tenantry:gone\" ON orders USING (true); GRANT ALL ON orders TO PUBLIC; REVOKE ALL ON orders FROM PUBLIC",
        &[
            "[table.orders]\nsource = \"main.orders\"\nscope = { tenant_id = \"principal.tenant_id\" }\n\
             fields = { id = \"allow\", status = \"allow\" }\n[table.orders.write]\ncreate = true\nupdate = [\"status\"]\ndelete = true",
            "[table.orders]\nsource = \"main.orders\"\nscope = { tenant_id = \"principal.tenant_id\" }\n\
             fields = { id = \"allow\" }\n[table.orders.require.open]\nwhen = \"status = 'open'\"",
        ],
    ),
];

/// Steps with their changes, for people who review what a plan says.
fn golden(steps: &[Step]) -> String {
    steps
        .iter()
        .map(|step| {
            let head = format!("  {} {} {}\n", step.action.sign(), step.kind.name(), step.address);
            let changes = changes(step).into_iter().map(|change| format!("      {change}\n"));
            head + &changes.collect::<String>()
        })
        .collect()
}

#[tokio::test]
async fn a_plan_applied_leaves_nothing_to_do() {
    for server in servers() {
        for (about, before, files) in CASES {
            let mut world = World::new(&server).await;
            if !before.is_empty() {
                world.sql(before).await;
            }
            let mut plans = String::new();
            for (at, file) in files.iter().enumerate() {
                let steps = world.becomes(file).await;
                assert!(!steps.is_empty() || file.is_empty(), "{about}: no step for {file}");
                plans.push_str(&format!("file {}\n{}", at + 1, golden(&steps)));
            }
            // What ALL is differs between versions.
            if world.snapshot().await.server.major() == 15 {
                insta::assert_snapshot!(*about, plans.replace(&world.prefix, "{p}"));
            }
            world.end().await;
        }
    }
}

#[tokio::test]
async fn what_the_file_names_no_more_goes_and_what_was_there_stays() {
    for server in servers() {
        let mut world = World::new(&server).await;
        world.sql("CREATE ROLE {p}_there; CREATE SCHEMA there; CREATE TABLE t (id int8)").await;
        world
            .becomes(
                "[source.main.role.{p}_made]\n[source.main.role.{p}_there]\nmode = \"adopted\"\nlogin = true\n\
                 [source.main.schema.made]\n[source.main.schema.there]\n\
                 [source.main.role.{p}_made.grants]\n\"public.t\" = [\"SELECT\"]",
            )
            .await;
        let steps = world.becomes("").await;
        assert!(steps.iter().all(is_delete), "{steps:#?}");
        let snapshot = world.snapshot().await;
        let has = |name: &str| snapshot.roles.contains_key(world.text(name).as_str());
        assert!(!has("{p}_made") && has("{p}_there"));
        let schema = |name: &str| snapshot.things.contains_key(&tenantry_policy::Object::Schema(name.to_owned()));
        assert!(!schema("made") && schema("there"));
        world.end().await;
    }
}

/// A role that owns a schema or an extension which goes by the same plan is in nobody's way.
#[tokio::test]
async fn a_role_goes_with_the_schema_that_was_made_for_it() {
    for server in servers() {
        let mut world = World::new(&server).await;
        let file = "[source.main.role.{p}_o]\n[source.main.role.{p}_r]\n[source.main.schema.made]\nowner = \"{p}_o\"\n\
                    [source.main.role.{p}_r.grants]\n\"schema made\" = [\"USAGE\"]";
        world.becomes(file).await;
        world.sql("GRANT CREATE ON SCHEMA made TO {p}_o; GRANT CREATE ON SCHEMA made TO {p}_r WITH GRANT OPTION; SET ROLE {p}_r; \
                   GRANT CREATE ON SCHEMA made TO {p}_o; RESET ROLE").await;
        let dangers: Vec<_> = world.plan("").await.unwrap().iter().flat_map(super::super::dangers).collect();
        assert!(dangers.is_empty(), "{dangers:?}");
        world.becomes("").await;
        let snapshot = world.snapshot().await;
        assert!(!snapshot.roles.contains_key(world.text("{p}_o").as_str()), "it went");
        assert!(!snapshot.things.contains_key(&tenantry_policy::Object::Schema("made".to_owned())));
        // One that was there stays, and so does who owns it.
        world.sql("CREATE SCHEMA there").await;
        world.becomes("[source.main.role.{p}_o]\n[source.main.schema.there]\nowner = \"{p}_o\"").await;
        assert_eq!(world.apply("").await.unwrap_err().code(), "ROLE_IN_USE");
        world.end().await;
    }
}

#[tokio::test]
async fn only_what_differs_is_altered() {
    for server in servers() {
        let mut world = World::new(&server).await;
        world.becomes("[source.main.role.{p}_a]\nlogin = true\nconnection_limit = 5").await;
        // Drift, made by hand.
        world.sql("ALTER ROLE {p}_a CONNECTION LIMIT 9 CREATEDB; COMMENT ON ROLE {p}_a IS 'x'; ALTER ROLE {p}_a SET work_mem = '1MB'").await;
        let steps = world.becomes("[source.main.role.{p}_a]\nlogin = true\nconnection_limit = 5").await;
        let [step] = steps.as_slice() else { panic!("{steps:#?}") };
        assert_eq!(step.action, Action::Update);
        assert_eq!(
            changes(step),
            [
                "comment: \"x\" -> ·",
                "connection_limit: 9 -> 5",
                "createdb: true -> false",
                "settings.work_mem: \"1MB\" -> ·"
            ]
        );
        // Of an adopted role, what is not said is left.
        world.sql("CREATE ROLE {p}_b LOGIN CREATEDB; ALTER ROLE {p}_b SET work_mem = '1MB'").await;
        let file = "[source.main.role.{p}_a]\nlogin = true\nconnection_limit = 5\n[source.main.role.{p}_b]\nmode = \"adopted\"\nconnection_limit = 3\nsettings = { jit = \"off\" }";
        world.becomes(file).await;
        let snapshot = world.snapshot().await;
        let role = &snapshot.roles[world.text("{p}_b").as_str()];
        assert!(role.login && role.createdb && role.connection_limit == 3 && role.settings.len() == 2, "{role:?}");
        world.end().await;
    }
}

#[tokio::test]
async fn passwords_travel_as_verifiers_and_log_in() {
    for server in servers() {
        let mut world = World::new(&server).await;
        let address = world.text("source.main.role.{p}_a");
        world.passwords.insert(address, "pässword '\\ \u{ad}x".to_owned());
        world.becomes("[source.main.role.{p}_a]\nlogin = true\npassword = \"env:SECRET\"").await;
        // The server itself says what it is.
        world
            .sql("DO $$ BEGIN IF NOT (SELECT rolpassword LIKE 'SCRAM-SHA-256$4096:%' FROM pg_authid WHERE rolname = '{p}_a') \
                  THEN RAISE 'no verifier'; END IF; END $$")
            .await;
        world.end().await;
    }
}

#[tokio::test]
async fn a_database_is_made_and_never_dropped() {
    for server in servers() {
        let mut world = World::new(&server).await;
        world
            .becomes(
                "[source.main.role.{p}_o]\n[source.main.database.{p}_other]\nowner = \"{p}_o\"\nconnection_limit = 7\n\
                 settings = { work_mem = \"3MB\" }\n[source.main.role.{p}_a.grants]\n\"database {p}_other\" = [\"CONNECT\"]",
            )
            .await;
        world.becomes("[source.main.role.{p}_o]").await;
        let other = tenantry_policy::Object::Database(world.text("{p}_other"));
        assert!(world.snapshot().await.things.contains_key(&other));
        world.end().await;
    }
}

#[tokio::test]
async fn a_fence_made_beside_a_plan_is_what_the_plan_wants() {
    for server in servers() {
        let world = World::new(&server).await;
        world.sql("CREATE TABLE orders (id bigserial PRIMARY KEY, tenant_id text NOT NULL, status text)").await;
        let file = "[table.orders]\nsource = \"main.orders\"\nscope = { tenant_id = \"principal.tenant_id\" }\n\
                    fields = { id = \"allow\", status = \"allow\" }\n[table.orders.require.open]\nwhen = \"status = 'open'\"";
        let (_, policy) = world.loaded(file).await;
        let fence = crate::Fence::build(&policy, "main", &world.access.runtime).unwrap();
        fence.apply(&world.access.owner, &world.access.runtime).await.unwrap();
        let steps = world.plan(file).await.unwrap();
        assert!(steps.is_empty(), "{}", golden(&steps));
        world.end().await;
    }
}
