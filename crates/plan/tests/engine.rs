//! The engine on real stores: SQLite always, and PostgreSQL when `TENANTRY_TEST_POSTGRES` holds a superuser's
//! address.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    unreachable_pub,
    missing_docs,
    reason = "tests"
)]

#[allow(dead_code, reason = "shared by several test programs")]
mod world;

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use tenantry_plan::{Consent, Event, Flow, LEASE_MICROS, PlanError, Saved, Selection};
use world::everywhere;

const FILE: &str = r#"
[role.reader]
description = "Reads"
[role.writer]
[role.auditor]
description = "Looks"
"#;

const LATER: &str = r#"
[role.reader]
description = "Reads everything"
[role.auditor]
description = "Looks"
[role.owner]
"#;

#[test]
fn applying_twice_changes_nothing_the_second_time() {
    everywhere(async |world| {
        let first = world.apply(FILE).await.unwrap();
        assert_eq!(first.plan.steps.len(), 3);
        assert!(world.apply(FILE).await.unwrap().plan.is_empty());
        let second = world.apply(LATER).await.unwrap();
        let told: Vec<String> =
            second.plan.steps.iter().map(|step| format!("{} {}", step.action.name(), step.address)).collect();
        assert_eq!(told, ["create role.owner", "update role.reader", "delete role.writer"]);
        assert!(world.plan(LATER).await.is_empty());
    });
}

/// The clock is asked all the time; it is where the process dies here, each time one question later.
#[test]
fn whatever_interrupts_an_apply_the_next_one_completes_it() {
    everywhere(async |world| {
        let mut alive = false;
        let mut points = 0;
        for point in 1.. {
            let one = world;
            one.apply(FILE).await.unwrap();
            one.clock.die_in.store(point, Ordering::SeqCst);
            let died = one.dies(LATER).await;
            one.clock.die_in.store(0, Ordering::SeqCst);
            // Whoever comes next waits for the dead one's lease.
            one.clock.now.fetch_add(LEASE_MICROS, Ordering::SeqCst);
            let rest = one.apply(LATER).await.unwrap_or_else(|error| panic!("after point {point}: {error}"));
            assert!(rest.plan.steps.len() <= 3, "{point}");
            assert!(one.plan(LATER).await.is_empty(), "{point}");
            let names = one.role_names().await;
            let once: BTreeSet<&String> = names.iter().collect();
            assert_eq!(once.len(), names.len(), "{point}: {names:?}");
            assert_eq!(names.iter().filter(|name| ["owner", "reader", "auditor"].contains(&name.as_str())).count(), 3);
            assert!(!names.contains(&"writer".to_owned()), "{point}");
            points = point;
            if !died {
                alive = true;
                break;
            }
        }
        assert!(alive && points > 10, "the clock was asked {points} times");
    });
}

#[test]
fn two_applies_exclude_each_other_and_a_dead_one_does_not_for_ever() {
    everywhere(async |world| {
        let (file, other) = (world.loaded(FILE), world.loaded(LATER));
        let mut refusal = None;
        let mine = world.engine(1);
        let theirs = world.engine(2);
        let applied = mine
            .apply(&world.wish(&file), &Selection::default(), &Consent::default(), None, &mut |event| {
                if matches!(event, Event::Planned(_)) {
                    // In the middle of mine.
                    let wish = world.wish(&other);
                    let none = Selection::default();
                    refusal = Some(world::aside(|| async {
                        theirs.apply(&wish, &none, &Consent::default(), None, &mut |_| Flow::On).await.map(|_| ())
                    }));
                }
                Flow::On
            })
            .await;
        assert!(applied.is_ok(), "{applied:?}");
        assert!(matches!(refusal, Some(Err(PlanError::Locked { .. }))), "{refusal:?}");
        // The lease of a process that is gone.
        assert!(world.store.take_lease("apply", "apply_gone", LEASE_MICROS).await.unwrap().is_none());
        let locked = world.apply(LATER).await.unwrap_err();
        assert!(matches!(&locked, PlanError::Locked { holder, seconds: 20 } if holder == "apply_gone"), "{locked:?}");
        world.clock.now.fetch_add(LEASE_MICROS, Ordering::SeqCst);
        world.apply(LATER).await.unwrap();
    });
}

#[test]
fn whoever_lost_the_lease_writes_nothing_more() {
    everywhere(async |world| {
        let file = world.loaded(FILE);
        let engine = world.engine(1);
        let store = world.store.clone();
        let clock = world.clock.clone();
        let lost = engine
            .apply(&world.wish(&file), &Selection::default(), &Consent::default(), None, &mut |event| {
                if matches!(event, Event::Planned(_)) {
                    // This process stood still, and another one took over.
                    clock.now.fetch_add(LEASE_MICROS + 1, Ordering::SeqCst);
                    let store = store.clone();
                    let taken = world::aside(|| async move { store.take_lease("apply", "other", LEASE_MICROS).await });
                    assert!(taken.unwrap().is_none());
                }
                Flow::On
            })
            .await;
        assert!(matches!(lost, Err(PlanError::LeaseLost)), "{lost:?}");
        assert_eq!(world.store.managed().await.unwrap(), []);
        assert!(!world.role_names().await.contains(&"reader".to_owned()));
    });
}

