//! Figures of what passes the door, for operators: they name accounts, so no tenant is ever shown them.
//!
//! INVARIANT: nothing that a caller wrote is a label, but names that the file, the store or the law knows: no
//! prompt, no key, no token, no user.

pub mod names;
mod otlp;
mod protobuf;
mod text;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

pub use otlp::{Origin, Rejected, rejected, requests};
pub use text::prometheus;

/// How many series of one kind are kept. What comes after counts for an account of that name.
const MOST: usize = 10_000;

/// How many series are copied before others may count again.
const AT_ONCE: usize = 128;

/// The account of what came when there were too many.
pub const OTHERS: &str = "(others)";

/// Upper bounds of durations in seconds, as the conventions have them.
pub const DURATIONS: [f64; 14] =
    [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];

/// Upper bounds of tokens, as the conventions have them.
pub const TOKENS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

/// What model calls have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallLabels {
    /// The account's tenant id.
    pub account: Arc<str>,
    /// The workspace.
    pub workspace: Arc<str>,
    /// The model, as callers call it.
    pub model: Arc<str>,
    /// `chat`, `embeddings` and so on.
    pub operation: &'static str,
    /// The protocol of the upstream: `openai`, `anthropic` or `tenantry`, the built-in one.
    pub provider: &'static str,
    /// Why they failed; empty for those that did not.
    pub error: &'static str,
}

/// What calls of data tools have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ToolLabels {
    /// The account's tenant id.
    pub account: Arc<str>,
    /// The tool.
    pub tool: &'static str,
    /// The code of their refusal; empty for those that were done.
    pub error: &'static str,
}

/// What refusals by limits have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RefusedLabels {
    /// The account's tenant id.
    pub account: Arc<str>,
    /// The workspace.
    pub workspace: Arc<str>,
    /// The model, of a model call.
    pub model: Arc<str>,
    /// Whose limit.
    pub level: &'static str,
    /// Which.
    pub limit: &'static str,
}

/// How often a value lay where.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Histogram {
    /// How often it lay under each bound (and not under the one before), and, last, above all of them.
    pub counts: [u64; 15],
    /// The sum of all values.
    pub sum: f64,
}

impl Histogram {
    fn add(&mut self, bounds: &[f64; 14], value: f64) {
        let place = bounds.iter().position(|bound| value <= *bound).unwrap_or(bounds.len());
        if let Some(count) = self.counts.get_mut(place) {
            *count += 1;
        }
        self.sum += value;
    }

    /// How many values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// Figures of model calls.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CallFigures {
    /// Seconds.
    pub duration: Histogram,
    /// Tokens of prompts.
    pub input: Histogram,
    /// Tokens of answers.
    pub output: Histogram,
    /// Tokens of prompts that upstreams had kept.
    pub cached: u64,
    /// Micro-units.
    pub cost: u64,
}

/// All figures at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Snapshot {
    /// Of model calls.
    pub calls: BTreeMap<CallLabels, CallFigures>,
    /// Of data tools: seconds.
    pub tools: BTreeMap<ToolLabels, Histogram>,
    /// How many calls limits refused.
    pub refused: BTreeMap<RefusedLabels, u64>,
}

/// Counts.
#[derive(Debug, Default)]
pub struct Metrics {
    now: Mutex<Snapshot>,
}

fn of<L: Ord + Clone, F: Default>(all: &mut BTreeMap<L, F>, labels: L, others: impl FnOnce(L) -> L) -> &mut F {
    let labels = if all.len() >= MOST && !all.contains_key(&labels) { others(labels) } else { labels };
    all.entry(labels).or_default()
}

impl Metrics {
    /// A model call has ended.
    pub fn call(&self, labels: CallLabels, took: Duration, input: u64, cached: u64, output: u64, cost: u64) {
        let mut now = self.now.lock();
        let figures =
            of(&mut now.calls, labels, |labels| CallLabels { account: OTHERS.into(), workspace: "".into(), ..labels });
        figures.duration.add(&DURATIONS, took.as_secs_f64());
        figures.input.add(&TOKENS, float(input));
        figures.output.add(&TOKENS, float(output));
        figures.cached = figures.cached.saturating_add(cached);
        figures.cost = figures.cost.saturating_add(cost);
    }

    /// A call of a data tool has ended.
    pub fn tool(&self, labels: ToolLabels, took: Duration) {
        let mut now = self.now.lock();
        let others = |labels| ToolLabels { account: OTHERS.into(), ..labels };
        of(&mut now.tools, labels, others).add(&DURATIONS, took.as_secs_f64());
    }

    /// Limits refused a call.
    pub fn refused(&self, labels: RefusedLabels) {
        let mut now = self.now.lock();
        let others = |labels| RefusedLabels { account: OTHERS.into(), workspace: "".into(), ..labels };
        *of(&mut now.refused, labels, others) += 1;
    }

    /// All figures, as they are now. Calls that end meanwhile wait for no more than a few series to be copied; so
    /// figures of different series may be a moment apart.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            calls: self.copied(|now| &now.calls),
            tools: self.copied(|now| &now.tools),
            refused: self.copied(|now| &now.refused),
        }
    }

    fn copied<L: Ord + Clone, F: Clone>(&self, part: impl Fn(&Snapshot) -> &BTreeMap<L, F>) -> BTreeMap<L, F> {
        let mut copied: BTreeMap<L, F> = BTreeMap::new();
        loop {
            let after = copied.last_key_value().map_or(Bound::Unbounded, |(last, _)| Bound::Excluded(last.clone()));
            let piece: Vec<(L, F)> = {
                let now = self.now.lock();
                let rest = part(&now).range((after, Bound::Unbounded)).take(AT_ONCE);
                rest.map(|(labels, figures)| (labels.clone(), figures.clone())).collect()
            };
            let whole = piece.len() == AT_ONCE;
            copied.extend(piece);
            if !whole {
                return copied;
            }
        }
    }
}

/// Exact to 2^53, which no call's tokens come near to.
#[allow(clippy::cast_precision_loss, reason = "figures for charts")]
fn float(number: u64) -> f64 {
    number as f64
}

/// A label and its value; an empty one is left out.
type Label<'a> = (&'static str, &'a str);

fn call(labels: &CallLabels) -> Vec<Label<'_>> {
    vec![
        (names::ACCOUNT, &labels.account),
        (names::WORKSPACE, &labels.workspace),
        (names::REQUEST_MODEL, &labels.model),
        (names::OPERATION, labels.operation),
        (names::PROVIDER, labels.provider),
        (names::ERROR_TYPE, labels.error),
    ]
}

fn tool(labels: &ToolLabels) -> Vec<Label<'_>> {
    vec![(names::ACCOUNT, &labels.account), (names::TOOL, labels.tool), (names::ERROR_TYPE, labels.error)]
}

fn refused(labels: &RefusedLabels) -> Vec<Label<'_>> {
    vec![
        (names::ACCOUNT, &labels.account),
        (names::WORKSPACE, &labels.workspace),
        (names::REQUEST_MODEL, &labels.model),
        (names::LEVEL, labels.level),
        (names::LIMIT, labels.limit),
    ]
}
