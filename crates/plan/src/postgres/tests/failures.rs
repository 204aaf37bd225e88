//! What goes wrong: a clear error each, and nothing half-applied.

use tenantry_source::SourceUrl;
use tenantry_source::admin::{Admin, AdminError};

use super::{World, servers, with};
use crate::error::PlanError;

fn code(error: &PlanError) -> &'static str {
    error.code()
}

#[tokio::test]
async fn what_cannot_be_is_told_with_its_place() {
    for server in servers() {
        let world = World::new(&server).await;
        world.sql("CREATE TABLE t (id int8); CREATE SEQUENCE s; CREATE FUNCTION f(text) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE VIEW v AS SELECT 1 AS one; \
                   CREATE ROLE {p}_up; CREATE ROLE {p}_down; GRANT {p}_up TO {p}_down").await;
        for (file, wanted, hint) in [
            (
                "[source.main.role.{p}_a.grants]\n\"public.orders\" = [\"SELECT\"]",
                "UNKNOWN_OBJECT",
                "as the catalog has them",
            ),
            ("[source.main.role.{p}_a.grants]\n\"public.s\" = [\"SELECT\"]", "UNKNOWN_OBJECT", "it is a sequence"),
            ("[source.main.role.{p}_a.grants]\n\"public.t(nosuch)\" = [\"SELECT\"]", "UNKNOWN_OBJECT", ""),
            (
                "[source.main.role.{p}_a.grants]\n\"function public.f(int)\" = [\"EXECUTE\"]",
                "UNKNOWN_OBJECT",
                "function public.f(text)",
            ),
            ("[source.main.role.{p}_a]\nmember_of = { {p}_nobody = {} }", "UNKNOWN_DB_ROLE", "declare it"),
            ("[source.main.role.{p}_gone]\nmode = \"adopted\"", "UNKNOWN_DB_ROLE", "managed"),
            ("[source.main.role.{p}_gone]\nmode = \"external\"", "UNKNOWN_DB_ROLE", "managed"),
            ("[source.main.public.grants]\n\"function pg_catalog.pg_sleep(float)\" = []", "SYSTEM_PUBLIC", "role"),
            ("[source.main.owner]\n\"public.t\" = \"{p}_nobody\"", "UNKNOWN_DB_ROLE", "declare it"),
            ("[source.main.row_security.\"public.v\"]", "NOT_A_TABLE", "security_invoker"),
            (
                "[source.main.role.{p}_up]\nmode = \"adopted\"\nmember_of = { {p}_down = {} }",
                "MEMBERSHIP_CYCLE",
                "already",
            ),
        ] {
            let error = world.plan(file).await.unwrap_err();
            assert_eq!(code(&error), wanted, "{file}: {error}");
            let (address, place) = error.place();
            assert!(
                address.is_some() && place.is_some_and(|place| place.starts_with("tenantry.toml:")),
                "{file}: {error:?}"
            );
            assert!(error.hint().is_some_and(|text| text.contains(hint)), "{file}: {:?}", error.hint());
        }
        world.end().await;
    }
}

#[tokio::test]
async fn a_role_in_use_is_not_dropped_but_named() {
    for server in servers() {
        let (mut world, other) = (World::new(&server).await, World::new(&server).await);
        world.becomes("[source.main.role.{p}_a]\n[source.main.role.{p}_b]").await;
        world.sql("CREATE TABLE mine (id int8); ALTER TABLE mine OWNER TO {p}_a").await;
        let role = world.text("{p}_a");
        other.sql(&format!("CREATE TABLE theirs (id int8); GRANT SELECT ON theirs TO {role}")).await;
        let steps = world.plan("").await.unwrap();
        let dangers: Vec<String> = steps.iter().flat_map(super::super::dangers).map(|danger| danger.why).collect();
        assert!(
            dangers.len() == 1 && dangers[0].contains("public.mine") && dangers[0].contains(&other.prefix),
            "{dangers:?}"
        );
        let error = world.apply("").await.unwrap_err();
        assert_eq!(code(&error), "ROLE_IN_USE");
        assert!(error.to_string().contains("public.mine") && error.to_string().contains(&other.prefix), "{error}");
        assert!(world.snapshot().await.roles.contains_key(world.text("{p}_b").as_str()), "nothing was done");
        other.sql(&format!("REVOKE ALL ON theirs FROM {role}")).await;
        world.becomes("[source.main.owner]\n\"public.mine\" = \"postgres\"").await;
        assert!(!world.snapshot().await.roles.contains_key(role.as_str()));
        other.end().await;
        world.end().await;
    }
}

