//! Snapshots of a cluster, compared with what the server itself answers.

use std::time::Instant;

use tenantry_policy::object::{Object, ObjectKind, Privilege};

use super::super::admin::Admin;
use super::super::cluster::{Detail, Grantee, RelationKind, Snapshot};
use super::Database;

fn object(text: &str) -> Object {
    Object::parse(text).unwrap()
}

/// Who holds what on a thing, beside its owner: `role SELECT`, `PUBLIC USAGE*` with the option to grant.
fn held(snapshot: &Snapshot, text: &str) -> Vec<String> {
    let thing = snapshot.things.get(&object(text)).unwrap_or_else(|| panic!("{text} is not there"));
    let others = thing.rights.iter().filter(|grant| grant.grantee.role() != Some(&thing.owner));
    others
        .map(|grant| {
            let who = grant.grantee.role().unwrap_or("PUBLIC");
            format!("{who} {}{}", grant.privilege, if grant.grantable { "*" } else { "" })
        })
        .collect()
}

#[tokio::test]
async fn every_kind_of_thing_and_right_is_read() {
    let Some(database) = Database::new().await else { return };
    let role = &database.role;
    let name = &database.name;
    let settings = format!("ALTER ROLE {role} IN DATABASE {name} SET work_mem = '8MB'");
    database
        .run(&format!(
            "ALTER ROLE {role} VALID UNTIL '2030-01-02 03:04:05.5Z' CONNECTION LIMIT 7;
             ALTER ROLE {role} SET statement_timeout = '5s'; {settings};
             COMMENT ON ROLE {role} IS 'it''s one';
             CREATE ROLE \"{role} Gruppe \"\"Ü\"\"\";
             GRANT \"{role} Gruppe \"\"Ü\"\"\" TO {role} WITH ADMIN OPTION;
             CREATE SCHEMA \"my schema\"; GRANT USAGE ON SCHEMA \"my schema\" TO {role};
             CREATE TABLE \"my schema\".\"Or.ders\" (id int8, \"the state\" text, tenant text);
             GRANT SELECT, UPDATE ON \"my schema\".\"Or.ders\" TO {role} WITH GRANT OPTION;
             GRANT INSERT (id, \"the state\") ON \"my schema\".\"Or.ders\" TO {role};
             ALTER TABLE \"my schema\".\"Or.ders\" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
             CREATE POLICY own ON \"my schema\".\"Or.ders\" AS RESTRICTIVE FOR UPDATE TO {role}, PUBLIC
                USING (tenant = 'a') WITH CHECK (tenant = 'b');
             CREATE TABLE parted (id int8) PARTITION BY RANGE (id);
             CREATE TABLE part PARTITION OF parted FOR VALUES FROM (0) TO (9);
             CREATE VIEW v WITH (security_invoker, security_barrier) AS SELECT id FROM parted;
             CREATE MATERIALIZED VIEW mv AS SELECT id FROM v;
             CREATE SEQUENCE s; GRANT USAGE ON SEQUENCE s TO {role};
             CREATE TYPE mood AS ENUM ('good'); CREATE DOMAIN email AS text; GRANT USAGE ON TYPE email TO {role};
             REVOKE USAGE ON TYPE mood FROM PUBLIC;
             CREATE FUNCTION f(int, mood[], VARIADIC timestamptz[]) RETURNS int LANGUAGE sql SECURITY DEFINER
                SET search_path = pg_catalog, pg_temp AS 'SELECT 1';
             REVOKE EXECUTE ON FUNCTION f FROM PUBLIC;
             CREATE PROCEDURE p(\"char\") LANGUAGE sql AS 'SELECT 1';
             CREATE FOREIGN DATA WRAPPER w_{role}; CREATE SERVER srv FOREIGN DATA WRAPPER w_{role};
             GRANT USAGE ON FOREIGN DATA WRAPPER w_{role} TO {role}; GRANT USAGE ON FOREIGN SERVER srv TO {role};
             CREATE FOREIGN TABLE ft (id int) SERVER srv;
             GRANT USAGE ON LANGUAGE plpgsql TO {role};
             SELECT lo_create(4711); GRANT SELECT ON LARGE OBJECT 4711 TO {role};
             GRANT SET, ALTER SYSTEM ON PARAMETER log_statement TO {role};
             GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_file(text) TO {role};
             ALTER DEFAULT PRIVILEGES IN SCHEMA \"my schema\" GRANT SELECT ON TABLES TO {role};
             ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
             GRANT CREATE ON DATABASE {name} TO {role}"
        ))
        .await;
    let snapshot = Admin::connect(&database.owner_url()).await.unwrap().snapshot().await.unwrap();
    assert!(snapshot.server.major() >= 15 && snapshot.server.superuser && !snapshot.server.in_recovery);
    let found = &snapshot.roles[role.as_str()];
    assert_eq!((found.connection_limit, found.valid_until), (7, Some(1_893_553_445_500_000)));
    assert_eq!(found.comment.as_deref(), Some("it's one"));
    assert_eq!(found.settings["statement_timeout"], "5s");
    assert_eq!(found.settings_in[name.as_str()]["work_mem"], "8MB");
    let group = format!("{role} Gruppe \"Ü\"");
    let member = snapshot.members.iter().find(|member| member.role.as_ref() == group).unwrap();
    assert!(member.member.as_ref() == role && member.admin && member.set && member.inherit);
    assert!(snapshot.is_member(role, &group) && !snapshot.is_member(&group, role));
    let orders = "\"my schema\".\"Or.ders\"";
    assert_eq!(held(&snapshot, orders), [format!("{role} SELECT*"), format!("{role} UPDATE*")]);
    assert_eq!(held(&snapshot, "\"my schema\".\"Or.ders\"(\"the state\")"), [format!("{role} INSERT")]);
    let relation = snapshot.relation(&object(orders)).unwrap();
    assert!(relation.row_security && relation.forced && relation.columns.len() == 3);
    let policy = &snapshot.policies[&(object(orders), "own".into())];
    assert_eq!((policy.permissive, policy.command), (false, "UPDATE"));
    assert_eq!(policy.roles, [Grantee::Public, Grantee::Role(role.as_str().into())][..1], "PUBLIC is everybody");
    assert_eq!(policy.check.as_deref(), Some("(tenant = 'b'::text)"));
    let part = snapshot.relation(&object("public.part")).unwrap();
    assert_eq!(part.parent, Some(object("public.parted")));
    let view = snapshot.relation(&object("public.v")).unwrap();
    assert!(view.security_invoker && view.security_barrier && view.kind == RelationKind::View);
    assert_eq!(view.reads, [object("public.parted")]);
    assert_eq!(snapshot.relation(&object("public.mv")).unwrap().reads, [object("public.v")]);
    assert_eq!(snapshot.relation(&object("public.ft")).unwrap().kind, RelationKind::Foreign);
    for (thing, wanted) in [
        ("schema \"my schema\"", vec![format!("{role} USAGE")]),
        ("sequence public.s", vec![format!("{role} USAGE")]),
        ("type public.email", vec!["PUBLIC USAGE".to_owned(), format!("{role} USAGE")]),
        ("type public.mood", vec![]),
        ("function public.f(integer, public.mood[], timestamp with time zone[])", vec![]),
        ("function public.p(\"char\")", vec!["PUBLIC EXECUTE".to_owned()]),
        ("server srv", vec![format!("{role} USAGE")]),
        ("language plpgsql", vec!["PUBLIC USAGE".to_owned(), format!("{role} USAGE")]),
        ("large object 4711", vec![format!("{role} SELECT")]),
        ("function pg_catalog.pg_read_file(text)", vec![format!("{role} EXECUTE")]),
    ] {
        assert_eq!(held(&snapshot, thing), wanted, "{thing}");
    }
    assert!(held(&snapshot, "parameter log_statement").contains(&format!("{role} ALTER SYSTEM")));
    assert!(held(&snapshot, &format!("database {name}")).contains(&format!("{role} CREATE")));
    assert!(held(&snapshot, &format!("fdw w_{role}")).contains(&format!("{role} USAGE")));
    let f = &snapshot.things[&object("function public.f(integer, public.mood[], timestamp with time zone[])")];
    let Detail::Routine(routine) = &f.detail else { panic!("{f:?}") };
    assert!(routine.security_definer && routine.settings["search_path"] == "pg_catalog, pg_temp");
    let tables = snapshot.defaults.iter().find(|each| each.kind == ObjectKind::Table).unwrap();
    assert_eq!((tables.schema.as_deref(), tables.rights.len()), (Some("my schema"), 1));
    let routines = snapshot.defaults.iter().find(|each| each.kind == ObjectKind::Routine).unwrap();
    assert!(routines.schema.is_none() && routines.rights.iter().all(|grant| grant.grantee != Grantee::Public));
    assert!(snapshot.extensions.contains_key("plpgsql"));
    assert!(!snapshot.things.contains_key(&object("function pg_catalog.pg_sleep(double precision)")));
    // The server's own answer, right by right.
    for (object, thing) in snapshot.things.iter().filter(|(object, _)| object.kind() == ObjectKind::Table) {
        let Object::Table { schema, name } = object else { continue };
        for privilege in [Privilege::Select, Privilege::Update, Privilege::Delete] {
            let sql = "SELECT has_table_privilege($1::text, format('%I.%I', $2::text, $3::text), $4::text)";
            let row = database.owner.query_one(sql, &[role, schema, name, &privilege.name()]).await.unwrap();
            let ours = thing.rights.iter().any(|grant| {
                grant.privilege == privilege && grant.grantee.role().is_none_or(|grantee| grantee == role)
            });
            assert_eq!(row.get::<_, bool>(0), ours, "{object} {privilege}");
        }
    }
    database
        .run(&format!(
            "DROP FOREIGN DATA WRAPPER w_{role} CASCADE; DROP OWNED BY {role}; DROP ROLE \"{role} Gruppe \"\"Ü\"\"\""
        ))
        .await;
}

#[tokio::test]
async fn what_ties_a_role_to_other_databases_is_told() {
    let Some(database) = Database::new().await else { return };
    let Some(other) = Database::new().await else { return };
    let role = &database.role;
    other
        .run(&format!("CREATE TABLE t (id int8); CREATE TABLE u (id int8); ALTER TABLE t OWNER TO {role}; GRANT SELECT ON u TO {role}"))
        .await;
    let snapshot = Admin::connect(&database.owner_url()).await.unwrap().snapshot().await.unwrap();
    let told: Vec<_> = snapshot.elsewhere.iter().filter(|each| each.role.as_ref() == role).collect();
    assert!(matches!(&told[..], [one] if one.owns == 1 && one.rights == 1 && *one.database == *other.name), "{told:?}");
    other.run(&format!("DROP OWNED BY {role}")).await;
}

/// 10,000 roles and 100,000 rights. The limit is for a build without optimization on a busy machine too.
#[allow(clippy::disallowed_methods, reason = "measures the real clock")]
#[tokio::test]
async fn a_large_cluster_is_read_at_once() {
    let Some(database) = Database::new().await else { return };
    let role = &database.role;
    let made = Instant::now();
    database
        .run(&format!(
            "DO $$ BEGIN
               FOR i IN 1..10000 LOOP EXECUTE format('CREATE ROLE %I', '{role}_' || i); END LOOP;
               FOR t IN 0..99 LOOP
                 EXECUTE format('CREATE TABLE t%s (id int8)', t);
                 EXECUTE format('GRANT SELECT ON t%s TO ', t)
                   || (SELECT string_agg(quote_ident('{role}_' || (t * 100 + i) % 10000 + 1), ', ')
                         FROM generate_series(0, 999) i);
               END LOOP; END $$"
        ))
        .await;
    let made = made.elapsed();
    let admin = Admin::connect(&database.owner_url()).await.unwrap();
    let mut best = std::time::Duration::MAX;
    let mut rights = 0;
    for _ in 0..3 {
        let begun = Instant::now();
        let snapshot = admin.snapshot().await.unwrap();
        best = best.min(begun.elapsed());
        rights = snapshot
            .things
            .values()
            .flat_map(|thing| &thing.rights)
            .filter(|grant| grant.grantee.role().is_some_and(|name| name.starts_with(&format!("{role}_"))))
            .count();
    }
    eprintln!("10,000 roles and {rights} rights: made in {made:.1?}, read in {best:.1?}");
    drop(admin);
    database.run("DO $$ BEGIN FOR t IN 0..99 LOOP EXECUTE format('DROP TABLE t%s', t); END LOOP; END $$").await;
    database
        .run(&format!(
            "DO $$ BEGIN FOR i IN 1..10000 LOOP EXECUTE format('DROP ROLE %I', '{role}_' || i); END LOOP; END $$"
        ))
        .await;
    assert_eq!(rights, 100_000);
    assert!(best < std::time::Duration::from_secs(2), "{best:?}");
}
