//! Reading the audit.

use std::ops::ControlFlow;

use crate::audit::entry::{Decision, Entry, Hash, Head, Phase, Recorded};
use crate::backend::{Param, Reading, Row};
use crate::{Store, StoreError};

/// The most entries that one listing answers.
pub const MAX_LIST: u32 = 10_000;

/// Which entries to list. Always of one account; newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// The account; empty for the platform's own chain.
    pub account: String,
    /// Only this tool.
    pub tool: Option<String>,
    /// Only this table.
    pub model: Option<String>,
    /// Only this workspace.
    pub workspace: Option<String>,
    /// Only this subject.
    pub user: Option<String>,
    /// Only from this moment on, microseconds since 1970 UTC.
    pub since_micros: Option<i64>,
    /// Only before this moment, microseconds since 1970 UTC.
    pub until_micros: Option<i64>,
    /// Only entries with this decision.
    pub decision: Option<Decision>,
    /// Only entries of this phase.
    pub phase: Option<Phase>,
    /// At most so many, 1 to [`MAX_LIST`]; 0 means 100.
    pub limit: u32,
    /// Only entries before this place in the chain: the `seq` of the last one listed before.
    pub before_seq: Option<i64>,
}

impl Filter {
    /// Everything of an account.
    #[must_use]
    pub fn of(account: &str) -> Filter {
        Filter { account: account.to_owned(), ..Filter::default() }
    }
}

const LIST: &str = "SELECT account, seq, id, phase, start_seq, time_micros, workspace, user_id, client, delegate, tool, \
    model, request_digest, inputs, decision, code, reasons, scopes, row_count, row_keys, rows_before, rows_after, \
    duration_micros, error, policy_version, hash FROM tenantry_audit WHERE account = $1 AND seq < $2 \
    AND (CAST($3 AS TEXT) IS NULL OR tool = $3) AND (CAST($4 AS TEXT) IS NULL OR model = $4) \
    AND (CAST($5 AS TEXT) IS NULL OR user_id = $5) AND time_micros >= $6 AND time_micros < $7 \
    AND (CAST($8 AS TEXT) IS NULL OR decision = $8) AND (CAST($9 AS TEXT) IS NULL OR phase = $9) \
    AND (CAST($11 AS TEXT) IS NULL OR workspace = $11) ORDER BY seq DESC LIMIT $10";

const SHOW: &str = "SELECT account, seq, id, phase, start_seq, time_micros, workspace, user_id, client, delegate, tool, \
    model, request_digest, inputs, decision, code, reasons, scopes, row_count, row_keys, rows_before, rows_after, \
    duration_micros, error, policy_version, hash FROM tenantry_audit WHERE account = $1 AND id = $2 ORDER BY seq LIMIT 100";

const PAGE: &str = "SELECT account, seq, id, phase, start_seq, time_micros, workspace, user_id, client, delegate, tool, \
    model, request_digest, inputs, decision, code, reasons, scopes, row_count, row_keys, rows_before, rows_after, \
    duration_micros, error, policy_version, hash FROM tenantry_audit WHERE account = $1 AND seq > $2 AND seq <= $3 \
    ORDER BY seq LIMIT 500";

const HEADS: &str = "SELECT account, seq, hash FROM tenantry_audit_heads ORDER BY ordinal";

impl Store {
    /// The entries that fit, newest first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer, [`StoreError::Tampered`] when
    /// an entry no longer has the shape that Tenantry writes, or the journal was changed.
    pub async fn list(&self, filter: &Filter) -> Result<Vec<Recorded>, StoreError> {
        let limit = if filter.limit == 0 { 100 } else { filter.limit.min(MAX_LIST) };
        let text = |text: &Option<String>| Param::Text(text.clone());
        let params = vec![
            Param::text(&filter.account),
            Param::int(filter.before_seq.unwrap_or(i64::MAX)),
            text(&filter.tool),
            text(&filter.model),
            text(&filter.user),
            Param::int(filter.since_micros.unwrap_or(i64::MIN)),
            Param::int(filter.until_micros.unwrap_or(i64::MAX)),
            Param::Text(filter.decision.map(|decision| decision.name().to_owned())),
            Param::Text(filter.phase.map(|phase| phase.name().to_owned())),
            Param::int(i64::from(limit)),
            text(&filter.workspace),
        ];
        self.backend.settle().await?;
        self.entries(LIST, params).await
    }

    /// The entries of one call, in the order in which they were written; empty when there is none
    /// of that id in that account.
    ///
    /// # Errors
    /// As [`Store::list`].
    pub async fn show(&self, account: &str, id: &str) -> Result<Vec<Recorded>, StoreError> {
        self.backend.settle().await?;
        self.entries(SHOW, vec![Param::text(account), Param::text(id)]).await
    }

    /// The heads of all chains, in the order in which they began. Write them down elsewhere to catch
    /// a store that was rolled back; see [`Store::verify`].
    ///
    /// # Errors
    /// As [`Store::list`].
    pub async fn heads(&self) -> Result<Vec<Head>, StoreError> {
        let reading = Reading {
            sql: HEADS,
            params: Vec::new(),
            step: |found: &mut Vec<Option<Head>>, row| {
                found.push(head(row));
                ControlFlow::Continue(())
            },
        };
        self.backend.settle().await?;
        let found = self.backend.read(vec![reading], Vec::new()).await?;
        found.into_iter().collect::<Option<Vec<Head>>>().ok_or(MISSHAPEN)
    }

    /// Up to 500 entries after a place in the chain, oldest first.
    pub(crate) async fn page(&self, account: &str, after: i64, last: i64) -> Result<Vec<Recorded>, StoreError> {
        self.entries(PAGE, vec![Param::text(account), Param::int(after), Param::int(last)]).await
    }

    async fn entries(&self, sql: &'static str, params: Vec<Param>) -> Result<Vec<Recorded>, StoreError> {
        let reading = Reading {
            sql,
            params,
            step: |found: &mut Vec<Option<Recorded>>, row| {
                found.push(recorded(row));
                ControlFlow::Continue(())
            },
        };
        let found = self.backend.read(vec![reading], Vec::new()).await?;
        found.into_iter().collect::<Option<Vec<Recorded>>>().ok_or(MISSHAPEN)
    }
}

const MISSHAPEN: StoreError =
    StoreError::Tampered { what: "an audit entry", why: "it is not of the shape that Tenantry writes" };

fn head(row: &Row<'_>) -> Option<Head> {
    Some(Head { account: row.text(0)?, seq: row.int(1)?, hash: Hash(row.array(2)?) })
}

fn recorded(row: &Row<'_>) -> Option<Recorded> {
    let reasons = match row.text(16) {
        Some(text) => serde_json::from_str(&text).ok()?,
        None => Vec::new(),
    };
    Some(Recorded {
        seq: row.int(1)?,
        hash: Hash(row.array(25)?),
        entry: Entry {
            account: row.text(0)?,
            id: row.text(2)?,
            phase: Phase::parse(&row.text(3)?)?,
            start: row.int(4),
            time_micros: row.int(5)?,
            workspace: row.text(6),
            user: row.text(7),
            client: row.text(8),
            delegate: row.text(9),
            tool: row.text(10)?,
            model: row.text(11),
            request_digest: row.text(12)?,
            inputs: row.text(13),
            decision: Decision::parse(&row.text(14)?)?,
            code: row.text(15),
            reasons,
            scopes: row.text(17),
            rows: row.int(18),
            keys: row.text(19),
            before: row.text(20),
            after: row.text(21),
            duration_micros: row.int(22),
            error: row.text(23),
            policy_version: row.text(24)?,
        },
    })
}
