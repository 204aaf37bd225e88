//! P3: the decision of a bound principal allocates nothing.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use tenantry_bench::decision::World;
use tenantry_bench::decision::ours::Ours;

#[test]
fn a_bound_decision_allocates_nothing() {
    let world = World::new(100);
    let ours = Ours::new(&world).unwrap();
    let ask = || (0..world.questions()).filter(|at| ours.bound(*at)).count();
    let mut allowed = 0;
    let counted = allocation_counter::measure(|| allowed = ask());
    assert_eq!(allowed, (0..world.questions()).filter(|at| world.expected(*at)).count());
    assert!(allowed > 0);
    assert_eq!(counted.count_total, 0, "{counted:?}");
    // The counter counts: what keeps nothing has to allocate.
    let unbound = allocation_counter::measure(|| assert!((0..world.questions()).any(|at| ours.unbound(at))));
    assert!(unbound.count_total > 0);
}
