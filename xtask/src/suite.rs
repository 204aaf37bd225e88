//! `cargo xtask test`: everything that has to hold, in one command.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::clients;
use crate::count::Count;
use crate::generate;
use crate::interrupt::Interrupt;
use crate::mutants::{self, Choice};
use crate::postgres::{self, Cluster};
use crate::small_model;
use crate::step::{self, Kind, Watch};
use crate::talk;
use crate::workspace::cargo;
use crate::z3;

/// How many mutants the short form tries.
const MUTANTS: usize = 5;

/// `cargo xtask mutants`.
pub(crate) fn mutants(interrupt: &Interrupt, some: Option<usize>, names: &[String]) -> u8 {
    let cluster = postgres::find_or_install().and_then(|programs| Cluster::start(&programs, interrupt));
    let cluster = match cluster {
        Ok(cluster) => cluster,
        Err(problem) => {
            talk::line(&format!("error: {problem}"));
            return problem.exit_status();
        }
    };
    let choice = match some {
        Some(count) => Choice::Some(count),
        None if names.is_empty() => Choice::All,
        None => Choice::Named(names),
    };
    let count = mutants::run(interrupt, Some(&cluster), &choice);
    talk::result(&format!("{} passed, {} failed", count.passed, count.failed));
    u8::from(count.failed > 0)
}

/// `cargo xtask fuzz`.
pub(crate) fn fuzz(interrupt: &Interrupt, seconds: u64, seed: Option<u64>, targets: &[String]) -> u8 {
    let mut command = cargo(&["test", "--package", "tenantry-fuzz", "--test", "targets", "--", "--nocapture"]);
    command.args(targets).env("TENANTRY_FUZZ_SECONDS", seconds.to_string());
    if let Some(seed) = seed {
        command.env("TENANTRY_FUZZ_SEED", seed.to_string());
    }
    let count = step::run(interrupt, "cargo test -p tenantry-fuzz", Kind::Tests, command);
    talk::result(&format!("{} passed, {} failed", count.passed, count.failed));
    u8::from(count.failed > 0)
}

/// Runs the suite. The answer is the exit status: 0 when all passed, 1 when something failed, 3 when
/// something that it needs is missing.
pub(crate) fn run(interrupt: &Interrupt, long: bool, filter: &[String]) -> u8 {
    let watch = Watch::start();
    talk::heading("PostgreSQL for the tests");
    let cluster = match postgres::find_or_install().and_then(|programs| Cluster::start(&programs, interrupt)) {
        Ok(cluster) => cluster,
        Err(problem) => {
            talk::line(&format!("error: {problem}"));
            return problem.exit_status();
        }
    };
    talk::line(&format!("    {} from {}", cluster.url(), cluster.programs().display()));
    let newer = newer_clusters(interrupt);
    let clients = clients::install();
    let small_model = small_model::install(clients.as_deref());
    let z3 = z3::install();
    let suite = Suite {
        interrupt,
        cluster: &cluster,
        newer: &newer,
        clients: clients.as_deref(),
        small_model: small_model.as_deref(),
        z3: z3.as_deref(),
        long,
        filter,
    };
    let count = suite.steps();
    drop(newer);
    drop(cluster);
    if interrupt.caught() {
        talk::line("\ninterrupted");
        return 130;
    }
    talk::line(&format!("\n    all in {:.1} s", watch.passed().as_secs_f64()));
    talk::result(&format!("{} passed, {} failed", count.passed, count.failed));
    u8::from(count.failed > 0)
}

/// Servers of newer versions, as far as they can be had and started here.
fn newer_clusters(interrupt: &Interrupt) -> Vec<Cluster> {
    let mut clusters = Vec::new();
    for programs in postgres::newer() {
        match Cluster::start(&programs, interrupt) {
            Ok(cluster) => {
                talk::line(&format!("    {} from {}", cluster.url(), cluster.programs().display()));
                clusters.push(cluster);
            }
            Err(problem) => talk::line(&format!("    skipped: the server in {}: {problem}", programs.display())),
        }
    }
    clusters
}

struct Suite<'a> {
    interrupt: &'a Interrupt,
    cluster: &'a Cluster,
    newer: &'a [Cluster],
    clients: Option<&'a Path>,
    small_model: Option<&'a Path>,
    z3: Option<&'a Path>,
    long: bool,
    filter: &'a [String],
}

/// A step of the suite.
type Step<'a> = fn(&Suite<'a>) -> Count;

