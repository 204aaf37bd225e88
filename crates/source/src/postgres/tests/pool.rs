//! A connection is lent clean or not at all.

use std::time::Duration;

use super::super::failure::Failure;
use super::super::flush::{Settings, control};
use super::super::pool::{Lease, NoLease, Pool};
use super::{Database, process};

async fn one(lease: &mut Lease, sql: &str) -> String {
    let row = lease.session().unwrap().client.query_one(sql, &[]).await.unwrap();
    row.get::<_, Option<String>>(0).unwrap_or_default()
}

const TENANT: &str = "SELECT pg_catalog.current_setting('tenantry.tenant_id', true)";

/// One request with settings, as the reads send it.
async fn request(pool: &Pool, tenant: &str, sql: &str) -> Result<(), Failure> {
    let mut lease = pool.lease().await.unwrap();
    let settings = Settings::new([("tenantry.tenant_id", tenant.into())].into_iter());
    let session = lease.session().unwrap();
    let set = settings.prepare(session).await.unwrap();
    let statement = session.prepare(sql).await?;
    let client = &session.client;
    let query = async { client.query(&statement, &[]).await.map_err(|error| Failure::of(&error)) };
    let (begin, set, rows, commit) = tokio::join!(
        biased;
        control(client, "BEGIN READ ONLY"),
        settings.apply(client, &set),
        query,
        control(client, "COMMIT"),
    );
    assert_eq!((begin, set, &commit), (Ok(()), Ok(()), &Ok(())));
    lease.finish();
    rows.map(drop)
}

#[tokio::test]
async fn settings_end_with_their_transaction() {
    let Some(database) = Database::new().await else { return };
    let pool = database.pool(1);
    request(&pool, "acme", "SELECT 1").await.unwrap();
    let mut lease = pool.lease().await.unwrap();
    assert_eq!(one(&mut lease, TENANT).await, "");
    assert_eq!(one(&mut lease, "SELECT pg_catalog.current_setting('search_path')").await, "pg_catalog,pg_temp");
    assert_eq!(one(&mut lease, "SELECT pg_catalog.current_setting('application_name')").await, "tenantry");
}

#[tokio::test]
async fn a_failed_statement_leaves_nothing_for_the_next() {
    let Some(database) = Database::new().await else { return };
    let pool = database.pool(1);
    assert_eq!(request(&pool, "acme", "SELECT 1 / (pg_catalog.random() * 0)::int4").await, Err(Failure::Value));
    assert_eq!(pool.idle(), 1);
    let mut lease = pool.lease().await.unwrap();
    assert_eq!(one(&mut lease, TENANT).await, "");
}

#[tokio::test]
async fn a_dropped_request_closes_its_connection_and_stops_its_statement() {
    let Some(database) = Database::new().await else { return };
    let pool = database.pool(1);
    let mut lease = pool.lease().await.unwrap();
    let before = process(&mut lease).await;
    lease.finish();
    assert_eq!(pool.idle(), 1);

    let slow = request(&pool, "acme", "SELECT pg_catalog.pg_sleep(60)");
    assert!(tokio::time::timeout(Duration::from_millis(100), slow).await.is_err());
    assert_eq!(pool.idle(), 0);

    let mut lease = pool.lease().await.unwrap();
    assert_ne!(process(&mut lease).await, before);
    assert_eq!(one(&mut lease, TENANT).await, "");
    gone(&database, before).await;
}

#[tokio::test]
async fn a_lease_that_is_not_finished_does_not_come_back() {
    let Some(database) = Database::new().await else { return };
    let pool = database.pool(1);
    let mut lease = pool.lease().await.unwrap();
    let client = &lease.session().unwrap().client;
    client.batch_execute("BEGIN; SELECT pg_catalog.set_config('tenantry.tenant_id', 'acme', true)").await.unwrap();
    let before = process(&mut lease).await;
    drop(lease);
    assert_eq!(pool.idle(), 0);
    let mut lease = pool.lease().await.unwrap();
    assert_ne!(process(&mut lease).await, before);
    assert_eq!(one(&mut lease, TENANT).await, "");
    gone(&database, before).await;
}

/// Waits until the server has no such process, by asking it; the test's own limit ends a vain wait.
async fn gone(database: &Database, process: i32) {
    let still = "SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE pid = $1";
    let wait = async { while database.owner.query_one(still, &[&process]).await.unwrap().get::<_, i64>(0) > 0 {} };
    tokio::time::timeout(Duration::from_secs(10), wait).await.unwrap();
}

