//! The hand: commands, output, doctor, demo. The only room that prints and that reads the
//! environment, the clock and the random generator of the machine.

pub mod address;
pub mod ambient;
pub mod args;
pub mod canary;
pub mod commands;
pub mod demo;
pub mod desk;
pub mod environment;
pub mod exit;
pub mod http;
pub mod init;
pub mod issuers;
pub mod limits;
pub mod models;
pub mod otlp;
pub mod output;
pub mod plans;
pub mod project;
pub mod runtime;
pub mod who;
pub mod wire;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::args::Cli;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::output::{ColorChoice, Failure, Outcome, Output};

/// Runs one command to its end. `args` begins with the program's name.
pub async fn run(args: impl IntoIterator<Item = OsString>, environment: Environment) -> ExitCode {
    exit_of(args, environment).await.into()
}

/// As [`run`], for callers in the same process.
pub async fn exit_of(args: impl IntoIterator<Item = OsString>, environment: Environment) -> Exit {
    let args: Vec<OsString> = args.into_iter().collect();
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) => return usage(&args, &environment, &error),
    };
    let output = Output::new(&environment, cli.global.json, cli.global.quiet, cli.global.color);
    start_log(&environment, output.color_talk());
    let stop = Stop::default();
    let signals = Signals::watch();
    let result = tokio::select! {
        biased;
        result = commands::dispatch(cli, &environment, &output, &stop) => result,
        () = interrupted(&stop, signals) => Err(Failure::interrupted()),
    };
    output.finish(result)
}

/// Whether a command ends by itself when it is interrupted, as servers do to finish open calls.
#[derive(Debug, Clone)]
pub struct Stop {
    takes_over: std::sync::Arc<std::sync::atomic::AtomicBool>,
    asked: tokio::sync::watch::Sender<bool>,
}

impl Default for Stop {
    fn default() -> Self {
        Stop { takes_over: std::sync::Arc::default(), asked: tokio::sync::watch::Sender::new(false) }
    }
}

impl Stop {
    /// Ready when the user asks to stop. From this call on the command must end by itself; a second
    /// Ctrl-C still ends it at once.
    pub async fn asked(&self) {
        self.takes_over.store(true, std::sync::atomic::Ordering::SeqCst);
        let mut receiver = self.asked.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        let _ = receiver.wait_for(|asked| *asked).await;
    }
}

/// Ready on Ctrl-C or SIGTERM; when the command takes over, on the second one.
async fn interrupted(stop: &Stop, mut signals: Signals) {
    signals.next().await;
    stop.asked.send_replace(true);
    if stop.takes_over.load(std::sync::atomic::Ordering::SeqCst) {
        signals.next().await;
    }
}

/// Ctrl-C and SIGTERM, caught from the moment that this is made: a command that has begun to write
/// files must get to take them away again.
#[cfg(unix)]
struct Signals {
    interrupt: Option<tokio::signal::unix::Signal>,
    terminate: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn watch() -> Signals {
        use tokio::signal::unix::{SignalKind, signal};
        Signals { interrupt: signal(SignalKind::interrupt()).ok(), terminate: signal(SignalKind::terminate()).ok() }
    }

    async fn next(&mut self) {
        let wait = async |signal: &mut Option<tokio::signal::unix::Signal>| match signal {
            Some(signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        };
        tokio::select! {
            () = wait(&mut self.interrupt) => {}
            () = wait(&mut self.terminate) => {}
        }
    }
}

/// Ctrl-C.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn watch() -> Signals {
        Signals
    }

    async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// Arguments that do not fit, or a request for help.
fn usage(args: &[OsString], environment: &Environment, error: &clap::Error) -> Exit {
    let json = args.iter().any(|arg| arg == "--json");
    let output = Output::new(environment, json, false, ColorChoice::Auto);
    let text = error.render().ansi().to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let plain = error.render().to_string();
            output.finish(Ok(Outcome::new(serde_json::json!({ "text": plain }), text)))
        }
        _ => {
            let plain = error.render().to_string();
            let message = plain.lines().next().unwrap_or_default();
            let message = message.strip_prefix("error: ").unwrap_or(message);
            let failure = Failure::invalid("USAGE", message).hint("tenantry --help lists every command");
            output.finish(Err(failure.rendered(text)))
        }
    }
}

/// Logs go to standard error; `TENANTRY_LOG` says which (default: warnings).
fn start_log(environment: &Environment, color: bool) {
    let filter = environment.variable("TENANTRY_LOG").unwrap_or("warn,hyper=error");
    let Ok(filter) = EnvFilter::try_new(filter) else { return };
    // A second run in the same process (tests) keeps the first log.
    let _ = log(filter, std::io::stderr, color).try_init();
}

fn log<W>(filter: EnvFilter, writer: W, color: bool) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(color).finish();
    log.with(filter_fn(without_values))
}

/// The driver of PostgreSQL logs every statement's parameters for debugging: values of rows, of hidden
/// fields, of row security's settings. No filter that an operator writes may let them into a log.
fn without_values(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= Level::INFO || !metadata.target().starts_with("tokio_postgres")
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn no_filter_lets_parameters_into_the_log() {
        for filter in ["trace", "debug", "tokio_postgres=trace", "tokio_postgres::query=debug"] {
            let kept = Kept::default();
            let writer = kept.clone();
            let log = log(EnvFilter::new(filter), move || writer.clone(), false);
            tracing::subscriber::with_default(log, || {
                tracing::debug!(target: "tokio_postgres::query", "executing statement s1 with parameters: [\"secret\"]");
                tracing::info!(target: "tokio_postgres::connection", "a notice");
            });
            let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
            assert!(!text.contains("secret"), "{filter}: {text}");
        }
        let kept = Kept::default();
        let writer = kept.clone();
        tracing::subscriber::with_default(log(EnvFilter::new("trace"), move || writer.clone(), false), || {
            tracing::debug!(target: "tenantry_guard", "still told");
        });
        assert!(String::from_utf8(kept.0.lock().unwrap().clone()).unwrap().contains("still told"));
    }
}
