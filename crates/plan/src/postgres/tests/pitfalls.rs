//! What other tools for PostgreSQL do worst, done better: each named in words, on a real server.

use super::{World, changes, servers};
use crate::step::Action;

/// A replacement that deletes the grant it just made: a grant that changes is changed, and one whose object was
/// replaced is made again, in the same transaction.
#[tokio::test]
async fn a_changed_grant_is_never_lost() {
    for server in servers() {
        let mut world = World::new(&server).await;
        world.sql("CREATE TABLE t (id int8)").await;
        let file = "[source.main.role.{p}_a.grants]\n\"public.t\" = [\"SELECT\"]\n\"public.t(id)\" = [\"UPDATE\"]\n[source.main.role.{p}_b]";
        world.becomes(file).await;
        // Somebody replaces the table: its rights are gone, and come back.
        world.sql("DROP TABLE t; CREATE TABLE t (id int8)").await;
        let steps = world.becomes(file).await;
        assert_eq!(steps.len(), 1, "{steps:#?}");
        assert!(world.works_as("{p}_a", "SELECT * FROM t").await);
        // The same rights, now said by another key, and given to another role.
        let steps = world.becomes("[source.main.role.{p}_a.grants]\n\"table public.t\" = [\"SELECT\"]\n\"public.t(id)\" = [\"UPDATE\"]\n[source.main.role.{p}_b.grants]\n\"public.t\" = [\"SELECT\"]").await;
        assert!(steps.iter().all(|step| step.action == Action::Create), "{steps:#?}");
        assert!(world.works_as("{p}_a", "SELECT * FROM t").await && world.works_as("{p}_b", "SELECT * FROM t").await);
        // A policy that has to be made anew is gone at no moment that anybody sees, and keeps its name.
        world.end().await;
    }
}

/// A table's REVOKE takes the same right from its columns: those that stay are given back.
#[tokio::test]
async fn columns_keep_what_the_table_loses() {
    for server in servers() {
        let mut world = World::new(&server).await;
        world.sql("CREATE TABLE t (id int8, name text, other text)").await;
        world.becomes("[source.main.role.{p}_a.grants]\n\"public.t\" = [\"SELECT\", \"UPDATE\"]\n\"public.t(id)\" = [\"SELECT\"]").await;
        // One column that the file does not name: it is nobody's to take.
        world.sql("GRANT SELECT (other) ON t TO {p}_a").await;
        world
            .becomes("[source.main.role.{p}_a.grants]\n\"public.t\" = [\"UPDATE\"]\n\"public.t(id)\" = [\"SELECT\"]")
            .await;
        assert!(world.works_as("{p}_a", "SELECT id, other FROM t").await);
        assert!(!world.works_as("{p}_a", "SELECT name FROM t").await);
        world.end().await;
    }
}

/// Perpetual drift: spellings that the server writes back otherwise are the same thing.
#[tokio::test]
async fn spellings_do_not_drift() {
    for server in servers() {
        let mut world = World::new(&server).await;
        world.sql("CREATE FUNCTION f(int, timestamptz) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TABLE t (id int8, who text)").await;
        world
            .becomes(
                "[source.main.role.{p}_a]\nvalid_until = \"2030-06-01T00:00:00+02:00\"\nsettings = { Search_Path = \"a,b\", work_mem = \"4096kB\" }\n\
                 [source.main.role.{p}_a.grants]\n\"function public.f(int4, timestamp with time zone)\" = [\"execute\"]\n\"public.t\" = [\"all\"]\n\
                 [source.main.row_security.\"public.t\".policy.own]\nusing = \"who=current_user and id between 1 and 5 or exists(select 1)\"",
            )
            .await;
        world.end().await;
    }
}

