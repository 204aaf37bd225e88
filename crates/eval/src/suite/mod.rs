//! Playing a suite: its calls in order, and after each what must hold, whether the suite says so or not.

mod expect;
mod invariants;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use tenantry_file::Suite;
use tenantry_file::suite::SuiteCall;
use tenantry_policy::{Bound, Clock, Code, Policy, Tool};

use crate::compare::differ;
use crate::door::{Answer, Door, NoAnswer};

use invariants::Watch;

/// Who plays, and by which law they are judged.
pub struct Players<'a> {
    /// The law, where it is at hand; without, only what the suite says itself is checked, and replays.
    pub policy: Option<Arc<Policy>>,
    /// The people whose principal is known.
    pub bound: BTreeMap<String, Arc<Bound>>,
    /// Time.
    pub clock: &'a dyn Clock,
}

/// What must hold after every call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// What the suite expects.
    Expected,
    /// The answer is the one to the arguments of `same_as`.
    SameAs,
    /// No row that the policy does not show to the caller, and none that is somebody else's alone.
    ForeignRow,
    /// No field that the caller may not see.
    DeniedField,
    /// Rows, bytes and time within the table's budget.
    Budget,
    /// A call that only reads answers the same again.
    Replay,
    /// A row of one tenant answers everybody else as a row that is not there.
    Absent,
    /// Whatever is asked is refused or answered: our fault is neither.
    OurFault,
}

impl Rule {
    /// Its name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Rule::Expected => "as expected",
            Rule::SameAs => "same as",
            Rule::ForeignRow => "no foreign row",
            Rule::DeniedField => "no denied field",
            Rule::Budget => "within budget",
            Rule::Replay => "same on replay",
            Rule::Absent => "foreign as absent",
            Rule::OurFault => "no fault of ours",
        }
    }
}

/// What does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The rule.
    pub rule: Rule,
    /// What came instead.
    pub what: String,
}

/// What came of one call.
#[derive(Debug, Clone, PartialEq)]
pub struct CallPlayed {
    /// Its position in the suite.
    pub at: usize,
    /// The refusal, if it was one.
    pub code: Option<Code>,
    /// What does not hold.
    pub broken: Vec<Broken>,
}

/// What came of a suite.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Played {
    /// Call by call.
    pub calls: Vec<CallPlayed>,
    /// How often each rule was checked.
    pub checked: BTreeMap<Rule, usize>,
    /// Rows whose visibility their columns do not tell.
    pub unclear: usize,
}

impl Played {
    /// How many calls did not hold.
    #[must_use]
    pub fn broken(&self) -> usize {
        self.calls.iter().filter(|call| !call.broken.is_empty()).count()
    }
}

/// Plays a suite.
///
/// # Errors
/// When there is no answer at all.
pub async fn play(suite: &Suite, door: &impl Door, players: &Players<'_>) -> Result<Played, NoAnswer> {
    let mut played = Played::default();
    let mut watch = Watch::new(players);
    for (at, call) in suite.document.call.iter().enumerate() {
        let mut broken = Vec::new();
        let began = players.clock.monotonic();
        let answer = ask(door, call, &call.arguments).await?;
        let took = players.clock.monotonic().saturating_sub(began);
        let mut check = |rule: Rule, found: Vec<String>| {
            *played.checked.entry(rule).or_default() += 1;
            broken.extend(found.into_iter().map(|what| Broken { rule, what }));
        };
        let ours = answer.code == Some(Code::InternalError);
        check(Rule::OurFault, ours.then(|| clip(&answer)).into_iter().collect());
        if let Some(expect) = &call.expect {
            check(Rule::Expected, expect::unmet(expect, &answer));
        }
        if let Some(other) = &call.same_as {
            let twin = ask(door, call, other).await?;
            let found = differ(&answer, &twin, &[]).map(|(a, b)| format!("{a}, but {b}"));
            check(Rule::SameAs, found.into_iter().collect());
        }
        if reads(call) {
            for _ in 0..suite.document.suite.replays {
                let again = ask(door, call, &call.arguments).await?;
                let found = differ(&answer, &again, &[]).map(|(a, b)| format!("{a}, and then {b}"));
                check(Rule::Replay, found.into_iter().collect());
            }
        }
        watch.answered(call, &answer, took, &mut check);
        for probe in watch.probes(call, &answer) {
            let foreign = door.call(&probe.who, Tool::Get.name(), probe.foreign.to_string().as_bytes()).await?;
            let absent = door.call(&probe.who, Tool::Get.name(), probe.absent.to_string().as_bytes()).await?;
            let found = differ(&foreign, &absent, &[]).map(|(a, b)| {
                format!("`{}` asked for {} and got {a}; of what is absent {b}", probe.who, probe.foreign)
            });
            check(Rule::Absent, found.into_iter().collect());
        }
        played.calls.push(CallPlayed { at, code: answer.code, broken });
    }
    played.unclear = watch.unclear();
    Ok(played)
}

async fn ask(door: &impl Door, call: &SuiteCall, arguments: &Map<String, Value>) -> Result<Answer, NoAnswer> {
    let body = Value::Object(arguments.clone()).to_string();
    door.call(&call.who, &call.tool, body.as_bytes()).await
}

/// Does the call leave everything as it was?
fn reads(call: &SuiteCall) -> bool {
    ["query", "get", "aggregate", "describe_schema"].contains(&call.tool.as_str())
}

/// The beginning of an answer, for a report.
fn clip(answer: &Answer) -> String {
    const MOST: usize = 400;
    let text = String::from_utf8_lossy(&answer.body);
    let start: String = text.chars().take(MOST).collect();
    if text.chars().nth(MOST).is_some() { start + "…" } else { start }
}
