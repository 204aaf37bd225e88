//! `cargo xtask bench`: builds the benchmarks for real speed and runs them, with what they need.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Subcommand;

use crate::interrupt::Interrupt;
use crate::postgres::{self, Cluster};
use crate::step::{self, Kind};
use crate::suite::answers;
use crate::talk;
use crate::workspace::{cargo, root, target};

/// What is measured.
#[derive(Subcommand)]
pub(crate) enum Bench {
    /// P1, P2, P9: a tool call beside hand-written drivers and OrmAI; memory and start
    Data {
        /// Fewer rounds
        #[arg(long)]
        quick: bool,
        /// Write the figures to this file as JSON too
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
    },
    /// P4: a model call through the gateway beside nginx, a bare proxy and LiteLLM
    Gateway {
        /// Fewer rounds
        #[arg(long)]
        quick: bool,
        /// Write the figures to this file as JSON too
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
    },
    /// P5, P8: a token beside its signature; 100,000 accounts and 1,000,000 users beside 100 and 1,000
    Identity {
        /// Fewer rounds, and 10,000 accounts with 100,000 users
        #[arg(long)]
        quick: bool,
        /// Write the figures to this file as JSON too
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
    },
    /// P7: plan and apply of 10,000 resources, and a plan with nothing to do, on both stores
    Plan {
        /// A tenth of them
        #[arg(long)]
        quick: bool,
        /// Write the figures to this file as JSON too
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
    },
    /// P6: the proof of 1,000 tables, and of one that was changed
    Proof {
        /// A tenth of the tables
        #[arg(long)]
        quick: bool,
        /// Write the figures to this file as JSON too
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
    },
    /// P3: one decision beside Cedar
    Decision {
        /// Fewer rounds
        #[arg(long)]
        quick: bool,
        /// Write the figures to this file as JSON too
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
    },
}

/// The task; the answer is its exit status.
pub(crate) fn run(interrupt: &Interrupt, bench: &Bench) -> u8 {
    let built =
        cargo(&["build", "--release", "-p", "tenantry-bench", "-p", "tenantry", "--features", "tenantry-bench/cedar"]);
    if step::run(interrupt, "cargo build --release -p tenantry-bench -p tenantry", Kind::Check, built).failed > 0 {
        return 1;
    }
    let (name, quick, json) = match bench {
        Bench::Data { quick, json } => ("data", quick, json),
        Bench::Identity { quick, json } => ("identity", quick, json),
        Bench::Decision { quick, json } => ("decision", quick, json),
        Bench::Plan { quick, json } => ("plan", quick, json),
        Bench::Gateway { quick, json } => ("gateway", quick, json),
        Bench::Proof { quick, json } => ("proof", quick, json),
    };
    let mut command = Command::new(release("tenantry-bench"));
    command.arg(name).current_dir(root());
    if *quick {
        command.arg("--quick");
    }
    if let Some(file) = json {
        command.arg("--json").arg(std::path::absolute(file).unwrap_or_else(|_| file.clone()));
    }
    if name == "decision" || name == "proof" {
        return measure(interrupt, command);
    }
    if name != "identity" {
        command.arg("--program").arg(release("tenantry"));
    }
    if name == "gateway" {
        match nginx() {
            Ok(program) => {
                command.arg("--nginx").arg(program);
            }
            Err(why) => talk::skipped("nginx", &why),
        }
        match litellm() {
            Ok(program) => {
                command.arg("--litellm").arg(program);
            }
            Err(why) => talk::skipped("LiteLLM", &why),
        }
        return measure(interrupt, command);
    }
    let cluster = postgres::find_or_install().and_then(|programs| Cluster::start(&programs, interrupt));
    let cluster = match cluster {
        Ok(cluster) => Some(cluster),
        Err(problem) if interrupt.caught() => return problem.exit_status(),
        Err(problem) => {
            talk::skipped("PostgreSQL", &problem.to_string());
            None
        }
    };
    if let Some(cluster) = &cluster {
        talk::heading("PostgreSQL for the benchmark");
        talk::line(&format!(
            "    {} from {} (fsync, full_page_writes and synchronous_commit off)",
            cluster.url(),
            cluster.programs().display()
        ));
        command.arg("--postgres").arg(cluster.url());
    }
    if name == "data" {
        match environment() {
            Ok(python) => {
                command.arg("--python").arg(python);
            }
            Err(why) => talk::skipped("OrmAI", &why),
        }
    }
    measure(interrupt, command)
}

