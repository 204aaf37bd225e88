//! `cargo xtask bench …` builds and runs this.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tenantry_bench::{Doing as _, Problem, decision, talk};

#[derive(Parser)]
#[command(name = "tenantry-bench", about = "Measures Tenantry beside its peers")]
struct Arguments {
    #[command(subcommand)]
    what: What,
    /// Fewer rounds
    #[arg(long, global = true)]
    quick: bool,
    /// Write the figures to this file as JSON too
    #[arg(long, global = true)]
    json: Option<PathBuf>,
}

#[derive(Subcommand)]
enum What {
    /// P3: one decision, beside Cedar
    Decision,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            talk::note(&format!("error: {problem}"));
            ExitCode::from(1)
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Problem> {
    let figures = match arguments.what {
        What::Decision => decision::run(arguments.quick)?,
    };
    if let Some(file) = &arguments.json {
        std::fs::write(file, format!("{figures:#}\n")).doing("write the figures")?;
    }
    Ok(())
}
