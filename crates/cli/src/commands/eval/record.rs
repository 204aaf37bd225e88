//! `tenantry eval record` and `tenantry eval replay`: calls of the audit, made again under another law.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde_json::{Value, json};
use tenantry_eval::replay::{Difference, LeftOut, Recorded, difference, recording};
use tenantry_eval::{Answer, AtGuard, Door, OverWire};
use tenantry_guard::{Guard, Parts};
use tenantry_identity::Audience;
use tenantry_policy::{Bound, Policy, Principal};
use tenantry_store::Filter;

use super::people::Backing;
use crate::args::Global;
use crate::commands::Run;
use crate::exit::Exit;
use crate::http::{Server, unanswered};
use crate::output::{Failure, Outcome, Paint};
use crate::project::Project;
use crate::runtime::{self, Ambient, store_failure};
use crate::who::Who;

/// Which calls, and where to.
#[derive(Debug, Clone, Args)]
pub struct RecordArgs {
    /// The file to write, one call a line
    #[arg(long, short, value_name = "FILE")]
    pub out: PathBuf,
    /// Calls of these accounts; without it of all
    #[arg(long, value_name = "NAME")]
    pub account: Vec<String>,
    /// Not older than this: 90s, 10m, 2h, 7d
    #[arg(long, value_name = "TIME", value_parser = crate::commands::audit::age)]
    pub since: Option<std::time::Duration>,
    /// At most so many entries of each account, the newest
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
}

/// What to replay, and under which law.
#[derive(Debug, Clone, Args)]
pub struct ReplayArgs {
    /// The recording
    #[arg(value_name = "FILE")]
    pub recording: PathBuf,
    /// A running server; its answers are compared with what was recorded
    #[arg(long, value_name = "URL", conflicts_with = "against")]
    pub target: Option<String>,
    /// Another file: each call is answered under the current file and under this one, over the same rows
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
}

/// The longest recording.
const LONGEST: u64 = 256 * 1024 * 1024;

/// Records calls from the audit.
///
/// # Errors
/// What keeps the store from opening; `NOT_WRITTEN`.
pub(super) async fn record(run: Run<'_>, args: &RecordArgs) -> Result<Outcome, Failure> {
    let project = run.project()?;
    let loaded = project.load()?;
    let ambient = Ambient::default();
    let store = runtime::open_store(&project, &loaded, &ambient).await?;
    let since_micros = args.since.map(|age| {
        let age = i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
        ambient.clock.now_micros().saturating_sub(age)
    });
    let heads = store.heads().await.map_err(|error| store_failure(&error))?;
    let (mut lines, mut left) = (Vec::new(), LeftOut::default());
    for head in heads.iter().filter(|head| args.account.is_empty() || args.account.contains(&head.account)) {
        let filter = Filter { since_micros, limit: args.limit, ..Filter::of(&head.account) };
        let entries = store.list(&filter).await.map_err(|error| store_failure(&error))?;
        let entries: Vec<_> = entries.into_iter().map(|recorded| (recorded.seq, recorded.entry)).collect();
        let (calls, more) = recording(&entries);
        lines.extend(calls.iter().map(Recorded::line));
        left.redacted += more.redacted;
        left.unnamed += more.unnamed;
        left.unended += more.unended;
    }
    let mut text = lines.join("\n");
    text.push('\n');
    std::fs::write(run.environment.path(&args.out), text).map_err(|error| {
        Failure::failed("NOT_WRITTEN", format!("`{}` cannot be written: {}", args.out.display(), error.kind()))
    })?;
    let said = format!(
        "{} calls recorded in {}. Left out: {} whose values the audit does not keep, {} of nobody by name, {} without an end.",
        lines.len(),
        args.out.display(),
        left.redacted,
        left.unnamed,
        left.unended
    );
    let data = json!({
        "calls": lines.len(),
        "out": args.out.display().to_string(),
        "left_out": { "redacted": left.redacted, "unnamed": left.unnamed, "unended": left.unended },
    });
    Ok(Outcome::new(data, said))
}

