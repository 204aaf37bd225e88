//! The runtime role: what it may never be, and what it cannot do even in a thief's hands.

use futures_util::TryStreamExt as _;
use serde_json::json;
use tenantry_source::{Options, Source, SourceError};

use crate::world::{LOOT, bind, count, name, postgres, refused, seen, thief};

/// PostgreSQL's word for a missing privilege.
const NO_PRIVILEGE: &str = "42501";

#[tokio::test(flavor = "multi_thread")]
async fn a_table_without_force_is_refused_at_start() {
    let Some(stage) = postgres().await else { return };
    let start = || async {
        let clock = stage.clock.clone();
        let source =
            Source::open("main", &stage.database.runtime_url(), Options::default(), clock).await.expect("opens");
        let tables: Vec<_> =
            stage.policy.tables.iter().map(|table| (table.schema.clone(), table.db_name.clone())).collect();
        source.check_runtime(&tables).await
    };
    assert!(start().await.is_ok());
    for (fall, mend) in [
        ("ALTER TABLE orders NO FORCE ROW LEVEL SECURITY", "ALTER TABLE orders FORCE ROW LEVEL SECURITY"),
        ("ALTER TABLE orders DISABLE ROW LEVEL SECURITY", "ALTER TABLE orders ENABLE ROW LEVEL SECURITY"),
    ] {
        stage.database.execute(fall).await;
        assert!(matches!(start().await, Err(SourceError::Unsafe(_))), "{fall}");
        stage.database.execute(mend).await;
        assert!(start().await.is_ok(), "{mend}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_gains_power_while_serving_is_noticed_and_lent_nothing() {
    let Some(stage) = postgres().await else { return };
    let role = format!("{}_runtime", name(&stage));
    let owner = format!("{}_owner", name(&stage));
    let ada = bind(&stage, "a");
    let ask = json!({ "model": "customers" });
    stage
        .database
        .execute(&format!(
            "CREATE ROLE {role}_strong BYPASSRLS; CREATE ROLE {role}_middle; GRANT {role}_strong TO {role}_middle"
        ))
        .await;
    for (gain, lose) in [
        (format!("ALTER ROLE {role} BYPASSRLS"), format!("ALTER ROLE {role} NOBYPASSRLS")),
        (format!("ALTER ROLE {role} SUPERUSER"), format!("ALTER ROLE {role} NOSUPERUSER")),
        (format!("ALTER ROLE {role} CREATEROLE"), format!("ALTER ROLE {role} NOCREATEROLE")),
        (format!("GRANT {role}_middle TO {role}"), format!("REVOKE {role}_middle FROM {role}")),
        (format!("GRANT {owner} TO {role}"), format!("REVOKE {owner} FROM {role}")),
        (format!("GRANT pg_write_server_files TO {role}"), format!("REVOKE pg_write_server_files FROM {role}")),
        (format!("ALTER TABLE orders OWNER TO {role}"), format!("ALTER TABLE orders OWNER TO {owner}")),
    ] {
        stage.database.execute(&gain).await;
        assert!(stage.guard.health().await.is_err(), "{gain}");
        let answer = stage.call(&ada, "query", &ask).await;
        assert_eq!(answer["error"]["code"], json!("INTERNAL_ERROR"), "{gain}: {answer}");
        assert!(!answer.to_string().contains(&role), "{answer}");
        stage.database.execute(&lose).await;
        assert!(stage.guard.health().await.is_ok(), "{lose}");
        let answer = stage.call(&ada, "query", &ask).await;
        assert_eq!(answer["success"], json!(true), "{lose}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_runtime_role_can_neither_truncate_nor_change_nor_become_anything() {
    let Some(stage) = postgres().await else { return };
    let before = count(&stage.database.client().await, "SELECT count(*) FROM orders").await;
    let (thief, name) = (thief(&stage).await, name(&stage).to_owned());
    for sql in [
        "TRUNCATE orders",
        "TRUNCATE customers CASCADE",
        "DROP TABLE orders",
        "ALTER TABLE orders DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE orders NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE orders ADD COLUMN x int",
        "DROP POLICY \"tenantry:scope\" ON customers",
        "CREATE POLICY p ON customers USING (true)",
        "CREATE TABLE public.mine (a int)",
        "CREATE VIEW public.mine AS SELECT * FROM orders",
        "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE TRIGGER t BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "CREATE SCHEMA mine",
        "CREATE ROLE mine",
        "CREATE DATABASE mine",
        "SELECT pg_read_file('/etc/passwd')",
        "COPY orders TO '/tmp/orders'",
        "COPY orders FROM '/etc/passwd'",
        "COPY orders TO PROGRAM 'cat'",
        "COPY (SELECT 1) TO PROGRAM 'cat'",
        "SELECT * FROM pg_authid",
        "SELECT * FROM pg_statistic",
        "ALTER SYSTEM SET row_security = off",
        "SET session_replication_role = replica",
        "SELECT lo_import('/etc/passwd')",
    ] {
        assert_eq!(refused(&thief, sql).await, NO_PRIVILEGE, "{sql}");
    }
    let superuser: String =
        stage.database.client().await.query_one("SELECT current_user::text", &[]).await.expect("a name").get(0);
    for role in [&superuser, &format!("{name}_owner")] {
        assert_eq!(refused(&thief, &format!("SET ROLE {role}")).await, NO_PRIVILEGE);
        assert_eq!(refused(&thief, &format!("SET SESSION AUTHORIZATION {role}")).await, NO_PRIVILEGE);
    }
    // Only a warning to PostgreSQL: nothing is given.
    thief.batch_execute("GRANT SELECT ON orders TO PUBLIC").await.expect("warns");
    let given = "SELECT count(*) FROM pg_class c, aclexplode(c.relacl) a WHERE c.relname = 'orders' AND a.grantee = 0";
    assert_eq!(count(&stage.database.client().await, given).await, 0);
    // Loading rows past the policies is refused for whom they bind.
    let copy = thief.copy_in::<_, &[u8]>("COPY orders FROM STDIN").await.err().expect("refused");
    assert!(["0A000", NO_PRIVILEGE].contains(&copy.code().expect("a code").code()), "{copy}");
    assert_eq!(count(&stage.database.client().await, "SELECT count(*) FROM orders").await, before);
}

/// Without settings the role sees nothing, whichever way it looks.
#[tokio::test(flavor = "multi_thread")]
async fn without_settings_the_runtime_role_sees_no_row() {
    let Some(stage) = postgres().await else { return };
    stage.database.execute("ANALYZE").await;
    let thief = thief(&stage).await;
    for sql in [
        "SELECT count(*) FROM customers",
        "SELECT count(*) FROM ONLY customers",
        "SELECT count(*) FROM orders",
        "SELECT count(*) FROM customers c JOIN orders o ON o.customer_id = c.id",
        "WITH x AS MATERIALIZED (SELECT id FROM customers) SELECT count(*) FROM x",
        "SELECT count(*) FROM customers TABLESAMPLE SYSTEM (100)",
        // The planner's statistics hold values of everybody's rows.
        "SELECT count(*) FROM pg_stats WHERE tablename IN ('customers', 'orders')",
        "SELECT count(*) FROM pg_stats_ext",
    ] {
        assert_eq!(count(&thief, sql).await, 0, "{sql}");
    }
    for setting in ["''", "'zz'", "'a'' OR true --'", "'{a,b}'", "'%'", "'NULL'"] {
        let sql = format!("BEGIN; SELECT set_config('tenantry.tenant_id', {setting}, true)");
        thief.batch_execute(&sql).await.expect("sets");
        assert_eq!(count(&thief, "SELECT count(*) FROM customers").await, 0, "{setting}");
        thief.batch_execute("ROLLBACK").await.expect("rolls back");
    }
    // COPY and EXPLAIN go through the same policies.
    let copied = thief.copy_out("COPY (SELECT id, tenant_id, name FROM customers) TO STDOUT").await.expect("copies");
    let copied: Vec<_> = copied.try_collect().await.expect("copies");
    assert!(copied.is_empty(), "{copied:?}");
    let plan = thief
        .query("EXPLAIN (ANALYZE, VERBOSE) SELECT name FROM customers WHERE name >= 'l'", &[])
        .await
        .expect("plans");
    let plan: String = plan.iter().map(|row| row.get::<_, String>(0)).collect();
    assert!(!plan.contains(LOOT), "{plan}");
    // To be free of the policies is an error, not a wish.
    thief.batch_execute("SET row_security = off").await.expect("sets");
    assert_eq!(refused(&thief, "SELECT count(*) FROM customers").await, NO_PRIVILEGE);
}

/// The end of a transaction takes its settings along; so does the end of a part of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_savepoint_restores_no_setting_of_another_transaction() {
    let Some(stage) = postgres().await else { return };
    let thief = thief(&stage).await;
    let set = "SELECT set_config('tenantry.tenant_id', 'a', true)";
    thief.batch_execute(&format!("BEGIN; {set}; COMMIT")).await.expect("runs");
    assert_eq!(count(&thief, "SELECT count(*) FROM customers").await, 0);
    thief.batch_execute(&format!("BEGIN; SAVEPOINT s; {set}; ROLLBACK TO s")).await.expect("runs");
    assert_eq!(count(&thief, "SELECT count(*) FROM customers").await, 0);
    thief.batch_execute("RELEASE s; COMMIT").await.expect("runs");
    assert_eq!(count(&thief, "SELECT count(*) FROM customers").await, 0);
}

/// A condition that a planner might like to try first sees only rows that the policies show.
#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_tells_is_not_run_on_foreign_rows() {
    let Some(stage) = postgres().await else { return };
    let thief = thief(&stage).await;
    thief
        .batch_execute(
            "CREATE TEMP TABLE heard (name text);
             CREATE FUNCTION pg_temp.tell(t text) RETURNS bool LANGUAGE plpgsql COST 0.0000001 AS
             'BEGIN INSERT INTO pg_temp.heard VALUES (t); RETURN true; END';
             BEGIN; SELECT set_config('tenantry.tenant_id', 'a', true)",
        )
        .await
        .expect("sets");
    assert_eq!(count(&thief, "SELECT count(*) FROM customers WHERE pg_temp.tell(name)").await, 3);
    assert_eq!(count(&thief, "SELECT count(*) FROM pg_temp.heard").await, 3);
    assert_eq!(count(&thief, "SELECT count(*) FROM pg_temp.heard WHERE name LIKE 'loot%'").await, 0);
    // The text of an error is told nobody, and would hold own values only.
    let error = thief.query("SELECT count(*) FROM customers WHERE has_table_privilege(name, 'select')", &[]).await;
    assert!(!format!("{:?}", error.expect_err("no such table")).contains(LOOT));
}

/// Settings that somebody left with the role or the database do not get into calls.
#[tokio::test(flavor = "multi_thread")]
async fn settings_left_with_role_or_database_reach_no_call() {
    let Some(stage) = postgres().await else { return };
    let before = seen(&stage, "a").await;
    let role = format!("{}_runtime", name(&stage));
    // Settings of the role and of the database, where a thief with an owner's rights might leave them.
    for sql in [
        format!("ALTER ROLE {role} SET tenantry.tenant_id = 'b'"),
        format!("ALTER DATABASE {} SET tenantry.tenant_id = 'b'", name(&stage)),
        format!("ALTER ROLE {role} SET search_path = pg_temp, public"),
        format!("ALTER ROLE {role} SET row_security = off"),
        format!("ALTER ROLE {role} SET default_transaction_read_only = on"),
        format!("ALTER DATABASE {} SET TimeZone = 'Asia/Tokyo'", name(&stage)),
    ] {
        stage.database.execute(&sql).await;
    }
    cut(&stage).await;
    let after = loop {
        // The first calls after a cut may still meet a dead connection.
        let answers = seen(&stage, "a").await;
        if answers.iter().all(|answer| answer["error"]["code"] != json!("INTERNAL_ERROR")) {
            break answers;
        }
    };
    assert_eq!(before, after);
}

/// Ends every connection of the runtime role, so that new ones are opened.
async fn cut(stage: &crate::support::Stage) {
    let role = format!("{}_runtime", name(stage));
    stage
        .database
        .execute(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'"))
        .await;
}
