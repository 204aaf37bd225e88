//! A stream of events, translated as it passes.

use bytes::Bytes;
use futures_util::StreamExt;
use tenantry_guard::models::frames::{Frames, data, each};
use tenantry_guard::models::{Arriving, Trouble};

use super::Events;

struct Passing<E> {
    arriving: Arriving,
    frames: Frames,
    events: E,
}

/// The same stream in the other protocol's words.
pub(super) fn translated<E: Events>(arriving: Arriving, events: E) -> Arriving {
    let passing = Passing { arriving, frames: Frames::default(), events };
    Box::pin(futures_util::stream::unfold(Some(passing), |passing| async move {
        let mut passing = passing?;
        loop {
            let arrived = match passing.arriving.next().await? {
                Ok(arrived) => arrived,
                Err(trouble) => return Some((Err(trouble), None)),
            };
            let Ok(whole) = passing.frames.whole(arrived) else { return Some((Err(Trouble::Protocol), None)) };
            let mut out = Vec::new();
            for event in each(&whole) {
                let Some(data) = data(event).filter(|data| !data.is_empty()) else { continue };
                if let Err(trouble) = passing.events.event(&data, &mut out) {
                    // What came before it is told first.
                    if out.is_empty() {
                        return Some((Err(trouble), None));
                    }
                    let rest = Passing { arriving: Box::pin(futures_util::stream::iter([Err(trouble)])), ..passing };
                    return Some((Ok(Bytes::from(out)), Some(rest)));
                }
            }
            if !out.is_empty() {
                return Some((Ok(Bytes::from(out)), Some(passing)));
            }
        }
    }))
}
