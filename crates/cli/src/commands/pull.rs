//! `tenantry pull`: what is there, written as a file.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::commands::Run;
use crate::desk::Desk;
use crate::output::{Failure, Outcome};
use crate::plans::failed;

/// Where to.
#[derive(Debug, Clone, Args)]
pub struct PullArgs {
    /// Write it there, where no file may be yet; printed otherwise
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Runs the command: accounts, users, roles, APIs, clients of the store in the file's words. A plan of that file
/// against the same store only adopts. `tenantry init --from` writes the same of a database.
///
/// # Errors
/// `FILE_EXISTS`; what keeps the file or the store from opening.
pub async fn run(run: Run<'_>, args: &PullArgs) -> Result<Outcome, Failure> {
    let desk = Desk::open(&run).await?;
    let pulled = tenantry_plan::identity::pull(&desk.identity, &desk.caller).await.map_err(|error| failed(&error))?;
    for left in &pulled.left_out {
        run.output.note(&format!("left out: {left}"));
    }
    let ids: serde_json::Map<String, serde_json::Value> =
        pulled.ids.iter().map(|(address, id)| (address.clone(), json!(id))).collect();
    let data = json!({ "text": pulled.text, "left_out": pulled.left_out, "ids": ids });
    let Some(path) = &args.out else { return Ok(Outcome::new(data, pulled.text)) };
    let mut file = std::fs::OpenOptions::new();
    file.write(true).create_new(true);
    let written = file
        .open(run.project()?.path(path))
        .and_then(|mut file| std::io::Write::write_all(&mut file, pulled.text.as_bytes()));
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Failure::dangerous("FILE_EXISTS", format!("`{}` exists already", path.display()))
                .hint("name another one with --out")
        }
        kind => Failure::failed("WRITE_FILE", format!("cannot write {}: {kind}", path.display())),
    })?;
    Ok(Outcome::new(data, format!("Wrote {}: {} things.", path.display(), ids.len())))
}
