//! The report as one page without anything from elsewhere, to be handed on: what was proved, on what that rests,
//! which exceptions are declared, what is outside.

use tenantry_plan::Told;
use tenantry_proof::{Obligation, Outcome, Promise, Report, Witness};

use super::head;

/// Every promise, in the order of their numbers.
const PROMISES: [Promise; 15] = [
    Promise::Read,
    Promise::Create,
    Promise::UpdateOld,
    Promise::UpdateNew,
    Promise::Delete,
    Promise::SharedWrite,
    Promise::Include,
    Promise::Reference,
    Promise::Boundary,
    Promise::Exception,
    Promise::Own,
    Promise::Alive,
    Promise::Security,
    Promise::Missing,
    Promise::Structure,
];

/// How each page begins.
pub(super) const HEAD: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Isolation report</title>\n<style>\n\
    body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; background: #fff }\n\
    table { border-collapse: collapse; width: 100% }\nth, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #ccc }\n\
    .leaks, .undecided, .fault, .not-understood { color: #9b1c1c; font-weight: bold }\n.idle, .warns { color: #7a4b00 }\n.proved, .shown { color: #14532d }\n\
    pre { white-space: pre-wrap; margin: 0; font-size: .9rem }\n</style>\n";

/// The page.
pub(super) fn page(report: &Report, told: &Told<'_>) -> String {
    let (leaks, open) = (report.leaks().count(), report.undecided().count() + report.faults().count());
    let verdict = if leaks + open == 0 {
        "No rule lets a tenant reach another tenant's rows, but for the exceptions that are declared below."
    } else {
        "Some rule lets a tenant reach another tenant's rows, or could not be decided."
    };
    let mut page = format!(
        "{HEAD}<h1>Isolation report</h1>\n<p>Policy {}, {} tables. <strong>{verdict}</strong></p>\n\
         <p>Each answer below holds for every principal and all rows that the tables can hold, not for samples of them. A \
         tenant's <em>own</em> rows are those whose tenant is the principal's, or stands in a list that the policy declares. What is \
         broken was tried with the rows given here, in the rules' own evaluator and in a database, before it was written down.</p>\n",
        escaped(&report.policy),
        told.policy.tables.len(),
    );
    proved(&mut page, report);
    leaking(&mut page, report, told);
    exceptions(&mut page, report, told);
    idle(&mut page, report);
    page.push_str(
        "<h2>Assumptions</h2>\n<p>The answers rest on these facts, which the databases' catalogs state and the databases enforce, and on \
         the types of the columns.</p>\n<ul>\n",
    );
    if report.assumptions.is_empty() {
        page.push_str("<li>none beside the types</li>\n");
    }
    for one in &report.assumptions {
        page.push_str(&format!("<li>{}: {}</li>\n", escaped(&one.table), escaped(&one.fact)));
    }
    page.push_str(
        "</ul>\n<h2>Outside the model</h2>\n<ul>\n<li>Timing and sizes of answers.</li>\n\
         <li>Whoever reaches the databases or the machines past Tenantry.</li>\n\
         <li>What applications do with rows that they were given.</li>\n\
         <li>Faults of the databases themselves. Row security, the authorizer and the attacks of the evaluation stand beside this proof \
         because a proof about rules says nothing about the code around them.</li>\n</ul>\n",
    );
    everything(&mut page, report, told);
    page.push_str("</html>\n");
    page
}

/// A line for each promise.
fn proved(page: &mut String, report: &Report) {
    page.push_str(
        "<h2>What was asked</h2>\n<table>\n<tr><th scope=\"col\">No.</th><th scope=\"col\">Promise</th><th scope=\"col\">Asked</th>\
         <th scope=\"col\">Answer</th></tr>\n",
    );
    for promise in PROMISES {
        let asked: Vec<&Obligation> = report.obligations.iter().filter(|one| one.promise == promise).collect();
        if asked.is_empty() {
            continue;
        }
        let count = |class: &str| asked.iter().filter(|one| word(&one.outcome) == class).count();
        let answers = ["proved", "shown", "leaks", "undecided", "fault", "idle"].map(|class| (class, count(class)));
        let told: Vec<String> = answers
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(class, count)| format!("<span class=\"{class}\">{count} {}</span>", meaning(class)))
            .collect();
        page.push_str(&format!(
            "<tr><td>{}</td><td>{}</td><td>{} times</td><td>{}</td></tr>\n",
            promise.number(),
            escaped(promise.says()),
            asked.len(),
            told.join(", ")
        ));
    }
    page.push_str("</table>\n");
}

