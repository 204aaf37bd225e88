//! Writes that wait for somebody's consent.
//!
//! A request is kept with the exact bytes that will run. It is decided once and run at most once;
//! both are a comparison and a change in one statement, so it does not matter how many servers try.
//! Every row carries a seal over what matters, made with a key that is not in the database: a row
//! that somebody else wrote, or whose status somebody else changed, neither runs nor is decided.

use std::ops::ControlFlow;

use sha2::{Digest, Sha256};
use tenantry_policy::Principal;

use crate::audit::entry::Hash;
use crate::backend::{Param, Reading, Row};
use crate::{Store, StoreError, requester};

/// The most bytes that a request's content may hold: a body of 1 MiB and the seal around it.
pub const MAX_CONTENT_BYTES: usize = 1024 * 1024 + 64;

/// The most requests that one listing answers.
const MAX_LIST: i64 = 1_000;

const DOMAIN: &[u8] = b"tenantry approval 1\n";

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ApprovalStatus {
    /// Nobody has decided.
    Pending,
    /// Somebody agreed; it may run once.
    Approved,
    /// Somebody refused.
    Denied,
    /// It was taken for its run. Stays so when the server dies in it, and never runs again.
    Executing,
    /// It ran.
    Executed,
    /// It ran and failed; nothing was changed.
    Failed,
    /// Its time passed before it was decided or run.
    Expired,
}

impl ApprovalStatus {
    const ALL: [ApprovalStatus; 7] = [
        ApprovalStatus::Pending,
        ApprovalStatus::Approved,
        ApprovalStatus::Denied,
        ApprovalStatus::Executing,
        ApprovalStatus::Executed,
        ApprovalStatus::Failed,
        ApprovalStatus::Expired,
    ];

    /// The name, as stored and shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ApprovalStatus::Pending => "pending",
            ApprovalStatus::Approved => "approved",
            ApprovalStatus::Denied => "denied",
            ApprovalStatus::Executing => "executing",
            ApprovalStatus::Executed => "executed",
            ApprovalStatus::Failed => "failed",
            ApprovalStatus::Expired => "expired",
        }
    }

    /// The status of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<ApprovalStatus> {
        ApprovalStatus::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// A request to keep.
#[derive(Debug, Clone, PartialEq)]
pub struct NewApproval {
    /// The account.
    pub account: String,
    /// The request's id, unique in the account.
    pub id: String,
    /// Who asked, and as whom it will run.
    pub requester: Principal,
    /// The tool.
    pub tool: String,
    /// The table.
    pub model: Option<String>,
    /// Exactly what will run.
    pub content: Vec<u8>,
    /// When it lapses, microseconds since 1970 UTC.
    pub expires_micros: i64,
}

/// A request read back; its seal and its content's hash have been checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Approval {
    /// The account.
    pub account: String,
    /// The request's id.
    pub id: String,
    /// Who asked, and as whom it runs.
    pub requester: Principal,
    /// The tool.
    pub tool: String,
    /// The table.
    pub model: Option<String>,
    /// Exactly what runs.
    pub content: Vec<u8>,
    /// SHA-256 of the content.
    pub content_sha256: Hash,
    /// Where it stands.
    pub status: ApprovalStatus,
    /// Who decided.
    pub approver: Option<String>,
    /// What [`Store::approval_finish`] was told.
    pub outcome: Option<String>,
    /// When it was asked, microseconds since 1970 UTC, as all times here.
    pub created_micros: i64,
    /// When it lapses.
    pub expires_micros: i64,
    /// When it was decided.
    pub decided_micros: Option<i64>,
    /// When its run began.
    pub started_micros: Option<i64>,
    /// When its run ended.
    pub finished_micros: Option<i64>,
}

/// What came of an attempt to move a request on.
#[derive(Debug, Clone, PartialEq)]
pub enum Moved {
    /// It was moved, by this call and no other. The request as it is now.
    Done(Box<Approval>),
    /// It is not where it would have to be; this is where it is.
    Not(ApprovalStatus),
    /// There is no such request in that account.
    Absent,
}

