//! `tenantry fmt`: the file in its one layout.

use std::io::Write as _;
use std::path::Path;

use clap::Args;
use serde_json::json;

use crate::commands::Run;
use crate::exit::Exit;
use crate::output::{Failure, Outcome};
use crate::project::{Origin, invalid_file};

/// How to format.
#[derive(Debug, Clone, Args)]
pub struct FmtArgs {
    /// Write nothing; exit 2 when something would change
    #[arg(long)]
    check: bool,
}

/// Runs the command. What comes on standard input goes to standard output.
///
/// # Errors
/// `FILE_INVALID` when a text cannot be read as TOML, before anything is written; `NOT_WRITTEN`.
pub fn run(run: Run<'_>, args: &FmtArgs) -> Result<Outcome, Failure> {
    let project = run.project()?;
    let mut pending = Vec::new();
    let mut last = String::new();
    for source in project.texts()? {
        let text = tenantry_file::format(&source).map_err(|found| invalid_file(&found, run.output))?;
        if text != source.text {
            pending.push((source.name, text.clone()));
        }
        last = text;
    }
    let names: Vec<&str> = pending.iter().map(|(name, _)| name.as_str()).collect();
    let exit = if args.check && !pending.is_empty() { Exit::No } else { Exit::Done };
    if *project.origin() == Origin::Stdin {
        let text = if args.check { String::new() } else { last.clone() };
        return Ok(Outcome::new(json!({ "changed": !pending.is_empty(), "text": last }), text).exit(exit));
    }
    if !args.check {
        for (name, text) in &pending {
            replace(&run.environment.path(Path::new(name)), text).map_err(|error| {
                Failure::failed("NOT_WRITTEN", format!("`{name}` cannot be written: {}", error.kind()))
            })?;
        }
    }
    let word = if args.check { "would change" } else { "formatted" };
    let text = match names.as_slice() {
        [] => "already in its one layout\n".to_owned(),
        some => some.iter().map(|name| [word, " ", name, "\n"].concat()).collect(),
    };
    Ok(Outcome::new(json!({ "changed": names, "written": !args.check }), text).exit(exit))
}

/// Puts the text in the file's place as a whole: whoever reads sees the old file or the new one. Its
/// permissions stay.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    // The file behind a link is replaced, not the link.
    let path = std::fs::canonicalize(path)?;
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let mut passing = tempfile::Builder::new().prefix(".tenantry-fmt-").tempfile_in(folder)?;
    passing.write_all(text.as_bytes())?;
    passing.as_file().set_permissions(std::fs::metadata(&path)?.permissions())?;
    passing.as_file().sync_all()?;
    passing.persist(&path).map_err(|error| error.error)?;
    Ok(())
}
