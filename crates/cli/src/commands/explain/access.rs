//! `tenantry explain --access PRINCIPAL`: everything that somebody may do, and by which rules.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tenantry_file::Loaded;
use tenantry_identity::Audience;
use tenantry_plan::rights::{Holder, access};
use tenantry_policy::bound::Verdict;
use tenantry_policy::object::Object;
use tenantry_policy::table::Field;
use tenantry_policy::{Bound, Op, Table};

use crate::commands::explain::who_can::how;
use crate::commands::lint::look;
use crate::commands::{Run, token};
use crate::output::{Failure, Outcome, Paint};
use crate::runtime::Runtime;
use crate::who::Who;

/// How long the token lives that somebody is looked at by.
const LIFETIME: Duration = Duration::from_secs(60);

/// Runs it.
pub(super) async fn run(run: Run<'_>, principal: &str) -> Result<Outcome, Failure> {
    match principal.strip_prefix("source.").and_then(|rest| rest.split_once(".role.")) {
        Some((source, role)) => of_role(run, source, role.trim_matches('"')).await,
        None => of_person(run, principal).await,
    }
}

async fn of_role(run: Run<'_>, source: &str, role: &str) -> Result<Outcome, Failure> {
    let project = run.project()?;
    let loaded = project.load()?;
    let looked = look(&project, &loaded, Some(source)).await?;
    let snapshot = looked.first().map(|looked| &looked.snapshot);
    let held = snapshot
        .and_then(|snapshot| access(snapshot, role))
        .ok_or_else(|| Failure::invalid("UNKNOWN_PRINCIPAL", format!("source `{source}` has no role `{role}`")))?;
    let mut text = format!("{} in source {source}\n", Paint::STRONG.on(role));
    let mut object: Option<&Object> = None;
    for holder in &held {
        if object != Some(&holder.object) {
            object = Some(&holder.object);
            let _ = writeln!(text, "{}", Paint::STRONG.on(&holder.object.to_string()));
        }
        let _ = writeln!(text, "  {:10}  {}", holder.privilege.name(), how(holder));
    }
    if held.is_empty() {
        text.push_str("nothing beyond what everybody may\n");
    }
    let data =
        json!({ "source": source, "role": role, "rights": held.iter().map(Holder::to_json).collect::<Vec<_>>() });
    Ok(Outcome::new(data, text.trim_end().to_owned()))
}

async fn of_person(run: Run<'_>, name: &str) -> Result<Outcome, Failure> {
    let who: Who = name.parse().map_err(|error| Failure::invalid("UNKNOWN_PRINCIPAL", format!("`{name}`: {error}")))?;
    let project = run.project()?;
    let runtime = Runtime::open(&project).await?;
    // A real token, verified like any other: nothing else makes a principal.
    let token = match runtime.subject(&who) {
        Ok(subject) => runtime
            .issuer
            .issue(&subject, LIFETIME, Audience::App)
            .map_err(|error| Failure::failed(error.code(), error.to_string()))?,
        Err(unknown) => token::of_user(&run, &who, Audience::App, LIFETIME, Some(unknown)).await?,
    };
    let verified = runtime
        .issuer
        .verify_for(&token, Audience::App, runtime.ambient.clock.now_micros())
        .map_err(|error| Failure::failed(error.code(), error.to_string()))?;
    let principal = Arc::new(verified.principal);
    let bound = runtime
        .guard
        .bind(Arc::clone(&principal))
        .map_err(|denied| Failure::no(denied.code.name(), denied.message.as_str()))?;
    let policy = runtime.guard.policy();
    let tables: Vec<Value> = policy
        .tables
        .iter()
        .filter(|table| !bound.tools(table.id).is_empty())
        .map(|table| of_table(&bound, table))
        .collect();
    let models = models(&runtime.loaded, &principal.roles);
    let data = json!({
        "principal": who.to_string(),
        "account": principal.tenant_id,
        "workspace": principal.workspace_id,
        "roles": principal.roles,
        "tables": tables,
        "models": models,
    });
    Ok(Outcome::new(data.clone(), shown(&data)))
}

