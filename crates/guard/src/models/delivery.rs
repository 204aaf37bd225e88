//! An answer that streams: what arrives is handed on as it came, looked at on the way, and ended when the
//! credential does not hold any more.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

use super::door::Running;
use super::frames::{self, Frames};
use super::meter::Ended;
use super::refusal::{Refusal, RefusalKind};
use super::upstream::{Arriving, Trouble};
use super::usage::{Gathered, Seen};

/// How often it is asked whether the credential still holds, while nothing arrives.
const LOOK: Duration = Duration::from_millis(400);

/// After how long a silence [`Delivery::next`] says so.
const SILENCE: Duration = Duration::from_secs(15);

/// By how many pieces an answer may pass its cap: some tokens are told in two.
const SLACK: u64 = 16;

/// An answer on its way. Dropping it cancels the upstream's call and settles to what was delivered.
pub struct Delivery {
    arriving: Option<Arriving>,
    first: Option<Bytes>,
    frames: Frames,
    gathered: Gathered,
    running: Option<Running>,
    /// Is the event that holds only the usage kept from the caller, who did not ask for it?
    strip: bool,
    idle: Duration,
    /// How long nothing has arrived.
    silent: Duration,
    deadline: Duration,
    /// Why nothing more of it is told, once what came before is delivered.
    broken: Option<&'static str>,
}

impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delivery").finish_non_exhaustive()
    }
}

impl Delivery {
    pub(crate) fn new(
        running: Running,
        first: Option<Bytes>,
        arriving: Arriving,
        strip: bool,
        idle: Duration,
        deadline: Duration,
    ) -> Delivery {
        let gathered = Gathered::new(running.surface);
        Delivery {
            arriving: Some(arriving),
            first,
            frames: Frames::default(),
            gathered,
            running: Some(running),
            strip,
            idle,
            silent: Duration::ZERO,
            deadline,
            broken: None,
        }
    }

    /// The next whole events; no bytes after every 15 seconds of silence, so that whoever waits can be told
    /// that we are still here; `None` at the end. After an error there is nothing more.
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Result<Bytes, Refusal>> {
        loop {
            if let (Some(why), true) = (self.broken, self.running.is_some()) {
                return Some(Err(self.fail(Refusal::new(RefusalKind::Upstream, why))));
            }
            let arrived = match self.first.take() {
                Some(first) => Some(Ok(first)),
                None => self.arrive().await,
            };
            let arrived = match arrived {
                Some(Ok(arrived)) => arrived,
                Some(Err(refusal)) => return Some(Err(self.fail(refusal))),
                None => {
                    self.arriving.as_ref()?;
                    return self.finish();
                }
            };
            if arrived.is_empty() {
                return Some(Ok(arrived));
            }
            let Ok(whole) = self.frames.whole(arrived) else {
                return Some(Err(self.fail(Refusal::new(RefusalKind::Upstream, "The model's answer cannot be read."))));
            };
            let told = self.look(whole);
            if !told.is_empty() {
                return Some(Ok(told));
            }
        }
    }

    async fn arrive(&mut self) -> Option<Result<Bytes, Refusal>> {
        let arriving = self.arriving.as_mut()?;
        let running = self.running.as_ref()?;
        loop {
            // INVARIANT: a revoked credential gets nothing more within a second, whether the upstream speaks or not.
            if !(running.caller.holds)() {
                return Some(Err(Refusal::new(RefusalKind::Revoked, "The credential is not valid any more.")));
            }
            if running.models.clock().monotonic() >= self.deadline {
                return Some(Err(Refusal::new(RefusalKind::Timeout, "The model's answer took too long.")));
            }
            let patience = LOOK.min(self.idle.saturating_sub(self.silent));
            match tokio::time::timeout(patience, arriving.next()).await {
                Ok(Some(Ok(bytes))) if bytes.is_empty() => {}
                Ok(Some(Ok(bytes))) => {
                    self.silent = Duration::ZERO;
                    return Some(Ok(bytes));
                }
                Ok(Some(Err(trouble))) => {
                    tracing::warn!(request = %running.request_id, upstream = %running.upstream, %trouble, "a stream broke off");
                    return Some(Err(match trouble {
                        Trouble::Timeout => Refusal::new(RefusalKind::Timeout, "The model's answer took too long."),
                        _ => Refusal::new(RefusalKind::Upstream, "The model's answer broke off."),
                    }));
                }
                Ok(None) => return None,
                Err(_) => {
                    let before = self.silent.as_millis() / SILENCE.as_millis();
                    self.silent = self.silent.saturating_add(patience);
                    if self.silent >= self.idle {
                        return Some(Err(Refusal::new(RefusalKind::Timeout, "The model has fallen silent.")));
                    }
                    if self.silent.as_millis() / SILENCE.as_millis() > before {
                        return Some(Ok(Bytes::new()));
                    }
                }
            }
        }
    }

