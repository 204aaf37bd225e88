//! The owner's side.

use super::super::admin::{Admin, AdminError};
use super::Database;

#[tokio::test]
async fn all_statements_or_none() {
    let Some(database) = Database::new().await else { return };
    let mut admin = Admin::connect(&database.owner_url()).await.unwrap();
    let good = ["CREATE TABLE public.a (id int8)", "CREATE TABLE public.b (id int8)"].map(str::to_owned);
    let mut bad = good.to_vec();
    bad.push("CREATE TABLE public.a (id int8, password text)".to_owned());
    let error = admin.apply(&bad).await.unwrap_err();
    let AdminError::Refused { statement, code, .. } = &error else { panic!("{error:?}") };
    assert_eq!((*statement, code.as_str()), (2, "42P07"));
    assert!(!format!("{error} {error:?}").contains("password"));
    assert!(admin.catalog().await.unwrap().tables.is_empty());
    admin.apply(&good).await.unwrap();
    assert_eq!(admin.catalog().await.unwrap().tables.len(), 2);
}

#[tokio::test]
async fn two_at_once_take_turns() {
    let Some(database) = Database::new().await else { return };
    let mut first = Admin::connect(&database.owner_url()).await.unwrap();
    let mut second = Admin::connect(&database.owner_url()).await.unwrap();
    let create =
        ["CREATE TABLE IF NOT EXISTS public.a (id int8)".to_owned(), "SELECT pg_catalog.pg_sleep(0.05)".to_owned()];
    let (one, two) = tokio::join!(first.apply(&create), second.apply(&create));
    assert_eq!((one, two), (Ok(()), Ok(())));
}

#[tokio::test]
async fn the_runtime_role_is_made_once_and_without_power() {
    let Some(database) = Database::new().await else { return };
    let mut admin = Admin::connect(&database.owner_url()).await.unwrap();
    let name = format!("{} \"x\"", database.role);
    assert_eq!(admin.role(&name).await.unwrap(), None);
    assert!(admin.ensure_role(&name, Some("s3cret")).await.unwrap());
    assert!(!admin.ensure_role(&name, Some("other")).await.unwrap());
    let role = admin.role(&name).await.unwrap().unwrap();
    assert!(role.login && !role.unbound && !role.creates && role.member_of.is_empty(), "{role:?}");
    let row = database.owner.query_one("SELECT rolpassword FROM pg_authid WHERE rolname = $1", &[&name]).await.unwrap();
    assert!(row.get::<_, String>(0).starts_with("SCRAM-SHA-256$"));
}

#[tokio::test]
async fn fences_are_read_back() {
    let Some(database) = Database::new().await else { return };
    let role = &database.role;
    database
        .run(&format!(
            "CREATE TABLE orders (id int8, tenant text); CREATE TABLE plans (id int8);
             ALTER TABLE orders ENABLE ROW LEVEL SECURITY; ALTER TABLE orders FORCE ROW LEVEL SECURITY;
             CREATE POLICY own ON orders FOR SELECT TO {role} USING (tenant = 'a');
             CREATE POLICY border ON orders AS RESTRICTIVE USING (true) WITH CHECK (tenant <> 'b');
             GRANT SELECT ON orders TO {role}; GRANT SELECT ON plans TO PUBLIC"
        ))
        .await;
    let admin = Admin::connect(&database.owner_url()).await.unwrap();
    let wanted = ["orders", "nothing", "plans"].map(|name| ("public".to_owned(), name.to_owned()));
    let fences = admin.fences(&wanted).await.unwrap();
    let [orders, plans] = fences.as_slice() else { panic!("{fences:?}") };
    assert!(orders.enabled && orders.forced && !plans.enabled && !plans.forced);
    let [border, own] = orders.policies.as_slice() else { panic!("{orders:?}") };
    assert!(!border.permissive && border.command == "ALL" && border.roles == ["PUBLIC"] && border.check.is_some());
    assert!(own.permissive && own.command == "SELECT" && own.roles == [role.clone()] && own.check.is_none());
    assert_eq!(own.using.as_deref(), Some("(tenant = 'a'::text)"));
    assert!(orders.grants.contains(&(role.clone(), "SELECT".to_owned())));
    assert!(!orders.grants.contains(&(role.clone(), "INSERT".to_owned())));
    assert!(plans.grants.contains(&("PUBLIC".to_owned(), "SELECT".to_owned())));
    assert_eq!(orders.owner, database.config.get_user().unwrap());
    assert_ne!(database.name, "");
}
