//! Imports of users: a JSON array, read one user at a time, written many at a time.
//!
//! ```text
//! file -> whole? (JSON throughout, else nothing is done) -> parse (a thread) -> shape and check (the same)
//!      -> chunks -> taken? -> one batch a chunk -> how far it is
//! ```

mod change;
mod check;
mod parse;
mod write;

use std::fs::File;
use std::io::{BufReader, Seek};
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::act::Act;
use crate::caller::Target;
use crate::jobs::{Job, Status};
use crate::text::{Fields, fields};
use crate::{Caller, Identity, Kind, Refusal};

use check::{Checked, Checker};
use write::Progress;

/// So many imports run at a time.
const MOST: i64 = 2;

/// Users of one batch.
const CHUNK: usize = 1_000;

/// What is to be imported.
#[derive(Debug)]
pub struct Import {
    /// The connection, by id; one with passwords of our own.
    pub connection_id: String,
    /// Should users who exist be changed?
    pub upsert: bool,
    /// What the caller calls the job.
    pub external_id: Option<String>,
    /// The JSON array.
    pub file: File,
}

impl Identity {
    /// Begins an import.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for a connection that has no passwords of our own; [`Refusal::Missing`] when there is none;
    /// [`Refusal::TooMany`] while others run.
    pub async fn import_users(self: &Arc<Self>, caller: &Caller, import: Import) -> Result<Job, Refusal> {
        caller.may(&["create:users"], Target::Platform)?;
        let connection = self.store.connection(&import.connection_id).await?;
        let connection = connection.ok_or(Refusal::Missing(Kind::Connection))?;
        if connection.strategy != "auth0" {
            return Err(Refusal::invalid("Users can be imported only to a connection with passwords of our own."));
        }
        self.few_jobs("users_import", MOST).await?;
        let mut about = Fields::new();
        about.insert("connection_id".to_owned(), json!(connection.id));
        about.insert("connection".to_owned(), json!(connection.name));
        about.insert("upsert".to_owned(), json!(import.upsert));
        if let Some(id) = &import.external_id {
            about.insert("external_id".to_owned(), json!(id));
        }
        let mut job = self.new_job("users_import", about)?;
        let inputs = json!({ "id": job.id, "connection": connection.name, "upsert": import.upsert });
        let act = Act { name: "jobs.users_import", tenant: "", workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            batch.insert_job(&job.to_row());
            self.store.commit(batch).await?;
            Ok(())
        })
        .await?;
        let begun = job.clone();
        let (identity, caller) = (Arc::clone(self), caller.clone());
        let id = job.id.clone();
        self.start_job(&id, async move {
            let options = match fields(&connection.doc).shift_remove("options") {
                Some(Value::Object(options)) => options,
                _ => Fields::new(),
            };
            let checker = Checker::new(Arc::clone(&identity), connection.name, options);
            let inputs = json!({ "id": job.id });
            let act = Act { name: "users.import", tenant: "", workspace: None, inputs };
            let done =
                identity.act(&caller, act, identity.run_import(&caller, &mut job, checker, import.upsert, import.file));
            if let Err(error) = done.await {
                tracing::error!(job = job.id, %error, "an import did not end");
                job.fail(&format!("The import failed on our side ({}).", error.code()));
            }
            if let Err(error) = identity.keep_job(&mut job).await {
                tracing::error!(job = job.id, %error, "an import's end is not kept");
            }
        });
        Ok(begun)
    }

    async fn run_import(
        &self,
        caller: &Caller,
        job: &mut Job,
        checker: Checker,
        upsert: bool,
        mut file: File,
    ) -> Result<(), Refusal> {
        job.status = Status::Processing;
        self.keep_job(job).await?;
        let stopped = |_| Refusal::Internal("an import's thread stopped");
        // Nothing is written of a file that is not JSON to its end.
        let whole = tokio::task::spawn_blocking(move || {
            let count = parse::count(BufReader::with_capacity(1 << 16, &file));
            file.rewind().map(|()| (count, file))
        });
        let (count, file) = whole.await.map_err(stopped)?.map_err(|_| Refusal::Internal("an import's file is gone"))?;
        let Ok(total) = count else {
            job.fail("Failed to parse users file JSON when importing users. Make sure it is valid JSON.");
            return Ok(());
        };
        let (give, mut chunks) = mpsc::channel::<Vec<Checked>>(2);
        let checker = Arc::new(checker);
        let parsing = tokio::task::spawn_blocking({
            let checker = Arc::clone(&checker);
            move || {
                let mut chunk = Vec::with_capacity(CHUNK);
                let read = parse::each(BufReader::with_capacity(1 << 16, &file), |element| {
                    chunk.push(checker.check(element, upsert));
                    // When nobody takes them any more there is nothing to go on for.
                    chunk.len() < CHUNK || give.blocking_send(std::mem::take(&mut chunk)).is_ok()
                });
                if !chunk.is_empty() {
                    let _ = give.blocking_send(chunk);
                }
                read
            }
        });
        let mut progress = Progress::new(total);
        let mut is_stopped = self.running.is_stopped();
        loop {
            let chunk = tokio::select! {
                biased;
                _ = is_stopped.wait_for(|stopped| *stopped) => {
                    job.fail("The server was stopped before the job had ended. What the summary counts is done.");
                    return Ok(());
                }
                chunk = chunks.recv() => chunk,
            };
            let Some(chunk) = chunk else { break };
            self.write_chunk(caller, &checker, chunk, upsert, &mut progress).await?;
            progress.keep_errors(self, job, false).await?;
            progress.tell(job);
            self.keep_job(job).await?;
        }
        parsing.await.map_err(stopped)?.map_err(|_| Refusal::Internal("an import's file changed"))?;
        progress.keep_errors(self, job, true).await?;
        progress.tell(job);
        job.status = Status::Completed;
        Ok(())
    }
}
