//! How much memory the bodies of calls under way take together. They may be large, and a call may wait for its turn or
//! for its upstream for minutes: so there is room for so much in the process, and for so much of it for each account.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::http::StatusCode;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::gateway::failure::Failure;

/// Smaller bodies need no room: as many as there may be connections fit beside it.
const SMALL: usize = 64 * 1024;

/// What room is counted in, in bytes.
const PIECE: usize = 1024;

/// For the whole process, in bytes.
const PROCESS: usize = 512 * 1024 * 1024;

/// For each account, in bytes: two of the largest bodies.
const ACCOUNT: usize = 64 * 1024 * 1024;

/// How long a body waits for room at most.
const WAIT: Duration = Duration::from_secs(5);

/// How many accounts are remembered before those are looked for that hold no room.
const REMEMBERED: usize = 1_024;

/// The room for bodies.
pub(crate) struct Room {
    process: Arc<Semaphore>,
    accounts: Mutex<HashMap<Box<str>, Weak<Semaphore>>>,
    wait: Duration,
}

/// A body's room, given back when dropped.
#[derive(Debug, Default)]
pub(crate) struct Held(Option<[OwnedSemaphorePermit; 2]>);

impl Room {
    pub(crate) fn new() -> Room {
        Room { process: Arc::new(Semaphore::new(PROCESS / PIECE)), accounts: Mutex::default(), wait: WAIT }
    }

    /// Makes room for a body of so many bytes at most.
    pub(crate) async fn take(&self, account: &str, bytes: usize) -> Result<Held, Failure> {
        if bytes <= SMALL {
            return Ok(Held::default());
        }
        let pieces = u32::try_from(bytes.div_ceil(PIECE)).unwrap_or(u32::MAX);
        // The account's first: who waits for its own calls takes no room from others.
        let own = tokio::time::timeout(self.wait, self.account(account).acquire_many_owned(pieces)).await;
        let Ok(Ok(own)) = own else {
            let message = "Too many large bodies at one time for the account.";
            return Err(Failure::plain(StatusCode::TOO_MANY_REQUESTS, "rate_limit_exceeded", message).after(1));
        };
        let process = tokio::time::timeout(self.wait, Arc::clone(&self.process).acquire_many_owned(pieces)).await;
        let Ok(Ok(process)) = process else {
            let message = "Too many large bodies at one time.";
            return Err(Failure::plain(StatusCode::SERVICE_UNAVAILABLE, "overloaded", message).after(1));
        };
        Ok(Held(Some([own, process])))
    }

    fn account(&self, name: &str) -> Arc<Semaphore> {
        let mut accounts = self.accounts.lock();
        if let Some(known) = accounts.get(name).and_then(Weak::upgrade) {
            return known;
        }
        if accounts.len() >= REMEMBERED {
            accounts.retain(|_, account| account.strong_count() > 0);
        }
        let made = Arc::new(Semaphore::new(ACCOUNT / PIECE));
        accounts.insert(name.into(), Arc::downgrade(&made));
        made
    }
}

impl Held {
    /// It is only so large: the rest is given back.
    pub(crate) fn keep(&mut self, bytes: usize) {
        for permit in self.0.iter_mut().flatten() {
            let over = permit.num_permits().saturating_sub(bytes.div_ceil(PIECE));
            drop(permit.split(over));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGE: usize = 32 * 1024 * 1024;

    #[tokio::test]
    async fn an_account_has_room_for_so_much_and_takes_none_from_others() {
        let room = Room { wait: Duration::ZERO, ..Room::new() };
        let mut held = vec![room.take("acme", LARGE).await.unwrap(), room.take("acme", LARGE).await.unwrap()];
        let refused = room.take("acme", LARGE).await.unwrap_err();
        assert!(format!("{refused:?}").contains("429"), "{refused:?}");
        assert!(room.take("acme", SMALL).await.is_ok() && room.take("globex", LARGE).await.is_ok());
        held[0].keep(10);
        assert!(room.take("acme", LARGE - PIECE).await.is_ok());
        held.clear();
        for number in 0..8 {
            for _ in 0..2 {
                held.push(room.take(&number.to_string(), LARGE).await.unwrap());
            }
        }
        let refused = room.take("acme", LARGE).await.unwrap_err();
        assert!(format!("{refused:?}").contains("503"), "{refused:?}");
        held.pop();
        assert!(room.take("acme", LARGE).await.is_ok());
    }
}
