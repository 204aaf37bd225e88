//! `tenantry eval attack`: the attacks that the policy suggests, made at the guard in this process and at a server of its
//! own over HTTP, or at a running server.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use futures_util::StreamExt;
use serde_json::{Value, json};
use tenantry_eval::wire::{ApiFacts, Hand, Insider, insiders, intrude, requests};
use tenantry_eval::{
    AtGuard, Attack, Attacker, Body, Door, OverWire, Parties, Surveyed, Verdict, Who as Role, attacks, run as make,
    survey, surveyors_policy, timing,
};
use tenantry_guard::{Guard, Parts};
use tenantry_identity::{Audience, Subject};
use tenantry_policy::table::DeleteMode;
use tenantry_policy::{Bound, Op, Policy, Table, Tool};

use super::cast::{Pair, pairs};
use super::people::Backing;
use super::verdict::{Finding, Report, Tried};
use crate::commands::Run;
use crate::commands::serve::listen;
use crate::http::{Server, unanswered};
use crate::output::{Failure, Outcome};
use crate::project::Project;
use crate::who::Who;

/// Who attacks whom, and where.
#[derive(Debug, Clone, Args)]
pub struct AttackArgs {
    /// A running server of this project; without it everything is opened in this process
    #[arg(long, value_name = "URL")]
    pub target: Option<String>,
    /// The burglar; without it one for every account and set of roles of the file
    #[arg(long, value_name = "WHO", requires = "victim")]
    pub attacker: Option<Who>,
    /// The one whose rows it is after
    #[arg(long, value_name = "WHO", requires = "attacker")]
    pub victim: Option<Who>,
    /// Also make attacks that would change something, were they let through, and leave a request for approval behind:
    /// on a copy
    #[arg(long)]
    pub writes: bool,
    /// Only attacks of these kinds: fields, ids, values, tokens, identity …
    #[arg(long, value_name = "KIND")]
    pub only: Vec<String>,
    /// At most so many burglars
    #[arg(long, value_name = "N", default_value_t = 12)]
    pub burglars: usize,
}

/// Attacks under way at once.
const AT_ONCE: usize = 8;
/// How long a run's tokens live.
const LIFETIME: Duration = Duration::from_secs(4 * 3600);

