//! `tenantry token`: a token from the development issuer.

use std::time::Duration;

use clap::Args;
use serde_json::json;
use tenantry_identity::{Audience, IssueError};

use crate::commands::Run;
use crate::output::{Failure, Outcome};
use crate::runtime::{self, Ambient};
use crate::who::Who;

/// For whom and how long.
#[derive(Debug, Clone, Args)]
pub struct TokenArgs {
    /// The account; without it `--user` is a platform principal
    #[arg(long, value_name = "NAME")]
    pub account: Option<String>,
    /// The workspace, where several have such a user
    #[arg(long, value_name = "NAME", requires = "account")]
    pub workspace: Option<String>,
    /// The user, or the platform principal
    #[arg(long, value_name = "NAME", required_unless_present = "management")]
    pub user: Option<String>,
    /// A token for the Management API with every scope, for whoever runs this machine
    #[arg(long, conflicts_with_all = ["account", "user"])]
    pub management: bool,
    /// How long it is good for: 90s, 10m, 2h (at most 24h)
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = ttl)]
    pub ttl: Duration,
}

/// The longest life of a development token.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

fn ttl(text: &str) -> Result<Duration, String> {
    let wrong = || "write a whole number and a unit: 90s, 10m, 2h".to_owned();
    let at = text.find(|character: char| !character.is_ascii_digit()).ok_or_else(wrong)?;
    let (digits, unit) = text.split_at_checked(at).ok_or_else(wrong)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(wrong()),
    };
    let seconds = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit)).ok_or_else(wrong)?;
    let time = Duration::from_secs(seconds);
    if time.is_zero() || time > LONGEST { Err("from 1s to 24h".to_owned()) } else { Ok(time) }
}

/// Runs the command. Opens the store for its key, and no database.
///
/// # Errors
/// `UNKNOWN_PRINCIPAL`, or what keeps the file or the store from opening.
pub async fn run(run: Run<'_>, args: &TokenArgs) -> Result<Outcome, Failure> {
    let project = run.project()?;
    let loaded = project.load()?;
    let ambient = Ambient::default();
    let seconds = args.ttl.as_secs();
    let failed = |error: IssueError| Failure::failed(error.code(), error.to_string());
    let Some(user) = &args.user else {
        let store = runtime::open_store(&project, &loaded, &ambient).await?;
        let issuer = runtime::open_issuer(&project, &loaded, &store, &ambient).await?;
        let scopes = tenantry_server::management_scopes();
        let token = issuer.issue_management("operator", &scopes, args.ttl).map_err(failed)?;
        run.output.note(&format!("A token for the Management API with every scope, good for {seconds} s."));
        return Ok(Outcome::new(json!({ "token": token, "token_type": "Bearer", "expires_in": seconds }), token));
    };
    let who = match &args.account {
        Some(account) => Who::User { account: account.clone(), workspace: args.workspace.clone(), user: user.clone() },
        None => Who::Platform(user.clone()),
    };
    let subject = runtime::subject(&loaded, &who)?;
    let store = runtime::open_store(&project, &loaded, &ambient).await?;
    let issuer = runtime::open_issuer(&project, &loaded, &store, &ambient).await?;
    let token = issuer.issue(&subject, args.ttl, Audience::App).map_err(failed)?;
    run.output.note(&format!("A development token for {who}, good for {seconds} s."));
    Ok(Outcome::new(json!({ "token": token, "token_type": "Bearer", "expires_in": seconds }), token))
}