const COLUMNS_ONE: &str = "SELECT account, id, requester, tool, model, content, content_sha256, status, approver, outcome, \
    created_micros, expires_micros, decided_micros, started_micros, finished_micros, seal FROM tenantry_approvals \
    WHERE account = $1 AND id = $2";
const COLUMNS_LIST: &str = "SELECT account, id, requester, tool, model, content, content_sha256, status, approver, outcome, \
    created_micros, expires_micros, decided_micros, started_micros, finished_micros, seal FROM tenantry_approvals \
    WHERE account = $1 ORDER BY created_micros DESC, id LIMIT $2";
const COLUMNS_LIST_STATUS: &str = "SELECT account, id, requester, tool, model, content, content_sha256, status, approver, \
    outcome, created_micros, expires_micros, decided_micros, started_micros, finished_micros, seal \
    FROM tenantry_approvals WHERE account = $1 AND status IN ($3, $4) ORDER BY created_micros DESC, id LIMIT $2";
const INSERT: &str = "INSERT INTO tenantry_approvals (account, id, requester, tool, model, content, content_sha256, status, \
    created_micros, expires_micros, seal) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING";
/// The old seal stands for the whole old row: whoever changes it first wins.
const MOVE: &str = "UPDATE tenantry_approvals SET status = $1, approver = $2, outcome = $3, decided_micros = $4, \
    started_micros = $5, finished_micros = $6, seal = $7 WHERE account = $8 AND id = $9 AND status = $10 AND seal = $11";

/// A row with the seal it was read with.
struct Kept {
    approval: Approval,
    /// As stored; [`Approval::status`] may say `expired` instead.
    status: ApprovalStatus,
    requester: String,
    seal: Vec<u8>,
}

impl Store {
    /// Keeps a request as pending.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when the id is taken in that account, the content is too long, or the
    /// request has already lapsed.
    pub async fn approval_create(&self, new: NewApproval) -> Result<Approval, StoreError> {
        let invalid = |what, why| Err(StoreError::Invalid { what, why });
        let now = self.clock.now_micros();
        if new.content.len() > MAX_CONTENT_BYTES {
            return invalid("approval content", "longer than a body and its seal");
        }
        if new.expires_micros <= now {
            return invalid("approval expiry", "in the past");
        }
        let names = [Some(&new.account), Some(&new.id), Some(&new.tool), new.model.as_ref()];
        for name in names.into_iter().flatten() {
            if name.len() > crate::MAX_NAME_BYTES || name.contains('\0') {
                return invalid("approval", "a name is longer than 1024 bytes or holds NUL");
            }
        }
        let approval = Approval {
            account: new.account,
            id: new.id,
            requester: new.requester,
            tool: new.tool,
            model: new.model,
            content_sha256: Hash(Sha256::digest(&new.content).into()),
            content: new.content,
            status: ApprovalStatus::Pending,
            approver: None,
            outcome: None,
            created_micros: now,
            expires_micros: new.expires_micros,
            decided_micros: None,
            started_micros: None,
            finished_micros: None,
        };
        let requester = requester::to_json(&approval.requester);
        if requester.contains('\0') {
            return invalid("approval requester", "holds NUL");
        }
        let params = vec![
            Param::text(&approval.account),
            Param::text(&approval.id),
            Param::text(&requester),
            Param::text(&approval.tool),
            Param::Text(approval.model.clone()),
            Param::Bytes(approval.content.clone()),
            Param::Bytes(approval.content_sha256.0.to_vec()),
            Param::text(approval.status.name()),
            Param::int(approval.created_micros),
            Param::int(approval.expires_micros),
            Param::Bytes(self.approval_seal(&approval, &requester).to_vec()),
        ];
        match self.backend.write(INSERT, params).await? {
            0 => invalid("approval id", "already used in this account"),
            _ => Ok(approval),
        }
    }

    /// One request, or `None` when the account has none of that id.
    ///
    /// # Errors
    /// [`StoreError::Tampered`] when its seal does not fit; otherwise when the store cannot be read.
    pub async fn approval_get(&self, account: &str, id: &str) -> Result<Option<Approval>, StoreError> {
        Ok(self.approval_kept(account, id).await?.map(|kept| kept.approval))
    }

