//! What people and programs get to see. Nothing outside this room writes to a stream.
//!
//! Data goes to standard output, talk (progress, notes, warnings, errors for people) to standard
//! error. With `--json` standard output holds exactly one envelope and standard error stays quiet
//! but for warnings.

mod envelope;
mod paint;
mod progress;

pub use envelope::{Failure, Outcome};
pub use paint::Paint;
pub use progress::Progress;

use crate::environment::{Environment, Stream};
use crate::exit::Exit;

/// When to use colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set or TERM is `dumb`.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The one way out.
#[derive(Debug, Clone)]
pub struct Output {
    stdout: Stream,
    stderr: Stream,
    json: bool,
    quiet: bool,
    color_out: bool,
    color_err: bool,
    term_width: usize,
}

impl Output {
    /// The output that the arguments and the surroundings ask for.
    #[must_use]
    pub fn new(environment: &Environment, json: bool, quiet: bool, color: ColorChoice) -> Output {
        let wants = |stream: &Stream| match color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                environment.variable("NO_COLOR").is_none()
                    && environment.variable("TERM") != Some("dumb")
                    && stream.is_terminal()
            }
        };
        Output {
            color_out: !json && wants(&environment.stdout),
            color_err: wants(&environment.stderr),
            stdout: environment.stdout.clone(),
            stderr: environment.stderr.clone(),
            json,
            quiet,
            term_width: environment.variable("COLUMNS").and_then(|text| text.parse().ok()).unwrap_or(100),
        }
    }

    /// Does a program read the answer?
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// May standard error hold colour? For renderers that make whole blocks of text.
    #[must_use]
    pub fn color_talk(&self) -> bool {
        self.color_err
    }

    /// Columns to wrap talk at.
    #[must_use]
    pub fn width(&self) -> usize {
        self.term_width.clamp(60, 160)
    }

    /// Writes to standard output while the command still runs (a server's address, a demo's steps).
    /// Says nothing with `--json`, where the envelope is all.
    pub fn say(&self, text: &str) {
        if !self.json {
            self.write_out(text);
        }
    }

    /// A remark for people: what happened, what to do next. Quiet with `--json` and `--quiet`.
    pub fn note(&self, text: &str) {
        if !self.json && !self.quiet {
            self.write_err(text);
        }
    }

    /// Something that people should look at. Always told.
    pub fn warn(&self, text: &str) {
        self.write_err(&[&Paint::WARN.on("warning:"), " ", text].concat());
    }

    /// A bar on standard error for `total` steps; still when nobody looks.
    #[must_use]
    pub fn progress(&self, total: u64, what: &str) -> Progress {
        Progress::new(total, what, !self.json && !self.quiet && self.stderr.is_terminal())
    }

    /// Ends a command: its data or its failure, in the form asked for.
    pub fn finish(&self, result: Result<Outcome, Failure>) -> Exit {
        match result {
            Ok(outcome) => {
                if self.json {
                    self.write_out(&outcome.envelope());
                } else if !outcome.text.is_empty() {
                    self.write_out(&outcome.text);
                }
                outcome.exit
            }
            Err(failure) => {
                if self.json {
                    self.write_out(&failure.envelope());
                } else {
                    self.write_err(&failure.for_people());
                }
                failure.exit
            }
        }
    }

    fn write_out(&self, text: &str) {
        put(&self.stdout, text, self.color_out);
    }

    fn write_err(&self, text: &str) {
        put(&self.stderr, text, self.color_err);
    }
}

/// Writes one block and ends its line. A reader that went away (`| head`) is no error, and there is
/// nobody left to tell of any other.
fn put(stream: &Stream, text: &str, color: bool) {
    let mut block = if color { text.to_owned() } else { anstream::adapter::strip_str(text).to_string() };
    if !block.ends_with('\n') {
        block.push('\n');
    }
    let _ = stream.write(block.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn run(json: bool, result: Result<Outcome, Failure>) -> (Exit, String, String) {
        let env = Environment::for_test(std::path::Path::new("."));
        let output = Output::new(&env, json, false, ColorChoice::Auto);
        output.note("a note");
        output.say("a line");
        let exit = output.finish(result);
        (exit, env.stdout.contents(), env.stderr.contents())
    }

    #[test]
    fn data_goes_to_stdout_and_talk_to_stderr() {
        let done = Outcome::new(json!({"n": 1}), "one\n");
        assert_eq!(run(false, Ok(done.clone())), (Exit::Done, "a line\none\n".to_owned(), "a note\n".to_owned()));
        let (exit, out, err) = run(true, Ok(done));
        assert_eq!((exit, err.as_str()), (Exit::Done, ""));
        let envelope: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(envelope, json!({"success": true, "data": {"n": 1}}));
    }

    #[test]
    fn a_failure_is_an_envelope_too() {
        let failure = Failure::invalid("BAD_THING", "the thing is bad").hint("mend it");
        let (exit, out, err) = run(true, Err(failure.clone()));
        assert_eq!((exit, err.as_str()), (Exit::Invalid, ""));
        let envelope: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(
            envelope,
            json!({"success": false, "error":
                {"code": "BAD_THING", "message": "the thing is bad", "hints": ["mend it"], "details": {}}})
        );
        let (_, out, err) = run(false, Err(failure));
        assert_eq!(out, "a line\n");
        assert_eq!(err, "a note\nerror[BAD_THING]: the thing is bad\n  hint: mend it\n");
    }
}
