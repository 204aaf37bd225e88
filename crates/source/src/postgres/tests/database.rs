//! Who may see which rows, read back.

use tenantry_policy::Type;
use tenantry_policy::database::{DbCommand, RelationKind};

use super::super::admin::Admin;
use super::Database;

#[tokio::test]
async fn what_decides_who_sees_what_is_read_back() {
    let Some(database) = Database::new().await else { return };
    let role = &database.role;
    database
        .run(&format!(
            "CREATE TYPE mood AS ENUM ('ok', 'sad');
             CREATE TABLE tenants (id uuid PRIMARY KEY);
             CREATE TABLE orders (id int8 PRIMARY KEY, gone int, tenant_id uuid NOT NULL REFERENCES tenants, mood mood,
                                  name varchar(20) CHECK (name <> ''), UNIQUE (tenant_id, name));
             ALTER TABLE orders DROP COLUMN gone;
             ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
             CREATE FUNCTION tenant() RETURNS uuid LANGUAGE sql STABLE
                 AS $$ SELECT nullif(current_setting('app.tenant', true), '')::uuid $$;
             CREATE FUNCTION mine(of uuid, also text DEFAULT '') RETURNS bool SECURITY DEFINER STABLE
                 BEGIN ATOMIC SELECT of = tenant(); END;
             CREATE POLICY own ON orders FOR UPDATE TO {role} USING (mine(tenant_id)) WITH CHECK (mood = 'ok');
             CREATE VIEW open AS SELECT * FROM orders;
             CREATE VIEW safe WITH (security_invoker = true) AS SELECT * FROM orders;
             GRANT SELECT (id, name) ON orders TO {role}; GRANT SELECT ON open TO PUBLIC"
        ))
        .await;
    let found = Admin::connect(&database.owner_url()).await.unwrap().database().await.unwrap();
    let relation = |name: &str| found.relations.iter().find(|relation| relation.name == name).unwrap();
    let orders = relation("orders");
    assert!(orders.secured && !orders.forced && orders.kind == RelationKind::Table);
    assert_eq!(
        orders.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(),
        ["id", "tenant_id", "mood", "name"]
    );
    let mood = &orders.columns[2];
    assert_eq!((mood.ty, mood.native.as_str(), mood.labels.len()), (Some(Type::Text), "public.mood", 2));
    assert_eq!(orders.columns[3].longest, Some(20));
    assert_eq!(orders.keys, [vec![0], vec![1, 3]]);
    assert_eq!(orders.foreign_keys[0].columns, [1]);
    assert_eq!(orders.foreign_keys[0].to, ("public".to_owned(), "tenants".to_owned()));
    assert!(orders.checks[0].text.contains("name"), "{:?}", orders.checks);
    let policy = &orders.policies[0];
    assert_eq!((policy.name.as_str(), policy.command, policy.permissive), ("own", DbCommand::Update, true));
    assert_eq!(policy.roles, std::slice::from_ref(role));
    assert_eq!(policy.using.as_deref(), Some("public.mine(tenant_id)"));
    assert_eq!(policy.check.as_deref(), Some("(mood = 'ok'::public.mood)"));
    assert!(orders.grants.iter().any(|grant| &grant.grantee == role && grant.column == Some(3)));
    assert!(relation("open").grants.iter().any(|grant| grant.grantee == "PUBLIC" && grant.privilege == "SELECT"));
    assert!(!relation("open").invoker && relation("safe").invoker);
    assert!(relation("open").definition.as_deref().is_some_and(|text| text.contains("FROM public.orders")));
    let mine = found.functions.iter().find(|function| function.name == "mine").unwrap();
    assert!(mine.definer && mine.defaults == 1 && mine.parsed.is_some(), "{mine:?}");
    assert_eq!(mine.arguments, [("of".to_owned(), Some(Type::Uuid)), ("also".to_owned(), Some(Type::Text))]);
    let tenant = found.functions.iter().find(|function| function.name == "tenant").unwrap();
    assert_eq!((tenant.ty, tenant.language.as_str()), (Some(Type::Uuid), "sql"));
    let app = found.roles.iter().find(|known| &known.name == role).unwrap();
    assert!(app.login && !app.superuser && app.acts_as.contains(role));
    assert!(found.schemas.iter().any(|schema| schema.name == "public" && schema.used_by.contains(role)));
}