/// One pair's tokens and principals.
struct Players {
    pair: Pair,
    tokens: BTreeMap<String, String>,
    bound: BTreeMap<String, Arc<Bound>>,
    /// Good once, or elsewhere.
    stale: Vec<(&'static str, String)>,
    /// For the API of accounts.
    inside: Option<(String, String)>,
}

/// Runs the command.
///
/// # Errors
/// What keeps the file, a source, the store or the server from answering; `NOBODY_TO_ATTACK` when the file names too few
/// people.
pub(super) async fn run(run: Run<'_>, args: &AttackArgs) -> Result<Outcome, Failure> {
    let project = run.project()?;
    let backing = match &args.target {
        None => Backing::here(&project).await?,
        Some(_) => Backing::beside(&run, Some(&project)).await,
    };
    let (Some(policy), Some(loaded)) = (backing.policy.clone(), backing.loaded.as_ref()) else {
        return Err(Failure::invalid("POLICY_NEEDED", "attacks are derived from the file and its sources")
            .hint("run it where the file is, and where its sources can be reached"));
    };
    let chosen = match (&args.attacker, &args.victim) {
        (Some(attacker), Some(victim)) => {
            vec![Pair { attacker: attacker.clone(), victim: victim.clone(), colleague: None }]
        }
        _ => pairs(loaded, args.burglars),
    };
    if chosen.is_empty() {
        return Err(Failure::invalid(
            "NOBODY_TO_ATTACK",
            "the file names no two people of unrelated accounts with roles",
        )
        .hint("--attacker ACCOUNT/USER --victim ACCOUNT/USER names people of the store"));
    }
    // In this process HTTP is tried at a server of our own, on a port that nobody else knows.
    let (server, stop) = match &args.target {
        Some(target) => (Server::at(target, Some(&project))?, None),
        None => own_server(&project, &backing).await.map(|(server, stop)| (server, Some(stop)))?,
    };
    let began = backing.ambient.clock.monotonic();
    let mut report = Report::new(&policy, args.target.as_deref());
    for pair in chosen {
        let players = gather(&run, &backing, pair).await?;
        let tried = data(&run, args, &backing, &policy, &players, &server, &mut report).await?;
        report.tried.push(tried);
        let tried = http(args, &policy, &players, &server, &mut report).await?;
        report.tried.push(tried);
    }
    if let Some(stop) = stop {
        stop.abort();
    }
    report.took = backing.ambient.clock.monotonic().saturating_sub(began);
    Ok(report.outcome())
}

/// Our own server, for the run: on the loopback, without TLS.
async fn own_server(
    project: &Project<'_>,
    backing: &Backing,
) -> Result<(Server, tokio::task::JoinHandle<()>), Failure> {
    let runtime = backing.runtime.as_ref().ok_or_else(|| Failure::failed("NOT_READY", "nothing is open"))?;
    let listener = listen(([127, 0, 0, 1], 0).into()).await?;
    let address = listener.local_addr().map_err(|error| Failure::failed("LISTEN", error.to_string()))?;
    let app = runtime.app(project)?;
    let serving = tokio::spawn(async move {
        let never = std::future::pending();
        if let Err(error) = tenantry_server::serve(listener, tenantry_server::Wire::Plain, app, never).await {
            tracing::error!(%error, "the attacked server ended");
        }
    });
    Ok((Server::at(&format!("http://{address}"), None)?, serving))
}

/// Tokens and principals of a pair.
async fn gather(run: &Run<'_>, backing: &Backing, pair: Pair) -> Result<Players, Failure> {
    let mut players =
        Players { pair, tokens: BTreeMap::new(), bound: BTreeMap::new(), stale: Vec::new(), inside: None };
    let pair = players.pair.clone();
    let mut add = |name: Role, token: String| -> Result<(), Failure> {
        if let Some(bound) = backing.bound(&token)? {
            players.bound.insert(name.name().to_owned(), bound);
        }
        players.tokens.insert(name.name().to_owned(), token);
        Ok(())
    };
    add(Role::Attacker, backing.token_of(run, &pair.attacker, Audience::App).await?)?;
    add(Role::Victim, backing.token_of(run, &pair.victim, Audience::App).await?)?;
    if let Some(colleague) = &pair.colleague {
        add(Role::Colleague, backing.token_of(run, colleague, Audience::App).await?)?;
    }
    let (Some(issuer), Some(attacker)) = (&backing.issuer, players.bound.get(Role::Attacker.name()).cloned()) else {
        return Ok(players);
    };
    let principal = &attacker.principal;
    let bare = Subject {
        account: principal.tenant_id.clone(),
        platform: principal.tenant_id.is_none(),
        user: Some("eval-nobody".to_owned()),
        roles: principal.roles.clone(),
        ..Subject::default()
    };
    let issue = |subject: &Subject, lifetime, audience| issuer.issue(subject, lifetime, audience).ok();
    if let Some(token) = issue(&bare, LIFETIME, Audience::App)
        // An attribute without which the token is not bound at all is refused before any tool.
        && let Ok(Some(bound)) = backing.bound(&token)
    {
        players.bound.insert(Role::Bare.name().to_owned(), bound);
        players.tokens.insert(Role::Bare.name().to_owned(), token);
    }
    // Somebody who looks after an account, with everything that may be held there.
    let keeper = |bound: &Bound, user: &str| Subject {
        account: bound.principal.tenant_id.clone(),
        user: Some(user.to_owned()),
        permissions: permissions(),
        ..Subject::default()
    };
    let own = keeper(&attacker, "eval-keeper");
    players
        .stale
        .extend(issue(&own, Duration::from_secs(1), Audience::App).map(|token| ("a token that has expired", token)));
    players.stale.extend(issue(&own, LIFETIME, Audience::Dashboard).map(|token| ("a token of the dashboard", token)));
    let platform = Subject { platform: true, user: Some("eval-keeper".to_owned()), ..Subject::default() };
    players.stale.extend(issue(&platform, LIFETIME, Audience::Portal).map(|token| ("a token of the portal", token)));
    let management = issuer.issue_management("eval", &[], LIFETIME).ok();
    players.stale.extend(management.map(|token| ("a token of the Management API", token)));
    let victim = players.bound.get(Role::Victim.name()).map(|bound| keeper(bound, "eval-keeper-of-victim"));
    players.inside = issue(&own, LIFETIME, Audience::Dashboard)
        .zip(victim.and_then(|victim| issue(&victim, LIFETIME, Audience::Dashboard)));
    // No token is shorter than a second, and that one must have ended before it is tried.
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    Ok(players)
}

/// Every permission that an endpoint of our own asks for.
fn permissions() -> Vec<String> {
    let all: BTreeSet<&str> =
        tenantry_server::endpoints().flat_map(|endpoint| endpoint.any_of.iter().copied()).collect();
    all.into_iter().map(str::to_owned).collect()
}

/// The attacks on the data tools.
async fn data(
    run: &Run<'_>,
    args: &AttackArgs,
    backing: &Backing,
    policy: &Arc<Policy>,
    players: &Players,
    server: &Server,
    report: &mut Report,
) -> Result<Tried, Failure> {
    let no_answer = |error| unanswered(&error);
    match backing.guard() {
        Some(guard) => {
            let door = AtGuard::new(guard, players.bound.clone());
            let surveyor = surveyor(backing, policy).await?;
            let rebound = rebound(&surveyor, players)?;
            let whole = AtGuard::new(&surveyor, rebound);
            let found = survey(&door, Some(&whole), policy, &parties(backing, players)?).await.map_err(no_answer)?;
            all(run, args, backing, policy, players, &door, &found, report).await
        }
        None => {
            let door = OverWire::new(server, players.tokens.clone());
            let found =
                survey(&door, None::<&AtGuard<'_>>, policy, &parties(backing, players)?).await.map_err(no_answer)?;
            all(run, args, backing, policy, players, &door, &found, report).await
        }
    }
}

/// A guard that only the survey asks, over the same databases.
async fn surveyor(backing: &Backing, policy: &Policy) -> Result<Guard, Failure> {
    let runtime = backing.runtime.as_ref().ok_or_else(|| Failure::failed("NOT_READY", "nothing is open"))?;
    let parts = Parts {
        policy: Arc::new(surveyors_policy(policy)),
        sources: runtime.sources.clone(),
        store: Arc::clone(&runtime.store),
        clock: Arc::clone(&runtime.ambient.clock),
        entropy: Arc::clone(&runtime.ambient.entropy),
    };
    Guard::new(parts).await.map_err(|error| Failure::failed("NOT_READY", error.to_string()))
}

fn rebound(guard: &Guard, players: &Players) -> Result<BTreeMap<String, Arc<Bound>>, Failure> {
    let mut people = BTreeMap::new();
    for (name, bound) in &players.bound {
        let again = guard.bind(Arc::clone(&bound.principal));
        let again = again.map_err(|denied| Failure::failed(denied.code.name(), denied.message.clone()))?;
        people.insert(name.clone(), Arc::new(again));
    }
    Ok(people)
}

fn parties<'a>(backing: &Backing, players: &'a Players) -> Result<Parties<'a>, Failure> {
    let of = |role: Role| players.bound.get(role.name());
    let missing = || {
        Failure::invalid("STORE_NEEDED", "whose rows are whose is told from tokens of this installation")
            .hint("run it beside the store")
    };
    let attacker = of(Role::Attacker).ok_or_else(missing)?;
    Ok(Parties {
        attacker,
        colleague: of(Role::Colleague).unwrap_or(attacker),
        victim: of(Role::Victim).ok_or_else(missing)?,
        bare: of(Role::Bare),
        now_micros: backing.ambient.clock.now_micros(),
    })
}

