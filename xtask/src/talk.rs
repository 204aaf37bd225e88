//! Talk goes to standard error; the one line of result goes to standard output.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

/// One line of talk.
pub(crate) fn line(text: &str) {
    // A closed standard error is no reason to stop testing.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// A step begins.
pub(crate) fn heading(text: &str) {
    let (bold, plain) = if colour() { ("\u{1b}[1;36m", "\u{1b}[0m") } else { ("", "") };
    line(&format!("\n{bold}==> {text}{plain}"));
}

/// A step ended.
pub(crate) fn ended(what: &str, good: bool, took: Duration) {
    let (paint, plain) = match (colour(), good) {
        (false, _) => ("", ""),
        (true, true) => ("\u{1b}[32m", "\u{1b}[0m"),
        (true, false) => ("\u{1b}[1;31m", "\u{1b}[0m"),
    };
    let word = if good { "passed" } else { "FAILED" };
    line(&format!("{paint}    {word}{plain} {what} in {:.1} s", took.as_secs_f64()));
}

/// A step that could not run here, and why.
pub(crate) fn skipped(what: &str, why: &str) {
    heading(what);
    line(&format!("    skipped: {why}"));
}

/// The result, the last thing said.
pub(crate) fn result(text: &str) {
    let _ = std::io::stderr().lock().flush();
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// May we paint?
#[allow(clippy::disallowed_methods, reason = "a chore reads NO_COLOR itself; the rule is about the product")]
pub(crate) fn colour() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
