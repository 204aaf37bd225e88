//! `tenantry explain CODE`: what an error code means and how to mend it.

use clap::Args;
use serde_json::{Value, json};
use tenantry_file::{DiagnosticCode, explain};
use tenantry_policy::Code;

use crate::output::{Failure, Outcome, Paint};

/// What to explain.
#[derive(Debug, Clone, Args)]
pub struct ExplainArgs {
    /// A code such as F010 or TOOL_NOT_ALLOWED, or its name in words
    #[arg(required_unless_present = "all")]
    code: Option<String>,
    /// Every code, as Markdown
    #[arg(long, conflicts_with = "code")]
    all: bool,
}

/// Runs the command.
///
/// # Errors
/// `UNKNOWN_CODE`.
pub fn run(args: &ExplainArgs) -> Result<Outcome, Failure> {
    let Some(code) = args.code.as_deref() else { return Ok(all()) };
    let code = code.trim();
    let Some(text) = explain(code) else {
        return Err(Failure::invalid("UNKNOWN_CODE", format!("there is no code `{code}`"))
            .hint("tenantry explain --all lists every code"));
    };
    let text = flow(text);
    let (name, words) = names(code);
    let title = [Paint::STRONG.on(&name), words.as_deref().map(|words| [" ", words].concat()).unwrap_or_default()];
    Ok(Outcome::new(
        json!({ "code": name, "name": words, "text": text }),
        [&title.concat(), "\n\n", &text, "\n"].concat(),
    ))
}

/// The stable code and the name in words of what the user wrote.
fn names(code: &str) -> (String, Option<String>) {
    let fits = |name: &str| name.eq_ignore_ascii_case(code);
    DiagnosticCode::all().find(|known| fits(known.name()) || fits(known.slug())).map_or_else(
        || (code.to_ascii_uppercase(), None),
        |known| (known.name().to_owned(), Some(known.slug().to_owned())),
    )
}

fn all() -> Outcome {
    let file = DiagnosticCode::all().map(|code| (code.name(), Some(code.slug())));
    let tools = Code::ALL.into_iter().map(|code| (code.name(), None));
    let codes: Vec<Value> = file
        .chain(tools)
        .map(|(name, words)| json!({ "code": name, "name": words, "text": explain(name).map(flow) }))
        .collect();
    Outcome::new(Value::Array(codes), tenantry_file::error_reference())
}

/// Explanations are written over several lines; people's terminals wrap by themselves.
fn flow(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