/// Makes the attacks that may be made, some at once.
#[allow(clippy::too_many_arguments, reason = "one run's parts")]
async fn all(
    run: &Run<'_>,
    args: &AttackArgs,
    backing: &Backing,
    policy: &Arc<Policy>,
    players: &Players,
    door: &impl Door,
    found: &Surveyed,
    report: &mut Report,
) -> Result<Tried, Failure> {
    let attacker = Attacker { bound: &found.cast.attacker, own: &found.cast.own, bare: found.cast.bare.as_deref() };
    let derived = attacks(policy, &found.cast.foreign, &attacker);
    let list: Vec<Attack> = derived
        .into_iter()
        .filter(|attack| args.only.is_empty() || args.only.iter().any(|kind| kind == attack.family))
        .filter(|attack| attack.steps.iter().all(|step| players.bound.contains_key(step.who.name())))
        .filter_map(|attack| if args.writes { Some(attack) } else { harmless(attack) })
        .collect();
    let who = players.pair.attacker.to_string();
    let mut tried = Tried::new(&who, &players.pair.victim.to_string(), &found.cast);
    for (table, row) in &found.leaks {
        let what = format!("a row of `{table}` that the policy does not show: {}", Value::Object(row.clone()));
        let ask = ("query".to_owned(), json!({ "model": table }));
        report.broken.push(Finding::of_call(&who, "survey", &format!("{table} as it is"), what, Some(ask)));
        tried.broken += 1;
    }
    let progress = run.output.progress(u64::try_from(list.len()).unwrap_or(u64::MAX), "attacks");
    let mut made = futures_util::stream::iter(list.iter().map(async |attack| {
        let verdict: Result<Verdict, _> = make(door, &found.cast, attack).await;
        (attack, verdict)
    }))
    .buffer_unordered(AT_ONCE);
    while let Some((attack, verdict)) = made.next().await {
        let verdict = verdict.map_err(|error| unanswered(&error))?;
        progress.advance(1);
        *tried.families.entry(attack.family).or_default() += 1;
        if verdict.held() {
            tried.unclear += usize::from(!verdict.unclear.is_empty());
            continue;
        }
        tried.broken += 1;
        let ask = attack.steps.last().and_then(|step| match &step.body {
            Body::Json(arguments) => Some((step.tool.clone(), arguments.clone())),
            Body::Raw(_) => None,
        });
        report.broken.push(Finding::of_call(&who, attack.family, &attack.name, verdict.broken.join("; "), ask));
    }
    progress.finish();
    if args.only.is_empty() || args.only.iter().any(|kind| kind == "timing") {
        for table in &policy.tables {
            let found = timing(door, backing.ambient.clock.as_ref(), &found.cast, table).await;
            *tried.families.entry("timing").or_default() += 1;
            if let Some(what) = found.map_err(|error| unanswered(&error))? {
                tried.broken += 1;
                report.broken.push(Finding::of_call(&who, "timing", &format!("{}.get", table.name), what, None));
            }
        }
    }
    Ok(tried)
}