#[tokio::test]
async fn a_role_that_only_holds_rights_goes_with_them() {
    for server in servers() {
        let mut world = World::new(&server).await;
        world.sql("CREATE TABLE t (id int8); CREATE ROLE {p}_x; CREATE ROLE {p}_g").await;
        world.becomes("[source.main.role.{p}_a]\nmember_of = { {p}_g = { admin = true } }").await;
        world
            .sql("GRANT SELECT ON t TO {p}_a WITH GRANT OPTION; GRANT UPDATE (id) ON t TO {p}_a; GRANT CREATE ON DATABASE {p} TO {p}_a; \
                  SET ROLE {p}_a; GRANT SELECT ON t TO {p}_x; GRANT {p}_g TO {p}_x; RESET ROLE; \
                  ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {p}_a; \
                  ALTER DEFAULT PRIVILEGES FOR ROLE {p}_a REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC; \
                  ALTER DEFAULT PRIVILEGES FOR ROLE {p}_a IN SCHEMA public GRANT SELECT ON TABLES TO {p}_x")
            .await;
        world.becomes("").await;
        let snapshot = world.snapshot().await;
        assert!(!snapshot.roles.contains_key(world.text("{p}_a").as_str()));
        assert!(world.works_as("{p}_x", "SELECT * FROM t").await, "what it gave on stays");
        assert!(snapshot.is_member(&world.text("{p}_x"), &world.text("{p}_g")));
        world.end().await;
    }
}

#[tokio::test]
async fn a_moved_database_is_refused() {
    for server in servers() {
        let mut world = World::new(&server).await;
        let (loaded, policy) = world.loaded("[source.main.role.{p}_a]").await;
        let snapshot = world.snapshot().await;
        let seen = super::see(&super::ground(&world.access, &loaded, &policy, &snapshot, &world.kept)).unwrap();
        let steps = super::difference(&seen.desired, &seen.current);
        world.sql("CREATE ROLE {p}_a LOGIN").await;
        let wish = super::Wish {
            access: &world.access,
            loaded: &loaded,
            policy: &policy,
            kept: &world.kept,
            snapshot: &seen.snapshot,
            now: 0,
            consent: &super::AGREED,
        };
        let entropy = super::Counted(Default::default());
        let error = wish.carry_out(&|_, _| None, &entropy, &steps).await.unwrap_err();
        assert_eq!(code(&error), "PLAN_MOVED");
        world.kept = super::Kept::default();
        world.end().await;
    }
}

#[tokio::test]
async fn a_read_only_database_is_told() {
    for server in servers() {
        let mut world = World::new(&server).await;
        world.sql("ALTER DATABASE {p} SET default_transaction_read_only = on").await;
        let error = world.apply("[source.main.role.{p}_a]").await.unwrap_err();
        assert!(
            matches!(&error, PlanError::Statement { error: AdminError::ReadOnly { standby: false }, .. }),
            "{error:?}"
        );
        world.sql("ALTER DATABASE {p} RESET default_transaction_read_only").await;
        world.becomes("[source.main.role.{p}_a]").await;
        world.end().await;
    }
}

#[tokio::test]
async fn missing_rights_are_told_and_nothing_is_half_applied() {
    for server in servers() {
        let mut world = World::new(&server).await;
        world.sql("CREATE TABLE t (id int8); CREATE TABLE own (id int8); CREATE ROLE {p}_weak LOGIN; ALTER TABLE own OWNER TO {p}_weak; CREATE ROLE {p}_r; GRANT CREATE ON DATABASE {p} TO {p}_weak").await;
        let owner = world.access.owner.clone();
        world.access.owner = SourceUrl::parse(&with(&server, Some(&world.text("{p}_weak")), &world.prefix)).unwrap();
        let rights = |table: &str| {
            format!(
                "[source.main.role.{{p}}_r]\nmode = \"external\"\n[source.main.schema.made]\n[source.main.role.{{p}}_r.grants]\n\"public.own\" = [\"SELECT\"]\n\"public.{table}\" = [\"SELECT\"]"
            )
        };
        // The server takes a GRANT without any right to it as nothing, or refuses it: neither is done.
        let error = world.apply(&rights("t")).await.unwrap_err();
        assert!(["NOT_EFFECTIVE", "NOT_APPLIED"].contains(&code(&error)), "{error:?}");
        let snapshot = world.snapshot().await;
        assert!(
            !snapshot.things.contains_key(&tenantry_policy::Object::Schema("made".to_owned())),
            "nothing half-applied"
        );
        let error = world.apply("[source.main.role.{p}_made]").await.unwrap_err();
        assert!(
            matches!(&error, PlanError::Statement { error: AdminError::Refused { code, .. }, .. } if code == "42501"),
            "{error:?}"
        );
        assert!(error.hint().is_some_and(|hint| hint.contains("CREATEROLE")), "{:?}", error.hint());
        // What it may do, it does.
        world.becomes(&rights("own").replace("\"public.own\" = [\"SELECT\"]\n\"public.own\"", "\"public.own\"")).await;
        world.access.owner = owner;
        world.end().await;
    }
}

