//! `tenantry check`: is the file right?

use clap::Args;
use serde_json::json;

use crate::commands::Run;
use crate::output::{Failure, Outcome, Paint};
use crate::project::diagnostics;

/// How to check.
#[derive(Debug, Clone, Args)]
pub struct CheckArgs {
    /// Do not ask the databases: checks everything but names and types of tables and columns
    #[arg(long)]
    offline: bool,
}

/// Runs the command.
///
/// # Errors
/// `FILE_INVALID` with every finding; `SOURCE_UNAVAILABLE`; `SECRET_MISSING`.
pub async fn run(run: Run<'_>, args: &CheckArgs) -> Result<Outcome, Failure> {
    let project = run.project()?;
    let loaded = project.load()?;
    let document = loaded.document();
    let counts = format!(
        "{}, {}, {}",
        count(document.table.len(), "table"),
        count(document.role.len(), "role"),
        count(document.account.len(), "account")
    );
    let mut data = json!({
        "offline": args.offline,
        "tables": document.table.keys().map(ToString::to_string).collect::<Vec<_>>(),
        "roles": document.role.len(),
        "accounts": document.account.len(),
    });
    let (warnings, text) = if args.offline {
        project.tell(loaded.warnings());
        (diagnostics(loaded.warnings()), format!("The file holds together: {counts}. The databases were not asked."))
    } else {
        let (compiled, _) = project.compile(&loaded).await?;
        let version = compiled.policy.short_version();
        if let Some(map) = data.as_object_mut() {
            map.insert("policy".to_owned(), json!(version));
        }
        (diagnostics(&compiled.warnings), format!("The file is right: {counts}. Policy {version}."))
    };
    if let Some(map) = data.as_object_mut() {
        map.insert("warnings".to_owned(), warnings);
    }
    Ok(Outcome::new(data, Paint::GOOD.on(&text)))
}

fn count(number: usize, of: &str) -> String {
    format!("{number} {of}{}", if number == 1 { "" } else { "s" })
}
