//! Runs one scenario on one database and says what was not as expected.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value;
use tenantry_file::{SourceText, Style, compile, load, render};
use tenantry_guard::Reply;
use tenantry_guard::json::{self, Json};
use tenantry_policy::{Bound, Code, Principal};
use tenantry_proof::{Equal, equal};
use tenantry_source::InUse;
use tenantry_source::admin::Admin;
use tenantry_store::{Entry, Recorded};

use crate::compare::{fill, fill_text, fits, lasting, member, plain, pointer};
use crate::format::{Ask, Audit, Person, Refuse, Scenario, Sql};
use crate::raw;
use crate::support::database::{Database, TableDef};
use crate::support::{Stage, datum};

/// What stands in no refusal: SQL, parameters, names of files and of databases.
const NEVER_SAID: &[&str] = &[
    "SELECT ",
    "INSERT ",
    "UPDATE \"",
    "DELETE ",
    " FROM ",
    "$1",
    "?1",
    "sqlite",
    "postgres",
    ".rs",
    ".db",
    "constraint",
];

/// What a run found.
#[derive(Default)]
pub struct Outcome {
    pub failures: Vec<String>,
    /// Every answer, without what is new in each call. The same on both databases.
    pub transcript: Vec<String>,
}

pub async fn run(scenario: &Scenario, database: Database) -> Outcome {
    let tables = scenario.tables();
    let mut outcome = Outcome::default();
    database.create(&tables).await;
    execute(&database, &scenario.sql).await;
    refusals(scenario, &database, &mut outcome).await;
    if let Some(policy) = &scenario.policy
        && (!scenario.ask.is_empty() || !scenario.people.is_empty() || !scenario.misfits.sqlite.is_empty())
    {
        let stage = Stage::over(database, policy).await;
        unlike(&stage, &mut outcome).await;
        let mut run =
            Run { scenario, tables, stage, people: HashMap::new(), saved: Vec::new(), answers: Vec::new(), outcome };
        run.stored_types().await;
        run.bind_all();
        for (number, ask) in scenario.ask.iter().enumerate() {
            run.step(number, ask).await;
        }
        let report = run.stage.store.verify(None, &[]).await.expect("the audit is read");
        if !report.is_sound() {
            run.outcome.failures.push(format!("the audit chain is broken: {report:?}"));
        }
        outcome = run.outcome;
    }
    outcome
}

/// Row security, read back from the catalog, shows what the rules show, and of no rule is that left open.
async fn unlike(stage: &Stage, outcome: &mut Outcome) {
    let Database::Postgres { name, .. } = &stage.database else { return };
    let admin = Admin::connect(&stage.database.owner_url()).await.expect("the owner connects");
    let database = admin.database().await.expect("the catalog is read");
    let found = equal(&database, &stage.policy, "main", &format!("{name}_runtime"), &[]);
    let wrong = found.iter().filter(|one| one.outcome != Equal::Same);
    outcome.failures.extend(wrong.map(|one| format!("row security is not the rules': {one:?}")));
}

async fn execute(database: &Database, sql: &Sql) {
    let own = match database {
        Database::Sqlite { .. } => &sql.sqlite,
        Database::Postgres { .. } => &sql.postgres,
    };
    for text in [&sql.both, own].into_iter().flatten() {
        database.execute(text).await;
    }
}

