//! P4: what the gateway costs per call, beside nginx's `proxy_pass`, a bare hyper proxy, and LiteLLM where it is
//! installed. Each runs on one core by itself, in turns; calls and the upstream come from the others.

mod load;
mod peers;
mod plain;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use crate::gateway::load::{Shape, run as load};
use crate::gateway::peers::Peer;
use crate::talk::{Grid, note, say};
use crate::timing::median;
use crate::{Doing as _, Problem};

pub use plain::{PlainArgs, proxy, upstream};

/// What is measured with.
#[derive(Debug, Args)]
pub struct GatewayArgs {
    /// The program
    #[arg(long)]
    program: PathBuf,
    /// nginx, for the comparison
    #[arg(long)]
    nginx: Option<PathBuf>,
    /// LiteLLM's program, for the comparison
    #[arg(long)]
    litellm: Option<PathBuf>,
    /// The core that each candidate runs on
    #[arg(long, default_value_t = 0)]
    core: usize,
}

/// Measures.
///
/// # Errors
/// What cannot be started.
pub fn run(args: &GatewayArgs, quick: bool) -> Result<Value, Problem> {
    let (rounds, span) = if quick { (3, Duration::from_millis(700)) } else { (7, Duration::from_secs(2)) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().doing("start the load")?;
    let folder = tempfile::tempdir().doing("make a folder")?;
    let upstream = peers::upstream()?;
    note(&format!("upstream on {}; each candidate on core {} alone", upstream.address, args.core));
    let mut peers: Vec<Peer> = Vec::new();
    if let Some(nginx) = &args.nginx {
        peers.push(peers::nginx(nginx, folder.path(), upstream.address, args.core)?);
    }
    peers.push(peers::hyper(upstream.address, args.core)?);
    peers.push(peers::tenantry(&args.program, folder.path(), upstream.address, args.core)?);
    if let Some(litellm) = &args.litellm {
        match peers::litellm(litellm, folder.path(), upstream.address, args.core) {
            Ok(peer) => peers.push(peer),
            Err(problem) => note(&format!("without LiteLLM: {problem}")),
        }
    }
    let mut figures = Vec::new();
    for shape in [Shape::Json, Shape::Events] {
        for connections in [1, 16, 64] {
            let mut cpu: Vec<Vec<f64>> = vec![Vec::new(); peers.len()];
            let mut wait: Vec<Vec<f64>> = vec![Vec::new(); peers.len()];
            let mut rate: Vec<Vec<f64>> = vec![Vec::new(); peers.len()];
            for round in 0..=rounds {
                for (at, peer) in peers.iter().enumerate() {
                    let before = peer.cpu()?;
                    let told = match runtime.block_on(load(peer, shape, connections, span)) {
                        Ok(told) => told,
                        // Somebody else's program that breaks off has no figure here; ours may not break off.
                        Err(problem) if peer.name == peers::LITELLM => {
                            note(&format!("LiteLLM, {shape}, {connections} connections: {problem}"));
                            continue;
                        }
                        Err(problem) => return Err(problem),
                    };
                    let micros = peer.cpu()?.saturating_sub(before).as_secs_f64() * 1e6;
                    // The first round warms up.
                    if let (true, Some(cpu), Some(wait), Some(rate)) =
                        (round > 0, cpu.get_mut(at), wait.get_mut(at), rate.get_mut(at))
                    {
                        cpu.push(micros / told.calls);
                        wait.push(told.median.as_secs_f64() * 1e6);
                        rate.push(told.calls / told.took.as_secs_f64());
                    }
                }
            }
            let mut grid = Grid::new(&[
                &format!("{shape}, {connections} connections"),
                "CPU µs/call",
                "times nginx",
                "median µs",
                "calls/s",
            ]);
            let first = cpu.first().map(|one| median(one)).unwrap_or_default();
            for (((peer, cpu), wait), rate) in peers.iter().zip(&cpu).zip(&wait).zip(&rate) {
                if cpu.is_empty() {
                    continue;
                }
                let (cpu, wait, rate) = (median(cpu), median(wait), median(rate));
                let times = if args.nginx.is_some() { format!("{:.2}", cpu / first) } else { "-".to_owned() };
                grid.row(vec![
                    peer.name.to_owned(),
                    format!("{cpu:.1}"),
                    times,
                    format!("{wait:.0}"),
                    format!("{rate:.0}"),
                ]);
                figures.push(json!({
                    "shape": shape.to_string(), "connections": connections, "candidate": peer.name,
                    "cpu_micros_per_call": cpu, "median_micros": wait, "calls_per_second": rate,
                }));
            }
            for line in grid.lines() {
                say(&line);
            }
            say("");
        }
    }
    Ok(json!({ "gateway": figures }))
}
