//! Ctrl-C, and the polite signals: the running step is told, and the database is stopped on the way
//! out, because the main thread goes on and its guards are dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::mpsc;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::signal::unix::{SignalKind, signal};

/// Knows whether someone asked us to stop, and which step has to be told.
#[derive(Clone)]
pub(crate) struct Interrupt {
    caught: Arc<AtomicBool>,
    group: Arc<AtomicI32>,
}

impl Interrupt {
    /// Begins to watch. Call it before anything is started.
    ///
    /// # Errors
    /// When the handlers cannot be installed.
    pub(crate) fn watch() -> std::io::Result<Interrupt> {
        let interrupt = Interrupt { caught: Arc::default(), group: Arc::default() };
        let (ready, is_ready) = mpsc::channel();
        let watcher = interrupt.clone();
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || watcher.serve(&ready))?;
        is_ready.recv().map_err(std::io::Error::other)??;
        Ok(interrupt)
    }

    fn serve(&self, ready: &mpsc::Sender<std::io::Result<()>>) {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(problem) => {
                let _ = ready.send(Err(problem));
                return;
            }
        };
        runtime.block_on(async {
            let streams = signal(SignalKind::interrupt())
                .and_then(|interrupt| Ok((interrupt, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?)));
            let (mut interrupt, mut terminate, mut hangup) = match streams {
                Ok(streams) => streams,
                Err(problem) => {
                    let _ = ready.send(Err(problem));
                    return;
                }
            };
            let _ = ready.send(Ok(()));
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    _ = hangup.recv() => {}
                }
                let again = self.caught.swap(true, Ordering::SeqCst);
                self.tell(if again { Signal::SIGKILL } else { Signal::SIGINT });
            }
        });
    }

    /// Did someone ask us to stop?
    pub(crate) fn caught(&self) -> bool {
        self.caught.load(Ordering::SeqCst)
    }

    /// A step runs, as the leader of a process group of its own.
    pub(crate) fn began(&self, pid: u32) {
        self.group.store(i32::try_from(pid).unwrap_or(0), Ordering::SeqCst);
        // The signal may have come between the start of the step and this line.
        if self.caught() {
            self.tell(Signal::SIGINT);
        }
    }

    /// The step ended.
    pub(crate) fn ended(&self) {
        self.group.store(0, Ordering::SeqCst);
    }

    fn tell(&self, what: Signal) {
        let group = self.group.load(Ordering::SeqCst);
        if group > 1 {
            // It may have ended by itself meanwhile.
            let _ = killpg(Pid::from_raw(group), what);
        }
    }
}
