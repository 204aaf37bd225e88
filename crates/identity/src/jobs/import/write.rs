//! Writing users of a file, many at a time.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};
use tenantry_store::identity::bulk::{Taken, Wanted};
use tenantry_store::identity::passwords::Password;
use tenantry_store::identity::users::{Term, User as UserRow, UserIdentity as IdentityRow};
use tenantry_store::{BatchError, StoreError};

use super::check::{Checked, Checker, Good, failed, wrong};
use crate::jobs::{Job, Patience};
use crate::users::terms;
use crate::{Caller, Identity, Refusal};

/// How often users are looked for again when others make the same ones at the same time.
pub(super) const TRIES: usize = 3;

/// The most errors that are kept; later ones only count.
const MOST_ERRORS: usize = 10_000;

/// Errors of one piece.
const PIECE: usize = 500;

/// How far an import is.
#[derive(Debug, Default)]
pub(super) struct Progress {
    total: u64,
    inserted: u64,
    pub(super) updated: u64,
    failed: u64,
    errors: Vec<Value>,
    kept: usize,
    pieces: i64,
}

impl Progress {
    pub(super) fn new(total: u64) -> Progress {
        Progress { total, ..Progress::default() }
    }

    pub(super) fn fail(&mut self, error: Value) {
        self.failed += 1;
        if self.kept + self.errors.len() < MOST_ERRORS {
            self.errors.push(error);
        }
    }

    pub(super) fn tell(&self, job: &mut Job) {
        let done = self.inserted + self.updated + self.failed;
        let percentage = done.saturating_mul(100).checked_div(self.total).unwrap_or(100).min(100);
        job.fields.insert("percentage_done".to_owned(), json!(percentage));
        job.fields.insert(
            "summary".to_owned(),
            json!({ "failed": self.failed, "updated": self.updated, "inserted": self.inserted, "total": self.total }),
        );
    }

    pub(super) async fn keep_errors(&mut self, identity: &Identity, job: &Job, all: bool) -> Result<(), Refusal> {
        while self.errors.len() >= PIECE || (all && !self.errors.is_empty()) {
            let piece: Vec<Value> = self.errors.drain(..self.errors.len().min(PIECE)).collect();
            self.kept += piece.len();
            identity.keep_job_piece(job, "errors", self.pieces, Value::Array(piece).to_string().as_bytes()).await?;
            self.pieces += 1;
        }
        Ok(())
    }
}

/// What is to be done with a chunk.
#[derive(Default)]
struct Plan {
    users: Vec<UserRow>,
    identities: Vec<IdentityRow>,
    terms: Vec<(String, Term)>,
    passwords: Vec<Password>,
    methods: Vec<tenantry_store::identity::authentication_methods::AuthenticationMethod>,
    /// Places in the chunk of users that exist, with their ids.
    changes: Vec<(usize, String)>,
    errors: Vec<Value>,
    /// How many were written by a try that got no answer.
    written: u64,
}

impl Identity {
    /// Writes a chunk: all of it that can be, in one batch. When others keep making one of its users at the same
    /// time, the others of the chunk must not suffer for it: it is written in halves.
    pub(super) async fn write_chunk(
        &self,
        caller: &Caller,
        checker: &Checker,
        chunk: Vec<Checked>,
        upsert: bool,
        progress: &mut Progress,
    ) -> Result<(), Refusal> {
        let mut good = Vec::with_capacity(chunk.len());
        for checked in chunk {
            match checked {
                Checked::Good(user) => good.push(*user),
                Checked::Bad(error) => progress.fail(error),
            }
        }
        let mut parts = vec![good];
        while let Some(part) = parts.pop() {
            let Some(mut contended) = self.write_part(caller, checker, part, upsert, progress).await? else { continue };
            if contended.len() > 1 {
                let second = contended.split_off(contended.len() / 2);
                parts.extend([second, contended]);
            } else if let Some(user) = contended.pop() {
                let said = Value::Object(user.said);
                let message = "Others changed the same users at the same time";
                progress.fail(failed(&said, vec![wrong("CONFLICT", message, "")]));
            }
        }
        Ok(())
    }