/// What breaks a promise, with who, which rows, by which rule, and what would mend it.
fn leaking(page: &mut String, report: &Report, told: &Told<'_>) {
    let broken: Vec<&Obligation> =
        report.obligations.iter().filter(|one| matches!(word(&one.outcome), "leaks" | "undecided" | "fault")).collect();
    if broken.is_empty() {
        return;
    }
    page.push_str("<h2>Broken promises</h2>\n");
    for one in broken {
        page.push_str(&format!(
            "<h3 class=\"{}\">{}: {}</h3>\n<p>Promised: {}.</p>\n",
            word(&one.outcome),
            escaped(&one.table),
            escaped(&head(one)),
            escaped(one.promise.says())
        ));
        match &one.outcome {
            Outcome::Leaks(witness) => {
                page.push_str(&format!(
                    "<pre>{}</pre>\n<p>To mend it: {}.</p>\n",
                    escaped(&told.lines(witness, "")),
                    escaped(&told.fix(one, witness))
                ));
            }
            Outcome::Undecided(why) => page.push_str(&format!("<p>{}</p>\n", escaped(why))),
            Outcome::Fault(why) => page.push_str(&format!("<p>{}. {}.</p>\n", escaped(why), super::REPORT)),
            _ => {}
        }
    }
}

/// What the policy declares, each with an example of what it shows.
fn exceptions(page: &mut String, report: &Report, told: &Told<'_>) {
    page.push_str("<h2>Declared exceptions</h2>\n");
    let declared: Vec<(&Obligation, &Witness)> = report
        .obligations
        .iter()
        .filter(|one| one.promise == Promise::Exception || (one.promise == Promise::Own && one.about.is_some()))
        .filter_map(|one| match &one.outcome {
            Outcome::Shown(witness) => Some((one, witness.as_ref())),
            _ => None,
        })
        .collect();
    if declared.is_empty() {
        page.push_str("<p>None: nobody sees rows of a tenant that is not theirs.</p>\n");
        return;
    }
    page.push_str(
        "<p>Here the policy lets somebody see rows of another tenant on purpose. Each has an example of such a principal and row.</p>\n<table>\n\
         <tr><th scope=\"col\">Exception</th><th scope=\"col\">When</th><th scope=\"col\">For example</th></tr>\n",
    );
    for (one, witness) in declared {
        let about = one.about.as_ref().map_or("", |about| about.as_str());
        let rule = told
            .policy
            .find(&one.table)
            .and_then(|table| table.rules.iter().find(|rule| rule.address.as_str() == about));
        let (name, when) = match rule {
            Some(rule) => (about.to_owned(), rule.text.to_string()),
            None => (
                format!("reach of {}, {}", one.table, one.op.map_or("read", |op| op.name())),
                format!("the row's tenant is in {about}"),
            ),
        };
        page.push_str(&format!(
            "<tr><td>{}</td><td>{}</td><td><pre>{}</pre></td></tr>\n",
            escaped(&name),
            escaped(&when),
            escaped(&told.lines(witness, ""))
        ));
    }
    page.push_str("</table>\n");
}

/// Rules that do nothing: no leak, and worth a look.
fn idle(page: &mut String, report: &Report) {
    let idle: Vec<&Obligation> = report.idle().collect();
    if idle.is_empty() {
        return;
    }
    page.push_str("<h2>Without effect</h2>\n<ul>\n");
    for one in idle {
        if let Outcome::Idle(why) = &one.outcome {
            page.push_str(&format!("<li>{}: {}: {}</li>\n", escaped(&one.table), escaped(&head(one)), escaped(why)));
        }
    }
    page.push_str("</ul>\n");
}

/// Every obligation, by table.
fn everything(page: &mut String, report: &Report, told: &Told<'_>) {
    page.push_str("<h2>Every obligation</h2>\n");
    let mut table = "";
    for one in &report.obligations {
        if table != one.table {
            if !table.is_empty() {
                page.push_str("</table>\n");
            }
            table = &one.table;
            page.push_str(&format!(
                "<h3>{}</h3>\n<table>\n<tr><th scope=\"col\">Obligation</th><th scope=\"col\">Says</th><th scope=\"col\">Answer</th></tr>\n",
                escaped(table)
            ));
        }
        let more = match &one.outcome {
            Outcome::Proved => String::new(),
            Outcome::Shown(witness) | Outcome::Leaks(witness) => told.lines(witness, ""),
            Outcome::Idle(why) => (*why).to_owned(),
            Outcome::Undecided(why) | Outcome::Fault(why) => why.clone(),
        };
        let class = word(&one.outcome);
        page.push_str(&format!(
            "<tr><td>{}</td><td>{}</td><td><span class=\"{class}\">{}</span><pre>{}</pre></td></tr>\n",
            escaped(&head(one)),
            escaped(one.promise.says()),
            meaning(class),
            escaped(&more)
        ));
    }
    if !table.is_empty() {
        page.push_str("</table>\n");
    }
}

/// An outcome's class.
fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Proved => "proved",
        Outcome::Shown(_) => "shown",
        Outcome::Leaks(_) => "leaks",
        Outcome::Idle(_) => "idle",
        Outcome::Undecided(_) => "undecided",
        Outcome::Fault(_) => "fault",
    }
}

/// A class for people.
fn meaning(class: &str) -> &str {
    match class {
        "shown" => "shown by an example",
        "leaks" => "broken",
        "idle" => "without effect",
        "fault" => "a fault of Tenantry",
        other => other,
    }
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
