//! `tenantry audit export`.

use std::io::{BufWriter, Write};
use std::path::Path;

use serde_json::json;
use tenantry_store::Store;

use crate::commands::Run;
use crate::commands::audit::name;
use crate::output::{Failure, Outcome};

/// Writes a whole chain as lines of JSON; the last one is the sealed head.
pub(super) async fn run(run: Run<'_>, store: &Store, account: &str, out: Option<&Path>) -> Result<Outcome, Failure> {
    let unwritten =
        |error: std::io::Error| Failure::failed("EXPORT_IO", format!("the file cannot be written: {}", error.kind()));
    let mut lines = 0_u64;
    let head = match out {
        Some(path) => {
            let file = std::fs::File::create_new(run.environment.path(path)).map_err(unwritten)?;
            let mut file = BufWriter::new(file);
            let head = store
                .export(account, &mut |line| {
                    lines += 1;
                    file.write_all(line.as_bytes())?;
                    file.write_all(b"\n")
                })
                .await;
            file.flush().map_err(unwritten)?;
            head
        }
        None => {
            store
                .export(account, &mut |line| {
                    lines += 1;
                    run.output.say(line);
                    Ok(())
                })
                .await
        }
    }
    .map_err(|error| Failure::failed(error.code(), error.to_string()))?;
    let Some(head) = head else {
        return Err(Failure::no("NOT_FOUND", format!("account `{}` has no entry", name(account))));
    };
    run.output.note(&format!(
        "{lines} lines; head {head}. Keep the head elsewhere: it proves later that nothing before it changed."
    ));
    Ok(Outcome::new(json!({ "lines": lines, "head": head.to_string() }), ""))
}
