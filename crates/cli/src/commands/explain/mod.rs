//! `tenantry explain`: what a code means, who may do what with a thing of a database, and what somebody may do.

mod access;
mod who_can;

use clap::Args;
use serde_json::{Value, json};
use tenantry_file::{DiagnosticCode, explain};
use tenantry_policy::Code;

use crate::commands::Run;
use crate::output::{Failure, Outcome, Paint};

/// What to explain.
#[derive(Debug, Clone, Args)]
pub struct ExplainArgs {
    /// A code such as F010, TOOL_NOT_ALLOWED or view-as-owner, or its name in words
    #[arg(required_unless_present_any = ["all", "who_can", "access"])]
    code: Option<String>,
    /// Every code, as Markdown
    #[arg(long, conflicts_with = "code")]
    all: bool,
    /// Who may do what with a thing of a PostgreSQL source: `public.orders`, `public.orders(total)`, `schema public`,
    /// `function public.f(integer)`
    #[arg(long, value_name = "OBJECT", conflicts_with_all = ["code", "all"])]
    who_can: Option<String>,
    /// What somebody may do: ACCOUNT/USER, a platform principal, or a database role (`source.main.role.app`)
    #[arg(long, value_name = "PRINCIPAL", conflicts_with_all = ["code", "all", "who_can"])]
    access: Option<String>,
    /// The source that `--who-can` asks, where the file has several of PostgreSQL
    #[arg(long, value_name = "NAME", requires = "who_can")]
    source: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// `UNKNOWN_CODE`, `UNKNOWN_OBJECT`, `UNKNOWN_PRINCIPAL`; what keeps the file or a source from opening.
pub async fn run(run: Run<'_>, args: &ExplainArgs) -> Result<Outcome, Failure> {
    if let Some(object) = &args.who_can {
        return who_can::run(run, object, args.source.as_deref()).await;
    }
    if let Some(principal) = &args.access {
        return access::run(run, principal).await;
    }
    let Some(code) = args.code.as_deref() else { return Ok(all()) };
    let code = code.trim();
    let Some(text) = explain(code).or_else(|| tenantry_plan::lint::explain(&code.to_ascii_lowercase())) else {
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
    if let Some(rule) = tenantry_plan::lint::RULES.iter().find(|rule| fits(rule.code)) {
        return (rule.code.to_owned(), None);
    }
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
