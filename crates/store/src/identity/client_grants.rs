//! What clients may ask of APIs.

use crate::backend::{Param, Row};
use crate::identity::Window;
use crate::identity::condition::Conditions;
use crate::{Batch, Place, Store, StoreError};

/// A grant's row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientGrant {
    /// `cgr_` and 16 letters and digits.
    pub id: String,
    /// The client's id.
    pub client_id: String,
    /// The API's id.
    pub api_id: String,
    /// The API's identifier; read along, not written.
    pub audience: String,
    /// Whom the client acts for: `client` (itself) or `user`.
    pub subject_type: String,
    /// May be used in any account, and not only in those that were given it.
    pub any_account: bool,
    /// The remaining fields, a JSON object: `scope`, `organization_usage`, ….
    pub doc: String,
    /// Counts the changes.
    pub version: i64,
    /// Microseconds since 1970 UTC.
    pub created_micros: i64,
}

/// Which grants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GrantFilter {
    /// Only this client's.
    pub client_id: Option<String>,
    /// Only those on the API of this identifier.
    pub audience: Option<String>,
    /// Only those for this `subject_type`.
    pub subject_type: Option<String>,
    /// Only those that may, or may not, be used in any account.
    pub any_account: Option<bool>,
}

const FROM: &str = "SELECT g.id, g.client_id, g.api_id, a.identifier, g.subject_type, g.any_account, g.doc, \
     g.version, g.created_micros FROM tenantry_client_grant g JOIN tenantry_api a ON a.id = g.api_id";

fn read(row: &Row<'_>) -> ClientGrant {
    let text = |place| row.text(place).unwrap_or_default();
    let int = |place| row.int(place).unwrap_or_default();
    ClientGrant {
        id: text(0),
        client_id: text(1),
        api_id: text(2),
        audience: text(3),
        subject_type: text(4),
        any_account: int(5) != 0,
        doc: text(6),
        version: int(7),
        created_micros: int(8),
    }
}

impl Batch {
    /// Makes a grant. A duplicate is one that the client has already; dangling when the client or the API
    /// does not exist.
    pub fn insert_client_grant(&mut self, grant: &ClientGrant) -> Place {
        self.run(
            "INSERT INTO tenantry_client_grant (id, client_id, api_id, subject_type, any_account, doc, version, \
             created_micros) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            vec![
                Param::text(&grant.id),
                Param::text(&grant.client_id),
                Param::text(&grant.api_id),
                Param::text(&grant.subject_type),
                Param::int(i64::from(grant.any_account)),
                Param::text(&grant.doc),
                Param::int(grant.version),
                Param::int(grant.created_micros),
            ],
        )
    }

    /// Writes a grant that was read at `grant.version`; untouched when somebody was faster.
    pub fn update_client_grant(&mut self, grant: &ClientGrant) -> Place {
        self.must(
            "UPDATE tenantry_client_grant SET any_account = $1, doc = $2, version = version + 1 \
             WHERE id = $3 AND version = $4",
            vec![
                Param::int(i64::from(grant.any_account)),
                Param::text(&grant.doc),
                Param::text(&grant.id),
                Param::int(grant.version),
            ],
        )
    }

    /// Removes a grant, and from the accounts that were given it.
    pub fn delete_client_grant(&mut self, id: &str) -> Place {
        self.must("DELETE FROM tenantry_client_grant WHERE id = $1", vec![Param::text(id)])
    }
}

impl Store {
    /// The grant of that id.
    ///
    /// # Errors
    /// The store's.
    pub async fn client_grant(&self, id: &str) -> Result<Option<ClientGrant>, StoreError> {
        let sql = [FROM, " WHERE g.id = $1"].concat();
        Ok(self.backend.find(sql, vec![Param::text(id)], read).await?.pop())
    }

    /// A client's grants on the API of that id, for each `subject_type` at most one.
    ///
    /// # Errors
    /// The store's.
    pub async fn client_grants_on(&self, client: &str, api: &str) -> Result<Vec<ClientGrant>, StoreError> {
        let sql = [FROM, " WHERE g.client_id = $1 AND g.api_id = $2"].concat();
        self.backend.find(sql, vec![Param::text(client), Param::text(api)], read).await
    }

    /// Every grant on the API of that id.
    ///
    /// # Errors
    /// The store's.
    pub async fn grants_on_api(&self, api: &str) -> Result<Vec<ClientGrant>, StoreError> {
        let sql = [FROM, " WHERE g.api_id = $1"].concat();
        self.backend.search(sql, vec![Param::text(api)], read).await
    }

    /// Grants, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn client_grants(
        &self,
        filter: &GrantFilter,
        after: Option<(i64, &str)>,
        window: Window,
    ) -> Result<Vec<ClientGrant>, StoreError> {
        let mut conditions = grant_conditions(filter);
        conditions.after("(g.created_micros, g.id) > ", after);
        let (limit, offset) = (conditions.param(Param::int(window.limit)), conditions.param(Param::int(window.offset)));
        let sql = [FROM, conditions.clause(), " ORDER BY g.created_micros, g.id LIMIT ", &limit, " OFFSET ", &offset]
            .concat();
        self.backend.search(sql, conditions.into_params(), read).await
    }

    /// How many grants there are.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_client_grants(&self, filter: &GrantFilter) -> Result<i64, StoreError> {
        let conditions = grant_conditions(filter);
        let sql = [
            "SELECT count(*) FROM tenantry_client_grant g JOIN tenantry_api a ON a.id = g.api_id",
            conditions.clause(),
        ]
        .concat();
        let found = self.backend.search(sql, conditions.into_params(), |row| row.int(0)).await?;
        Ok(found.into_iter().flatten().next().unwrap_or_default())
    }

    /// Was the account given this grant?
    ///
    /// # Errors
    /// The store's.
    pub async fn account_has_grant(&self, account: &str, grant: &str) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM tenantry_account_client_grant WHERE account_id = $1 AND grant_id = $2";
        let found = self.backend.find(sql, vec![Param::text(account), Param::text(grant)], |_| ()).await?;
        Ok(!found.is_empty())
    }
}

fn grant_conditions(filter: &GrantFilter) -> Conditions {
    let mut conditions = Conditions::default();
    if let Some(client) = &filter.client_id {
        conditions.and("g.client_id = ", Param::text(client));
    }
    if let Some(audience) = &filter.audience {
        conditions.and("a.identifier = ", Param::text(audience));
    }
    if let Some(kind) = &filter.subject_type {
        conditions.and("g.subject_type = ", Param::text(kind));
    }
    if let Some(any) = filter.any_account {
        conditions.and("g.any_account = ", Param::int(i64::from(any)));
    }
    conditions
}