    /// The account's requests, newest first, at most 1,000; only those of one status when it is given.
    ///
    /// # Errors
    /// As [`Store::approval_get`].
    pub async fn approval_list(
        &self,
        account: &str,
        status: Option<ApprovalStatus>,
    ) -> Result<Vec<Approval>, StoreError> {
        let mut params = vec![Param::text(account), Param::int(MAX_LIST)];
        // A lapsed request is stored as what it was before.
        let stored = status.map(|status| match status {
            ApprovalStatus::Expired => [ApprovalStatus::Pending, ApprovalStatus::Approved],
            other => [other, other],
        });
        let sql = match stored {
            None => COLUMNS_LIST,
            Some(stored) => {
                params.extend(stored.map(|status| Param::text(status.name())));
                COLUMNS_LIST_STATUS
            }
        };
        let kept = self.approvals(sql, params).await?;
        let fits = |approval: &Approval| status.is_none_or(|status| approval.status == status);
        Ok(kept.into_iter().map(|kept| kept.approval).filter(fits).collect())
    }

    /// Decides a pending request. Whether the approver may decide is the caller's business.
    ///
    /// # Errors
    /// As [`Store::approval_get`].
    pub async fn approval_decide(
        &self,
        account: &str,
        id: &str,
        approver: &str,
        approve: bool,
    ) -> Result<Moved, StoreError> {
        if approver.is_empty() || approver.len() > crate::MAX_NAME_BYTES || approver.contains('\0') {
            return Err(StoreError::Invalid { what: "approver", why: "empty, longer than 1024 bytes, or holds NUL" });
        }
        let to = if approve { ApprovalStatus::Approved } else { ApprovalStatus::Denied };
        self.approval_move(account, id, ApprovalStatus::Pending, |approval, now| {
            approval.status = to;
            approval.approver = Some(approver.to_owned());
            approval.decided_micros = Some(now);
        })
        .await
    }

    /// Takes an approved request for its one run. Of all callers on all servers exactly one gets
    /// [`Moved::Done`].
    ///
    /// # Errors
    /// As [`Store::approval_get`].
    pub async fn approval_take_for_run(&self, account: &str, id: &str) -> Result<Moved, StoreError> {
        self.approval_move(account, id, ApprovalStatus::Approved, |approval, now| {
            approval.status = ApprovalStatus::Executing;
            approval.started_micros = Some(now);
        })
        .await
    }

    /// Notes how a run ended: `outcome` is a code or a short sentence.
    ///
    /// # Errors
    /// As [`Store::approval_get`].
    pub async fn approval_finish(
        &self,
        account: &str,
        id: &str,
        succeeded: bool,
        outcome: &str,
    ) -> Result<Moved, StoreError> {
        let outcome: String = outcome.chars().filter(|c| *c != '\0').take(crate::MAX_NAME_BYTES).collect();
        self.approval_move(account, id, ApprovalStatus::Executing, |approval, now| {
            approval.status = if succeeded { ApprovalStatus::Executed } else { ApprovalStatus::Failed };
            approval.outcome = Some(outcome);
            approval.finished_micros = Some(now);
        })
        .await
    }

    async fn approval_move(
        &self,
        account: &str,
        id: &str,
        from: ApprovalStatus,
        change: impl FnOnce(&mut Approval, i64),
    ) -> Result<Moved, StoreError> {
        let Some(mut kept) = self.approval_kept(account, id).await? else { return Ok(Moved::Absent) };
        if kept.approval.status != from {
            return Ok(Moved::Not(kept.approval.status));
        }
        change(&mut kept.approval, self.clock.now_micros());
        let seal = self.approval_seal(&kept.approval, &kept.requester);
        let after = &kept.approval;
        let params = vec![
            Param::text(after.status.name()),
            Param::Text(after.approver.clone()),
            Param::Text(after.outcome.clone()),
            Param::Int(after.decided_micros),
            Param::Int(after.started_micros),
            Param::Int(after.finished_micros),
            Param::Bytes(seal.to_vec()),
            Param::text(account),
            Param::text(id),
            Param::text(kept.status.name()),
            Param::Bytes(kept.seal),
        ];
        if self.backend.write(MOVE, params).await? == 1 {
            return Ok(Moved::Done(Box::new(kept.approval)));
        }
        // Somebody else was first.
        Ok(self.approval_kept(account, id).await?.map_or(Moved::Absent, |kept| Moved::Not(kept.approval.status)))
    }

