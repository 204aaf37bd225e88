//! Tables that nobody reads or writes through Tenantry until an operator has looked: kept among the facts of the
//! store, so that every server that shares it knows.

use std::ops::ControlFlow;

use crate::backend::{Param, Reading};
use crate::{Store, StoreError};

/// What the names of such facts begin with.
const PREFIX: &str = "frozen:";

/// A table that is frozen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frozen {
    /// Its name in the file.
    pub table: String,
    /// What was seen, and when.
    pub why: String,
}

impl Store {
    /// Freezes a table. One that is frozen keeps its first reason.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn freeze(&self, frozen: &Frozen) -> Result<(), StoreError> {
        const PUT: &str = "INSERT INTO tenantry_store (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        let name = [PREFIX, &frozen.table].concat();
        let params = vec![Param::text(&name), Param::Bytes(frozen.why.as_bytes().to_vec())];
        self.backend.write(PUT, params).await.map(drop)
    }

    /// Releases a table. Answers whether it was frozen.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn release(&self, table: &str) -> Result<bool, StoreError> {
        const TAKE: &str = "DELETE FROM tenantry_store WHERE name = $1";
        let name = [PREFIX, table].concat();
        Ok(self.backend.write(TAKE, vec![Param::text(&name)]).await? > 0)
    }

    /// The tables that are frozen, by name.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn frozen(&self) -> Result<Vec<Frozen>, StoreError> {
        let reading = Reading {
            sql: "SELECT name, value FROM tenantry_store WHERE name LIKE 'frozen:%' ORDER BY name",
            params: Vec::new(),
            step: |found: &mut Vec<Frozen>, row| {
                let name = row.text(0).unwrap_or_default();
                if let Some(table) = name.strip_prefix(PREFIX) {
                    let why = String::from_utf8_lossy(&row.bytes(1).unwrap_or_default()).into_owned();
                    found.push(Frozen { table: table.to_owned(), why });
                }
                ControlFlow::Continue(())
            },
        };
        self.backend.read(vec![reading], Vec::new()).await
    }
}
