//! Plans for people: the same columns whatever the terminal's width, colour by meaning.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;
use tenantry_plan::{Action, Change, Plan, Shown, Step};

use crate::output::Paint;

/// Where the place in the file begins.
const PLACE: usize = 58;
/// The widest that the column of field names gets.
const NAMES: usize = 34;
/// The longest value that is shown whole.
const LONGEST: usize = 96;

/// A plan, whole.
#[must_use]
pub fn plan_text(plan: &Plan) -> String {
    let mut text = String::new();
    let mut target = "";
    for step in &plan.steps {
        if target != step.target.name() {
            target = step.target.name();
            let _ = writeln!(text, "{}", Paint::STRONG.on(target));
        }
        step_text(&mut text, step);
    }
    if !plan.effects.is_empty() {
        let _ = writeln!(text, "\n{}", Paint::STRONG.on("Effect on access"));
        for effect in &plan.effects {
            let paint = if effect.way != "loses" { Paint::WARN } else { Paint::GOOD };
            let _ = writeln!(text, "  {} {}: {}", effect.who, paint.on(effect.way), effect.what);
            for line in effect.shown_by.iter().flat_map(|shown| shown.lines()) {
                let _ = writeln!(text, "      {}", Paint::FAINT.on(line));
            }
        }
    }
    proof_text(&mut text, plan);
    for finding in &plan.findings {
        let place = finding.place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
        let _ = writeln!(text, "{} {}: {}{place}", Paint::WARN.on("look:"), finding.code, finding.what);
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(&summary(plan));
    let open: Vec<&Step> = plan.dangerous(&[]).collect();
    if !open.is_empty() {
        let flags: Vec<String> = open.iter().map(|step| format!("--approve '{}'", step.address)).collect();
        let _ = write!(text, "\n{} {}", Paint::BAD.on("needs consent:"), flags.join(" "));
    }
    text
}

/// `2 to create, 1 to update.`
fn summary(plan: &Plan) -> String {
    if plan.steps.is_empty() {
        return Paint::GOOD.on("Nothing to do: what is there is what the file says.");
    }
    [counted(&plan.steps, " to "), ".".to_owned()].concat()
}

/// `2 created, 1 updated`, of steps that were done.
#[must_use]
pub fn steps_told(steps: &[Step]) -> String {
    let told = counted(steps, " ");
    let past = [
        ("create", "created"),
        ("update", "updated"),
        ("replace", "replaced"),
        ("delete", "deleted"),
        ("adopt", "adopted"),
    ];
    past.into_iter().fold(told, |told, (now, then)| told.replace(now, then))
}

fn counted(steps: &[Step], between: &str) -> String {
    let mut counts: BTreeMap<usize, (usize, &str)> = BTreeMap::new();
    for step in steps {
        let order = match step.action {
            Action::Create => 0,
            Action::Update => 1,
            Action::Replace => 2,
            Action::Delete => 3,
            Action::Adopt => 4,
        };
        let entry = counts.entry(order).or_insert((0, step.action.name()));
        entry.0 = entry.0.saturating_add(1);
    }
    let told: Vec<String> = counts.values().map(|(count, name)| [&count.to_string(), between, name].concat()).collect();
    told.join(", ")
}

fn step_text(text: &mut String, step: &Step) {
    let paint = match step.action {
        Action::Create => Paint::GOOD,
        Action::Update | Action::Replace => Paint::WARN,
        Action::Delete => Paint::BAD,
        Action::Adopt => Paint::FAINT,
    };
    let head = format!("{} {} {}", step.action.sign(), step.kind.name(), step.address);
    let place = step.place.as_deref().unwrap_or_default();
    let gap = " ".repeat(PLACE.saturating_sub(head.chars().count()).max(2));
    let line =
        if place.is_empty() { paint.on(&head) } else { format!("{}{gap}{}", paint.on(&head), Paint::FAINT.on(place)) };
    let _ = writeln!(text, "  {line}");
    if step.action == Action::Adopt {
        let _ =
            writeln!(text, "      {}", Paint::FAINT.on("is there as the file says; from now on the file manages it"));
    } else if step.adopts {
        let _ = writeln!(
            text,
            "      {}",
            Paint::FAINT.on("is there, not made from the file; from now on the file manages it")
        );
    }
    let width = step.changes.iter().map(|change| change.field.chars().count()).max().unwrap_or(0).min(NAMES);
    // What goes is told by its name; its fields are in --json.
    let changes = if step.action == Action::Delete { &[][..] } else { &step.changes };
    for change in changes {
        change_text(text, step.action, change, width);
    }
    for note in &step.notes {
        let _ = writeln!(text, "      {}", note);
    }
    for danger in &step.dangers {
        let (word, why) = (Paint::BAD.on("danger"), &danger.why);
        match &danger.waived {
            None => drop(writeln!(text, "      {word} {}: {why}", danger.code)),
            Some(reason) => {
                let _ = writeln!(text, "      {} {}: {why}; waived: {reason}", Paint::FAINT.on("danger"), danger.code);
            }
        }
    }
}

fn change_text(text: &mut String, action: Action, change: &Change, width: usize) {
    let name = format!("{:width$}", change.field);
    let told = match (&change.before, &change.after) {
        (None | Some(Value::Null), None | Some(Value::Null)) => return,
        (None, Some(after)) if action == Action::Create => value_text(after),
        (None | Some(Value::Null), Some(after)) => format!("(none) -> {}", value_text(after)),
        (Some(before), None | Some(Value::Null)) => format!("{} -> (none)", value_text(before)),
        (Some(Value::Array(before)), Some(Value::Array(after))) => list_text(before, after),
        (Some(before), Some(after)) => format!("{} -> {}", value_text(before), value_text(after)),
    };
    let _ = writeln!(text, "      {name}  {told}");
}

/// Changed fields, a line each.
#[must_use]
pub fn change_lines(changes: &[Change]) -> String {
    let mut text = String::new();
    let width = changes.iter().map(|change| change.field.chars().count()).max().unwrap_or(0).min(NAMES);
    for change in changes {
        change_text(&mut text, Action::Update, change, width);
    }
    text
}

/// A moment as people and programs read it; `None` when there is none.
#[must_use]
pub fn moment(micros: i64) -> Option<String> {
    (micros > 0).then(|| tenantry_policy::value::format_timestamp(micros)).flatten()
}

/// What a list gains and loses.
fn list_text(before: &[Value], after: &[Value]) -> String {
    let gone = before.iter().filter(|item| !after.contains(item)).map(|item| format!("-{}", value_text(item)));
    let new = after.iter().filter(|item| !before.contains(item)).map(|item| format!("+{}", value_text(item)));
    let told: Vec<String> = gone.chain(new).collect();
    // The same items in another order.
    if told.is_empty() { "another order".to_owned() } else { told.join(" ") }
}

/// A value on one line, not too long.
fn value_text(value: &Value) -> String {
    let whole = match value {
        // Said of secrets, and not a value.
        Value::String(text) if text.starts_with("(secret") => text.clone(),
        value => value.to_string(),
    };
    if whole.chars().count() <= LONGEST {
        return whole;
    }
    let mut cut: String = whole.chars().take(LONGEST).collect();
    cut.push('…');
    cut
}

fn proof_text(text: &mut String, plan: &Plan) {
    let Some(proof) = &plan.proof else { return };
    let open = proof.refused().count();
    let head = if open == 0 {
        Paint::GOOD.on(&format!("{} promises of isolation hold", proof.holds))
    } else {
        Paint::BAD.on(&format!("{open} broken, {} hold", proof.holds))
    };
    let _ = writeln!(text, "\n{}  {head}", Paint::STRONG.on("Proof"));
    for broken in &proof.broken {
        let op = broken.op.map(|op| format!(" ({op})")).unwrap_or_default();
        let about = broken.about.as_ref().map(|about| format!(" {about}")).unwrap_or_default();
        let what = match &broken.undecided {
            Some(why) => format!("undecided: {why}"),
            None => format!("not so: {}", broken.says),
        };
        let waived = broken.waived.as_ref().map(|reason| format!("; waived: {reason}")).unwrap_or_default();
        let word = if broken.waived.is_some() { Paint::FAINT.on("LEAK") } else { Paint::BAD.on("LEAK") };
        let _ = writeln!(text, "  {word} {} {}{op}{about}: {what}{waived}", broken.address, broken.promise);
        for line in broken.witness.lines() {
            let _ = writeln!(text, "      {}", Paint::FAINT.on(line));
        }
    }
}

/// Secrets that were made, this once.
#[must_use]
pub fn secrets_text(secrets: &[Shown]) -> String {
    if secrets.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "\n\n{}\n",
        Paint::STRONG.on("Secrets that were made. They are shown this once; `tenantry output` knows them:")
    );
    for secret in secrets {
        let _ = writeln!(text, "  {}.{} = {}", secret.address, secret.field, secret.value.as_str());
    }
    text
}
