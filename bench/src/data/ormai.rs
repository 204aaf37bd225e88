//! OrmAI's side: one Python process per database, told by lines of JSON what to do.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::orders::{Case, Kind, tenant};
use crate::{Doing, Problem};

/// A running script.
pub(crate) struct Ormai {
    child: Child,
    say: ChildStdin,
    hear: BufReader<ChildStdout>,
    /// What it runs on.
    pub(crate) versions: String,
}

impl Ormai {
    /// Starts the script on a database, as SQLAlchemy names it.
    ///
    /// # Errors
    /// [`Problem`] when it does not start or does not answer.
    pub(crate) fn start(python: &Path, script: &Path, database: &str, audit: &Path) -> Result<Ormai, Problem> {
        let failed = "start OrmAI";
        let mut child = Command::new(python)
            .arg(script)
            .arg(database)
            .arg(audit)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .doing(failed)?;
        let (Some(say), Some(hear)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Problem::new(failed, "its streams are closed"));
        };
        let mut ormai = Ormai { child, say, hear: BufReader::new(hear), versions: String::new() };
        let told = ormai.ask(&json!({ "do": "versions" }))?;
        ormai.versions = told.get("versions").and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(ormai)
    }

    /// Makes these calls, and says how long they took, as the script's own clock has it.
    ///
    /// # Errors
    /// [`Problem`] with its words when one fails.
    pub(crate) fn run(&mut self, kind: Kind, audited: bool, cases: &[Case]) -> Result<Duration, Problem> {
        let cases: Vec<Value> =
            cases.iter().map(|case| json!([tenant(case.tenant), case.id, case.customer(), case.cents()])).collect();
        let told = self.ask(&json!({ "do": kind.name(), "audited": audited, "cases": cases }))?;
        let seconds = told.get("seconds").and_then(Value::as_f64);
        seconds.map(Duration::from_secs_f64).ok_or_else(|| Problem::new("call OrmAI", &told))
    }

    fn ask(&mut self, what: &Value) -> Result<Value, Problem> {
        let failed = "talk to OrmAI";
        writeln!(self.say, "{what}").and_then(|()| self.say.flush()).doing(failed)?;
        let mut line = String::new();
        self.hear.read_line(&mut line).doing(failed)?;
        serde_json::from_str(&line).doing(failed)
    }
}

impl Drop for Ormai {
    fn drop(&mut self) {
        // It ends by itself when nothing more is said; this is for one that hangs.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
