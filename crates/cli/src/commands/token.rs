//! `tenantry token`: a token for somebody, made by whoever has the keys: for people whom the file names, and for
//! users and clients of the store, with what they hold there.

use std::time::Duration;

use clap::Args;
use serde_json::json;
use tenantry_identity::oauth::{ForApi, OnBehalf};
use tenantry_identity::{Audience, IssueError};

use crate::commands::Run;
use crate::desk::{Desk, refused};
use crate::output::{Failure, Outcome};
use crate::runtime::{self, Ambient};
use crate::who::Who;

/// For whom and how long.
#[derive(Debug, Clone, Args)]
pub struct TokenArgs {
    /// The account; without it `--user` is somebody of the platform
    #[arg(long, value_name = "NAME")]
    pub account: Option<String>,
    /// The workspace of the account
    #[arg(long, value_name = "NAME", requires = "account")]
    pub workspace: Option<String>,
    /// A user whom the file names, or one of the store, by id or e-mail address
    #[arg(long, value_name = "NAME", required_unless_present_any = ["management", "client"])]
    pub user: Option<String>,
    /// What it is for: app, dashboard, or portal for the platform's own people
    #[arg(long, value_name = "NAME", default_value = "app", value_parser = context)]
    pub context: Audience,
    /// A client of the store acting for itself, by id or name
    #[arg(long, value_name = "NAME", requires = "audience", conflicts_with = "user")]
    pub client: Option<String>,
    /// The API that the token is for, for a client or for a user of the store
    #[arg(long, value_name = "API")]
    pub audience: Option<String>,
    /// A token for the Management API with every scope, for whoever runs this machine
    #[arg(long, conflicts_with_all = ["account", "user", "client"])]
    pub management: bool,
    /// How long it is good for: 90s, 10m, 2h (at most 24h)
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = ttl)]
    pub ttl: Duration,
}

fn context(text: &str) -> Result<Audience, String> {
    Audience::parse(text).ok_or_else(|| "one of app, dashboard, portal".to_owned())
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
    if let (Some(client), Some(audience)) = (&args.client, &args.audience) {
        return of_client(&run, args, client, audience).await;
    }
    let Some(user) = &args.user else {
        let store = runtime::open_store(&project, &loaded, &ambient).await?;
        let issuer = runtime::open_issuer(&project, &loaded, &store, &ambient).await?;
        let scopes = tenantry_server::management_scopes();
        let token = issuer.issue_management("operator", &scopes, args.ttl).map_err(failed)?;
        run.output.note(&format!("A token for the Management API with every scope, good for {seconds} s."));
        return Ok(Outcome::new(json!({ "token": token, "token_type": "Bearer", "expires_in": seconds }), token));
    };
    if let Some(audience) = &args.audience {
        return of_api(&run, args, user, audience).await;
    }
    let who = match &args.account {
        Some(account) => Who::User { account: account.clone(), workspace: args.workspace.clone(), user: user.clone() },
        None => Who::Platform(user.clone()),
    };
    let subject = match runtime::subject(&loaded, &who) {
        Ok(subject) if args.context == Audience::App => subject,
        // The file knows nobody of that name, or nothing of that context: the store may.
        outcome => {
            let token = of_user(&run, &who, args.context, args.ttl, outcome.err()).await?;
            run.output.note(&format!("A token for {who} in the {}, good for {seconds} s.", args.context.name()));
            return Ok(Outcome::new(json!({ "token": token, "token_type": "Bearer", "expires_in": seconds }), token));
        }
    };
    let store = runtime::open_store(&project, &loaded, &ambient).await?;
    let issuer = runtime::open_issuer(&project, &loaded, &store, &ambient).await?;
    let token = issuer.issue(&subject, args.ttl, Audience::App).map_err(failed)?;
    run.output.note(&format!("A development token for {who}, good for {seconds} s."));
    Ok(Outcome::new(json!({ "token": token, "token_type": "Bearer", "expires_in": seconds }), token))
}

/// A token for a user of the store, with the roles that it holds there. `unknown` is what the file said of
/// that name.
///
/// # Errors
/// `NOT_FOUND`, or what the file said; the refusal.
pub async fn of_user(
    run: &Run<'_>,
    who: &Who,
    context: Audience,
    lifetime: Duration,
    unknown: Option<Failure>,
) -> Result<String, Failure> {
    let desk = Desk::open(run).await?;
    let (account, workspace, user) = match who {
        Who::User { account, workspace, user } => (Some(account), workspace.as_ref(), user),
        Who::Platform(user) => (None, None, user),
    };
    // Neither knows anybody of that name: the file's answer lists whom it knows.
    let found = match (desk.user(user).await, unknown) {
        (Err(failure), Some(unknown)) if failure.code == "NOT_FOUND" => return Err(unknown),
        (found, _) => found?,
    };
    let account = match account {
        Some(account) => Some(desk.account(account).await?),
        None => None,
    };
    let workspace = match (&account, workspace) {
        (Some(account), Some(workspace)) => Some(desk.workspace(account, workspace).await?.id),
        _ => None,
    };
    let ask = OnBehalf {
        user: &found.id,
        account: account.as_ref().map(|account| account.id.as_str()),
        workspace: workspace.as_deref(),
        context,
        lifetime,
    };
    desk.identity.token_on_behalf(&desk.caller, ask).await.map_err(refused)
}

/// A token of an API for a user of the store, with the permissions that it holds there.
async fn of_api(run: &Run<'_>, args: &TokenArgs, user: &str, audience: &str) -> Result<Outcome, Failure> {
    let desk = Desk::open(run).await?;
    let found = desk.user(user).await?;
    let account = match &args.account {
        Some(account) => Some(desk.account(account).await?.id),
        None => None,
    };
    let ask = ForApi { user: &found.id, account: account.as_deref(), audience, lifetime: args.ttl };
    let answer = desk.identity.api_token_on_behalf(&desk.caller, ask).await.map_err(refused)?;
    let seconds = answer.expires_in;
    run.output.note(&format!("A token for {user} on {audience}, good for {seconds} s."));
    let data = json!({ "token": answer.access_token, "token_type": "Bearer", "expires_in": seconds });
    Ok(Outcome::new(data, answer.access_token))
}

/// A token for a client of the store, as it would get it at `/oauth/token`.
async fn of_client(run: &Run<'_>, args: &TokenArgs, client: &str, audience: &str) -> Result<Outcome, Failure> {
    let desk = Desk::open(run).await?;
    let found = desk.client(client).await?;
    let account = match &args.account {
        Some(account) => Some(desk.account(account).await?.id),
        None => None,
    };
    let answer = desk.identity.token_of_client(&desk.caller, &found.id, audience, account.as_deref()).await;
    let answer = answer.map_err(refused)?;
    let seconds = answer.expires_in;
    run.output.note(&format!("A token for {} on {audience}, good for {seconds} s.", found.name));
    let data = json!({
        "token": answer.access_token, "token_type": "Bearer", "expires_in": seconds, "scope": answer.scope,
    });
    Ok(Outcome::new(data, answer.access_token))
}
