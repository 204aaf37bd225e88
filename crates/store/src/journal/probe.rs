//! Where this room's own tests look in: they learn that a step is done, so as to keep a copy of the files
//! as a process that is killed there would leave them, and make the disk full.

pub(crate) use probes::*;

#[cfg(not(test))]
mod probes {
    /// A step is done.
    pub(crate) fn reached(_step: &'static str) {}

    /// How much of a write gets through.
    pub(crate) fn room(wanted: usize) -> usize {
        wanted
    }
}

#[cfg(test)]
mod probes {
    use std::cell::{Cell, RefCell};

    type Watch = Box<dyn FnMut(&'static str)>;

    thread_local! {
        static WATCH: RefCell<Option<Watch>> = const { RefCell::new(None) };
        static ROOM: Cell<Option<usize>> = const { Cell::new(None) };
    }

    pub(crate) fn reached(step: &'static str) {
        // Taken out meanwhile: what it does may reach further steps.
        let Some(mut watch) = WATCH.take() else { return };
        watch(step);
        WATCH.set(Some(watch));
    }

    pub(crate) fn room(wanted: usize) -> usize {
        let Some(left) = ROOM.get() else { return wanted };
        ROOM.set(Some(left.saturating_sub(wanted)));
        wanted.min(left)
    }

    /// From now on this thread tells of its steps.
    pub(crate) fn watch(watch: impl FnMut(&'static str) + 'static) {
        WATCH.set(Some(Box::new(watch)));
    }

    pub(crate) fn unwatch() {
        WATCH.set(None);
    }

    /// From now on so many bytes fit on the disk, for this thread.
    pub(crate) fn set_room(bytes: Option<usize>) {
        ROOM.set(bytes);
    }
}
