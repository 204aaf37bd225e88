//! A role that row security does not bind is refused, at once and later.

use std::sync::Arc;

use super::super::failure::Failure;
use super::super::pool::NoLease;
use super::super::runtime::Governed;
use super::Database;

fn orders() -> Arc<[Governed]> {
    Arc::from([("public".to_owned(), "orders".to_owned())])
}

const FENCED: &str = "CREATE TABLE orders (id int8 PRIMARY KEY, tenant text);
     ALTER TABLE orders ENABLE ROW LEVEL SECURITY; ALTER TABLE orders FORCE ROW LEVEL SECURITY;";

fn reason(answer: Result<(), NoLease>) -> String {
    match answer {
        Err(NoLease::Unsafe(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_plain_role_over_fenced_tables_passes() {
    let Some(database) = Database::new().await else { return };
    database.run(FENCED).await;
    let pool = database.pool(2);
    assert_eq!(pool.govern(orders()).await, Ok(()));
    assert_eq!(pool.check().await, Ok(()));
    pool.lease().await.map(drop).unwrap();
}

#[tokio::test]
async fn powerful_roles_are_refused() {
    let Some(database) = Database::new().await else { return };
    let role = &database.role;
    let other = format!("{role}_strong");
    database.run(&format!("CREATE ROLE {other} BYPASSRLS")).await;
    for (give, take, wanted) in [
        ("ALTER ROLE app SUPERUSER", "ALTER ROLE app NOSUPERUSER", "SUPERUSER"),
        ("ALTER ROLE app BYPASSRLS", "ALTER ROLE app NOBYPASSRLS", "BYPASSRLS"),
        ("ALTER ROLE app CREATEROLE", "ALTER ROLE app NOCREATEROLE", "CREATEROLE"),
        ("ALTER ROLE app REPLICATION", "ALTER ROLE app NOREPLICATION", "REPLICATION"),
        ("GRANT strong TO app", "REVOKE strong FROM app", "member of"),
        ("GRANT pg_read_server_files TO app", "REVOKE pg_read_server_files FROM app", "pg_read_server_files"),
        ("ALTER ROLE app SET row_security = off", "ALTER ROLE app RESET ALL", ""),
    ] {
        let named = |sql: &str| sql.replace("app", role).replace("strong", &other);
        database.run(&named(give)).await;
        // A setting of the role is beaten by ours, which come with the connection.
        match wanted {
            "" => assert_eq!(database.pool(1).check().await, Ok(()), "{give}"),
            _ => assert!(reason(database.pool(1).check().await).contains(wanted), "{give}"),
        }
        database.run(&named(take)).await;
    }
    assert_eq!(database.pool(1).check().await, Ok(()));
}

#[tokio::test]
async fn unfenced_tables_are_refused() {
    let Some(database) = Database::new().await else { return };
    let pool = database.pool(1);
    assert!(reason(pool.govern(orders()).await).contains("not there"));
    database.run("CREATE VIEW orders AS SELECT 1 AS id").await;
    assert!(reason(pool.govern(orders()).await).contains("not a table"));
    database.run("DROP VIEW orders; CREATE TABLE orders (id int8)").await;
    assert!(reason(pool.govern(orders()).await).contains("enabled"));
    database.run("ALTER TABLE orders ENABLE ROW LEVEL SECURITY").await;
    assert!(reason(pool.govern(orders()).await).contains("force"));
    database.run("ALTER TABLE orders FORCE ROW LEVEL SECURITY").await;
    assert_eq!(pool.govern(orders()).await, Ok(()));
    database.run(&format!("ALTER TABLE orders OWNER TO {}", database.role)).await;
    assert!(reason(pool.govern(orders()).await).contains("belongs"));
    let group = format!("{}_group", database.role);
    database
        .run(&format!("CREATE ROLE {group}; ALTER TABLE orders OWNER TO {group}; GRANT {group} TO {}", database.role))
        .await;
    assert!(reason(pool.govern(orders()).await).contains("belongs"));
}

#[tokio::test]
async fn a_fence_that_falls_later_stops_all_lending_until_it_stands_again() {
    let Some(database) = Database::new().await else { return };
    database.run(FENCED).await;
    let pool = database.pool(2);
    pool.govern(orders()).await.unwrap();
    database.run("ALTER TABLE orders NO FORCE ROW LEVEL SECURITY").await;
    assert!(reason(pool.check().await).contains("force"));
    assert!(matches!(pool.lease().await.err(), Some(NoLease::Unsafe(_))));
    assert_eq!(pool.idle(), 0);
    database.run("ALTER TABLE orders FORCE ROW LEVEL SECURITY").await;
    assert_eq!(pool.check().await, Ok(()));
    pool.lease().await.map(drop).unwrap();
}

#[tokio::test]
async fn a_new_connection_is_looked_at_too() {
    let Some(database) = Database::new().await else { return };
    database.run(FENCED).await;
    let pool = database.pool(2);
    pool.govern(orders()).await.unwrap();
    let held = pool.lease().await.unwrap();
    database.run("ALTER TABLE orders DISABLE ROW LEVEL SECURITY").await;
    assert!(matches!(pool.lease().await.err(), Some(NoLease::Unsafe(_))));
    drop(held);
}

#[tokio::test]
async fn the_urls_own_options_do_not_win() {
    let Some(database) = Database::new().await else { return };
    let own = "?options=-c%20search_path=public%20-c%20row_security=off%20-c%20TimeZone=Asia/Tokyo";
    let address = [&database.url, own].concat().parse().unwrap();
    let pool = super::Pool::new(address, &crate::Options::default(), Arc::clone(&database.clock) as _);
    assert_eq!(pool.check().await, Ok(()));
}

#[tokio::test]
async fn a_refused_login_is_told_as_such() {
    let Some(database) = Database::new().await else { return };
    database.run(&format!("ALTER ROLE {} NOLOGIN", database.role)).await;
    assert_eq!(database.pool(1).check().await, Err(NoLease::Failed(Failure::Login)));
}
