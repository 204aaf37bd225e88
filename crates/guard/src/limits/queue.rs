//! Who waits for a place: in turn by account, so that one account's crowd keeps nobody else waiting longer than one
//! call of its own would.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::oneshot;

use super::limiter::Places;
use super::scope::Scope;

/// Who waits.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// Accounts in whose turn it is.
    turns: VecDeque<Arc<str>>,
    waiting: HashMap<Arc<str>, VecDeque<Waiter>>,
    last: u64,
}

/// A call that waits.
#[derive(Debug)]
pub(super) struct Waiter {
    id: u64,
    pub(super) scopes: Arc<[Scope]>,
    pub(super) granted: oneshot::Sender<Places>,
}

impl Queue {
    /// How many of an account wait.
    pub(super) fn of(&self, account: &str) -> usize {
        self.waiting.get(account).map_or(0, VecDeque::len)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// Puts a call at the end of its account's line.
    pub(super) fn join(&mut self, account: &Arc<str>, scopes: &Arc<[Scope]>, granted: oneshot::Sender<Places>) -> u64 {
        self.last = self.last.wrapping_add(1);
        let line = self.waiting.entry(Arc::clone(account)).or_default();
        if line.is_empty() {
            self.turns.push_back(Arc::clone(account));
        }
        line.push_back(Waiter { id: self.last, scopes: Arc::clone(scopes), granted });
        self.last
    }

    /// Takes a call out that waits no more.
    pub(super) fn leave(&mut self, account: &str, id: u64) {
        if let Some(line) = self.waiting.get_mut(account) {
            line.retain(|waiter| waiter.id != id);
            if line.is_empty() {
                self.waiting.remove(account);
                self.turns.retain(|turn| **turn != *account);
            }
        }
    }

    /// The next call, by turns, that may have its places; its account's turn is over then.
    pub(super) fn next(&mut self, mut may: impl FnMut(&[Scope]) -> bool) -> Option<Waiter> {
        for _ in 0..self.turns.len() {
            let account = self.turns.pop_front()?;
            let Some(line) = self.waiting.get_mut(&account) else { continue };
            let at = line.iter().position(|waiter| may(&waiter.scopes));
            let found = at.and_then(|at| line.remove(at));
            if line.is_empty() {
                self.waiting.remove(&account);
            } else {
                self.turns.push_back(account);
            }
            if found.is_some() {
                return found;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_take_turns_and_those_who_cannot_go_keep_nobody() {
        let mut queue = Queue::default();
        let scopes: Arc<[Scope]> = Arc::from(Vec::new());
        let (greedy, polite): (Arc<str>, Arc<str>) = ("greedy".into(), "polite".into());
        let mut receivers = Vec::new();
        let mut join = |queue: &mut Queue, account: &Arc<str>| {
            let (granted, receiver) = oneshot::channel();
            receivers.push(receiver);
            queue.join(account, &scopes, granted)
        };
        let greedy_ids: Vec<u64> = (0..5).map(|_| join(&mut queue, &greedy)).collect();
        let polite_id = join(&mut queue, &polite);
        let order: Vec<u64> = std::iter::from_fn(|| queue.next(|_| true)).map(|waiter| waiter.id).collect();
        assert_eq!(order, [greedy_ids[0], polite_id, greedy_ids[1], greedy_ids[2], greedy_ids[3], greedy_ids[4]]);
        assert!(queue.is_empty());
        let id = join(&mut queue, &greedy);
        assert!(queue.next(|_| false).is_none());
        assert_eq!(queue.of("greedy"), 1);
        queue.leave("greedy", id);
        assert!(queue.is_empty() && queue.of("greedy") == 0);
    }
}
