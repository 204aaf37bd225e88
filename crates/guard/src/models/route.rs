//! Which upstream a call goes to, and which stands in for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::catalog::{Model, Target};

/// Whose turn it is: upstreams take turns in proportion to their weights.
#[derive(Debug, Default)]
pub struct Turns(AtomicU64);

/// A step that visits every place of any total, far apart from one to the next (the golden ratio of 2^32).
const STRIDE: u64 = 2_654_435_769;

impl Model {
    /// The upstreams in the order in which a call tries them.
    pub(crate) fn order(&self) -> Vec<&Arc<Target>> {
        let mut order: Vec<&Arc<Target>> = self.targets.iter().collect();
        if order.len() < 2 {
            return order;
        }
        let total: u64 = order.iter().map(|target| u64::from(target.parts.weight)).sum();
        let turn = self.turns.0.fetch_add(1, Ordering::Relaxed);
        let spread = turn.wrapping_mul(STRIDE) & u64::from(u32::MAX);
        let mut at = (spread * total.max(1)) >> 32;
        let first = order.iter().position(|target| {
            let weight = u64::from(target.parts.weight);
            let mine = at < weight;
            at = at.saturating_sub(weight);
            mine
        });
        let first = order.remove(first.unwrap_or(0));
        order.sort_by_key(|target| std::cmp::Reverse(target.parts.weight));
        order.insert(0, first);
        order
    }
}

#[cfg(test)]
mod tests {
    use super::super::catalog::{Kind, Price, TargetParts};
    use super::*;

    #[test]
    fn turns_are_taken_by_weight_and_the_rest_stand_in() {
        let target =
            |place, weight| Arc::new(Target::new(Kind::Echo, place, TargetParts { weight, ..TargetParts::default() }));
        let model = Model {
            name: "m".into(),
            api: "a".into(),
            requires: "p".into(),
            description: None,
            max_tokens: None,
            price: Price::default(),
            cache: None,
            fetches: false,
            targets: vec![target(0, 3), target(1, 1), target(2, 0)],
            turns: Turns::default(),
        };
        let mut firsts = [0; 3];
        for _ in 0..4000 {
            let order = model.order();
            assert_eq!(order.len(), 3);
            assert_eq!(&*order[2].name, "2:", "a weight of 0 only stands in");
            firsts[order[0].name.chars().next().and_then(|c| c.to_digit(10)).unwrap() as usize] += 1;
        }
        assert!(
            (2990..=3010).contains(&firsts[0]) && (990..=1010).contains(&firsts[1]) && firsts[2] == 0,
            "{firsts:?}"
        );
    }
}
