//! Plays the trials against a server, and writes them down as commands to paste.

use serde::Serialize;
use serde_json::Value;

use crate::demo::client::ToolClient;
use crate::demo::judge::{fill, judge};
use crate::demo::trials::{Caller, Step, Trial};
use crate::output::{Output, Paint};

/// How a trial went.
#[derive(Debug, Clone, Serialize)]
pub struct Verdict {
    /// The trial.
    pub name: &'static str,
    /// Who asked.
    pub role: &'static str,
    /// As expected?
    pub passed: bool,
    /// What was expected, in words.
    pub sees: String,
    /// Why.
    pub why: &'static str,
    /// What did not fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Plays every trial. `token_of` gives a caller's token; `None` for nobody.
pub async fn play(
    client: &ToolClient,
    trials: &[Trial],
    output: &Output,
    token_of: impl Fn(Caller) -> Option<String>,
) -> Vec<Verdict> {
    let mut verdicts = Vec::with_capacity(trials.len());
    for trial in trials {
        let problem = play_one(client, trial, token_of(trial.caller).as_deref()).await.err();
        let mark = if problem.is_none() { Paint::GOOD.on("ok  ") } else { Paint::BAD.on("FAIL") };
        output.say(&format!("{mark} {}: {} sees {}", Paint::STRONG.on(trial.name), trial.role, trial.sees));
        if let Some(problem) = &problem {
            output.say(&format!("     {problem}"));
        }
        verdicts.push(Verdict {
            name: trial.name,
            role: trial.role,
            passed: problem.is_none(),
            sees: trial.sees.clone(),
            why: trial.why,
            problem,
        });
    }
    verdicts
}

async fn play_one(client: &ToolClient, trial: &Trial, token: Option<&str>) -> Result<(), String> {
    let mut before: Option<Value> = None;
    for (at, step) in trial.steps.iter().enumerate() {
        let answer = client.call(token, step, &fill(&step.body, before.as_ref())).await?;
        judge(&step.expect, &answer, before.as_ref())
            .map_err(|problem| format!("step {} ({}): {problem}", at + 1, step.tool))?;
        before = Some(answer);
    }
    Ok(())
}

/// The variable that holds a caller's token in the commands to paste.
#[must_use]
pub fn token_variable(caller: Caller) -> Option<String> {
    let name = match caller {
        Caller::User { user, .. } | Caller::OfModels { user, .. } | Caller::Platform(user) => user,
        Caller::Nobody => return None,
    };
    let local = name.split('@').next().unwrap_or(name);
    let local = local.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase();
    Some(if matches!(caller, Caller::OfModels { .. }) { local + "_MODELS" } else { local })
}

/// A trial as people read it: who, the commands, what they see and why.
#[must_use]
pub fn recipe(base: &str, trial: &Trial) -> String {
    let mut text = format!("\n{} ({})\n", Paint::STRONG.on(trial.role), trial.name);
    for step in &trial.steps {
        text.push_str(&format!("  {}\n", Paint::COMMAND.on(&curl(base, trial.caller, step))));
    }
    text.push_str(&format!("  sees: {}\n  why:  {}\n", trial.sees, Paint::FAINT.on(trial.why)));
    text
}

/// A step as a command to paste into a shell.
#[must_use]
pub fn curl(base: &str, caller: Caller, step: &Step) -> String {
    let mut parts = vec![format!("curl -s {base}{}", step.path())];
    if let Some(variable) = token_variable(caller) {
        parts.push(format!("-H \"Authorization: Bearer ${variable}\""));
    }
    parts
        .extend(step.headers.iter().map(|(name, value)| format!("-H {}", shell_quoted(&[name, ": ", value].concat()))));
    parts.push("-H 'Content-Type: application/json'".to_owned());
    parts.push(format!("-d {}", shell_quoted(&for_people(&step.body).to_string())));
    parts.join(" ")
}

/// A body as people paste it: what the program takes from the answer before, they put in themselves.
fn for_people(body: &Value) -> Value {
    match body {
        Value::Object(map) => match (map.len(), map.get("$before")) {
            (1, Some(Value::String(pointer))) => {
                let name = pointer.rsplit('/').next().unwrap_or("").to_ascii_uppercase();
                Value::String(["<", &name, ">"].concat())
            }
            _ => Value::Object(map.iter().map(|(name, value)| (name.clone(), for_people(value))).collect()),
        },
        Value::Array(items) => Value::Array(items.iter().map(for_people).collect()),
        other => other.clone(),
    }
}

/// Text in single quotes for a POSIX shell.
#[must_use]
pub fn shell_quoted(text: &str) -> String {
    ["'", &text.replace('\'', "'\\''"), "'"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::trials::Expect;
    use serde_json::json;

    #[test]
    fn commands_can_be_pasted() {
        let step = Step {
            tool: "query",
            body: json!({"model": "orders", "note": "it's", "cursor": {"$before": "/next_cursor"}}),
            headers: &[("x-tenant-id", "northwind")],
            expect: Expect::SameAsBefore,
        };
        let caller = Caller::User { account: "northwind", user: "ana@northwind.example" };
        assert_eq!(
            curl("https://localhost:1", caller, &step),
            "curl -s https://localhost:1/app/v1/tools/query -H \"Authorization: Bearer $ANA\" -H 'x-tenant-id: northwind' \
             -H 'Content-Type: application/json' -d '{\"model\":\"orders\",\"note\":\"it'\\''s\",\"cursor\":\"<NEXT_CURSOR>\"}'"
        );
        assert!(!curl("https://localhost:1", Caller::Nobody, &step).contains("Authorization"));
    }
}
