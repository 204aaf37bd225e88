//! `tenantry audit accept-loss`.

use serde_json::json;
use tenantry_store::{Entry, Phase, Store, StoreError};

use crate::output::{Failure, Outcome};
use crate::runtime::{Ambient, store_failure};

/// The act, as it stands in the record.
const ACT: &str = "audit.accept_loss";

/// Gives up a journal that is missing or was changed, and puts that on record.
pub(super) async fn run(store: &Store, ambient: &Ambient, yes: bool) -> Result<Outcome, Failure> {
    let failed = |error: StoreError| store_failure(&error);
    if !yes {
        return match store.settle().await {
            Ok(()) => Ok(sound()),
            Err(StoreError::Tampered { what, why }) => Err(Failure::dangerous(
                "AUDIT_LOSS",
                format!("{what} cannot be relied on: {why}; entries that are only there would be lost"),
            )
            .hint("look for the journal beside the backup first; `--yes` goes on without it, on record")),
            Err(error) => Err(failed(error)),
        };
    }
    let Some(lost) = store.accept_journal_loss().map_err(failed)? else { return Ok(sound()) };
    let aside = lost.aside.as_ref().map(|path| path.display().to_string());
    let now = ambient.clock.now_micros();
    let request = format!("accept-loss-{}-{now}", lost.generation);
    let mut entry = Entry::started(&request, "", ACT, now);
    let about = json!({ "generation": lost.generation, "kept_up_to": lost.position, "put_aside": aside });
    entry.inputs = Some(about.to_string());
    let receipt = store.append(entry.clone()).await.map_err(failed)?;
    store.append(entry.ended(&receipt, Phase::Completed, now)).await.map_err(failed)?;
    let told = aside.as_ref().map_or_else(String::new, |path| format!("What lay there of it is in {path}.\n"));
    Ok(Outcome::new(
        json!({ "lost": true, "generation": lost.generation, "kept_up_to": lost.position, "put_aside": aside }),
        format!(
            "Journal {} was given up; its first {} bytes are in the store, what came after is lost. This is on record.\n{told}",
            lost.generation, lost.position
        ),
    ))
}

fn sound() -> Outcome {
    Outcome::new(json!({ "lost": false }), "Nothing is lost: the journal is sound, or there is none.\n")
}