fn of_table(bound: &Bound, table: &Table) -> Value {
    let operations: Vec<Value> = Op::ALL
        .into_iter()
        .filter_map(|op| {
            let tools: Vec<&str> =
                bound.tools(table.id).iter().filter(|tool| tool.op() == op).map(|tool| tool.name()).collect();
            if tools.is_empty() {
                return None;
            }
            let access = bound.access(table.id, op);
            let rules: Vec<Value> = table
                .rules
                .iter()
                .enumerate()
                .filter(|(at, _)| access.has_rule(*at))
                .map(|(_, rule)| json!({ "rule": rule.address.as_str(), "kind": rule.kind.name() }))
                .collect();
            let verdict = match access.verdict() {
                Verdict::Open => "rows_decide",
                Verdict::ScopeRequired => "attribute_missing",
                Verdict::Nothing => "nothing",
            };
            Some(json!({ "operation": op.name(), "tools": tools, "rows": verdict, "rules": rules }))
        })
        .collect();
    let fields: serde_json::Map<String, Value> = table
        .columns
        .iter()
        .filter_map(|column| {
            let shows = match &column.field {
                Field::Denied => return None,
                Field::Allow => "allow",
                Field::Mask { .. } => "mask",
                Field::Hash { .. } => "hash",
            };
            Some((column.facts.name.to_string(), json!(shows)))
        })
        .collect();
    json!({ "table": table.name.as_ref(), "operations": operations, "fields": fields })
}

/// The models that the file's roles of these names may call.
fn models(loaded: &Loaded, roles: &[String]) -> Vec<String> {
    let document = loaded.document();
    let held = |api: &str, permission: &str| {
        roles
            .iter()
            .filter_map(|role| document.role.get(role))
            .any(|role| role.permissions.get(api).is_some_and(|held| held.iter().any(|held| held == permission)))
    };
    document
        .model
        .iter()
        .filter(|(_, model)| held(&model.api, &model.requires))
        .map(|(name, _)| name.to_string())
        .collect()
}

fn shown(data: &Value) -> String {
    let said = |value: &Value| value.as_str().unwrap_or("none").to_owned();
    let all = |value: &Value| -> Vec<String> { value.as_array().into_iter().flatten().map(said).collect() };
    let mut text = format!(
        "{}  account {}, workspace {}, roles {}\n",
        Paint::STRONG.on(&said(&data["principal"])),
        said(&data["account"]),
        said(&data["workspace"]),
        all(&data["roles"]).join(", ")
    );
    for table in data["tables"].as_array().into_iter().flatten() {
        let _ = writeln!(text, "{}", Paint::STRONG.on(&said(&table["table"])));
        for operation in table["operations"].as_array().into_iter().flatten() {
            let rules: Vec<String> = operation["rules"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|rule| {
                    let rule = said(&rule["rule"]);
                    rule.splitn(3, '.').nth(2).unwrap_or(&rule).to_owned()
                })
                .collect();
            let rows = match operation["rows"].as_str() {
                Some("attribute_missing") => Paint::GOOD.on("no row: the token lacks what the scope needs"),
                Some("nothing") => Paint::GOOD.on("no row"),
                _ => format!("rows by {}", Paint::INJECTED.on(&rules.join(", "))),
            };
            let _ =
                writeln!(text, "  {:7} {}: {rows}", said(&operation["operation"]), all(&operation["tools"]).join(", "));
        }
        let fields: Vec<String> = table["fields"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, shows)| match shows.as_str() {
                Some("allow") | None => name.clone(),
                Some(redacted) => format!("{name} ({redacted})"),
            })
            .collect();
        let _ = writeln!(text, "  fields  {}", fields.join(", "));
    }
    let models = all(&data["models"]);
    if !models.is_empty() {
        let _ = writeln!(text, "{} {}", Paint::STRONG.on("models"), models.join(", "));
    }
    if data["tables"].as_array().is_some_and(Vec::is_empty) && models.is_empty() {
        text.push_str("may use no tool and no model\n");
    }
    text.trim_end().to_owned()
}