/// Replays a recording.
///
/// # Errors
/// `BAD_RECORDING`; what keeps a file, a source, the store or the server from answering.
pub(super) async fn replay(run: Run<'_>, args: &ReplayArgs) -> Result<Outcome, Failure> {
    let calls = read(&run, args)?;
    let project = run.project()?;
    let backing = match &args.target {
        None => Backing::here(&project).await?,
        Some(_) => Backing::beside(&run, Some(&project)).await,
    };
    let mut tokens: BTreeMap<String, String> = BTreeMap::new();
    let mut unknown: Vec<String> = Vec::new();
    for call in &calls {
        if tokens.contains_key(&call.who) || unknown.contains(&call.who) {
            continue;
        }
        let token = match call.who.parse::<Who>() {
            Ok(who) => backing.token_of(&run, &who, Audience::App).await,
            Err(error) => Err(Failure::invalid("UNKNOWN_PRINCIPAL", error.to_string())),
        };
        match token {
            Ok(token) => drop(tokens.insert(call.who.clone(), token)),
            Err(failure) if failure.exit == Exit::Failed => return Err(failure),
            Err(_) => unknown.push(call.who.clone()),
        }
    }
    if !unknown.is_empty() {
        run.output.warn(&format!("nobody is called so any more, and their calls are left out: {}", unknown.join(", ")));
    }
    let known: Vec<&Recorded> = calls.iter().filter(|call| tokens.contains_key(&call.who)).collect();
    let mut bound = BTreeMap::new();
    for (who, token) in &tokens {
        if let Some(one) = backing.bound(token)? {
            bound.insert(who.clone(), one);
        }
    }
    let policy = backing.policy.clone();
    let mut report = Report { replayed: known.len(), left_out: calls.len() - known.len(), differences: Vec::new() };
    match (&args.target, &args.against) {
        (Some(target), _) => {
            let server = Server::at(target, Some(&project))?;
            let door = OverWire::new(&server, tokens);
            report.with_record(&known, &door).await?;
        }
        (None, Some(against)) => {
            let guard = backing.guard().ok_or_else(|| Failure::failed("NOT_READY", "the guard is not open"))?;
            let (other, people) = under(&run, against, &backing, &bound).await?;
            let (before, after) = (AtGuard::new(guard, bound), AtGuard::new(&other, people));
            report.with_other(&known, policy.as_deref(), &before, &after).await?;
        }
        (None, None) => {
            let guard = backing.guard().ok_or_else(|| Failure::failed("NOT_READY", "the guard is not open"))?;
            report.with_record(&known, &AtGuard::new(guard, bound)).await?;
        }
    }
    Ok(report.outcome())
}