/// Grants that nobody declared are seen.
#[tokio::test]
async fn what_the_file_does_not_say_is_listed_and_left() {
    for server in servers() {
        let mut world = World::new(&server).await;
        world.sql("CREATE TABLE t (id int8); CREATE TABLE u (id int8)").await;
        let file =
            "[source.main.role.{p}_a.grants]\n\"public.t\" = [\"SELECT\"]\n[source.main.row_security.\"public.t\"]";
        world.becomes(file).await;
        world
            .sql(
                "GRANT INSERT ON u TO {p}_a; GRANT UPDATE (id) ON t TO {p}_a; CREATE ROLE {p}_g; GRANT {p}_g TO {p}_a; \
                  CREATE POLICY hole ON t USING (true); ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {p}_a",
            )
            .await;
        assert!(world.plan(file).await.unwrap().is_empty());
        let seen = world.see(file).await.unwrap();
        let codes: Vec<&str> = seen.findings.iter().map(|finding| finding.code).collect();
        assert_eq!(
            codes,
            [
                "undeclared-grant",
                "undeclared-grant",
                "undeclared-membership",
                "undeclared-default-privileges",
                "undeclared-policy"
            ],
            "{:#?}",
            seen.findings
        );
        // Within what is declared, a right more is drift, and mended.
        world.sql("GRANT DELETE ON t TO {p}_a").await;
        let steps = world.becomes(file).await;
        assert_eq!(changes(&steps[0]), ["privileges.DELETE: \"granted\" -> ·"]);
        world.end().await;
    }
}

/// Revoke and regrant of every membership on each update: options change in place, and what was given on stays.
#[tokio::test]
async fn memberships_change_in_place() {
    for server in servers() {
        let mut world = World::new(&server).await;
        let modern = world.snapshot().await.server.major() >= 16;
        let file = |options: &str| {
            format!(
                "[source.main.role.{{p}}_g]\n[source.main.role.{{p}}_m]\nlogin = true\nmember_of = {{ {{p}}_g = {{ {options} }} }}"
            )
        };
        world.becomes(&file("admin = true")).await;
        world.sql("CREATE ROLE {p}_x; SET ROLE {p}_m; GRANT {p}_g TO {p}_x; RESET ROLE").await;
        // Nothing that is not said is touched.
        assert!(world.told(&file("admin = true")).await.is_empty());
        world.becomes(&file("")).await;
        let snapshot = world.snapshot().await;
        assert!(snapshot.is_member(&world.text("{p}_x"), &world.text("{p}_g")), "what was given on stays");
        if modern {
            let before =
                snapshot.members.iter().find(|row| *row.member == *world.text("{p}_m")).unwrap().grantor.clone();
            world.becomes(&file("inherit = false, set = true")).await;
            world.becomes(&file("inherit = true, set = false")).await;
            let snapshot = world.snapshot().await;
            let rows: Vec<_> = snapshot.members.iter().filter(|row| *row.member == *world.text("{p}_m")).collect();
            assert!(matches!(rows.as_slice(), [row] if row.grantor == before && row.inherit && !row.set), "{rows:?}");
        } else {
            let error = world.plan(&file("inherit = false")).await.unwrap_err();
            assert_eq!(error.code(), "NEEDS_NEWER_POSTGRESQL");
        }
        world.becomes("[source.main.role.{p}_g]").await;
        assert!(world.snapshot().await.is_member(&world.text("{p}_x"), &world.text("{p}_g")));
        world.end().await;
    }
}

/// And no statement of theirs says REVOKE where only an option changes, or where nothing does.
#[tokio::test]
async fn a_membership_that_stays_is_never_revoked() {
    for server in servers() {
        let mut world = World::new(&server).await;
        let file = |options: &str, more: &str| {
            format!(
                "[source.main.role.{{p}}_g]\n[source.main.role.{{p}}_h]\n[source.main.role.{{p}}_m]\n\
                 member_of.{{p}}_g = {{ {options} }}\nmember_of.{{p}}_h = {{}}\n{more}"
            )
        };
        world.becomes(&file("", "")).await;
        for changed in
            [file("admin = true", ""), file("", "connection_limit = 3\n"), file("admin = true", "login = true\n")]
        {
            let statements = world.statements(&changed).await;
            assert!(!statements.is_empty() && statements.iter().all(|sql| !sql.contains("REVOKE")), "{statements:#?}");
        }
        world.becomes(&file("admin = true", "")).await;
        // Of two memberships, the one that goes is the only one that is touched.
        let gone = "[source.main.role.{p}_g]\n[source.main.role.{p}_h]\n[source.main.role.{p}_m]\nmember_of.{p}_g = { admin = true }\n";
        let statements = world.statements(gone).await;
        assert!(
            statements.len() == 1 && statements[0].contains("REVOKE") && statements[0].contains("_h"),
            "{statements:#?}"
        );
        world.end().await;
    }
}

