//! Who, why and now, carried by every governed act.

use std::sync::Arc;

use crate::attribute::AttrId;
use crate::bound::{Bound, Slot};
use crate::condition::AttrView;

/// One call's context. Made from a verified token, never from anything else the caller sent.
#[derive(Debug, Clone)]
pub struct Context {
    /// The principal, bound to the policy in force.
    pub bound: Arc<Bound>,
    /// The time of the call, microseconds since 1970 UTC.
    pub now_micros: i64,
    /// Names the call in the audit and in answers.
    pub request_id: Arc<str>,
}

impl AttrView for Context {
    fn slot(&self, id: AttrId) -> &Slot {
        self.bound.slot(id)
    }

    fn now_micros(&self) -> i64 {
        self.now_micros
    }
}