fn read(run: &Run<'_>, args: &ReplayArgs) -> Result<Vec<Recorded>, Failure> {
    let name = args.recording.display().to_string();
    let unreadable = |why: String| Failure::invalid("NO_FILE", format!("`{name}` cannot be read: {why}"));
    let path = run.environment.path(&args.recording);
    let size = std::fs::metadata(&path).map_err(|error| unreadable(error.kind().to_string()))?.len();
    if size > LONGEST {
        return Err(unreadable("it is longer than 256 MiB".to_owned()));
    }
    let text = std::fs::read_to_string(&path).map_err(|error| unreadable(error.kind().to_string()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(at, line)| {
            Recorded::parse(line).ok_or_else(|| {
                Failure::invalid("BAD_RECORDING", format!("line {} of `{name}` is no recorded call", at + 1))
                    .hint("tenantry eval record --out FILE writes recordings")
            })
        })
        .collect()
}

/// A guard by another file, over the same databases, and the same people by it.
async fn under(
    run: &Run<'_>,
    against: &std::path::Path,
    backing: &Backing,
    people: &BTreeMap<String, Arc<Bound>>,
) -> Result<(Guard, BTreeMap<String, Arc<Bound>>), Failure> {
    let global = Global { file: Some(against.to_owned()), ..run.global.clone() };
    let project = Project::find(run.environment, run.output, &global)?;
    let loaded = project.load()?;
    let (compiled, _) = project.compile(&loaded).await?;
    let runtime = backing.runtime.as_ref().ok_or_else(|| Failure::failed("NOT_READY", "nothing is open"))?;
    run.output
        .note("Row security stays as it is: on PostgreSQL what it hides is not seen under the other file either.");
    let parts = Parts {
        policy: Arc::new(compiled.policy),
        sources: runtime.sources.clone(),
        store: Arc::clone(&runtime.store),
        clock: Arc::clone(&runtime.ambient.clock),
        entropy: Arc::clone(&runtime.ambient.entropy),
    };
    let guard = Guard::new(parts).await.map_err(|error| Failure::failed("NOT_READY", error.to_string()))?;
    let mut again = BTreeMap::new();
    for (name, bound) in people {
        // Somebody whom the other file names holds what it says.
        let said = name.parse::<Who>().ok().and_then(|who| who.find(&loaded).ok());
        let principal: Arc<Principal> =
            said.map_or_else(|| Arc::clone(&bound.principal), |spec| Arc::new(spec.principal()));
        let one = guard.bind(principal);
        let one =
            one.map_err(|denied| Failure::invalid(denied.code.name(), format!("`{name}`: {}", denied.message)))?;
        again.insert(name.clone(), Arc::new(one));
    }
    Ok((guard, again))
}

/// What came of a replay.
struct Report {
    replayed: usize,
    left_out: usize,
    differences: Vec<(Recorded, Difference)>,
}

async fn ask(door: &impl Door, call: &Recorded) -> Result<Answer, Failure> {
    door.call(&call.who, &call.tool, &call.body()).await.map_err(|error| unanswered(&error))
}

impl Report {
    /// Compares answers with what the record says: refusals, and how many rows a read answered.
    async fn with_record(&mut self, calls: &[&Recorded], door: &impl Door) -> Result<(), Failure> {
        for call in calls {
            let answer = ask(door, call).await?;
            let code = answer.code.map(|code| code.name().to_owned());
            let data = answer.json.get("data");
            let count = data
                .and_then(Value::as_array)
                .map(Vec::len)
                .or_else(|| answer.json.get("found").and_then(Value::as_bool).map(usize::from));
            let count = count.and_then(|count| i64::try_from(count).ok());
            let mut found = Difference::default();
            if code != call.code {
                found.codes = Some((call.code.clone(), code));
            } else if call.reads() && call.code.is_none() && call.tool != "describe_schema" && count != call.rows {
                let said = |rows: Option<i64>| rows.map_or("none".to_owned(), |rows| rows.to_string());
                found.other = Some(format!("{} rows -> {}", said(call.rows), said(count)));
            } else {
                continue;
            }
            self.differences.push(((*call).clone(), found));
        }
        Ok(())
    }

    /// Compares the answers of two laws.
    async fn with_other(
        &mut self,
        calls: &[&Recorded],
        policy: Option<&Policy>,
        before: &impl Door,
        after: &impl Door,
    ) -> Result<(), Failure> {
        for call in calls {
            let model = call.arguments.get("model").and_then(Value::as_str);
            let table = model.and_then(|model| policy?.find(model));
            let (old, new) = (ask(before, call).await?, ask(after, call).await?);
            if let Some(found) = difference(call, table, &old, &new) {
                self.differences.push(((*call).clone(), found));
            }
        }
        Ok(())
    }

    fn outcome(self) -> Outcome {
        let mut text = String::new();
        let mut list = Vec::new();
        for (call, found) in &self.differences {
            text.push_str(&format!("{} {} {} {}\n", Paint::BAD.on("DIFFERS"), call.who, call.tool, call.arguments));
            if let Some((before, after)) = &found.codes {
                let said = |code: &Option<String>| code.clone().unwrap_or_else(|| "done".to_owned());
                text.push_str(&format!("  {} -> {}\n", said(before), said(after)));
            }
            for (what, keys) in [
                ("rows gained", &found.gained),
                ("rows lost", &found.lost),
                ("columns gained", &found.columns_gained),
                ("columns lost", &found.columns_lost),
            ] {
                if !keys.is_empty() {
                    let some: Vec<&str> = keys.iter().take(10).map(String::as_str).collect();
                    let more = if keys.len() > 10 { format!(" and {} more", keys.len() - 10) } else { String::new() };
                    text.push_str(&format!("  {what}: {}{more}\n", some.join(", ")));
                }
            }
            if found.changed > 0 && found.columns_gained.is_empty() && found.columns_lost.is_empty() {
                text.push_str(&format!("  rows with other values: {}\n", found.changed));
            }
            if let Some(other) = &found.other {
                text.push_str(&format!("  {other}\n"));
            }
            let codes = found.codes.as_ref().map(|(before, after)| json!({ "before": before, "after": after }));
            list.push(json!({
                "as": call.who,
                "tool": call.tool,
                "arguments": call.arguments,
                "codes": codes,
                "rows_gained": found.gained,
                "rows_lost": found.lost,
                "columns_gained": found.columns_gained,
                "columns_lost": found.columns_lost,
                "rows_changed": found.changed,
                "other": found.other,
            }));
        }
        let count = self.differences.len();
        text.push_str(&match count {
            0 => Paint::GOOD.on(&format!("All {} calls are answered the same.", self.replayed)),
            count => Paint::BAD.on(&format!("{count} of {} calls are answered differently.", self.replayed)),
        });
        let data = json!({
            "replayed": self.replayed, "left_out": self.left_out, "different": count, "differences": list,
        });
        Outcome::new(data, text).exit(if count == 0 { Exit::Done } else { Exit::No })
    }
}
