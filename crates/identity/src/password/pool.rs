//! The threads that hash passwords: as many as the machine has cores, and a queue that ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

use crate::Refusal;

/// How many may wait for each thread: about a second's work. Whoever comes later is told to come again.
const WAITERS: usize = 32;

/// A bounded number of hashes at a time: each takes 19 MiB and a core, so a flood of logins must not start
/// as many as it likes.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    threads: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    most: usize,
}

impl Pool {
    /// One thread for each core.
    pub(crate) fn new() -> Pool {
        Pool::of(std::thread::available_parallelism().map_or(1, usize::from), WAITERS)
    }

    fn of(threads: usize, waiters: usize) -> Pool {
        Pool {
            threads: Arc::new(Semaphore::new(threads)),
            waiting: Arc::new(AtomicUsize::new(0)),
            most: threads.saturating_mul(waiters),
        }
    }

    /// Runs work that hashes, in its turn.
    ///
    /// # Errors
    /// [`Refusal::TooMany`] when the queue is full.
    pub(crate) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
        let place = Place::take(&self.waiting, self.most).ok_or(Refusal::TooMany { retry_after: 1 })?;
        let permit = Arc::clone(&self.threads).acquire_owned().await;
        drop(place);
        let permit = permit.map_err(|_| Refusal::Internal("the hashing threads are closed"))?;
        let run = tokio::task::spawn_blocking(move || {
            let done = work();
            // Held until the work has ended, even when nobody waits for it any more.
            drop(permit);
            done
        });
        run.await.map_err(|_| Refusal::Internal("a hashing thread stopped"))
    }
}

/// A place in the queue, given back when dropped.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(waiting: &Arc<AtomicUsize>, most: usize) -> Option<Place> {
        let taken = waiting.fetch_update(Ordering::AcqRel, Ordering::Acquire, |now| (now < most).then_some(now + 1));
        taken.ok().map(|_| Place(Arc::clone(waiting)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn the_queue_ends() {
        let pool = Pool::of(1, 2);
        let (go, wait) = mpsc::channel::<()>();
        let (started, running) = tokio::sync::oneshot::channel();
        let busy = tokio::spawn({
            let pool = pool.clone();
            async move {
                pool.run(move || {
                    let _ = started.send(());
                    let _ = wait.recv();
                })
                .await
            }
        });
        running.await.unwrap();
        let mut queued: Vec<_> = (0..2).map(|n| Box::pin(pool.run(move || n))).collect();
        for one in &mut queued {
            assert!(futures_poll_once(one).await);
        }
        assert!(matches!(pool.run(|| 3).await, Err(Refusal::TooMany { retry_after: 1 })));
        go.send(()).unwrap();
        busy.await.unwrap().unwrap();
        for (n, one) in queued.into_iter().enumerate() {
            assert_eq!(one.await.unwrap(), n);
        }
        assert_eq!(pool.run(|| 4).await.unwrap(), 4);
    }

    /// Polls once; is it still pending?
    async fn futures_poll_once<F: Future + Unpin>(future: &mut F) -> bool {
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(context).is_pending())
        })
        .await
    }
}