#[test]
fn a_user_who_stops_it_stops_between_steps() {
    everywhere(async |world| {
        let file = world.loaded(LATER);
        let engine = world.engine(1);
        world.apply(FILE).await.unwrap();
        let stopped = engine
            .apply(&world.wish(&file), &Selection::default(), &Consent::default(), None, &mut |event| match event {
                Event::Done { number: 1, .. } => Flow::Stop,
                _ => Flow::On,
            })
            .await;
        assert!(matches!(stopped, Err(PlanError::Stopped { done: 1, total: 3 })), "{stopped:?}");
        assert_eq!(world.plan(LATER).await.steps.len(), 2);
        world.apply(LATER).await.unwrap();
        assert!(world.plan(LATER).await.is_empty());
    });
}

#[test]
fn a_kept_plan_is_bound_to_what_it_was_made_from() {
    everywhere(async |world| {
        let plan = world.plan(FILE).await;
        let text = Saved::write(&plan, &Selection::default());
        let saved = Saved::read(&text).unwrap();
        world.apply("[role.reader]\n").await.unwrap();
        let moved = world.apply_saved(FILE, &saved).await.unwrap_err();
        assert!(matches!(moved, PlanError::Moved { .. }), "{moved:?}");
        let saved = Saved::read(&Saved::write(&world.plan(FILE).await, &Selection::default())).unwrap();
        world.apply_saved(FILE, &saved).await.unwrap();
    });
}

#[test]
fn only_what_is_managed_goes_and_nothing_of_it_stays() {
    everywhere(async |world| {
        world.apply(FILE).await.unwrap();
        world.make_role("by-hand").await;
        let before = world.role_names().await;
        let gone = world.destroy(FILE).await.unwrap();
        assert_eq!(gone.plan.steps.len(), 3);
        let left = world.role_names().await;
        assert_eq!(left.len(), before.len() - 3);
        assert!(left.contains(&"by-hand".to_owned()));
        assert_eq!(world.store.managed().await.unwrap(), []);
        assert_eq!(world.store.applied().await.unwrap(), []);
        assert!(world.destroy(FILE).await.unwrap().plan.is_empty());
    });
}

#[test]
fn drift_names_the_field_the_act_and_who() {
    everywhere(async |world| {
        assert!(world.drift(FILE).await.targets.is_empty());
        world.apply(FILE).await.unwrap();
        assert_eq!(world.drift(FILE).await.things, []);
        // The file changed, the world did not: no drift.
        assert_eq!(world.drift(LATER).await.things, []);
        world.clock.now.fetch_add(1_000_000, Ordering::SeqCst);
        world.describe_role("reader", "Reads too much").await;
        world.remove_role("writer").await;
        let drift = world.drift(FILE).await;
        assert_eq!(drift.things.len(), 2);
        let changed = drift.things.iter().find(|thing| thing.address == "role.reader").unwrap();
        assert_eq!(changed.changes[0].field, "description");
        assert_eq!(changed.changes[0].before.as_ref().unwrap(), "Reads");
        assert_eq!(changed.changes[0].after.as_ref().unwrap(), "Reads too much");
        let act = changed.act.as_ref().unwrap();
        assert_eq!((act.name.as_str(), act.by.as_deref()), ("roles.update", Some("operator")));
        let gone = drift.things.iter().find(|thing| thing.address == "role.writer").unwrap();
        assert!(gone.gone);
        assert_eq!(gone.act.as_ref().unwrap().name, "roles.delete");
        world.apply(FILE).await.unwrap();
        assert_eq!(world.drift(FILE).await.things, []);
    });
}

#[test]
fn import_brings_a_thing_under_management() {
    everywhere(async |world| {
        let id = world.make_role("reader").await;
        let file = world.loaded(FILE);
        let engine = world.engine(1);
        let unknown = engine.import(&world.wish(&file), "role.nobody", &id).await.unwrap_err();
        assert_eq!(unknown.code(), "UNKNOWN_ADDRESS");
        let absent = engine.import(&world.wish(&file), "role.reader", "rol_AbsentAbsentAbse").await.unwrap_err();
        assert_eq!(absent.code(), "NOT_FOUND");
        let steps = engine.import(&world.wish(&file), "role.reader", &id).await.unwrap();
        assert_eq!(steps[0].changes[0].field, "description");
        assert_eq!(engine.import(&world.wish(&file), "role.reader", &id).await.unwrap_err().code(), "ALREADY_MANAGED");
        world.apply(FILE).await.unwrap();
        assert_eq!(world.role_names().await.iter().filter(|name| *name == "reader").count(), 1);
    });
}

#[test]
fn a_waiver_that_ran_out_is_a_finding() {
    everywhere(async |world| {
        let waived = |until: &str| {
            format!("[role.a]\n[waive.\"account.acme\".delete-account]\nreason = \"moved\"\nuntil = \"{until}\"\n")
        };
        assert!(world.plan(&waived("2999-12-31")).await.findings.is_empty());
        let findings = world.plan(&waived("2020-01-01")).await.findings;
        assert_eq!((findings[0].code, findings[0].address.as_str()), ("waiver-expired", "account.acme"));
        assert_eq!(findings[0].place.as_deref(), Some("tenantry.toml:2"));
    });
}
