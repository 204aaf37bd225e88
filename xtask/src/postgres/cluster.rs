//! One private cluster: started as an ordinary user on a free port of the loopback, stopped by pid.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User};
use tempfile::TempDir;

use super::Problem;
use crate::interrupt::Interrupt;
use crate::step::Watch;

const READY_WITHIN: Duration = Duration::from_secs(60);
const STOPPED_WITHIN: Duration = Duration::from_secs(20);
const GLANCE: Duration = Duration::from_millis(20);

/// A running cluster. Dropping it stops the server and removes its folder.
pub(crate) struct Cluster {
    server: Child,
    url: String,
    programs: PathBuf,
    user: Option<User>,
    // Last, so that it is removed after the server ended.
    _folder: TempDir,
}

impl Cluster {
    /// Makes and starts a cluster.
    ///
    /// # Errors
    /// [`Problem`] with the words of the program that failed.
    pub(crate) fn start(programs: &Path, interrupt: &Interrupt) -> Result<Cluster, Problem> {
        let user = ordinary_user()?;
        let folder = private_folder(user.as_ref())?;
        let data = folder.path().join("data");
        make(programs, &data, user.as_ref())?;
        // Between finding a free port and taking it, someone else may have it: try again.
        let mut failed = None;
        for _ in 0..5 {
            let port = free_port()?;
            let log = folder.path().join("log");
            let mut server = serve(programs, &data, &log, port, user.as_ref())?;
            match wait_until_ready(&mut server, &data, &log, interrupt) {
                Ok(()) => {
                    let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
                    return Ok(Cluster { server, url, programs: programs.to_path_buf(), user, _folder: folder });
                }
                Err(problem) => {
                    stop(&mut server);
                    if !matches!(problem, Problem::Failed { .. }) {
                        return Err(problem);
                    }
                    failed = Some(problem);
                }
            }
        }
        Err(failed.unwrap_or(Problem::Interrupted))
    }

    /// Where it listens, as its superuser `postgres`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The folder with the server's programs.
    pub(crate) fn programs(&self) -> &Path {
        &self.programs
    }

    /// The user that the server runs as, when it is another than ours.
    pub(crate) fn user(&self) -> Option<&str> {
        self.user.as_ref().map(|user| user.name.as_str())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        stop(&mut self.server);
    }
}

/// Whom to be: ourselves, or somebody without rights when we are root, which the server refuses.
fn ordinary_user() -> Result<Option<User>, Problem> {
    if !nix::unistd::geteuid().is_root() {
        return Ok(None);
    }
    for name in ["postgres", "nobody"] {
        if let Ok(Some(user)) = User::from_name(name) {
            return Ok(Some(user));
        }
    }
    Err(Problem::NobodyToBe)
}

fn private_folder(user: Option<&User>) -> Result<TempDir, Problem> {
    let machine = |source| Problem::Machine { what: "make a folder for the cluster", source };
    let builder = || tempfile::Builder::new().prefix("tenantry-test-postgres-").to_owned();
    // Root's own temporary folder may be closed to others; the machine's is not.
    let folder = match user {
        Some(_) if Path::new("/tmp").is_dir() => builder().tempdir_in("/tmp"),
        _ => builder().tempdir(),
    }
    .map_err(machine)?;
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).map_err(machine)?;
    if let Some(user) = user {
        chown(folder.path(), Some(user.uid.as_raw()), Some(user.gid.as_raw())).map_err(machine)?;
    }
    Ok(folder)
}

fn as_user(program: &Path, user: Option<&User>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).stdin(Stdio::null());
    if let Some(user) = user {
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw()).env("HOME", folder).env("USER", &user.name);
    }
    for name in ["PGDATA", "PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGOPTIONS"] {
        command.env_remove(name);
    }
    command
}

fn make(programs: &Path, data: &Path, user: Option<&User>) -> Result<(), Problem> {
    let parent = data.parent().unwrap_or(data);
    // A linguistic order by default, so that a statement which forgot to compare bytewise is found
    // out; plain bytes where this PostgreSQL was built without ICU.
    let orders: [&[&str]; 2] = [&["--locale-provider=icu", "--icu-locale=en-US", "--locale=C.UTF-8"], &["--locale=C"]];
    let mut said = String::new();
    for order in orders {
        let output = as_user(&programs.join("initdb"), user, parent)
            .arg("-D")
            .arg(data)
            .args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync"])
            .args(order)
            .output()
            .map_err(|source| Problem::Machine { what: "run initdb", source })?;
        if output.status.success() {
            return Ok(());
        }
        said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    }
    Err(Problem::Failed { program: "initdb", said })
}

fn serve(programs: &Path, data: &Path, log: &Path, port: u16, user: Option<&User>) -> Result<Child, Problem> {
    let machine = |source| Problem::Machine { what: "start the server", source };
    let log = fs::File::create(log).map_err(machine)?;
    let settings = [
        "listen_addresses=127.0.0.1".to_owned(),
        format!("port={port}"),
        "unix_socket_directories=".to_owned(),
        "max_connections=200".to_owned(),
        // What is in it is thrown away: nothing has to survive a power cut.
        "fsync=off".to_owned(),
        "synchronous_commit=off".to_owned(),
        "full_page_writes=off".to_owned(),
        "logging_collector=off".to_owned(),
    ];
    let parent = data.parent().unwrap_or(data);
    let mut command = as_user(&programs.join("postgres"), user, parent);
    command.arg("-D").arg(data);
    for setting in settings {
        command.arg("-c").arg(setting);
    }
    // A group of its own: Ctrl-C must reach the tests first, and the server only when they ended.
    command.process_group(0).stdout(log.try_clone().map_err(machine)?).stderr(log);
    command.spawn().map_err(machine)
}

fn wait_until_ready(server: &mut Child, data: &Path, log: &Path, interrupt: &Interrupt) -> Result<(), Problem> {
    let watch = Watch::start();
    let words = || fs::read_to_string(log).unwrap_or_default().trim().to_owned();
    loop {
        if interrupt.caught() {
            return Err(Problem::Interrupted);
        }
        // The server writes its state on the eighth line, as its own pg_ctl reads it.
        let state = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
        if state.lines().nth(7).is_some_and(|state| state.trim() == "ready") {
            return Ok(());
        }
        let ended = server.try_wait().map_err(|source| Problem::Machine { what: "watch the server", source })?;
        if ended.is_some() {
            return Err(Problem::Failed { program: "postgres", said: words() });
        }
        if watch.passed() > READY_WITHIN {
            return Err(Problem::Failed { program: "postgres", said: format!("not ready in time\n{}", words()) });
        }
        std::thread::sleep(GLANCE);
    }
}

/// Fast shutdown, then the harder ones. By pid, so that nobody else's server is ever met.
fn stop(server: &mut Child) {
    let Ok(pid) = i32::try_from(server.id()) else { return };
    for signal in [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGKILL] {
        if matches!(server.try_wait(), Ok(Some(_))) {
            return;
        }
        let _ = kill(Pid::from_raw(pid), signal);
        let watch = Watch::start();
        while watch.passed() < STOPPED_WITHIN {
            if matches!(server.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            std::thread::sleep(GLANCE);
        }
    }
}

fn free_port() -> Result<u16, Problem> {
    let machine = |source| Problem::Machine { what: "find a free port", source };
    Ok(TcpListener::bind(("127.0.0.1", 0)).map_err(machine)?.local_addr().map_err(machine)?.port())
}