    async fn approval_kept(&self, account: &str, id: &str) -> Result<Option<Kept>, StoreError> {
        let kept = self.approvals(COLUMNS_ONE, vec![Param::text(account), Param::text(id)]).await?;
        Ok(kept.into_iter().next())
    }

    async fn approvals(&self, sql: &'static str, params: Vec<Param>) -> Result<Vec<Kept>, StoreError> {
        let reading = Reading {
            sql,
            params,
            step: |found: &mut Vec<Option<Kept>>, row| {
                found.push(kept(row));
                ControlFlow::Continue(())
            },
        };
        let found = self.backend.read(vec![reading], Vec::new()).await?;
        let changed = |why| StoreError::Tampered { what: "an approval", why };
        let now = self.clock.now_micros();
        found
            .into_iter()
            .map(|kept| {
                let mut kept = kept.ok_or(changed("it is not of the shape that Tenantry writes"))?;
                let approval = &kept.approval;
                if !self.seal_key.fits(DOMAIN, &parts(approval, &kept.requester, &times(approval)), &kept.seal) {
                    return Err(changed("its seal does not fit"));
                }
                if Hash(Sha256::digest(&approval.content).into()) != approval.content_sha256 {
                    return Err(changed("its content does not fit its hash"));
                }
                let waiting = matches!(kept.status, ApprovalStatus::Pending | ApprovalStatus::Approved);
                if waiting && approval.expires_micros <= now {
                    kept.approval.status = ApprovalStatus::Expired;
                }
                Ok(kept)
            })
            .collect()
    }

    fn approval_seal(&self, approval: &Approval, requester: &str) -> [u8; 32] {
        self.seal_key.seal(DOMAIN, &parts(approval, requester, &times(approval)))
    }
}

/// The times as bytes; an absent one is empty, so it differs from every present one.
fn times(approval: &Approval) -> [Vec<u8>; 5] {
    let bytes = |time: Option<i64>| time.map_or_else(Vec::new, |time| time.to_be_bytes().to_vec());
    [
        bytes(Some(approval.created_micros)),
        bytes(Some(approval.expires_micros)),
        bytes(approval.decided_micros),
        bytes(approval.started_micros),
        bytes(approval.finished_micros),
    ]
}

/// What the seal covers: everything but the outcome's wording, the content by its hash.
fn parts<'a>(approval: &'a Approval, requester: &'a str, times: &'a [Vec<u8>; 5]) -> [&'a [u8]; 13] {
    let optional = |text: &'a Option<String>| text.as_deref().unwrap_or_default().as_bytes();
    let [created, expires, decided, started, finished] = times;
    [
        approval.account.as_bytes(),
        approval.id.as_bytes(),
        requester.as_bytes(),
        approval.tool.as_bytes(),
        optional(&approval.model),
        approval.content_sha256.0.as_slice(),
        approval.status.name().as_bytes(),
        optional(&approval.approver),
        created,
        expires,
        decided,
        started,
        finished,
    ]
}

fn kept(row: &Row<'_>) -> Option<Kept> {
    let requester = row.text(2)?;
    let status = ApprovalStatus::parse(&row.text(7)?)?;
    Some(Kept {
        approval: Approval {
            account: row.text(0)?,
            id: row.text(1)?,
            requester: requester::from_json(&requester)?,
            tool: row.text(3)?,
            model: row.text(4),
            content: row.bytes(5)?,
            content_sha256: Hash(row.array(6)?),
            status,
            approver: row.text(8),
            outcome: row.text(9),
            created_micros: row.int(10)?,
            expires_micros: row.int(11)?,
            decided_micros: row.int(12),
            started_micros: row.int(13),
            finished_micros: row.int(14),
        },
        status,
        requester,
        seal: row.bytes(15)?,
    })
}