#[tokio::test]
async fn a_connection_lost_in_the_middle_leaves_nothing() {
    for server in servers() {
        let mut world = World::new(&server).await;
        // The server ends the session that makes the second policy: an event trigger is the tired operator here.
        world
            .sql(
                "CREATE TABLE t (id int8); CREATE FUNCTION cut() RETURNS event_trigger LANGUAGE plpgsql AS \
                  $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); END $$; \
                  CREATE EVENT TRIGGER cut ON ddl_command_end WHEN TAG IN ('CREATE POLICY') EXECUTE FUNCTION cut()",
            )
            .await;
        let file = "[source.main.role.{p}_a]\n[source.main.schema.made]\n[source.main.row_security.\"public.t\".policy.own]\nusing = \"true\"";
        let error = world.apply(file).await.unwrap_err();
        assert_eq!(code(&error), "SOURCE_UNAVAILABLE", "{error:?}");
        let snapshot = world.snapshot().await;
        assert!(!snapshot.roles.contains_key(world.text("{p}_a").as_str()));
        assert!(!snapshot.things.contains_key(&tenantry_policy::Object::Schema("made".to_owned())));
        assert!(!snapshot.relation(&tenantry_policy::Object::parse("public.t").unwrap()).unwrap().row_security);
        world.sql("DROP EVENT TRIGGER cut").await;
        world.becomes(file).await;
        world.end().await;
    }
}

#[tokio::test]
async fn the_runtime_role_holds_what_the_rules_need_and_nothing_else() {
    for server in servers() {
        let mut world = World::new(&server).await;
        world
            .sql("CREATE TABLE orders (id bigserial PRIMARY KEY, tenant_id text NOT NULL, status text, secret text)")
            .await;
        let file = "[table.orders]\nsource = \"main.orders\"\nscope = { tenant_id = \"principal.tenant_id\" }\nfields = { id = \"allow\", status = \"allow\" }";
        world.becomes(file).await;
        assert!(world.works_as("{p}_run", "SELECT id, tenant_id, status FROM orders").await);
        assert!(!world.works_as("{p}_run", "SELECT secret FROM orders").await);
        world.sql("GRANT ALL ON orders TO {p}_run; GRANT SELECT (secret) ON orders TO {p}_run; ALTER TABLE orders NO FORCE ROW LEVEL SECURITY; \
                   DROP POLICY \"tenantry:scope\" ON orders; ALTER POLICY \"tenantry:boundary\" ON orders USING (true)").await;
        let steps = world.becomes(file).await;
        assert_eq!(steps.len(), 4, "{steps:#?}");
        assert!(!world.works_as("{p}_run", "SELECT secret FROM orders").await);
        let error = world.plan(&format!("{file}\n[source.main.role.{{p}}_run]\nlogin = true\n[source.main.role.{{p}}_run.grants]\n\"public.orders\" = [\"SELECT\"]")).await.unwrap_err();
        assert_eq!(code(&error), "RUNTIME_GRANT");
        // Owner and runtime role must not be one.
        let runtime = world.access.runtime.clone();
        world.access.runtime = world.access.owner.clone();
        assert_eq!(code(&world.apply(file).await.unwrap_err()), "SAME_ROLE");
        world.access.runtime = runtime;
        world.end().await;
    }
}

#[tokio::test]
async fn two_applies_wait_for_each_other() {
    for server in servers() {
        let world = World::new(&server).await;
        let mut first = Admin::connect(&world.access.owner).await.unwrap();
        let mut second = Admin::connect(&world.access.owner).await.unwrap();
        first.lock().await.unwrap();
        let waits = tokio::time::timeout(std::time::Duration::from_millis(300), second.lock()).await;
        assert!(waits.is_err(), "the lock was given twice");
        drop((first, second));
        let mut third = Admin::connect(&world.access.owner).await.unwrap();
        third.lock().await.unwrap();
        drop(third);
        world.end().await;
    }
}
