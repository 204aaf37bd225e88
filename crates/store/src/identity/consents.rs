//! What users consented to.

use crate::backend::{Param, Row};
use crate::identity::Window;
use crate::{Batch, Place, Store, StoreError};

/// A consent's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// Its id.
    pub id: String,
    /// Who consented.
    pub user_id: String,
    /// To which client.
    pub client_id: String,
    /// The API's identifier.
    pub audience: String,
    /// The permissions, separated by spaces.
    pub scope: String,
    /// When, microseconds since 1970 UTC.
    pub created_micros: i64,
}

/// Which consents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConsentFilter {
    /// Only of this user.
    pub user_id: Option<String>,
    /// Only to this client.
    pub client_id: Option<String>,
    /// Only for this API.
    pub audience: Option<String>,
}

const COLUMNS: &str = "id, user_id, client_id, audience, scope, created_micros";
const WHERE: &str = " FROM tenantry_consent WHERE ($1 = '' OR user_id = $1) AND ($2 = '' OR client_id = $2) AND ($3 = '' OR audience = $3)";

fn read(row: &Row<'_>) -> Consent {
    let text = |place| row.text(place).unwrap_or_default();
    Consent {
        id: text(0),
        user_id: text(1),
        client_id: text(2),
        audience: text(3),
        scope: text(4),
        created_micros: row.int(5).unwrap_or_default(),
    }
}

impl ConsentFilter {
    fn params(&self) -> Vec<Param> {
        let text = |value: &Option<String>| Param::text(value.as_deref().unwrap_or_default());
        vec![text(&self.user_id), text(&self.client_id), text(&self.audience)]
    }
}

impl Batch {
    /// Keeps a consent, in place of the earlier one to the same client and API.
    pub fn put_consent(&mut self, consent: &Consent) -> Place {
        self.run(
            "INSERT INTO tenantry_consent (id, user_id, client_id, audience, scope, created_micros) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (user_id, client_id, audience) DO UPDATE SET \
             scope = excluded.scope",
            vec![
                Param::text(&consent.id),
                Param::text(&consent.user_id),
                Param::text(&consent.client_id),
                Param::text(&consent.audience),
                Param::text(&consent.scope),
                Param::int(consent.created_micros),
            ],
        )
    }

    /// Takes a consent back; does nothing when there is none.
    pub fn delete_consent(&mut self, id: &str) -> Place {
        self.run("DELETE FROM tenantry_consent WHERE id = $1", vec![Param::text(id)])
    }

    /// Takes back all consents of a user.
    pub fn delete_consents_of(&mut self, user_id: &str) -> Place {
        self.run("DELETE FROM tenantry_consent WHERE user_id = $1", vec![Param::text(user_id)])
    }
}

impl Store {
    /// The consent of that id.
    ///
    /// # Errors
    /// The store's.
    pub async fn consent(&self, id: &str) -> Result<Option<Consent>, StoreError> {
        let sql = ["SELECT ", COLUMNS, " FROM tenantry_consent WHERE id = $1"].concat();
        Ok(self.backend.find(sql, vec![Param::text(id)], read).await?.pop())
    }

    /// Consents, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn consents(&self, filter: &ConsentFilter, window: Window) -> Result<Vec<Consent>, StoreError> {
        let sql = ["SELECT ", COLUMNS, WHERE, " ORDER BY created_micros, id LIMIT $4 OFFSET $5"].concat();
        let mut params = filter.params();
        params.extend([Param::int(window.limit), Param::int(window.offset)]);
        self.backend.search(sql, params, read).await
    }

    /// How many consents there are.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_consents(&self, filter: &ConsentFilter) -> Result<i64, StoreError> {
        let sql = ["SELECT count(*)", WHERE].concat();
        let found = self.backend.search(sql, filter.params(), |row| row.int(0)).await?;
        Ok(found.into_iter().flatten().next().unwrap_or_default())
    }
}
