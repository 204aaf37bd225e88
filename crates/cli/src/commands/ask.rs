//! `tenantry ask WHO TOOL [JSON]`: calls a tool as somebody, through the same door as HTTP, and shows
//! the answer, the reasons and the SQL with the injected part marked.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use tenantry_guard::Explained;
use tenantry_guard::pretty::pretty;
use tenantry_identity::Audience;
use tenantry_policy::Code;

use crate::commands::{Run, token};
use crate::output::{Failure, Outcome, Paint};
use crate::runtime::Runtime;
use crate::who::Who;

/// Who asks what.
#[derive(Debug, Clone, Args)]
pub struct AskArgs {
    /// ACCOUNT/USER, ACCOUNT/WORKSPACE/USER, or a platform principal
    #[arg(value_name = "WHO")]
    pub who: Who,
    /// query, get, aggregate, create, bulk_create, update, bulk_update, delete, describe_schema
    #[arg(value_name = "TOOL")]
    pub tool: String,
    /// The tool's arguments; `-` reads them from standard input
    #[arg(value_name = "JSON", default_value = "{}")]
    pub body: String,
}

/// The longest arguments read: what the server takes, too.
const MAX_BODY: u64 = 1024 * 1024;

impl AskArgs {
    /// The arguments' text.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` when standard input cannot be read or is too long.
    pub fn text(&self, run: &Run<'_>) -> Result<String, Failure> {
        let invalid = |problem: String| Failure::invalid("VALIDATION_ERROR", problem);
        if self.body == "-" {
            return run
                .environment
                .read_stdin(MAX_BODY)
                .map_err(|error| invalid(format!("standard input cannot be read: {error}")));
        }
        if u64::try_from(self.body.len()).unwrap_or(u64::MAX) > MAX_BODY {
            return Err(invalid("the arguments are longer than 1 MiB".to_owned()));
        }
        Ok(self.body.clone())
    }
}

/// Runs the command.
///
/// # Errors
/// The refusal, with the tool's own code; or what keeps the file, a source or the store from opening.
pub async fn run(run: Run<'_>, args: &AskArgs) -> Result<Outcome, Failure> {
    let body = args.text(&run)?;
    let project = run.project()?;
    let runtime = Runtime::open(&project).await?;
    // A real token, verified like any other: nothing else makes a principal.
    let token = match runtime.subject(&args.who) {
        Ok(subject) => runtime
            .issuer
            .issue(&subject, LIFETIME, Audience::App)
            .map_err(|error| Failure::failed(error.code(), error.to_string()))?,
        Err(unknown) => token::of_user(&run, &args.who, Audience::App, LIFETIME, Some(unknown)).await?,
    };
    let verified = runtime
        .issuer
        .verify_for(&token, Audience::App, runtime.ambient.clock.now_micros())
        .map_err(|error| Failure::failed(error.code(), error.to_string()))?;
    let bound = runtime
        .guard
        .bind(Arc::new(verified.principal))
        .map_err(|denied| refusal(&denied.code, &denied.message, &denied.hints))?;
    let explained = runtime.guard.explain(&Arc::new(bound), &args.tool, body.as_bytes()).await;
    let answer: Value = serde_json::from_slice(&explained.reply.body)
        .map_err(|error| Failure::failed("INTERNAL_ERROR", format!("the answer is not JSON: {error}")))?;
    let reasons: Vec<Value> = explained
        .reasons
        .iter()
        .map(|reason| json!({ "rule": reason.rule.as_str(), "kind": reason.kind.name(), "when": reason.when }))
        .collect();
    let statements: Vec<Value> = explained
        .statements
        .iter()
        .map(|shown| shown.pieces.iter().map(|piece| json!({ "sql": piece.text, "rule": piece.rule })).collect())
        .collect();
    let shown = for_people(&explained);
    if !shown.is_empty() {
        run.output.note(&shown);
    }
    match explained.reply.code {
        None => {
            // As the guard wrote it: the order of members and the digits of numbers are part of the answer.
            let raw = String::from_utf8_lossy(&explained.reply.body);
            let exact = format!(
                "{{\"answer\":{raw},\"reasons\":{},\"statements\":{}}}",
                Value::Array(reasons),
                Value::Array(statements)
            );
            Ok(Outcome::new(Value::Null, pretty(&raw, run.output.width())).exact(exact))
        }
        Some(code) => {
            let error = answer.get("error").cloned().unwrap_or_default();
            let hints: Vec<String> = error
                .get("hints")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(|hint| hint.as_str().map(str::to_owned))
                .collect();
            let mut failure = refusal(&code, error.get("message").and_then(Value::as_str).unwrap_or_default(), &hints);
            for (name, value) in error.get("details").and_then(Value::as_object).into_iter().flatten() {
                failure = failure.detail(name, value.clone());
            }
            Err(failure.detail("reasons", reasons))
        }
    }
}

/// How long the token of one question lives.
const LIFETIME: Duration = Duration::from_secs(60);

/// A refusal as the command's failure: 2 for no, 3 for arguments that do not fit, 1 for our fault.
fn refusal(code: &Code, message: &str, hints: &[String]) -> Failure {
    let failure = match code {
        Code::InternalError | Code::Timeout => Failure::failed(code.name(), message),
        Code::ValidationError => Failure::invalid(code.name(), message),
        _ => Failure::no(code.name(), message),
    };
    hints.iter().fold(failure, |failure, hint| failure.hint(hint.as_str()))
}

/// The reasons, and the statements with what rules put in marked.
fn for_people(explained: &Explained) -> String {
    let mut text = String::new();
    if !explained.reasons.is_empty() {
        text.push_str(&Paint::STRONG.on("Rules in play"));
        text.push('\n');
        for reason in &explained.reasons {
            text.push_str(&format!("  {}  {}\n", Paint::INJECTED.on(reason.rule.as_str()), reason.when));
        }
    }
    for shown in &explained.statements {
        text.push_str(&Paint::STRONG.on("Statement"));
        text.push_str("\n  ");
        for piece in &shown.pieces {
            match &piece.rule {
                None => text.push_str(&piece.text),
                // Brackets as well as colour, so that nothing is lost where there is none.
                Some(rule) => {
                    let short = rule.strip_prefix("table.").unwrap_or(rule);
                    text.push_str(&Paint::INJECTED.on(&format!("⟦{} ← {short}⟧", piece.text)));
                }
            }
        }
        text.push('\n');
    }
    text
}
