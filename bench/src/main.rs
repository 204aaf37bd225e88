//! `cargo xtask bench …` builds and runs this.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tenantry_bench::data::{DataArgs, ProfileArgs};
use tenantry_bench::gateway::{GatewayArgs, PlainArgs};
use tenantry_bench::identity::IdentityArgs;
use tenantry_bench::plan::PlanArgs;
use tenantry_bench::{Doing as _, Problem, data, decision, gateway, identity, plan, proof, talk};

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
    /// P6: the proof of 1,000 tables, and of one
    Proof,
    /// P1, P2, P9: a tool call, beside hand-written drivers and OrmAI
    Data(DataArgs),
    /// P4: a model call through the gateway, beside nginx, a bare proxy and LiteLLM
    Gateway(GatewayArgs),
    /// An upstream that answers at once
    #[command(hide = true)]
    Upstream,
    /// A proxy that does nothing but pass on
    #[command(hide = true)]
    Proxy(PlainArgs),
    /// P5, P8: a token beside its signature; 100,000 accounts beside 100
    Identity(IdentityArgs),
    /// P7: plan and apply of 10,000 resources, and a plan with nothing to do
    Plan(PlanArgs),
    /// One call over and over, for a profiler
    Profile(ProfileArgs),
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
    let figures = match &arguments.what {
        What::Decision => decision::run(arguments.quick)?,
        What::Proof => proof::run(arguments.quick)?,
        What::Data(args) => data::run(args, arguments.quick)?,
        What::Gateway(args) => gateway::run(args, arguments.quick)?,
        What::Upstream => return gateway::upstream(),
        What::Proxy(args) => return gateway::proxy(args),
        What::Identity(args) => identity::run(args, arguments.quick)?,
        What::Plan(args) => plan::run(args, arguments.quick)?,
        What::Profile(args) => return data::profile(args),
    };
    if let Some(file) = &arguments.json {
        std::fs::write(file, format!("{figures:#}\n")).doing("write the figures")?;
    }
    Ok(())
}