/// Every policy under `[[refuse]]` must not compile, with its code.
async fn refusals(scenario: &Scenario, database: &Database, outcome: &mut Outcome) {
    if scenario.refuse.is_empty() {
        return;
    }
    let kind = if matches!(database, Database::Sqlite { .. }) { "sqlite" } else { "postgres" };
    let catalog = tenantry_source::read_catalog(&database.owner_url()).await.expect("a catalog");
    let catalogs = BTreeMap::from([("main".to_owned(), catalog)]);
    for (number, refuse) in scenario.refuse.iter().enumerate() {
        if refuse.only.as_ref().is_some_and(|only| only != kind) {
            continue;
        }
        let policy = policy_of(scenario, refuse);
        let texts = vec![SourceText {
            name: "tenantry.toml".to_owned(),
            text: format!("{policy}\n[source.main]\nurl = \"env:TEST_URL\"\n"),
        }];
        let found = match load(texts) {
            Err(found) => found,
            Ok(loaded) => match compile(&loaded, &catalogs) {
                Err(found) => found,
                Ok(compiled) => compiled.warnings,
            },
        };
        let fits = found.iter().any(|found| {
            found.code.name() == refuse.code
                && refuse.says.as_ref().is_none_or(|text| found.message.contains(text))
                && refuse.hint.as_ref().is_none_or(|text| found.hint.as_ref().is_some_and(|hint| hint.contains(text)))
        });
        let mut codes: Vec<&str> = found.iter().map(|found| found.code.name()).collect();
        codes.dedup();
        let warned = !found.iter().any(tenantry_file::Diagnostic::is_error);
        if !fits || warned != refuse.warns {
            outcome.failures.push(format!(
                "refuse {} ({}): expected {}{}{}, got\n{}",
                number + 1,
                refuse.why.as_deref().unwrap_or("no reason told"),
                refuse.code,
                refuse.says.as_ref().map_or(String::new(), |text| format!(" saying `{text}`")),
                refuse.hint.as_ref().map_or(String::new(), |text| format!(" hinting `{text}`")),
                render(&found, Style::Plain)
            ));
        }
    }
}

fn policy_of(scenario: &Scenario, refuse: &Refuse) -> String {
    let base = refuse.policy.clone().or_else(|| scenario.policy.clone()).expect("a policy to change");
    let base = match &refuse.change {
        Some((from, to)) => {
            assert!(base.contains(from.as_str()), "the policy does not hold `{from}`");
            base.replacen(from.as_str(), to, 1)
        }
        None => base,
    };
    format!("{base}\n{}", refuse.add)
}

fn principal(person: &Person) -> Principal {
    let metadata: Value = match &person.metadata {
        Value::String(text) => serde_json::from_str(text).expect("metadata is JSON"),
        Value::Null => Value::Object(serde_json::Map::new()),
        other => other.clone(),
    };
    Principal {
        tenant_id: person.tenant.clone(),
        user_id: person.user.clone(),
        workspace_id: person.workspace.clone(),
        roles: person.roles.clone(),
        metadata: metadata.as_object().expect("an object").iter().map(|(k, v)| (k.clone(), datum(v))).collect(),
        delegate: person.delegate.clone(),
        ..Principal::default()
    }
}

struct Run<'s> {
    scenario: &'s Scenario,
    tables: Vec<TableDef>,
    stage: Stage,
    people: HashMap<String, Arc<Bound>>,
    saved: Vec<(String, String)>,
    /// Lasting answers of named asks.
    answers: Vec<(String, String)>,
    outcome: Outcome,
}

