//! `cargo xtask …`: what people and CI run. It needs nothing but the Rust toolchain, and depends on
//! no room of the product, so that it also works while one of them does not compile.

mod bench;
mod clients;
mod count;
mod generate;
mod interrupt;
mod mutants;
mod postgres;
mod small_model;
mod step;
mod suite;
mod talk;
mod workspace;
mod z3;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The chores of this workspace")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Format, lints, generated documents, every test, licences; with a private PostgreSQL
    Test {
        /// The long form of the promises (tests see TENANTRY_TEST_LONG=1)
        #[arg(long)]
        long: bool,
        /// Run only the tests whose name contains one of these, and no other check
        filter: Vec<String>,
    },
    /// Measure, beside peers, in a release build
    Bench {
        #[command(subcommand)]
        what: bench::Bench,
    },
    /// Put faults into policy, sql and proof, one at a time, and see that the tests find each
    Mutants {
        /// Only so many: those in files that the last commit changed first
        #[arg(long, value_name = "COUNT")]
        some: Option<usize>,
        /// Only those whose file or words contain one of these
        name: Vec<String>,
    },
    /// Send hostile input to everything that reads any
    Fuzz {
        /// How long each target runs
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// Where the dice begin
        #[arg(long)]
        seed: Option<u64>,
        /// Only targets whose name contains one of these
        target: Vec<String>,
    },
    /// Write the documents that the program says of itself
    Generate {
        /// Write nothing; fail and name each stale file
        #[arg(long)]
        check: bool,
    },
}

fn main() -> ExitCode {
    let interrupt = match interrupt::Interrupt::watch() {
        Ok(interrupt) => interrupt,
        Err(problem) => {
            talk::line(&format!("error: cannot watch for Ctrl-C: {problem}"));
            return ExitCode::from(1);
        }
    };
    let status = match Arguments::parse().task {
        Task::Test { long, filter } => suite::run(&interrupt, long, &filter),
        Task::Bench { what } => bench::run(&interrupt, &what),
        Task::Mutants { some, name } => suite::mutants(&interrupt, some, &name),
        Task::Fuzz { seconds, seed, target } => suite::fuzz(&interrupt, seconds, seed, &target),
        Task::Generate { check } => generate::command(&interrupt, check),
    };
    ExitCode::from(if interrupt.caught() { 130 } else { status })
}