/// A right that its holder gave on: taking it back takes nothing from others.
#[tokio::test]
async fn what_hangs_on_a_right_is_kept() {
    for server in servers() {
        let mut world = World::new(&server).await;
        world.sql("CREATE TABLE t (id int8); CREATE ROLE {p}_x; CREATE ROLE {p}_y").await;
        world
            .becomes("[source.main.role.{p}_a.grants]\n\"public.t\" = [\"SELECT WITH GRANT OPTION\", \"UPDATE\"]")
            .await;
        world
            .sql("SET ROLE {p}_a; GRANT SELECT ON t TO {p}_x WITH GRANT OPTION; RESET ROLE; SET ROLE {p}_x; GRANT SELECT ON t TO {p}_y; RESET ROLE")
            .await;
        world.becomes("[source.main.role.{p}_a.grants]\n\"public.t\" = [\"SELECT\"]").await;
        assert!(world.works_as("{p}_y", "SELECT * FROM t").await);
        world.becomes("").await;
        assert!(world.works_as("{p}_x", "SELECT * FROM t").await && world.works_as("{p}_y", "SELECT * FROM t").await);
        // And a right that another than the owner gave is taken back all the same.
        world
            .becomes("[source.main.role.{p}_y]\nmode = \"adopted\"\n[source.main.role.{p}_y.grants]\n\"public.t\" = []")
            .await;
        assert!(!world.works_as("{p}_y", "SELECT * FROM t").await);
        world.end().await;
    }
}

/// Concurrent updates: two applies to two databases of one cluster that change the same roles take their turns.
#[tokio::test]
async fn applies_at_once_do_not_fail() {
    for server in servers() {
        let (mut one, mut two) = (World::new(&server).await, World::new(&server).await);
        one.sql("CREATE ROLE {p}_shared").await;
        let role = one.text("{p}_shared");
        for round in 0..5 {
            let file = |limit: u32| {
                format!(
                    "[source.main.role.{role}]\nmode = \"adopted\"\nconnection_limit = {limit}\nsettings = {{ work_mem = \"{limit}MB\" }}"
                )
            };
            let (a, b) = (file(round * 2 + 1), file(round * 2 + 2));
            let (a, b) = tokio::join!(one.apply(&a), two.apply(&b));
            // The other one's change may make this one's plan old, and that is told.
            for done in [a, b] {
                assert!(
                    done.as_ref().is_ok_and(|_| true) || done.as_ref().is_err_and(|error| error.code() == "PLAN_MOVED"),
                    "{done:?}"
                );
            }
        }
        two.end().await;
        one.end().await;
    }
}

/// Two applies to one database: the second waits for the first, and then sees that its plan is old, or finds nothing
/// to do. What is there afterwards is what one of the two files says, whole.
#[tokio::test]
async fn applies_to_one_database_exclude_each_other() {
    for server in servers() {
        let mut one = World::new(&server).await;
        one.sql("CREATE TABLE t (id int8); CREATE ROLE {p}_a; CREATE ROLE {p}_b").await;
        let mut two = one.beside().await;
        let rights = |a: &str, b: &str| {
            let role = |name: &str, held: &str| {
                format!(
                    "[source.main.role.{{p}}_{name}]\nmode = \"adopted\"\nconnection_limit = {}\n[source.main.role.{{p}}_{name}.grants]\n\"public.t\" = [\"{held}\"]\n",
                    held.len()
                )
            };
            [role("a", a), role("b", b)].concat()
        };
        let (first, second) = (rights("SELECT", "UPDATE"), rights("UPDATE", "SELECT"));
        for _ in 0..4 {
            let done = tokio::join!(one.apply(&first), two.apply(&second));
            let done = [done.0.map(|_| ()), done.1.map(|_| ())];
            assert!(done.iter().any(Result::is_ok), "{done:?}");
            assert!(
                done.iter().flatten().count() == 2
                    || done.iter().any(|done| done.as_ref().is_err_and(|error| error.code() == "PLAN_MOVED")),
                "{done:?}"
            );
            let left = [one.plan(&first).await.unwrap().len(), two.plan(&second).await.unwrap().len()];
            assert!(left.contains(&0), "neither file is in force: {left:?}");
            // Whoever was late plans again.
            one.becomes(&first).await;
        }
        drop(two);
        one.end().await;
    }
}

