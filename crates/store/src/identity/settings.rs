//! Documents of which there is one: the platform's settings.

use crate::backend::Param;
use crate::{Batch, Place, Store, StoreError};

/// A document that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// A JSON object.
    pub doc: String,
    /// Counts the changes.
    pub version: i64,
}

impl Batch {
    /// Makes a document; a duplicate when somebody was faster.
    pub fn insert_setting(&mut self, name: &str, doc: &str) -> Place {
        let now = self.now;
        self.run(
            "INSERT INTO tenantry_setting (name, doc, version, updated_micros) VALUES ($1, $2, 1, $3)",
            vec![Param::text(name), Param::text(doc), Param::int(now)],
        )
    }

    /// Writes a document that was read at `version`; untouched when somebody was faster.
    pub fn update_setting(&mut self, name: &str, doc: &str, version: i64) -> Place {
        let now = self.now;
        self.must(
            "UPDATE tenantry_setting SET doc = $1, version = version + 1, updated_micros = $2 \
             WHERE name = $3 AND version = $4",
            vec![Param::text(doc), Param::int(now), Param::text(name), Param::int(version)],
        )
    }
}

impl Store {
    /// The document of that name.
    ///
    /// # Errors
    /// The store's.
    pub async fn setting(&self, name: &str) -> Result<Option<Setting>, StoreError> {
        let sql = "SELECT doc, version FROM tenantry_setting WHERE name = $1";
        let read = |row: &crate::backend::Row<'_>| Setting {
            doc: row.text(0).unwrap_or_default(),
            version: row.int(1).unwrap_or_default(),
        };
        Ok(self.backend.find(sql, vec![Param::text(name)], read).await?.pop())
    }
}