    /// Writes users in one batch; hands them back when others were always faster.
    async fn write_part(
        &self,
        caller: &Caller,
        checker: &Checker,
        good: Vec<Good>,
        upsert: bool,
        progress: &mut Progress,
    ) -> Result<Option<Vec<Good>>, Refusal> {
        let mut patience = Patience::default();
        let mut races = 0..TRIES;
        // Users whose writing got no answer: they are there, all of them, or none is.
        let mut perhaps: HashSet<String> = HashSet::new();
        loop {
            let taken = match self.store.taken("auth0", &checker.connection, &wanted(&good)).await {
                Ok(taken) => taken,
                Err(error) => {
                    patience.wait(error).await?;
                    continue;
                }
            };
            let plan = self.plan(checker, &good, &taken, upsert, &perhaps)?;
            let mut batch = self.store.batch();
            // No server keeps users in memory.
            batch.notes_only();
            batch.insert_users(&plan.users);
            batch.insert_user_identities(&plan.identities);
            let terms: Vec<(&str, Term)> = plan.terms.iter().map(|(id, term)| (id.as_str(), term.clone())).collect();
            batch.insert_terms_of_users(&terms);
            batch.insert_passwords(&plan.passwords);
            for method in &plan.methods {
                batch.insert_authentication_method(method);
            }
            if !plan.users.is_empty() {
                match self.store.commit(batch).await {
                    Ok(_) => {}
                    // Somebody made one of them at the same time: look again who is there.
                    Err(BatchError::Duplicate(_)) => match races.next() {
                        Some(_) => continue,
                        None => return Ok(Some(good)),
                    },
                    Err(BatchError::Store(error)) => {
                        if matches!(error, StoreError::Unavailable { .. }) {
                            perhaps.extend(plan.users.into_iter().map(|user| user.id));
                        }
                        patience.wait(error).await?;
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            progress.inserted += u64::try_from(plan.users.len()).unwrap_or_default() + plan.written;
            for error in plan.errors {
                progress.fail(error);
            }
            self.change_imported(caller, &good, plan.changes, progress).await?;
            return Ok(None);
        }
    }

    fn plan(
        &self,
        checker: &Checker,
        good: &[Good],
        taken: &[Taken],
        upsert: bool,
        perhaps: &HashSet<String>,
    ) -> Result<Plan, Refusal> {
        let mut known: HashMap<(u8, &str), &str> = HashMap::new();
        for row in taken {
            known.insert((0, &row.subject), &row.user_id);
            for (kind, name) in [(1, &row.email), (2, &row.username), (3, &row.phone)] {
                if let Some(name) = name {
                    known.insert((kind, name), &row.user_id);
                }
            }
        }
        let mut plan = Plan::default();
        let mut seen: HashSet<(u8, &str)> = HashSet::new();
        for (place, user) in good.iter().enumerate() {
            let names = names(&user.ready.identity);
            let said = || Value::Object(user.said.clone());
            if names.iter().any(|name| seen.contains(name)) {
                plan.errors.push(failed(&said(), vec![wrong("DUPLICATED_USER", "The user is in the file twice", "")]));
                continue;
            }
            seen.extend(&names);
            let owners: HashSet<&str> = names.iter().filter_map(|name| known.get(name).copied()).collect();
            let own = user.ready.user.id.as_str();
            match (owners.len(), upsert) {
                (1, _) if owners.contains(own) && perhaps.contains(own) => plan.written += 1,
                (0, _) => {
                    plan.users.push(user.ready.user.to_row());
                    plan.identities.push(user.ready.identity.clone());
                    let id = &user.ready.user.id;
                    plan.terms.extend(terms::terms(&user.ready.user.fields).into_iter().map(|term| (id.clone(), term)));
                    plan.passwords.extend(user.ready.password.clone().filter(|password| !password.hash.is_empty()));
                    for method in &user.methods {
                        match checker.identity().method(method.clone()) {
                            Ok((method, secret)) => plan.methods.push(method.to_row(id, secret)),
                            Err(Refusal::Invalid { .. }) => {}
                            Err(refusal) => return Err(refusal),
                        }
                    }
                }
                (1, true) => plan.changes.extend(owners.into_iter().map(|id| (place, id.to_owned()))),
                (1, false) => {
                    plan.errors.push(failed(&said(), vec![wrong("DUPLICATED_USER", "The user already exists.", "")]));
                }
                _ => {
                    let message = "Its id, address, name and number belong to several users.";
                    plan.errors.push(failed(&said(), vec![wrong("DUPLICATED_USER", message, "")]));
                }
            }
        }
        Ok(plan)
    }
}

/// What a user is known by.
fn names(identity: &IdentityRow) -> Vec<(u8, &str)> {
    let mut names = vec![(0, identity.subject.as_str())];
    for (kind, name) in [(1, &identity.email), (2, &identity.username), (3, &identity.phone)] {
        names.extend(name.as_deref().map(|name| (kind, name)));
    }
    names
}

fn wanted(good: &[Good]) -> Wanted {
    let mut wanted = Wanted::default();
    for user in good {
        let identity = &user.ready.identity;
        wanted.subjects.push(identity.subject.clone());
        wanted.emails.extend(identity.email.clone());
        wanted.usernames.extend(identity.username.clone());
        wanted.phones.extend(identity.phone.clone());
    }
    wanted
}