/// No row security at all: here it is as much part of the file as a grant is. What a hand changes of it is seen and
/// mended, field by field.
#[tokio::test]
async fn row_security_is_planned_and_mended() {
    for server in servers() {
        let mut world = World::new(&server).await;
        world.sql("CREATE TABLE t (id int8, who text); CREATE ROLE {p}_x; GRANT SELECT ON t TO {p}_x; INSERT INTO t VALUES (1, '{p}_x'), (2, 'other')").await;
        let file = "[source.main.row_security.\"public.t\".policy.own]\nfor = \"select\"\nto = [\"{p}_x\"]\nusing = \"who = current_user\"";
        world.becomes(file).await;
        let rows = |count: u32| {
            format!("DO $$ BEGIN IF (SELECT count(*) FROM t) <> {count} THEN RAISE 'other rows'; END IF; END $$")
        };
        assert!(world.works_as("{p}_x", &rows(1)).await);
        for (hand, told) in [
            ("ALTER TABLE t NO FORCE ROW LEVEL SECURITY", "forced: false -> true"),
            ("ALTER TABLE t DISABLE ROW LEVEL SECURITY", "enabled: false -> true"),
            ("ALTER POLICY own ON t USING (true)", "using: \"true\" -> \"who = current_user\""),
            ("ALTER POLICY own ON t TO PUBLIC", "to: [] -> [\"{p}_x\"]"),
        ] {
            world.sql(hand).await;
            let steps = world.becomes(file).await;
            let all: Vec<String> = steps.iter().flat_map(changes).collect();
            assert_eq!(all, [world.text(told)], "{hand}");
            assert!(world.works_as("{p}_x", &rows(1)).await, "{hand}");
        }
        world.sql("DROP POLICY own ON t").await;
        assert_eq!(world.becomes(file).await.len(), 1);
        assert!(world.works_as("{p}_x", &rows(1)).await);
        world.end().await;
    }
}

/// About 2,443 direct grantees fit a thing's row of the catalog: the plan says so before, the server's refusal is told
/// in words and leaves nothing half-done, and a group takes as many as there are.
#[tokio::test]
async fn more_grantees_than_a_thing_takes_are_told_and_a_group_takes_them() {
    // Of one server: it is the same row in all of them, and so many roles take their time.
    for server in servers().into_iter().take(1) {
        let mut world = World::new(&server).await;
        let many = 2_600;
        world.sql(&format!("CREATE TABLE t (id int8); DO $$ BEGIN FOR i IN 1..{many} LOOP EXECUTE 'CREATE ROLE {{p}}_m' || i; END LOOP; END $$")).await;
        let direct: String = (1..=many)
            .map(|at| {
                format!("[source.main.role.{{p}}_m{at}]\nmode = \"external\"\ngrants.\"public.t\" = [\"SELECT\"]\n")
            })
            .collect();
        let findings = world.see(&direct).await.unwrap().findings;
        assert!(
            findings.iter().any(|finding| finding.code == "many-grantees" && finding.what.contains("a group")),
            "{findings:#?}"
        );
        let error = world.apply(&direct).await.unwrap_err();
        assert!(error.to_string().contains("too many roles hold rights on one thing"), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("a group")), "{:?}", error.hint());
        assert!(!world.works_as("{p}_m1", "SELECT * FROM t").await, "nothing was half-applied");
        world.becomes("[source.main.role.{p}_g.grants]\n\"public.t\" = [\"SELECT\"]").await;
        world
            .sql(&format!(
                "DO $$ BEGIN FOR i IN 1..{many} LOOP EXECUTE 'GRANT {{p}}_g TO {{p}}_m' || i; END LOOP; END $$"
            ))
            .await;
        assert!(
            world.works_as("{p}_m1", "SELECT * FROM t").await && world.works_as("{p}_m2600", "SELECT * FROM t").await
        );
        world
            .sql(&format!("DO $$ BEGIN FOR i IN 1..{many} LOOP EXECUTE 'DROP ROLE {{p}}_m' || i; END LOOP; END $$"))
            .await;
        world.end().await;
    }
}

/// An owner's rights move with the thing: what the file wants is made so again in the same transaction.
#[tokio::test]
async fn a_new_owner_loses_nobodys_rights() {
    for server in servers() {
        let mut world = World::new(&server).await;
        world.sql("CREATE TABLE t (id bigserial); CREATE ROLE {p}_old; ALTER TABLE t OWNER TO {p}_old").await;
        let rights = "[source.main.role.{p}_old]\nmode = \"adopted\"\n[source.main.role.{p}_old.grants]\n\"public.t\" = [\"ALL\"]\n[source.main.role.{p}_new]";
        world.becomes(rights).await;
        world.becomes(&format!("{rights}\n[source.main.owner]\n\"public.t\" = \"{{p}}_new\"")).await;
        assert!(world.works_as("{p}_old", "SELECT * FROM t").await);
        world.end().await;
    }
}