#[tokio::test]
async fn the_pool_heals_when_its_connections_are_cut() {
    let Some(database) = Database::new().await else { return };
    let pool = database.pool(2);
    let mut lease = pool.lease().await.unwrap();
    let process = process(&mut lease).await;
    let cut = database.owner.query_one("SELECT pg_catalog.pg_terminate_backend($1, 5000)", &[&process]).await.unwrap();
    assert!(cut.get::<_, bool>(0));
    let error = lease.session().unwrap().client.query("SELECT 1", &[]).await.unwrap_err();
    assert_eq!(Failure::of(&error), Failure::Unavailable);
    drop(lease);
    request(&pool, "acme", "SELECT 1").await.unwrap();
}

#[tokio::test]
async fn a_full_pool_answers_in_time() {
    let Some(database) = Database::new().await else { return };
    let pool = database.pool(1);
    let _lease = pool.lease().await.unwrap();
    assert_eq!(pool.lease().await.err(), Some(NoLease::Exhausted));
}

#[tokio::test]
async fn an_old_connection_is_replaced() {
    let Some(database) = Database::new().await else { return };
    let pool = database.pool(1);
    let mut lease = pool.lease().await.unwrap();
    let before = process(&mut lease).await;
    lease.finish();
    let mut lease = pool.lease().await.unwrap();
    assert_eq!(process(&mut lease).await, before);
    lease.finish();
    database.clock.forward(Duration::from_secs(31 * 60));
    let mut lease = pool.lease().await.unwrap();
    assert_ne!(process(&mut lease).await, before);
}

#[tokio::test]
async fn errors_have_the_meaning_of_their_code() {
    let Some(database) = Database::new().await else { return };
    database
        .run(&format!(
            "CREATE TABLE parent (id int8 PRIMARY KEY);
             CREATE TABLE child (id int8 PRIMARY KEY, parent int8 NOT NULL REFERENCES parent,
                                 amount int2 CHECK (amount < 10));
             CREATE TABLE fenced (id int8 PRIMARY KEY, tenant text);
             ALTER TABLE fenced ENABLE ROW LEVEL SECURITY;
             CREATE POLICY own ON fenced USING (tenant = 'acme');
             CREATE TABLE closed (id int8);
             INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1, 1, 1);
             GRANT ALL ON parent, child, fenced TO {}",
            database.role
        ))
        .await;
    let pool = database.pool(1);
    for (sql, expected) in [
        ("INSERT INTO public.parent VALUES (1)", Failure::Unique),
        ("INSERT INTO public.child VALUES (2, 9, 1)", Failure::Reference),
        ("DELETE FROM public.parent", Failure::Reference),
        ("INSERT INTO public.child (id) VALUES (2)", Failure::Null("parent".to_owned())),
        ("INSERT INTO public.child VALUES (2, 1, 10)", Failure::Check),
        ("INSERT INTO public.child VALUES (2, 1, 40000)", Failure::Value),
        ("SELECT 'x'::int8 FROM public.parent", Failure::Value),
        ("INSERT INTO public.fenced VALUES (1, 'globex')", Failure::RowSecurity),
        ("SELECT FROM public.closed", Failure::Grant),
        ("SELECT FROM public.nothing", Failure::Missing),
        ("SELECT FROM parent", Failure::Missing),
    ] {
        let mut lease = pool.lease().await.unwrap();
        let error = lease.session().unwrap().client.batch_execute(sql).await.unwrap_err();
        assert_eq!(Failure::of(&error), expected, "{sql}");
    }
    let mut lease = pool.lease().await.unwrap();
    let session = lease.session().unwrap();
    let limit = Settings::new([("statement_timeout", "20".into())].into_iter());
    let set = limit.prepare(session).await.unwrap();
    control(&session.client, "BEGIN").await.unwrap();
    limit.apply(&session.client, &set).await.unwrap();
    assert_eq!(control(&session.client, "SELECT pg_catalog.pg_sleep(60)").await, Err(Failure::Timeout));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_without_its_address() {
    let url = crate::SourceUrl::parse("postgres://app:s3cret@127.0.0.1:1/nothing").unwrap();
    let error = crate::read_catalog(&url).await.unwrap_err();
    assert!(matches!(error, crate::SourceError::Unavailable(_)), "{error:?}");
    let text = format!("{error} {error:?}");
    assert!(!text.contains("s3cret") && !text.contains("127.0.0.1"), "{text}");
}
