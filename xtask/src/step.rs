//! One command of a task: its words pass through to standard error while they are read for a count.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::count::Count;
use crate::interrupt::Interrupt;
use crate::talk;

/// How a step is counted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One check: it passes or it does not.
    Check,
    /// A test runner: its summaries are added up.
    Tests,
}

/// Runs a step under a heading.
pub(crate) fn run(interrupt: &Interrupt, what: &str, kind: Kind, command: Command) -> Count {
    let watch = Watch::start();
    talk::heading(what);
    let (count, good) = match pass_through(interrupt, command) {
        Ok((status, said)) => {
            let mut count = if kind == Kind::Tests { said } else { Count::one(status.success()) };
            // A runner that could not even build its tests has no summary.
            if !status.success() && count.failed == 0 {
                count.failed = 1;
            }
            (count, status.success())
        }
        Err(problem) => {
            talk::line(&format!("error: cannot run it: {problem}"));
            (Count::one(false), false)
        }
    };
    talk::ended(what, good, watch.passed());
    count
}

/// Runs a command whose words go where ours go.
///
/// # Errors
/// When it cannot be started.
pub(crate) fn plain(interrupt: &Interrupt, mut command: Command) -> std::io::Result<ExitStatus> {
    let mut child = command.stdin(Stdio::null()).process_group(0).spawn()?;
    interrupt.began(child.id());
    let status = child.wait();
    interrupt.ended();
    status
}

/// Runs a command in a process group of its own, so that all of it can be told to stop.
fn pass_through(interrupt: &Interrupt, mut command: Command) -> std::io::Result<(ExitStatus, Count)> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    if talk::colour() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    let mut child = command.spawn()?;
    interrupt.began(child.id());
    let (send, counts) = mpsc::channel();
    let streams: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>),
        child.stderr.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>),
    ];
    for stream in streams.into_iter().flatten() {
        let send = send.clone();
        std::thread::spawn(move || {
            let _ = send.send(echo(stream));
        });
    }
    drop(send);
    let status = child.wait()?;
    interrupt.ended();
    // Something the step left behind may hold its output open: what was said until shortly after
    // its end is all that counts.
    let mut count = Count::default();
    while let Ok(said) = counts.recv_timeout(Duration::from_secs(5)) {
        count += said;
    }
    Ok((status, count))
}

fn echo(stream: Box<dyn Read + Send>) -> Count {
    let mut reader = BufReader::new(stream);
    let mut count = Count::default();
    let mut line = Vec::new();
    while matches!(reader.read_until(b'\n', &mut line), Ok(read) if read > 0) {
        let _ = std::io::stderr().lock().write_all(&line);
        if let Some(said) = Count::of_line(&String::from_utf8_lossy(&line)) {
            count += said;
        }
        line.clear();
    }
    count
}

/// Measures how long something took.
pub(crate) struct Watch(std::time::Instant);

impl Watch {
    /// Starts now.
    #[allow(clippy::disallowed_methods, reason = "a chore measures real time; the rule is about the product")]
    pub(crate) fn start() -> Watch {
        Watch(std::time::Instant::now())
    }

    /// The time since the start.
    pub(crate) fn passed(&self) -> Duration {
        self.0.elapsed()
    }
}
