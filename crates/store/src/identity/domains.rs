//! Domains of e-mail addresses by which a login finds its account.

use crate::backend::{Param, Row};
use crate::identity::Stretch;
use crate::{Batch, Place, Store, StoreError};

/// A domain of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub account_id: String,
    /// The domain, in lower case.
    pub domain: String,
    /// `pending` or `verified`.
    pub status: String,
    /// The remaining fields, a JSON object.
    pub doc: String,
    /// Counts the changes.
    pub version: i64,
    /// Microseconds since 1970 UTC.
    pub created_micros: i64,
}

const COLUMNS: &str = "id, account_id, domain, status, doc, version, created_micros";

fn read(row: &Row<'_>) -> Domain {
    let text = |place| row.text(place).unwrap_or_default();
    Domain {
        id: text(0),
        account_id: text(1),
        domain: text(2),
        status: text(3),
        doc: text(4),
        version: row.int(5).unwrap_or_default(),
        created_micros: row.int(6).unwrap_or_default(),
    }
}

impl Batch {
    /// Gives an account a domain.
    pub fn insert_domain(&mut self, domain: &Domain) -> Place {
        self.run(
            "INSERT INTO tenantry_domain (id, account_id, domain, status, doc, version, created_micros) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            vec![
                Param::text(&domain.id),
                Param::text(&domain.account_id),
                Param::text(&domain.domain),
                Param::text(&domain.status),
                Param::text(&domain.doc),
                Param::int(domain.version),
                Param::int(domain.created_micros),
            ],
        )
    }

    /// Writes one that was read at its version; untouched when somebody was faster.
    pub fn update_domain(&mut self, domain: &Domain) -> Place {
        self.must(
            "UPDATE tenantry_domain SET status = $1, doc = $2, version = version + 1 WHERE id = $3 AND version = $4",
            vec![
                Param::text(&domain.status),
                Param::text(&domain.doc),
                Param::text(&domain.id),
                Param::int(domain.version),
            ],
        )
    }

    /// Takes a domain from an account.
    pub fn delete_domain(&mut self, account: &str, id: &str) -> Place {
        self.run(
            "DELETE FROM tenantry_domain WHERE account_id = $1 AND id = $2",
            vec![Param::text(account), Param::text(id)],
        )
    }
}

impl Store {
    /// The domains of an account, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn domains(&self, account: &str, part: &Stretch) -> Result<Vec<Domain>, StoreError> {
        let sql = [
            "SELECT ",
            COLUMNS,
            " FROM tenantry_domain WHERE account_id = $1 AND (created_micros, id) > ($2, $3) \
             ORDER BY created_micros, id LIMIT $4 OFFSET $5",
        ]
        .concat();
        let mut params = vec![Param::text(account)];
        params.extend(part.params());
        self.backend.find(sql, params, read).await
    }

    /// How many domains an account has.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_domains(&self, account: &str) -> Result<i64, StoreError> {
        let sql = "SELECT count(*) FROM tenantry_domain WHERE account_id = $1";
        let found = self.backend.find(sql, vec![Param::text(account)], |row| row.int(0)).await?;
        Ok(found.into_iter().flatten().next().unwrap_or_default())
    }

    /// A domain of an account, by its id.
    ///
    /// # Errors
    /// The store's.
    pub async fn domain(&self, account: &str, id: &str) -> Result<Option<Domain>, StoreError> {
        let sql = ["SELECT ", COLUMNS, " FROM tenantry_domain WHERE account_id = $1 AND id = $2"].concat();
        Ok(self.backend.find(sql, vec![Param::text(account), Param::text(id)], read).await?.pop())
    }

    /// A domain of an account, by its name in lower case.
    ///
    /// # Errors
    /// The store's.
    pub async fn domain_named(&self, account: &str, name: &str) -> Result<Option<Domain>, StoreError> {
        let sql = ["SELECT ", COLUMNS, " FROM tenantry_domain WHERE account_id = $1 AND domain = $2"].concat();
        Ok(self.backend.find(sql, vec![Param::text(account), Param::text(name)], read).await?.pop())
    }

    /// The verified domains of that name (lower case), whichever accounts they belong to.
    ///
    /// # Errors
    /// The store's.
    pub async fn verified_domains(&self, name: &str) -> Result<Vec<Domain>, StoreError> {
        let sql = [
            "SELECT ",
            COLUMNS,
            " FROM tenantry_domain WHERE domain = $1 AND status = 'verified' ORDER BY created_micros, id",
        ]
        .concat();
        self.backend.find(sql, vec![Param::text(name)], read).await
    }
}
