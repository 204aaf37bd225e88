//! A bar for long work.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar on standard error; hidden when nobody looks.
#[derive(Debug, Clone)]
pub struct Progress(ProgressBar);

impl Progress {
    /// A bar of `total` steps.
    pub(super) fn new(total: u64, what: &str, shown: bool) -> Progress {
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total), target).with_message(what.to_owned());
        if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:30}] {human_pos}/{human_len} {elapsed}") {
            bar.set_style(style.progress_chars("=> "));
        }
        Progress(bar)
    }

    /// A bar that never shows, for callers without a screen.
    #[must_use]
    pub fn hidden() -> Progress {
        Progress(ProgressBar::hidden())
    }

    /// Some steps further.
    pub fn advance(&self, steps: u64) {
        self.0.inc(steps);
    }

    /// Another kind of work, same bar.
    pub fn describe(&self, what: &str) {
        self.0.set_message(what.to_owned());
    }

    /// Done: the bar goes.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}
