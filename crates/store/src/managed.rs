//! What `tenantry apply` keeps: which things the file manages, the file as it was last applied to each
//! target, and the secrets that were made for it.

use crate::backend::{Param, Row};
use crate::{Batch, Place, Store, StoreError};

/// Rows of one statement.
const ROWS: usize = 50;

/// A thing that the file manages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Managed {
    /// Where it lives: `identity`, or a source's name.
    pub target: String,
    /// Its address in the file.
    pub address: String,
    /// Its kind, as plans name it.
    pub kind: String,
    /// What it is called where it lives; `None` while it is being made, or when that was interrupted.
    pub id: Option<String>,
    /// The hash of what was applied, hexadecimal; empty while it is being made.
    pub hash: String,
    /// Keyed fingerprints of its secrets by field, a JSON object.
    pub prints: String,
    /// When it was last applied, microseconds since 1970 UTC.
    pub applied_micros: i64,
}

/// The file as it was last applied to a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedFile {
    /// The target.
    pub target: String,
    /// Canonical JSON. Secrets stand in it as references.
    pub doc: String,
    /// SHA-256 of it, hexadecimal.
    pub digest: String,
    /// Who applied it.
    pub by: String,
    /// When, microseconds since 1970 UTC.
    pub applied_micros: i64,
}

/// A secret that was made for the file, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// The address of the thing whose secret it is.
    pub address: String,
    /// The field.
    pub field: String,
    /// Sealed with a key that is not in the database.
    pub sealed: Vec<u8>,
    /// When it was made, microseconds since 1970 UTC.
    pub created_micros: i64,
}

impl Batch {
    /// Notes that the file manages these, as they are now.
    pub fn put_managed(&mut self, rows: &[Managed]) {
        let mut rest = rows;
        while !rest.is_empty() {
            // Two texts for the database to know: so many rows, and one.
            let (now, later) = rest.split_at_checked(ROWS).unwrap_or_else(|| rest.split_at(1));
            rest = later;
            let mut sql =
                "INSERT INTO tenantry_managed (target, address, kind, id, hash, prints, applied_micros) VALUES "
                    .to_owned();
            crate::identity::places(&mut sql, now.len(), 7);
            sql.push_str(
                " ON CONFLICT (target, address) DO UPDATE SET kind = excluded.kind, id = excluded.id, \
                 hash = excluded.hash, prints = excluded.prints, applied_micros = excluded.applied_micros",
            );
            let mut params = Vec::with_capacity(now.len() * 7);
            for row in now {
                params.extend([
                    Param::text(&row.target),
                    Param::text(&row.address),
                    Param::text(&row.kind),
                    Param::maybe(row.id.as_deref()),
                    Param::text(&row.hash),
                    Param::text(&row.prints),
                    Param::int(row.applied_micros),
                ]);
            }
            self.run(sql, params);
        }
    }

    /// Notes that the file no longer manages a thing.
    pub fn delete_managed(&mut self, target: &str, address: &str) -> Place {
        self.run(
            "DELETE FROM tenantry_managed WHERE target = $1 AND address = $2",
            vec![Param::text(target), Param::text(address)],
        )
    }

    /// Keeps the file as it was applied to a target.
    pub fn put_applied(&mut self, file: &AppliedFile) -> Place {
        self.run(
            "INSERT INTO tenantry_applied (target, doc, digest, applied_by, applied_micros) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (target) DO UPDATE SET doc = excluded.doc, digest = excluded.digest, \
             applied_by = excluded.applied_by, applied_micros = excluded.applied_micros",
            vec![
                Param::text(&file.target),
                Param::text(&file.doc),
                Param::text(&file.digest),
                Param::text(&file.by),
                Param::int(file.applied_micros),
            ],
        )
    }

    /// Forgets what was applied to a target.
    pub fn delete_applied(&mut self, target: &str) -> Place {
        self.run("DELETE FROM tenantry_applied WHERE target = $1", vec![Param::text(target)])
    }

    /// Keeps a secret that was made, in place of the one before.
    pub fn put_generated(&mut self, secret: &Generated) -> Place {
        self.run(
            "INSERT INTO tenantry_generated (address, field, sealed, created_micros) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (address, field) DO UPDATE SET sealed = excluded.sealed, \
             created_micros = excluded.created_micros",
            vec![
                Param::text(&secret.address),
                Param::text(&secret.field),
                Param::Bytes(secret.sealed.clone()),
                Param::int(secret.created_micros),
            ],
        )
    }

    /// Forgets the secrets that were made for a thing.
    pub fn delete_generated(&mut self, address: &str) -> Place {
        self.run("DELETE FROM tenantry_generated WHERE address = $1", vec![Param::text(address)])
    }
}

impl Store {
    /// Everything that the file manages, ordered by target and address.
    ///
    /// # Errors
    /// The store's.
    pub async fn managed(&self) -> Result<Vec<Managed>, StoreError> {
        const ALL: &str = "SELECT target, address, kind, id, hash, prints, applied_micros FROM tenantry_managed \
            ORDER BY target, address";
        let read = |row: &Row<'_>| Managed {
            target: row.text(0).unwrap_or_default(),
            address: row.text(1).unwrap_or_default(),
            kind: row.text(2).unwrap_or_default(),
            id: row.text(3),
            hash: row.text(4).unwrap_or_default(),
            prints: row.text(5).unwrap_or_default(),
            applied_micros: row.int(6).unwrap_or_default(),
        };
        self.backend.search(ALL, Vec::new(), read).await
    }

    /// The file as it was last applied to each target.
    ///
    /// # Errors
    /// The store's.
    pub async fn applied(&self) -> Result<Vec<AppliedFile>, StoreError> {
        const ALL: &str =
            "SELECT target, doc, digest, applied_by, applied_micros FROM tenantry_applied ORDER BY target";
        let read = |row: &Row<'_>| AppliedFile {
            target: row.text(0).unwrap_or_default(),
            doc: row.text(1).unwrap_or_default(),
            digest: row.text(2).unwrap_or_default(),
            by: row.text(3).unwrap_or_default(),
            applied_micros: row.int(4).unwrap_or_default(),
        };
        self.backend.search(ALL, Vec::new(), read).await
    }

    /// What was applied to a target last: its digest and when. Changes with every apply of it.
    ///
    /// # Errors
    /// The store's.
    pub async fn applied_mark(&self, target: &str) -> Result<Option<(String, i64)>, StoreError> {
        const MARK: &str = "SELECT digest, applied_micros FROM tenantry_applied WHERE target = $1";
        let read = |row: &Row<'_>| (row.text(0).unwrap_or_default(), row.int(1).unwrap_or_default());
        Ok(self.backend.find(MARK, vec![Param::text(target)], read).await?.pop())
    }

    /// The secrets that were made for the file, ordered by address and field; of one thing, or of all.
    ///
    /// # Errors
    /// The store's.
    pub async fn generated(&self, address: Option<&str>) -> Result<Vec<Generated>, StoreError> {
        const SOME: &str = "SELECT address, field, sealed, created_micros FROM tenantry_generated \
            WHERE CAST($1 AS TEXT) IS NULL OR address = $1 ORDER BY address, field";
        let read = |row: &Row<'_>| Generated {
            address: row.text(0).unwrap_or_default(),
            field: row.text(1).unwrap_or_default(),
            sealed: row.bytes(2).unwrap_or_default(),
            created_micros: row.int(3).unwrap_or_default(),
        };
        self.backend.find(SOME, vec![Param::maybe(address)], read).await
    }
}