/// The attack as a dry run, where it would write; `None` where that cannot be said.
fn harmless(mut attack: Attack) -> Option<Attack> {
    for step in &mut attack.steps {
        if ["query", "get", "aggregate", "describe_schema"].contains(&step.tool.as_str())
            || Tool::parse(&step.tool).is_none()
        {
            continue;
        }
        match &mut step.body {
            Body::Json(Value::Object(members)) => drop(members.insert("dry_run".to_owned(), json!(true))),
            _ => return None,
        }
    }
    for invariant in &mut attack.invariants {
        if let tenantry_eval::Invariant::SameAsAbsent { twin, .. } = invariant {
            for step in twin.iter_mut().filter(|step| Tool::parse(&step.tool).is_some_and(|tool| tool.op() != Op::Read))
            {
                match &mut step.body {
                    Body::Json(Value::Object(members)) => drop(members.insert("dry_run".to_owned(), json!(true))),
                    _ => return None,
                }
            }
        }
    }
    Some(attack)
}

/// The attacks on what stands before the guard.
async fn http(
    args: &AttackArgs,
    policy: &Policy,
    players: &Players,
    server: &Server,
    report: &mut Report,
) -> Result<Tried, Failure> {
    let who = players.pair.attacker.to_string();
    let mut tried = Tried::over_http(&who, &players.pair.victim.to_string());
    let no_answer = |error| unanswered(&error);
    let of = |role: Role| players.tokens.get(role.name()).cloned();
    let (Some(token), Some(bound)) = (of(Role::Attacker), players.bound.get(Role::Attacker.name())) else {
        return Ok(tried);
    };
    let victim =
        players.bound.get(Role::Victim.name()).map(|bound| bound.principal.as_ref().clone()).unwrap_or_default();
    let reading = policy.tables.iter().find(|table| bound.tools(table.id).has(Tool::Query) && table.tenant.is_some());
    let call = match reading {
        Some(table) => ("query".to_owned(), json!({ "model": table.name.as_ref(), "take": 3 })),
        None => ("describe_schema".to_owned(), json!({})),
    };
    let keys = fetch(server, "/.well-known/jwks-own.json").await?;
    let approvals = if args.writes { waiting(policy, players, server).await? } else { Vec::new() };
    let hand = Hand {
        token,
        call,
        victim: (victim.tenant_id.unwrap_or_default(), victim.user_id.unwrap_or_default()),
        keys,
        stale: players.stale.clone(),
        approvals,
    };
    let mut list = requests(&hand);
    let mut loot = BTreeSet::new();
    if let Some((own, theirs)) = &players.inside {
        let endpoints: Vec<ApiFacts> = tenantry_server::endpoints()
            .map(|one| ApiFacts { method: one.method.to_owned(), path: one.path.to_owned(), body: one.body.is_some() })
            .collect();
        let app = (hand.token.clone(), of(Role::Victim).unwrap_or_default());
        for (prefix, (token, victim)) in [("/dashboard/v1", (own.clone(), theirs.clone())), ("/app/v1", app)] {
            let insider = Insider { prefix, token, victim, writes: args.writes };
            let (more, names) = insiders(server, &insider, &endpoints).await.map_err(no_answer)?;
            list.extend(more);
            loot.extend(names);
        }
    }
    for attack in
        list.iter().filter(|attack| args.only.is_empty() || args.only.iter().any(|kind| kind == attack.family))
    {
        *tried.families.entry(attack.family).or_default() += 1;
        if let Some(what) = intrude(server, attack, &loot).await.map_err(no_answer)? {
            tried.broken += 1;
            report.broken.push(Finding::of_request(&who, attack, what));
        }
    }
    Ok(tried)
}