impl Suite<'_> {
    fn steps(&self) -> Count {
        let mut count = Count::default();
        // Someone who names tests wants those, soon.
        let whole = self.filter.is_empty();
        let fence_one = whole || self.filter.iter().any(|name| name.starts_with("i4"));
        let steps: [(bool, Step<'_>); 8] = [
            (whole, Self::format),
            (whole, Self::lints),
            (whole, Self::documents),
            (true, Self::tests),
            (fence_one, Self::without_fence_one),
            (true, Self::doc_tests),
            (whole, Self::mutants),
            (whole, Self::licences),
        ];
        for (wanted, step) in steps {
            if wanted && !self.interrupt.caught() {
                count += step(self);
            }
        }
        count
    }

    fn format(&self) -> Count {
        if !component("fmt", "rustfmt") {
            talk::skipped("cargo fmt --check", "rustfmt is not installed (rustup component add rustfmt)");
            return Count::default();
        }
        self.step("cargo fmt --check", Kind::Check, cargo(&["fmt", "--all", "--check"]))
    }

    fn lints(&self) -> Count {
        if !component("clippy", "clippy") {
            talk::skipped("cargo clippy", "clippy is not installed (rustup component add clippy)");
            return Count::default();
        }
        let command = cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]);
        self.step("cargo clippy --workspace --all-targets", Kind::Check, command)
    }

    fn documents(&self) -> Count {
        let watch = Watch::start();
        talk::heading("cargo xtask generate --check");
        let good = generate::run(self.interrupt, true);
        talk::ended("cargo xtask generate --check", good, watch.passed());
        Count::one(good)
    }

    fn tests(&self) -> Count {
        let filter = self.filter.iter().map(String::as_str);
        if answers(cargo(&["nextest", "--version"])) {
            let mut command = cargo(&["nextest", "run", "--workspace", "--no-fail-fast", "--no-tests=pass"]);
            command.args(filter);
            return self.step("cargo nextest run --workspace", Kind::Tests, command);
        }
        talk::line("\n    cargo-nextest is not installed, so cargo test runs the tests (slower, same tests)");
        let mut command =
            cargo(&["test", "--workspace", "--no-fail-fast", "--lib", "--bins", "--tests", "--examples", "--"]);
        command.args(filter);
        self.step("cargo test --workspace", Kind::Tests, command)
    }

    /// Row security on its own (promise I4). A build of its own, because its feature takes the rules out
    /// of every statement: no other test may ever be built with it.
    fn without_fence_one(&self) -> Count {
        let mut command = cargo(&["test", "--package", "tenantry-guard", "--features", "without-fence-one"]);
        command.args(["--test", "isolation", "--", "i4_"]);
        self.step("cargo test with fence one removed", Kind::Tests, command)
    }

    fn doc_tests(&self) -> Count {
        let mut command = cargo(&["test", "--doc", "--workspace", "--no-fail-fast", "--"]);
        command.args(self.filter);
        self.step("cargo test --doc --workspace", Kind::Tests, command)
    }

    /// A few in short, others with each commit; all in the long form.
    fn mutants(&self) -> Count {
        let choice = if self.long { Choice::All } else { Choice::Some(MUTANTS) };
        mutants::run(self.interrupt, Some(self.cluster), &choice)
    }

    fn licences(&self) -> Count {
        if !answers(cargo(&["deny", "--version"])) {
            talk::skipped("cargo deny check", "cargo-deny is not installed (cargo install --locked cargo-deny)");
            return Count::default();
        }
        self.step("cargo deny check", Kind::Check, cargo(&["deny", "check"]))
    }

    fn step(&self, what: &str, kind: Kind, mut command: Command) -> Count {
        command.env("TENANTRY_TEST_POSTGRES", self.cluster.url());
        // Everything is here: what is missing is a fault, and no reason to skip a test.
        command.env("TENANTRY_TEST_WHOLE", "1");
        let newer: Vec<&str> = self.newer.iter().map(Cluster::url).collect();
        command.env("TENANTRY_TEST_POSTGRES_NEWER", newer.join(","));
        command.env("TENANTRY_TEST_POSTGRES_BIN", self.cluster.programs());
        if let Some(user) = self.cluster.user() {
            // Tests that start further clusters have to leave root the same way.
            command.env("TENANTRY_TEST_POSTGRES_USER", user);
        }
        if let Some(clients) = self.clients {
            command.env("TENANTRY_TEST_CLIENTS", clients);
        }
        if let Some(folder) = self.small_model {
            command.env("TENANTRY_TEST_SMALL_MODEL", folder);
        }
        if let Some(python) = self.z3 {
            command.env("TENANTRY_TEST_Z3", python);
        }
        if self.long {
            command.env("TENANTRY_TEST_LONG", "1");
        }
        step::run(self.interrupt, what, kind, command)
    }
}

/// Is a component of the toolchain there? Asks rustup for it once where it is not.
fn component(subcommand: &str, name: &str) -> bool {
    if answers(cargo(&[subcommand, "--version"])) {
        return true;
    }
    let mut rustup = Command::new("rustup");
    rustup.args([OsStr::new("component"), OsStr::new("add"), OsStr::new(name)]);
    answers(rustup) && answers(cargo(&[subcommand, "--version"]))
}

/// Does a command run and succeed?
pub(crate) fn answers(mut command: Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