    /// Looks at whole events; answers those that the caller is told.
    fn look(&mut self, whole: Bytes) -> Bytes {
        let mut cut: Vec<(usize, usize)> = Vec::new();
        let mut at = 0;
        for event in frames::each(&whole) {
            let seen = frames::data(event).map_or(Seen::Pass, |data| self.gathered.see(&data));
            if seen == Seen::Fault {
                // Its words may hold what is ours there: they are for nobody.
                self.broken = Some("The model's answer broke off.");
                cut.push((at, whole.len()));
                break;
            }
            // INVARIANT: an upstream that heeds no cap is stopped where it passes what was set aside for its answer. An event
            // with content is a token at least.
            let most = self.running.as_ref().and_then(|running| running.most);
            if most.is_some_and(|most| self.gathered.events > most.saturating_add(SLACK)) {
                self.broken = Some("The model's answer is longer than it was asked to be.");
                cut.push((at, whole.len()));
                break;
            }
            if seen == Seen::UsageOnly && self.strip {
                cut.push((at, at + event.len()));
            }
            at += event.len();
        }
        if let (Some(id), Some(running)) = (self.gathered.id.take(), self.running.as_mut()) {
            running.keeps(id);
        }
        if cut.is_empty() {
            return whole;
        }
        let mut told = BytesMut::with_capacity(whole.len());
        let mut done = 0;
        for (from, to) in cut {
            told.extend_from_slice(whole.get(done..from).unwrap_or_default());
            done = to;
        }
        told.extend_from_slice(whole.get(done..).unwrap_or_default());
        told.freeze()
    }

    fn finish(&mut self) -> Option<Result<Bytes, Refusal>> {
        // An answer without its own end was cut: the connection closed as if it were whole.
        if !self.gathered.ended || self.frames.is_partial() {
            return Some(Err(self.fail(Refusal::new(RefusalKind::Upstream, "The model's answer broke off."))));
        }
        self.arriving = None;
        if let Some(running) = self.running.take() {
            let usage = self.gathered.usage(running.estimate());
            running.end_soon(usage, Ended::Completed, None);
        }
        None
    }

    fn fail(&mut self, refusal: Refusal) -> Refusal {
        // The upstream's call ends here.
        self.arriving = None;
        if let Some(running) = self.running.take() {
            let usage = self.gathered.usage(running.estimate());
            running.end_soon(usage, Ended::Failed, Some(refusal.kind.code()));
        }
        refusal
    }
}

impl Drop for Delivery {
    /// The caller left.
    fn drop(&mut self) {
        self.arriving = None;
        let Some(mut running) = self.running.take() else { return };
        running.delivered = Some(self.gathered.usage(running.estimate()));
        // Its own drop settles.
        drop(running);
    }
}

/// A whole answer, as it arrives, up to a size.
pub(crate) async fn collect(
    mut arriving: Arriving,
    first: Option<Bytes>,
    idle: Duration,
    most: usize,
) -> Result<Bytes, Trouble> {
    let mut whole = BytesMut::new();
    let mut held = first;
    loop {
        let next = match tokio::time::timeout(idle, arriving.next()).await {
            Err(_) => return Err(Trouble::Timeout),
            Ok(None) => break,
            Ok(Some(next)) => next?,
        };
        if whole.len() + held.as_ref().map_or(0, Bytes::len) + next.len() > most {
            return Err(Trouble::Protocol);
        }
        // Mostly it is one piece: then it is not copied.
        match held.take() {
            None if whole.is_empty() => held = Some(next),
            None => whole.extend_from_slice(&next),
            Some(one) => {
                whole.extend_from_slice(&one);
                whole.extend_from_slice(&next);
            }
        }
    }
    match held {
        Some(one) if whole.is_empty() => Ok(one),
        Some(one) => {
            whole.extend_from_slice(&one);
            Ok(whole.freeze())
        }
        None => Ok(whole.freeze()),
    }
}