/// A request of the victim's that waits for somebody to agree, where the policy has such a thing: it is made here, and
/// stays.
async fn waiting(policy: &Policy, players: &Players, server: &Server) -> Result<Vec<(&'static str, String)>, Failure> {
    use tenantry_eval::Wire as _;
    let name = Role::Victim.name();
    let (Some(token), Some(bound)) = (players.tokens.get(name), players.bound.get(name)) else { return Ok(Vec::new()) };
    let send = async |tool: Tool, arguments: Value| -> Result<Value, Failure> {
        let asked = tenantry_eval::tool_call(token, tool.name(), arguments.to_string().into_bytes());
        let told = server.send(asked).await.map_err(|error| unanswered(&error))?;
        Ok(serde_json::from_slice(&told.body).unwrap_or(Value::Null))
    };
    let asks = |table: &&Table| {
        let wanted = table.writes.approval.as_ref().is_some_and(|approval| approval.on.has(Op::Delete));
        let tools = bound.tools(table.id);
        wanted && table.writes.delete != DeleteMode::Off && tools.has(Tool::Delete) && tools.has(Tool::Query)
    };
    for table in policy.tables.iter().filter(asks) {
        let rows = send(Tool::Query, json!({ "model": table.name.as_ref(), "take": 1 })).await?;
        let names = table.key.iter().filter_map(|id| table.column(*id).map(|column| column.facts.name.as_str()));
        let names: Vec<&str> = names.collect();
        let value = |name: &&str| rows.pointer("/data/0").and_then(|row| row.get(*name)).cloned().unwrap_or_default();
        let id = match names.as_slice() {
            [one] => value(one),
            all => all.iter().map(|name| ((*name).to_owned(), value(name))).collect(),
        };
        let answer =
            send(Tool::Delete, json!({ "model": table.name.as_ref(), "id": id, "reason": "somebody has to agree" }))
                .await?;
        if let Some(id) = answer.pointer("/error/details/approval_id").and_then(Value::as_str) {
            return Ok(vec![("somebody else's request", id.to_owned())]);
        }
    }
    Ok(Vec::new())
}

async fn fetch(server: &Server, path: &str) -> Result<Option<Value>, Failure> {
    use tenantry_eval::Wire as _;
    let asked =
        tenantry_eval::Asked { method: "GET".to_owned(), path: path.to_owned(), headers: Vec::new(), body: Vec::new() };
    let told = server.send(asked).await.map_err(|error| unanswered(&error))?;
    Ok(serde_json::from_slice(&told.body).ok())
}
