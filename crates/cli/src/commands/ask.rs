//! `tenantry ask WHO TOOL [JSON]`: calls a tool as somebody, through the same door as HTTP, and shows
//! the answer, the reasons and the SQL with the injected part marked.

use clap::Args;

use crate::commands::Run;
use crate::output::{Failure, Outcome};
use crate::who::Who;

/// Who asks what.
#[derive(Debug, Clone, Args)]
pub struct AskArgs {
    /// ACCOUNT/USER, ACCOUNT/WORKSPACE/USER, or a platform principal
    #[arg(value_name = "WHO")]
    pub who: Who,
    /// query, get, aggregate, create, bulk_create, update, bulk_update, delete, describe_schema
    #[arg(value_name = "TOOL")]
    pub tool: String,
    /// The tool's arguments; `-` reads them from standard input
    #[arg(value_name = "JSON", default_value = "{}")]
    pub body: String,
}

/// The longest arguments read: what the server takes, too.
const MAX_BODY: u64 = 1024 * 1024;

impl AskArgs {
    /// The arguments' text.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` when standard input cannot be read or is too long.
    pub fn text(&self, run: &Run<'_>) -> Result<String, Failure> {
        let invalid = |problem: String| Failure::invalid("VALIDATION_ERROR", problem);
        if self.body == "-" {
            return run
                .environment
                .read_stdin(MAX_BODY)
                .map_err(|error| invalid(format!("standard input cannot be read: {error}")));
        }
        if u64::try_from(self.body.len()).unwrap_or(u64::MAX) > MAX_BODY {
            return Err(invalid("the arguments are longer than 1 MiB".to_owned()));
        }
        Ok(self.body.clone())
    }
}

/// Runs the command.
///
/// # Errors
/// Its failure.
pub async fn run(run: Run<'_>, args: &AskArgs) -> Result<Outcome, Failure> {
    let _ = (run, args);
    Err(super::unconnected("ask"))
}
