//! Changes and single readings on PostgreSQL.

use std::pin::pin;

use deadpool_postgres::Client;
use futures_util::TryStreamExt;

use super::{NEXT_ROW, PATIENCE, Postgres, give_up_if_lost, postgres_error, silent, soon};
use crate::StoreError;
use crate::backend::{Param, Row};
use crate::batch::{Batch, BatchError, Place, change_inserts};

/// The longest that a change may take; an import's batch holds thousands of statements.
const LONGEST: std::time::Duration = std::time::Duration::from_secs(60);

/// How many statements are on their way to the server at once.
const AT_ONCE: usize = 256;

impl Postgres {
    pub(crate) async fn change(&self, batch: &Batch) -> Result<Vec<u64>, BatchError> {
        let mut client = self.client().await?;
        let outcome = match tokio::time::timeout(LONGEST, run(&mut client, batch)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(BatchError::Store(silent())),
        };
        if let Err(BatchError::Store(error)) = &outcome {
            give_up_if_lost(&self.pool, client, error);
        }
        outcome
    }

    pub(crate) async fn rows<T>(
        &self,
        sql: &str,
        params: &[Param],
        read: fn(&Row<'_>) -> T,
    ) -> Result<Vec<T>, StoreError> {
        self.run_rows(sql, params, read, true).await
    }

    /// The same without keeping the statement prepared.
    pub(crate) async fn rows_once<T>(
        &self,
        sql: &str,
        params: &[Param],
        read: fn(&Row<'_>) -> T,
    ) -> Result<Vec<T>, StoreError> {
        self.run_rows(sql, params, read, false).await
    }

    async fn run_rows<T>(
        &self,
        sql: &str,
        params: &[Param],
        read: fn(&Row<'_>) -> T,
        keep: bool,
    ) -> Result<Vec<T>, StoreError> {
        let client = self.client().await?;
        let reading = async {
            let statement = if keep {
                soon(PATIENCE, client.prepare_cached(sql)).await?
            } else {
                soon(PATIENCE, client.prepare(sql)).await?
            };
            let rows = soon(NEXT_ROW, client.query_raw(&statement, params)).await?;
            let mut rows = pin!(rows);
            let mut found = Vec::new();
            while let Some(row) = soon(NEXT_ROW, rows.try_next()).await? {
                found.push(read(&Row::Postgres(&row)));
            }
            Ok(found)
        };
        match reading.await {
            Ok(found) => Ok(found),
            Err(error) => {
                give_up_if_lost(&self.pool, client, &error);
                Err(error)
            }
        }
    }
}

async fn run(client: &mut Client, batch: &Batch) -> Result<Vec<u64>, BatchError> {
    let failed = |error: tokio_postgres::Error| BatchError::Store(postgres_error(&error));
    let transaction = client.transaction().await.map_err(failed)?;
    let mut counts = Vec::with_capacity(batch.statements.len());
    let mut place = 0;
    for statements in batch.statements.chunks(AT_ONCE) {
        // Prepared one after another, since one statement's text may come many times; run together.
        let mut prepared = Vec::with_capacity(statements.len());
        for statement in statements {
            prepared.push(transaction.prepare_cached(&statement.sql).await.map_err(|error| refused(place, &error))?);
        }
        let runs = prepared
            .iter()
            .zip(statements)
            .map(|(prepared, statement)| transaction.execute_raw(prepared, &statement.params));
        // Each answer by itself: the first refusal is the one that counts, the rest only follow from it.
        for (count, statement) in futures_util::future::join_all(runs).await.into_iter().zip(statements) {
            let count = count.map_err(|error| refused(place, &error))?;
            if count < statement.least {
                return Err(BatchError::Untouched(Place(place)));
            }
            counts.push(count);
            place += 1;
        }
    }
    if !batch.affected.is_empty() {
        transaction.batch_execute("LOCK TABLE tenantry_change IN EXCLUSIVE MODE").await.map_err(failed)?;
        for (sql, params) in change_inserts(batch.now, &batch.affected) {
            let insert = transaction.prepare_cached(&sql).await.map_err(failed)?;
            transaction.execute_raw(&insert, &params).await.map_err(failed)?;
        }
    }
    transaction.commit().await.map_err(failed)?;
    Ok(counts)
}

fn refused(place: usize, error: &tokio_postgres::Error) -> BatchError {
    match error.code().map(tokio_postgres::error::SqlState::code) {
        Some("23505") => BatchError::Duplicate(Place(place)),
        Some("23503") => BatchError::Dangling(Place(place)),
        _ => BatchError::Store(postgres_error(error)),
    }
}
