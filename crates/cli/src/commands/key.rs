//! `tenantry key`: the keys that sign tokens.

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tenantry_identity::text::time;
use tenantry_identity::{Algorithm, Refusal, Rotated};

use crate::commands::Run;
use crate::desk::{Desk, Listing, refused};
use crate::output::{Failure, Outcome};

/// What to do with signing keys.
#[derive(Debug, Clone, Args)]
pub struct KeyArgs {
    /// What to do
    #[command(subcommand)]
    pub command: KeyCommand,
}

/// What to do with signing keys.
#[derive(Debug, Clone, Subcommand)]
pub enum KeyCommand {
    /// List them, the newest first
    List,
    /// Let the next key sign; the one before verifies what it signed until that has ended
    Rotate {
        /// RS256 or ES256; both without it
        #[arg(long, value_name = "NAME", value_parser = algorithm)]
        algorithm: Option<Algorithm>,
    },
    /// Take a key out of force: its tokens are refused within a second
    #[command(visible_alias = "delete")]
    Revoke {
        /// Its id, as `list` prints it
        kid: String,
    },
}

fn algorithm(text: &str) -> Result<Algorithm, String> {
    let found = Algorithm::ALL.into_iter().find(|one| one.name().eq_ignore_ascii_case(text));
    found.ok_or_else(|| "one of RS256, ES256".to_owned())
}

/// Runs the command.
///
/// # Errors
/// `TOO_SOON` for a key that was published a moment ago; `NOT_FOUND`; what keeps the store from opening.
pub async fn run(run: Run<'_>, args: &KeyArgs) -> Result<Outcome, Failure> {
    let desk = Desk::open(&run).await?;
    match &args.command {
        KeyCommand::List => {
            let keys = desk.identity.signing_keys(&desk.caller).await.map_err(refused)?;
            let items = keys.into_iter().map(|key| {
                json!({
                    "kid": key.kid,
                    "algorithm": key.algorithm.name(),
                    "state": key.state.name(),
                    "created_at": time(key.created_micros),
                    "since": time(key.state_micros),
                })
            });
            let columns = &["kid", "algorithm", "state", "since"];
            Ok(Listing { name: "keys", items: items.collect(), next: None, columns }.outcome())
        }
        KeyCommand::Rotate { algorithm } => {
            let mut signing: Vec<Value> = Vec::new();
            let mut text = String::new();
            for one in Algorithm::ALL.into_iter().filter(|one| algorithm.is_none_or(|wanted| wanted == *one)) {
                match desk.identity.rotate_signing_key(&desk.caller, one).await.map_err(refused)? {
                    Rotated::Done { kid } => {
                        text.push_str(&format!("{} signs with {kid}.\n", one.name()));
                        signing.push(json!({ "algorithm": one.name(), "kid": kid }));
                    }
                    Rotated::Wait { seconds } => {
                        return Err(Failure::no(
                            "TOO_SOON",
                            format!("the next {} key was published too short a time ago", one.name()),
                        )
                        .hint(format!("again in {seconds} s: until then somebody may not know it"))
                        .detail("retry_after", seconds));
                    }
                }
            }
            Ok(Outcome::new(json!({ "signing": signing }), text))
        }
        KeyCommand::Revoke { kid } => match desk.identity.revoke_signing_key(&desk.caller, kid).await {
            Ok(()) => Ok(Outcome::new(json!({ "revoked": kid }), format!("{kid} verifies nothing any more."))),
            Err(Refusal::Missing(_)) => {
                Err(Failure::no("NOT_FOUND", format!("there is no key `{kid}`")).hint("tenantry key list"))
            }
            Err(refusal) => Err(refused(refusal)),
        },
    }
}