fn measure(interrupt: &Interrupt, command: Command) -> u8 {
    talk::heading("measuring");
    match step::plain(interrupt, command) {
        Ok(status) => u8::from(!status.success()),
        Err(problem) => {
            talk::line(&format!("error: the benchmark does not run: {problem}"));
            1
        }
    }
}

fn release(program: &str) -> PathBuf {
    target().join("release").join(program)
}

/// A Python with OrmAI, in a virtual environment of its own under target.
fn environment() -> Result<PathBuf, String> {
    talk::heading("OrmAI for the comparison");
    let folder = target().join("bench-venv");
    let python = folder.join("bin/python");
    let wanted = root().join("bench/ormai/requirements.txt");
    if !python.is_file() {
        let mut make = Command::new("python3");
        make.args(["-m", "venv"]).arg(&folder);
        if !answers(make) {
            return Err(
                "python3 with its module `venv` is not on PATH (Debian: apt-get install python3-venv)".to_owned()
            );
        }
    }
    if !answers(install(&python, &wanted, true)) && !answers(install(&python, &wanted, false)) {
        return Err("pip cannot install bench/ormai/requirements.txt".to_owned());
    }
    let listed = Command::new(&python).args(["-m", "pip", "list", "--format=freeze"]).stdin(Stdio::null()).output();
    if let Ok(listed) = listed {
        for line in String::from_utf8_lossy(&listed.stdout).lines() {
            talk::line(&format!("    {line}"));
        }
    }
    Ok(python)
}

/// nginx: the machine's, or Debian's package unpacked under target.
fn nginx() -> Result<PathBuf, String> {
    talk::heading("nginx for the comparison");
    let on_path = std::env::var_os("PATH").and_then(|path| {
        let mut folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
        folders.find_map(|folder| Some(folder.join("nginx")).filter(|program| program.is_file()))
    });
    let folder = target().join("nginx");
    let unpacked = folder.join("usr/sbin/nginx");
    if let Some(program) = on_path.or_else(|| unpacked.is_file().then(|| unpacked.clone())) {
        return Ok(program);
    }
    std::fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    let mut download = Command::new("apt-get");
    download.args(["download", "nginx"]).current_dir(&folder);
    if !answers(download) {
        return Err("it is not on PATH, and apt-get does not give it".to_owned());
    }
    let packages = std::fs::read_dir(&folder).map_err(|error| error.to_string())?.flatten().map(|entry| entry.path());
    for package in packages.filter(|path| path.extension().is_some_and(|extension| extension == "deb")) {
        let mut unpack = Command::new("dpkg");
        unpack.arg("-x").arg(&package).arg(&folder);
        if !answers(unpack) {
            return Err("dpkg does not unpack it".to_owned());
        }
    }
    if unpacked.is_file() { Ok(unpacked) } else { Err("its package holds no program".to_owned()) }
}

/// LiteLLM in a virtual environment of its own under target.
fn litellm() -> Result<PathBuf, String> {
    talk::heading("LiteLLM for the comparison");
    let folder = target().join("bench-litellm");
    let program = folder.join("bin/litellm");
    if program.is_file() {
        return Ok(program);
    }
    let mut make = Command::new("python3");
    make.args(["-m", "venv"]).arg(&folder);
    if !answers(make) {
        return Err("python3 with its module `venv` is not on PATH (Debian: apt-get install python3-venv)".to_owned());
    }
    let mut command = Command::new(folder.join("bin/python"));
    command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "litellm[proxy]==1.93.0"]);
    if answers(command) { Ok(program) } else { Err("pip cannot install litellm[proxy]".to_owned()) }
}

/// What is there already needs no network.
fn install(python: &Path, wanted: &Path, offline: bool) -> Command {
    let mut command = Command::new(python);
    command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    if offline {
        command.arg("--no-index");
    }
    command.arg("-r").arg(wanted);
    command
}
