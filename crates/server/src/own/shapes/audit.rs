//! Lines of the audit as they are shown.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tenantry_identity::audit::AuditPart;
use tenantry_identity::text::time;
use tenantry_identity::{Refusal, audit};

use crate::own::reply::Page;

/// A line of the audit. A call has two: one before the act and one after it
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AuditEntry {
    /// The call's id
    id: String,
    /// The place in the chain, from 1
    seq: i64,
    phase: Phase,
    time: String,
    workspace: Option<String>,
    user: Option<String>,
    client: Option<String>,
    /// Who acted on behalf of the user
    delegate: Option<String>,
    /// The data tool or operation
    tool: String,
    /// The table
    model: Option<String>,
    /// What was asked for, without secrets
    inputs: Value,
    decision: Decision,
    /// The refusal's code
    code: Option<String>,
    /// The rules that decided
    reasons: Vec<String>,
    /// The scopes that were put into the statement
    scopes: Option<String>,
    /// Rows read or changed
    rows: Option<i64>,
    /// Keys of the rows that were changed
    keys: Value,
    before: Value,
    after: Value,
    duration_micros: Option<i64>,
    /// The error's code
    error: Option<String>,
    request_digest: String,
    policy_version: String,
    /// What every later line of the chain rests on
    hash: String,
}

/// Where in a call a line stands
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "AuditPhase")]
pub(crate) enum Phase {
    Started,
    Completed,
    Denied,
    Failed,
}

/// The policy's answer
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "AuditDecision")]
pub(crate) enum Decision {
    Allowed,
    Denied,
}

impl From<audit::Recorded> for AuditEntry {
    fn from(recorded: audit::Recorded) -> AuditEntry {
        let entry = recorded.entry;
        let json = |text: Option<String>| {
            text.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap_or(Value::String(text)))
        };
        AuditEntry {
            id: entry.id,
            seq: recorded.seq,
            phase: match entry.phase {
                audit::Phase::Started => Phase::Started,
                audit::Phase::Completed => Phase::Completed,
                audit::Phase::Denied => Phase::Denied,
                audit::Phase::Failed => Phase::Failed,
            },
            time: time(entry.time_micros),
            workspace: entry.workspace,
            user: entry.user,
            client: entry.client,
            delegate: entry.delegate,
            tool: entry.tool,
            model: entry.model,
            inputs: json(entry.inputs),
            decision: match entry.decision {
                audit::Decision::Allowed => Decision::Allowed,
                audit::Decision::Denied => Decision::Denied,
            },
            code: entry.code,
            reasons: entry.reasons,
            scopes: entry.scopes,
            rows: entry.rows,
            keys: json(entry.keys),
            before: json(entry.before),
            after: json(entry.after),
            duration_micros: entry.duration_micros,
            error: entry.error,
            request_digest: entry.request_digest,
            policy_version: entry.policy_version,
            hash: recorded.hash.to_string(),
        }
    }
}

/// Which lines, newest first
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditQuery {
    /// Only this data tool or operation
    #[schemars(length(max = 1024))]
    tool: Option<String>,
    /// Only this table
    #[schemars(length(max = 1024))]
    model: Option<String>,
    /// Only this user
    #[schemars(length(max = 1024))]
    user: Option<String>,
    /// Only this workspace
    #[schemars(length(max = 1024))]
    workspace: Option<String>,
    /// Only from this moment on, RFC 3339
    #[schemars(extend("format" = "date-time"))]
    since: Option<String>,
    /// Only before this moment, RFC 3339
    #[schemars(extend("format" = "date-time"))]
    until: Option<String>,
    decision: Option<Decision>,
    phase: Option<Phase>,
    /// How many lines at most, 1 to 100
    #[schemars(range(min = 1, max = 100))]
    take: Option<i64>,
    /// Where an earlier answer ended: its `next_cursor`
    #[schemars(length(max = 40))]
    cursor: Option<String>,
}

