//! What came of the attacks: how many were made, how many held, and for what did not the shortest way to see it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tenantry_eval::Cast;
use tenantry_eval::wire::WireAttack;
use tenantry_policy::Policy;

use crate::exit::Exit;
use crate::output::{Outcome, Paint};

/// Findings that people are shown, one for each kind and place.
const SHOWN: usize = 20;

/// Attacks of one burglar.
pub(super) struct Tried {
    attacker: String,
    victim: String,
    place: &'static str,
    rows: Option<(usize, usize)>,
    pub(super) families: BTreeMap<&'static str, usize>,
    pub(super) broken: usize,
    pub(super) unclear: usize,
}

impl Tried {
    pub(super) fn new(attacker: &str, victim: &str, cast: &Cast) -> Tried {
        let count = |sample: &tenantry_eval::Sample| sample.tables().map(|table| sample.rows(table).len()).sum();
        Tried {
            rows: Some((count(&cast.own), count(&cast.foreign))),
            place: "data tools",
            ..Tried::over_http(attacker, victim)
        }
    }

    pub(super) fn over_http(attacker: &str, victim: &str) -> Tried {
        Tried {
            attacker: attacker.to_owned(),
            victim: victim.to_owned(),
            place: "HTTP",
            rows: None,
            families: BTreeMap::new(),
            broken: 0,
            unclear: 0,
        }
    }

    fn count(&self) -> usize {
        self.families.values().sum()
    }
}

/// Something that did not hold.
pub(super) struct Finding {
    attacker: String,
    family: String,
    attack: String,
    what: String,
    /// How to see it again, on one line.
    again: Option<String>,
}

impl Finding {
    pub(super) fn of_call(
        who: &str,
        family: &str,
        attack: &str,
        what: String,
        ask: Option<(String, Value)>,
    ) -> Finding {
        let again =
            ask.map(|(tool, arguments)| format!("tenantry ask {who} {tool} {}", quoted(&arguments.to_string())));
        Finding { attacker: who.to_owned(), family: family.to_owned(), attack: attack.to_owned(), what, again }
    }

    /// The request for `curl`, without its token.
    pub(super) fn of_request(who: &str, attack: &WireAttack, what: String) -> Finding {
        let ask = &attack.ask;
        let headers = ask.headers.iter().map(|(name, value)| match name.as_str() {
            "authorization" => " -H \"Authorization: Bearer $TOKEN\"".to_owned(),
            "cookie" => " -H \"Cookie: $COOKIE\"".to_owned(),
            _ => format!(" -H {}", quoted(&format!("{name}: {value}"))),
        });
        let path = ask.path.split("access_token=").next().unwrap_or_default();
        let again = format!("curl -X {} \"$SERVER{path}\"{}", ask.method, headers.collect::<String>());
        Finding {
            attacker: who.to_owned(),
            family: attack.family.to_owned(),
            attack: attack.name.clone(),
            what,
            again: Some(again),
        }
    }

    /// Where it belongs: what is broken in one place is shown once, the shortest way.
    fn place(&self) -> (&str, &str) {
        let table = self.attack.split(['.', ' ']).next().unwrap_or_default();
        (&self.family, table)
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// All of it.
pub(super) struct Report {
    policy: String,
    target: String,
    pub(super) tried: Vec<Tried>,
    pub(super) broken: Vec<Finding>,
    pub(super) took: Duration,
}

impl Report {
    pub(super) fn new(policy: &Policy, target: Option<&str>) -> Report {
        Report {
            policy: policy.short_version(),
            target: target.unwrap_or("in this process").to_owned(),
            tried: Vec::new(),
            broken: Vec::new(),
            took: Duration::ZERO,
        }
    }

    /// The shortest finding of each place, and how many there are like it.
    fn shortest(&self) -> Vec<(&Finding, usize)> {
        let mut places: BTreeMap<(&str, &str), (&Finding, usize)> = BTreeMap::new();
        for finding in &self.broken {
            let length = |finding: &Finding| finding.again.as_ref().map_or(usize::MAX, String::len);
            let entry = places.entry(finding.place()).or_insert((finding, 0));
            entry.1 += 1;
            if length(finding) < length(entry.0) {
                entry.0 = finding;
            }
        }
        places.into_values().collect()
    }

    pub(super) fn outcome(&self) -> Outcome {
        let mut text = String::new();
        let (mut all, mut broken) = (0, 0);
        for tried in &self.tried {
            all += tried.count();
            broken += tried.broken;
            let rows =
                tried.rows.map(|(own, foreign)| format!(" ({own} own rows, {foreign} foreign)")).unwrap_or_default();
            text.push_str(&format!(
                "{} against {}, {}{rows}: {} tried, {} held",
                Paint::STRONG.on(&tried.attacker),
                tried.victim,
                tried.place,
                tried.count(),
                tried.count().saturating_sub(tried.broken),
            ));
            if tried.broken > 0 {
                text.push_str(&Paint::BAD.on(&format!(", {} broken", tried.broken)));
            }
            if tried.unclear > 0 {
                text.push_str(&format!(", {} of them with texts that may be anybody's", tried.unclear));
            }
            let families: Vec<String> = tried.families.iter().map(|(name, count)| format!("{name} {count}")).collect();
            text.push_str(&format!("\n  {}\n", Paint::FAINT.on(&families.join(", "))));
        }
        for (finding, like) in self.shortest().into_iter().take(SHOWN) {
            let like = if like > 1 { format!(" (and {} more like it)", like - 1) } else { String::new() };
            text.push_str(&format!("{} {}: {}{like}\n", Paint::BAD.on("BROKEN"), finding.family, finding.attack));
            let what: String = finding.what.chars().take(600).collect();
            text.push_str(&format!("  {what}\n"));
            if let Some(again) = &finding.again {
                text.push_str(&format!("  {again}\n"));
            }
        }
        let seconds = self.took.as_secs_f64();
        text.push_str(&match broken {
            0 => Paint::GOOD
                .on(&format!("All {all} attacks held, {}, in {seconds:.1} s. Policy {}.", self.target, self.policy)),
            broken => Paint::BAD.on(&format!(
                "{broken} of {all} attacks came through, {}, in {seconds:.1} s. Policy {}.",
                self.target, self.policy
            )),
        });
        let data = json!({
            "policy": self.policy,
            "target": self.target,
            "tried": all,
            "held": all.saturating_sub(broken),
            "broken": broken,
            "seconds": seconds,
            "burglars": self.tried.iter().map(|tried| json!({
                "attacker": tried.attacker,
                "victim": tried.victim,
                "place": tried.place,
                "tried": tried.count(),
                "broken": tried.broken,
                "unclear": tried.unclear,
                "families": tried.families,
            })).collect::<Vec<_>>(),
            "findings": self.broken.iter().map(|finding| json!({
                "attacker": finding.attacker,
                "family": finding.family,
                "attack": finding.attack,
                "what": finding.what,
                "again": finding.again,
            })).collect::<Vec<_>>(),
        });
        Outcome::new(data, text).exit(if broken == 0 { Exit::Done } else { Exit::No })
    }
}
