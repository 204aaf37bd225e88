//! P3: what one decision costs, ours and Cedar's.
//!
//! Both are asked the same: may this principal, who holds three of N roles, query this row of this table?
//! A role grants three tools on one table. A row may be read by its own tenant, and by the tenants in
//! whose hierarchy it is, unless it is archived.

#[cfg(feature = "cedar")]
pub mod cedar;
#[cfg(not(feature = "cedar"))]
#[path = "without_cedar.rs"]
pub mod cedar;
pub mod ours;
mod world;

use serde_json::{Value, json};

pub use world::World;

use crate::Problem;
use crate::talk::{Grid, figure, note, say};
use crate::timing::{median, nanos_each, number, timed};

/// How many roles the policy has, in turn.
pub const SIZES: [usize; 4] = [10, 100, 1_000, 10_000];

/// One way to decide all questions of a world, over and over.
struct Way<'a> {
    name: &'static str,
    /// Answers question `at`.
    ask: Box<dyn Fn(usize) -> bool + 'a>,
    /// How many questions a batch has: a few milliseconds' worth.
    batch: usize,
    nanos: Vec<f64>,
}

/// Measures, prints, and answers with the figures.
///
/// # Errors
/// [`Problem`] when a policy does not compile, or two ways answer differently.
pub fn run(quick: bool) -> Result<Value, Problem> {
    let rounds = if quick { 15 } else { 101 };
    let mut grid = Grid::new(&[
        "roles",
        "bound ns",
        "unbound ns",
        "Cedar ns",
        "Cedar, one rule ns",
        "Cedar/bound",
        "Cedar/unbound",
    ]);
    let mut sizes = Vec::new();
    let mut medians = Vec::new();
    for roles in SIZES {
        note(&format!("one decision, {roles} roles …"));
        let of = measure(roles, rounds)?;
        let [bound, unbound, cedar, one_rule] = of;
        let least = cedar.min(one_rule);
        grid.row(vec![
            roles.to_string(),
            figure(bound),
            figure(unbound),
            figure(cedar),
            figure(one_rule),
            figure(least / bound),
            figure(least / unbound),
        ]);
        sizes.push(json!({
            "roles": roles, "bound_ns": bound, "unbound_ns": unbound, "cedar_ns": cedar, "cedar_one_rule_ns": one_rule,
        }));
        medians.push(of);
    }
    say(&format!("One decision, medians of {rounds} interleaved rounds. Cedar/…: its faster form over ours."));
    grid.print();
    let column = |at: usize| medians.iter().filter_map(move |of| of.get(at)).copied();
    let most = |at: usize| column(at).fold(0.0, f64::max);
    let flat = |at: usize| match (column(at).next(), column(at).next_back()) {
        (Some(first), Some(last)) if first > 0.0 => last / first,
        _ => f64::INFINITY,
    };
    let against_cedar =
        medians.iter().map(|[_, unbound, cedar, one]| cedar.min(*one) / unbound).fold(f64::INFINITY, f64::min);
    say(&format!("10,000 roles : 10 roles = {} bound, {} unbound", figure(flat(0)), figure(flat(1))));
    let pass = most(0) <= 100.0 && most(1) <= 400.0 && flat(0) <= 1.3 && flat(1) <= 1.3 && against_cedar >= 10.0;
    say(&format!(
        "P3: {} (bound at most {} ns of 100, unbound at most {} ns of 400, flat within {} of 1.3, Cedar at least {} times slower of 10)",
        if pass { "pass" } else { "short" },
        figure(most(0)),
        figure(most(1)),
        figure(flat(0).max(flat(1))),
        figure(against_cedar),
    ));
    Ok(json!({
        "promise": "P3", "pass": pass, "rounds": rounds, "sizes": sizes,
        "bound_flat": flat(0), "unbound_flat": flat(1), "cedar_over_unbound_least": against_cedar,
    }))
}

/// Nanoseconds per decision: bound, unbound, Cedar with a rule per role, Cedar with one rule.
fn measure(roles: usize, rounds: usize) -> Result<[f64; 4], Problem> {
    let world = World::new(roles);
    let ours = ours::Ours::new(&world)?;
    let cedar = cedar::Cedar::new(&world, cedar::Form::RulePerRole)?;
    let one_rule = cedar::Cedar::new(&world, cedar::Form::OneRule)?;
    let mut ways = [
        way("bound", |at| ours.bound(at)),
        way("unbound", |at| ours.unbound(at)),
        way("Cedar", |at| cedar.ask(at)),
        way("Cedar, one rule", |at| one_rule.ask(at)),
    ];
    agree(&world, &ways)?;
    ways.iter_mut().for_each(Way::size_batch);
    for round in 0..rounds {
        // Each round begins with another way, so that none always follows the same neighbour.
        for step in 0..ways.len() {
            let at = (round + step) % ways.len();
            if let Some(way) = ways.get_mut(at) {
                way.round();
            }
        }
    }
    Ok(ways.map(|way| median(&way.nanos)))
}

fn way<'a>(name: &'static str, ask: impl Fn(usize) -> bool + 'a) -> Way<'a> {
    Way { name, ask: Box::new(ask), batch: 1, nanos: Vec::new() }
}

impl Way<'_> {
    fn batch(&self) -> f64 {
        let count = self.batch;
        let (took, allowed) = timed(|| (0..count).filter(|at| (self.ask)(*at)).count());
        std::hint::black_box(allowed);
        nanos_each(took, count)
    }

    /// Batches of about four milliseconds.
    fn size_batch(&mut self) {
        const WANTED: f64 = 4_000_000.0;
        while self.batch() * number(self.batch) < WANTED && self.batch < 1 << 20 {
            self.batch *= 2;
        }
    }

    fn round(&mut self) {
        let nanos = self.batch();
        self.nanos.push(nanos);
    }
}

/// All ways must answer every question alike, and as the world says.
fn agree(world: &World, ways: &[Way<'_>]) -> Result<(), Problem> {
    for at in 0..world.questions() {
        for way in ways {
            if (way.ask)(at) != world.expected(at) {
                let told = format!("{} answers question {at} otherwise than expected", way.name);
                return Err(Problem::new("compare the ways", told));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_of_ours_answer_alike() {
        for roles in [10, 100] {
            let world = World::new(roles);
            let ours = ours::Ours::new(&world).unwrap();
            let ways = [way("bound", |at| ours.bound(at)), way("unbound", |at| ours.unbound(at))];
            agree(&world, &ways).unwrap();
        }
    }

    #[cfg(feature = "cedar")]
    #[test]
    fn all_ways_answer_alike() {
        for roles in [10, 100] {
            measure(roles, 0).unwrap();
        }
    }
}