impl AuditQuery {
    /// The part that is asked for: one line more than is shown, to know whether there is a next part.
    pub(crate) fn part(&self) -> Result<AuditPart, Refusal> {
        let cursor = |text: &String| match text.parse::<i64>() {
            Ok(seq) if seq > 0 => Ok(seq),
            _ => Err(Refusal::Invalid { code: "invalid_query", message: "no list answered this `cursor`".to_owned() }),
        };
        let micros = |text: &String| text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_microsecond);
        Ok(AuditPart {
            tool: self.tool.clone(),
            model: self.model.clone(),
            user: self.user.clone(),
            workspace: self.workspace.clone(),
            since_micros: self.since.as_ref().and_then(micros),
            until_micros: self.until.as_ref().and_then(micros),
            decision: self.decision.map(|decision| match decision {
                Decision::Allowed => audit::Decision::Allowed,
                Decision::Denied => audit::Decision::Denied,
            }),
            phase: self.phase.map(|phase| match phase {
                Phase::Started => audit::Phase::Started,
                Phase::Completed => audit::Phase::Completed,
                Phase::Denied => audit::Phase::Denied,
                Phase::Failed => audit::Phase::Failed,
            }),
            before_seq: self.cursor.as_ref().map(cursor).transpose()?,
            limit: u32::try_from(self.take().saturating_add(1)).unwrap_or(51),
        })
    }

    fn take(&self) -> usize {
        usize::try_from(self.take.unwrap_or(50).clamp(1, 100)).unwrap_or(50)
    }

    /// The lines found, as a part of the list.
    pub(crate) fn page(&self, mut found: Vec<audit::Recorded>) -> Page<AuditEntry> {
        let more = found.len() > self.take();
        found.truncate(self.take());
        let next = found.last().filter(|_| more).map(|last| last.seq.to_string());
        Page { items: found.into_iter().map(AuditEntry::from).collect(), next }
    }
}

/// A head that was written down before, to be compared
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerifyAudit {
    pub(crate) expected: Option<ExpectedHead>,
}

/// The end of the chain at some earlier moment
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedHead {
    #[schemars(range(min = 0))]
    pub(crate) seq: i64,
    /// 64 hexadecimal digits
    #[schemars(regex(pattern = r"^[0-9a-f]{64}$"))]
    pub(crate) hash: String,
}

impl VerifyAudit {
    /// The head, if one was sent.
    pub(crate) fn head(&self) -> Option<(i64, audit::Hash)> {
        self.expected.as_ref().and_then(|head| Some((head.seq, audit::Hash::parse(&head.hash)?)))
    }
}

/// What verification found
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AuditReport {
    /// Nothing is wrong
    sound: bool,
    entries: u64,
    /// What to write down elsewhere; absent for a chain with problems
    head: Option<ChainHead>,
    problems: Vec<Problem>,
    problem_count: u64,
    /// Calls that started and have no end yet
    open_count: u64,
}

/// The end of a chain
#[derive(Debug, Serialize, JsonSchema)]
struct ChainHead {
    seq: i64,
    hash: String,
}

/// One thing that is wrong
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditProblem")]
struct Problem {
    code: String,
    message: String,
    /// The place in the chain where it shows
    seq: Option<i64>,
}

impl From<audit::ChainReport> for AuditReport {
    fn from(report: audit::ChainReport) -> AuditReport {
        AuditReport {
            sound: report.problem_count == 0,
            entries: report.entries,
            head: report.head.map(|head| ChainHead { seq: head.seq, hash: head.hash.to_string() }),
            problems: report
                .problems
                .into_iter()
                .map(|problem| Problem {
                    code: problem.kind.code().to_owned(),
                    message: problem.kind.sentence().to_owned(),
                    seq: problem.seq,
                })
                .collect(),
            problem_count: report.problem_count,
            open_count: report.open_count,
        }
    }
}
