//! Each statement and each commit of an apply is a place where it may end.

use std::sync::atomic::Ordering;

use tenantry_plan::LEASE_MICROS;
use tokio::select;

use crate::source::Source;
use crate::wire::End;
use crate::world::on_sqlite;

const FILE: &str = r#"
[role.reader]
description = "Reads"
[source.main.role.{p}_app]
login = true
password = "generate"
comment = "reads"
member_of.{p}_group = { admin = true }
grants."public.t" = ["SELECT"]
[source.main.role.{p}_group]
[source.main.schema.made]
owner = "{p}_group"
[source.main.row_security."public.t".policy.own]
using = "id > 0"
"#;

/// What of the file's things is there, one letter each.
const THERE: &str = "
SELECT x FROM (
  SELECT 'a' AS x FROM pg_roles WHERE rolname = '{p}_app'
  UNION ALL SELECT 'c' FROM pg_roles r, pg_shdescription d WHERE rolname = '{p}_app' AND d.objoid = r.oid
  UNION ALL SELECT 'g' FROM pg_roles WHERE rolname = '{p}_group'
  UNION ALL SELECT 'm' FROM pg_auth_members m, pg_roles r WHERE r.oid = m.member AND rolname = '{p}_app'
  UNION ALL SELECT 'o' FROM pg_namespace n, pg_roles r WHERE nspname = 'made' AND r.oid = nspowner AND rolname = '{p}_group'
  UNION ALL SELECT 'p' FROM pg_policy WHERE polname = 'own'
  UNION ALL SELECT 'r' FROM pg_class WHERE relname = 't' AND relrowsecurity AND relforcerowsecurity
  UNION ALL SELECT 's' FROM pg_class, aclexplode(relacl) a, pg_roles r WHERE relname = 't' AND r.oid = a.grantee AND rolname = '{p}_app'
) all_of_it ORDER BY x";

const WHOLE: &str = "acgmoprs";

#[test]
fn an_apply_that_ends_at_any_statement_is_completed_by_the_next() {
    on_sqlite(async |world| {
        let Some(source) = Source::make("any", &[]).await else { return };
        source.client.batch_execute("CREATE TABLE t (id int8)").await.unwrap();
        let there = async || source.ask(THERE).await.concat();
        let (mut whole, mut nothing) = (0, 0);
        let mut points = 5;
        for end in [End::Before, End::Killed, End::After] {
            // An answer that is lost is like a statement that is lost, but for the last ones: there the commits are.
            let first = if end == End::After { points - 4 } else { 1 };
            for point in first.. {
                source.wire.arm(point, end);
                let applied = select! {
                    applied = source.apply(world, FILE, true) => Some(applied),
                    // Killed: whatever it was doing, it does no more.
                    () = source.wire.struck(), if end == End::Killed => None,
                };
                let struck = source.wire.heal();
                let found = there().await;
                assert!(found == WHOLE || found.is_empty(), "{end:?} {point}: half of it is there: {found}");
                if !struck {
                    assert!(applied.is_some_and(|applied| applied.is_ok()) && found == WHOLE, "{end:?} {point}");
                    source.destroy(world, FILE).await;
                    points = point;
                    break;
                }
                match found.is_empty() {
                    true => nothing += 1,
                    false => whole += 1,
                }
                // Reading again after a lost connection may still succeed; whatever fails, fails by name.
                if let Some(Err(error)) = &applied {
                    assert!(
                        ["SOURCE_UNAVAILABLE", "NOT_APPLIED"].contains(&error.code()),
                        "{end:?} {point}: {error:?}"
                    );
                    assert!(error.hint().is_some(), "{error:?}");
                }
                // Whoever comes next waits for a dead one's lease.
                world.clock.now.fetch_add(LEASE_MICROS, Ordering::SeqCst);
                let rest = source.apply(world, FILE, false).await;
                let rest = rest.unwrap_or_else(|error| panic!("{end:?} {point}: {error} {:?}", error.place()));
                assert_eq!(there().await, WHOLE, "{end:?} {point}");
                let left = source.plan(world, FILE).await;
                assert!(left.is_empty(), "{end:?} {point}: {:#?}", left.steps);
                // The secret that is kept is the one that the server checks.
                let kept = world.kept_secret(&source.text("source.main.role.{p}_app"), "password").await;
                if let Some(shown) = rest.shown.iter().find(|shown| shown.field == "password") {
                    assert_eq!(shown.value, kept, "{end:?} {point}");
                }
                assert!(source.checks("{p}_app", &kept).await, "{end:?} {point}: another password is in force");
                // All of it is known as ours: nothing stays.
                source.destroy(world, FILE).await;
                assert_eq!(there().await, "", "{end:?} {point}");
            }
            assert!(points > 12, "{end:?}: {points} places");
        }
        assert!(whole > 0 && nothing > 10, "{whole} after the commit, {nothing} before");
        source.end(&["app", "group", "run"]).await;
    });
}