impl Run<'_> {
    fn fail(&mut self, number: usize, ask: &Ask, what: &str) {
        self.outcome.failures.push(format!(
            "question {}{}: {} asks {} {}\n  {what}",
            number + 1,
            ask.name.as_ref().map_or(String::new(), |name| format!(" ({name})")),
            ask.who.as_deref().unwrap_or("the owner"),
            ask.tool.as_deref().unwrap_or("for approval"),
            ask.args.as_deref().unwrap_or(""),
        ));
    }

    async fn stored_types(&mut self) {
        let expected = match self.stage.database {
            Database::Sqlite { .. } => &self.scenario.misfits.sqlite,
            Database::Postgres { .. } => &self.scenario.misfits.postgres,
        };
        let in_use = self
            .stage
            .policy
            .tables
            .iter()
            .map(|table| InUse {
                table: table.db_name.clone(),
                columns: table
                    .columns
                    .iter()
                    .filter_map(|column| {
                        Some((Arc::from(column.facts.name.as_str()), column.facts.ty?, column.facts.storage))
                    })
                    .collect(),
            })
            .collect();
        let found = self.stage.source().verify_stored_types(in_use).await.expect("stored types are read");
        let mut found: Vec<String> = found.iter().map(|misfit| format!("{}.{}", misfit.table, misfit.column)).collect();
        found.sort();
        if found != *expected {
            self.outcome.failures.push(format!("stored values that do not fit: {found:?}, expected {expected:?}"));
        }
    }

    fn bind_all(&mut self) {
        for (name, person) in &self.scenario.people {
            match (self.stage.bind(principal(person)), &person.refuse_token) {
                (Ok(bound), None) => drop(self.people.insert(name.clone(), bound)),
                (Ok(_), Some(_)) => self.outcome.failures.push(format!("the token of {name} is accepted")),
                (Err(denied), None) => self.outcome.failures.push(format!("the token of {name} is refused: {denied}")),
                (Err(denied), Some(text)) => {
                    if denied.code != Code::AuthenticationRequired || !denied.message.contains(text.as_str()) {
                        self.outcome.failures.push(format!("{name}'s token: expected `{text}`, got {denied}"));
                    }
                }
            }
        }
    }

    async fn step(&mut self, number: usize, ask: &Ask) {
        if let Some(law) = &ask.law {
            self.stage.replace(law).await;
        }
        if let Some(sql) = &ask.owner {
            execute(&self.stage.database, sql).await;
        }
        if ask.is_call() {
            let Some(bound) = ask.who.as_ref().and_then(|who| self.people.get(who)).cloned() else { return };
            match self.call(ask, &bound).await {
                Ok(reply) => self.check(number, ask, &bound, &reply).await,
                Err(problem) => self.fail(number, ask, &problem),
            }
        }
        if let Some(expected) = &ask.database {
            match raw::difference(&self.stage.database, &self.tables, expected).await {
                Ok(None) => {}
                Ok(Some(problem)) | Err(problem) => self.fail(number, ask, &problem),
            }
        }
    }

    async fn call(&self, ask: &Ask, bound: &Arc<Bound>) -> Result<Reply, String> {
        let guard = &self.stage.guard;
        Ok(if let Some(tool) = &ask.tool {
            let body = fill(ask.args.as_deref().unwrap_or("{}"), &self.saved)?;
            guard.call(bound, tool, &body).await
        } else if let Some(id) = &ask.approve {
            guard.decide_approval(bound, &fill_text(id, &self.saved)?, true).await
        } else if let Some(id) = &ask.deny {
            guard.decide_approval(bound, &fill_text(id, &self.saved)?, false).await
        } else {
            guard.approvals(bound).await
        })
    }

    async fn check(&mut self, number: usize, ask: &Ask, bound: &Bound, reply: &Reply) {
        let body = String::from_utf8(reply.body.clone()).expect("UTF-8");
        let problems = match json::parse(body.as_bytes()) {
            Err(error) => vec![format!("the answer is not JSON: {error}")],
            Ok(json) => self.problems(ask, reply, &body, &json),
        };
        for problem in problems {
            self.fail(number, ask, &format!("{problem}\n  got {body}"));
        }
        let entries = self.stage.store.show(bound.account(), &reply.request_id).await.expect("the audit is read");
        for problem in self.audit_problems(ask, &entries) {
            self.fail(number, ask, &problem);
        }
        let lasting = lasting(&body, &reply.request_id);
        if let Some(name) = &ask.name {
            self.answers.push((name.clone(), lasting.clone()));
        }
        // Blanks between tokens are the database's own in JSON columns.
        let compact = json::parse(lasting.as_bytes()).map_or(lasting, |json| json.to_text());
        self.outcome.transcript.push(format!("question {}: {compact}", number + 1));
    }

    fn problems(&mut self, ask: &Ask, reply: &Reply, body: &str, json: &Json) -> Vec<String> {
        let mut problems = shape(reply, json, body);
        let mut wrong = |problem: String| problems.push(problem);
        let success = member(json, "success") == Some(&Json::Bool(true));
        let error = member(json, "error");
        let said = |name: &str| error.and_then(|error| member(error, name)).map(plain).unwrap_or_default();
        match &ask.error {
            Some(code) if said("code") != *code => wrong(format!("expected the error {code}")),
            None if !success => wrong("expected an answer, not a refusal".to_owned()),
            _ => {}
        }
        if let Some(at) = &ask.at
            && error.and_then(|error| pointer(error, "/details/at")).map(plain).as_ref() != Some(at)
        {
            wrong(format!("expected the place `{at}`"));
        }
        if let Some(hint) = &ask.hint
            && !said("hints").contains(hint.as_str())
        {
            wrong(format!("expected the hint `{hint}`"));
        }
        let data = member(json, "data");
        if let Some(expected) = &ask.data {
            match fill_text(expected, &self.saved)
                .and_then(|text| json::parse(text.as_bytes()).map_err(|e| e.to_string()))
            {
                Err(problem) => wrong(format!("what is expected is not JSON: {problem}")),
                Ok(expected) if data.is_some_and(|data| fits(data, &expected)) => {}
                Ok(expected) => wrong(format!("expected {}", expected.to_text())),
            }
        }
        if let Some(rows) = ask.rows
            && !matches!(data, Some(Json::List(items)) if items.len() == rows)
        {
            wrong(format!("expected {rows} rows"));
        }
        let truths =
            [("found", ask.found), ("has_more", ask.has_more), ("dry_run", ask.dry_run), ("success", ask.done)];
        for (name, expected) in truths {
            if let Some(expected) = expected
                && member(json, name) != Some(&Json::Bool(expected))
            {
                wrong(format!("expected `{name}` to be {expected}"));
            }
        }
        if let Some(count) = ask.count
            && member(json, "count") != Some(&Json::Number(count.to_string()))
        {
            wrong(format!("expected the count {count}"));
        }
        for text in ask.says.iter().filter(|text| !body.contains(text.as_str())) {
            wrong(format!("the answer does not hold `{text}`"));
        }
        for text in ask.hides.iter().chain(&self.scenario.hides).filter(|text| body.contains(text.as_str())) {
            wrong(format!("the answer tells `{text}`"));
        }
        let mine = lasting(body, &reply.request_id);
        for (other, equal) in [(&ask.like, true), (&ask.unlike, false)] {
            let Some(other) = other else { continue };
            match self.answers.iter().find(|(name, _)| name == other) {
                None => wrong(format!("nothing before is called `{other}`")),
                Some((_, theirs)) if (*theirs == mine) != equal => {
                    wrong(format!(
                        "expected the answer {} `{other}`:\n  {theirs}",
                        if equal { "of" } else { "to differ from" }
                    ));
                }
                Some(_) => {}
            }
        }
        for (name, path) in &ask.save {
            match pointer(json, path) {
                Some(Json::Null) | None => wrong(format!("there is nothing at {path}")),
                Some(value) => self.saved.push((name.clone(), plain(value))),
            }
        }
        problems
    }

    fn audit_problems(&self, ask: &Ask, entries: &[Recorded]) -> Vec<String> {
        let mut problems = Vec::new();
        let Some(last) = entries.last().map(|recorded| &recorded.entry) else {
            return vec!["the call is not in the audit".to_owned()];
        };
        let whole = format!("{entries:?}");
        let own = ask.audit.as_ref().map_or(&[] as &[String], |audit| &audit.hides);
        for text in own.iter().chain(&self.scenario.hides).filter(|text| whole.contains(text.as_str())) {
            problems.push(format!("the audit tells `{text}`"));
        }
        if ask.error.is_some() == (last.error.is_none()) {
            problems.push("the audit's error does not fit the answer".to_owned());
        }
        let Some(Audit {
            phases,
            account,
            user,
            workspace,
            delegate,
            tool,
            model,
            decision,
            code,
            error,
            rows,
            reasons,
            scopes,
            inputs,
            keys,
            before,
            after,
            hides: _,
        }) = &ask.audit
        else {
            return problems;
        };
        // What the first entry says, the second does not repeat.
        let first = |pick: fn(&Entry) -> Option<&str>| entries.iter().rev().find_map(|recorded| pick(&recorded.entry));
        let mut same = |name: &str, expected: &Option<String>, got: Option<&str>| {
            if expected.is_some() && expected.as_deref() != got {
                problems.push(format!("the audit's {name}: expected {expected:?}, got {got:?}"));
            }
        };
        same("account", account, Some(&last.account));
        same("user", user, last.user.as_deref());
        same("workspace", workspace, last.workspace.as_deref());
        same("delegate", delegate, last.delegate.as_deref());
        same("tool", tool, Some(&last.tool));
        same("model", model, last.model.as_deref());
        same("decision", decision, Some(last.decision.name()));
        same("code", code, last.code.as_deref());
        same("error", error, last.error.as_deref());
        if rows.is_some() && *rows != last.rows {
            problems.push(format!("the audit's rows: expected {rows:?}, got {:?}", last.rows));
        }
        if let Some(phases) = phases {
            let got: Vec<&str> = entries.iter().map(|recorded| recorded.entry.phase.name()).collect();
            if got != *phases {
                problems.push(format!("the audit's phases: expected {phases:?}, got {got:?}"));
            }
        }
        if let Some(reasons) = reasons {
            let mut expected = reasons.clone();
            let mut got: Vec<String> = entries.iter().flat_map(|recorded| recorded.entry.reasons.clone()).collect();
            expected.sort();
            got.sort();
            if got != expected {
                problems.push(format!("the audit's reasons: expected {expected:?}, got {got:?}"));
            }
        }
        let injected = first(|entry| entry.scopes.as_deref()).unwrap_or_default();
        for text in scopes.iter().filter(|text| !injected.contains(text.as_str())) {
            problems.push(format!("the audit's scopes do not hold `{text}`: {injected}"));
        }
        for (name, expected, got) in [
            ("inputs", inputs, first(|entry| entry.inputs.as_deref())),
            ("keys", keys, first(|entry| entry.keys.as_deref())),
            ("before", before, first(|entry| entry.before.as_deref())),
            ("after", after, first(|entry| entry.after.as_deref())),
        ] {
            let Some(expected) = expected else { continue };
            let read = |text: &str| json::parse(text.as_bytes()).map_err(|error| error.to_string());
            let expected = read(expected).expect("what is expected is JSON");
            if !got.is_some_and(|got| read(got).is_ok_and(|got| fits(&got, &expected))) {
                problems.push(format!("the audit's {name}: expected {}, got {got:?}", expected.to_text()));
            }
        }
        problems
    }
}

/// What holds for every answer.
fn shape(reply: &Reply, json: &Json, body: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let names = |json: Option<&Json>| match json {
        Some(Json::Object(members)) => members.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>(),
        _ => Vec::new(),
    };
    match reply.code {
        None => {
            if member(json, "success") != Some(&Json::Bool(true)) || member(json, "data").is_none() {
                problems.push("an answer has `success` and `data`".to_owned());
            }
        }
        Some(code) => {
            let error = member(json, "error");
            let fits = member(json, "success") == Some(&Json::Bool(false))
                && names(Some(json)) == ["success", "error"]
                && names(error) == ["code", "message", "hints", "details"]
                && error.and_then(|error| member(error, "code")) == Some(&Json::Text(code.name().to_owned()));
            if !fits {
                problems.push("a refusal has `success`, and in `error` code, message, hints, details".to_owned());
            }
            for text in NEVER_SAID.iter().filter(|text| body.contains(**text)) {
                problems.push(format!("a refusal holds `{text}`"));
            }
            if code == Code::InternalError {
                problems.push("our fault".to_owned());
            }
        }
    }
    problems
}
