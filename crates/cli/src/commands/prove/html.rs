//! The report as one page without anything from elsewhere, to be handed on.

use tenantry_proof::{Outcome, Report};

use super::head;
use tenantry_plan::Told;

/// How each page begins.
pub(super) const HEAD: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Isolation report</title>\n<style>\n\
    body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; background: #fff }\n\
    table { border-collapse: collapse; width: 100% }\nth, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #ccc }\n\
    .leaks, .undecided, .not-understood { color: #9b1c1c; font-weight: bold }\n.idle, .warns { color: #7a4b00 }\n.proved, .shown { color: #14532d }\n\
    pre { white-space: pre-wrap; margin: 0; font-size: .9rem }\n</style>\n";

/// The page.
pub(super) fn page(report: &Report, told: &Told<'_>) -> String {
    let count = |wanted: fn(&Outcome) -> bool| report.obligations.iter().filter(|one| wanted(&one.outcome)).count();
    let (leaks, open) = (report.leaks().count(), report.undecided().count());
    let verdict = if leaks + open == 0 {
        "No rule lets a tenant reach another tenant's rows."
    } else {
        "Some rule lets a tenant reach another tenant's rows, or could not be decided."
    };
    let mut page = HEAD.to_owned();
    page.push_str(&format!(
        "<h1>Isolation report</h1>\n<p>Policy {}. <strong>{verdict}</strong></p>\n\
         <p>{} proved, {} shown to be possible as declared, {leaks} broken, {} without effect, {open} undecided.</p>\n",
        escaped(&report.policy),
        count(|outcome| matches!(outcome, Outcome::Proved)),
        count(|outcome| matches!(outcome, Outcome::Shown(_))),
        count(|outcome| matches!(outcome, Outcome::Idle(_))),
    ));
    let mut table = "";
    for one in &report.obligations {
        if table != one.table {
            if !table.is_empty() {
                page.push_str("</table>\n");
            }
            table = &one.table;
            page.push_str(&format!(
                "<h2>{}</h2>\n<table>\n<tr><th scope=\"col\">Obligation</th><th scope=\"col\">Says</th><th scope=\"col\">Answer</th></tr>\n",
                escaped(table)
            ));
        }
        let (word, more) = match &one.outcome {
            Outcome::Proved => ("proved", String::new()),
            Outcome::Shown(witness) => ("shown", told.lines(witness, "")),
            Outcome::Leaks(witness) => ("leaks", format!("{}fix: {}", told.lines(witness, ""), told.fix(one, witness))),
            Outcome::Idle(why) => ("idle", (*why).to_owned()),
            Outcome::Undecided(why) => ("undecided", why.clone()),
        };
        page.push_str(&format!(
            "<tr><td>{}</td><td>{}</td><td><span class=\"{word}\">{word}</span><pre>{}</pre></td></tr>\n",
            escaped(&head(one)),
            escaped(one.promise.says()),
            escaped(&more)
        ));
    }
    if !table.is_empty() {
        page.push_str("</table>\n");
    }
    page.push_str("<h2>Assumptions</h2>\n<ul>\n");
    for one in &report.assumptions {
        page.push_str(&format!("<li>{}: {}</li>\n", escaped(&one.table), escaped(&one.fact)));
    }
    page.push_str(
        "</ul>\n<h2>Outside the model</h2>\n<p>Timing, access to the machines and to the databases past Tenantry, and what \
         applications do with rows that they were given.</p>\n</html>\n",
    );
    page
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
