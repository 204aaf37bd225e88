//! Clients and their credentials.

use crate::backend::{Param, Row};
use crate::identity::Window;
use crate::identity::condition::Conditions;
use crate::{Batch, Place, Store, StoreError};

/// A client's row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Client {
    /// 32 letters and digits, or `tpc_` and 22 for one that describes itself.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// `spa`, `native`, `regular_web`, `non_interactive`, ….
    pub app_type: Option<String>,
    /// The platform's own, and not a third party's.
    pub is_first_party: bool,
    /// The one that stands for all clients.
    pub is_global: bool,
    /// The address of the document that a third party describes its client with.
    pub external_id: Option<String>,
    /// The identifier of the API that the client stands for.
    pub api: Option<String>,
    /// The secret, sealed.
    pub secret: Option<Vec<u8>>,
    /// The remaining fields, a JSON object.
    pub doc: String,
    /// Counts the changes.
    pub version: i64,
    /// Microseconds since 1970 UTC.
    pub created_micros: i64,
    /// Microseconds since 1970 UTC.
    pub updated_micros: i64,
}

/// A credential's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// `cred_` and 22 letters and digits.
    pub id: String,
    /// The client's id.
    pub client_id: String,
    /// The key's name in tokens.
    pub kid: Option<String>,
    /// `public_key`, `x509_cert` or `cert_subject_dn`.
    pub kind: String,
    /// The remaining fields, a JSON object.
    pub doc: String,
    /// When it ends, microseconds since 1970 UTC.
    pub expires_micros: Option<i64>,
    /// Microseconds since 1970 UTC.
    pub created_micros: i64,
    /// Microseconds since 1970 UTC.
    pub updated_micros: i64,
}

/// Which clients.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientFilter {
    /// Only these application types; all when empty.
    pub app_types: Vec<String>,
    /// Only the platform's own, or only third parties'.
    pub is_first_party: Option<bool>,
    /// Only the one that stands for all, or only the others.
    pub is_global: Option<bool>,
    /// Only the one that describes itself there.
    pub external_id: Option<String>,
    /// Only those with a grant that this account (its id) was given.
    pub granted_in: Option<String>,
    /// Only those with a grant that may, or may not, be used in any account.
    pub grant_in_any: Option<bool>,
}

const COLUMNS: &str = "c.id, c.name, c.app_type, c.is_first_party, c.is_global, c.external_id, c.api, c.secret, c.doc, \
     c.version, c.created_micros, c.updated_micros";

fn read(row: &Row<'_>) -> Client {
    let text = |place| row.text(place).unwrap_or_default();
    let int = |place| row.int(place).unwrap_or_default();
    Client {
        id: text(0),
        name: text(1),
        app_type: row.text(2),
        is_first_party: int(3) != 0,
        is_global: int(4) != 0,
        external_id: row.text(5),
        api: row.text(6),
        secret: row.bytes(7),
        doc: text(8),
        version: int(9),
        created_micros: int(10),
        updated_micros: int(11),
    }
}

pub(super) const CREDENTIAL: &str = "id, client_id, kid, kind, doc, expires_micros, created_micros, updated_micros";

pub(super) fn read_credential(row: &Row<'_>) -> Credential {
    let text = |place| row.text(place).unwrap_or_default();
    let int = |place| row.int(place).unwrap_or_default();
    Credential {
        id: text(0),
        client_id: text(1),
        kid: row.text(2),
        kind: text(3),
        doc: text(4),
        expires_micros: row.int(5),
        created_micros: int(6),
        updated_micros: int(7),
    }
}

/// Clients that registered or described themselves.
const SELF_MADE: &str = "substr(id, 1, 4) = 'tpc_'";

impl Batch {
    /// Removes clients that made themselves before a time and to which nobody ever consented, and those made before
    /// an earlier time that have no refresh token.
    pub fn purge_self_made_clients(&mut self, unused_micros: i64, old_micros: i64) -> Place {
        let sql = [
            "DELETE FROM tenantry_client WHERE ",
            SELF_MADE,
            " AND ((created_micros < $1 AND NOT EXISTS \
             (SELECT 1 FROM tenantry_consent AS c WHERE c.client_id = tenantry_client.id)) \
             OR (created_micros < $2 AND NOT EXISTS \
             (SELECT 1 FROM tenantry_refresh_token AS r WHERE r.client_id = tenantry_client.id)))",
        ]
        .concat();
        self.run(sql, vec![Param::int(unused_micros), Param::int(old_micros)])
    }

    /// Makes a client. A duplicate is an id or an external id that is taken.
    pub fn insert_client(&mut self, client: &Client) -> Place {
        self.run(
            "INSERT INTO tenantry_client (id, name, app_type, is_first_party, is_global, external_id, api, secret, \
             doc, version, created_micros, updated_micros) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            vec![
                Param::text(&client.id),
                Param::text(&client.name),
                Param::maybe(client.app_type.as_deref()),
                Param::int(i64::from(client.is_first_party)),
                Param::int(i64::from(client.is_global)),
                Param::maybe(client.external_id.as_deref()),
                Param::maybe(client.api.as_deref()),
                Param::MaybeBytes(client.secret.clone()),
                Param::text(&client.doc),
                Param::int(client.version),
                Param::int(client.created_micros),
                Param::int(client.updated_micros),
            ],
        )
    }

    /// Writes a client that was read at `client.version`; untouched when somebody was faster.
    pub fn update_client(&mut self, client: &Client) -> Place {
        self.must(
            "UPDATE tenantry_client SET name = $1, app_type = $2, is_first_party = $3, api = $4, secret = $5, \
             doc = $6, version = version + 1, updated_micros = $7 WHERE id = $8 AND version = $9",
            vec![
                Param::text(&client.name),
                Param::maybe(client.app_type.as_deref()),
                Param::int(i64::from(client.is_first_party)),
                Param::maybe(client.api.as_deref()),
                Param::MaybeBytes(client.secret.clone()),
                Param::text(&client.doc),
                Param::int(client.updated_micros),
                Param::text(&client.id),
                Param::int(client.version),
            ],
        )
    }

    /// Removes a client with its credentials, grants, and users' refresh tokens and consents.
    pub fn delete_client(&mut self, id: &str) -> Place {
        self.must("DELETE FROM tenantry_client WHERE id = $1", vec![Param::text(id)])
    }

    /// Gives a client a credential. Dangling when there is no such client.
    pub fn insert_credential(&mut self, credential: &Credential) -> Place {
        self.run(
            "INSERT INTO tenantry_credential (id, client_id, kid, kind, doc, expires_micros, created_micros, \
             updated_micros) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            vec![
                Param::text(&credential.id),
                Param::text(&credential.client_id),
                Param::maybe(credential.kid.as_deref()),
                Param::text(&credential.kind),
                Param::text(&credential.doc),
                Param::Int(credential.expires_micros),
                Param::int(credential.created_micros),
                Param::int(credential.updated_micros),
            ],
        )
    }

    /// Gives a credential another end.
    pub fn update_credential(&mut self, client: &str, id: &str, expires_micros: Option<i64>) -> Place {
        let now = self.now;
        self.must(
            "UPDATE tenantry_credential SET expires_micros = $1, updated_micros = $2 WHERE id = $3 AND client_id = $4",
            vec![Param::Int(expires_micros), Param::int(now), Param::text(id), Param::text(client)],
        )
    }

    /// Takes a credential away.
    pub fn delete_credential(&mut self, client: &str, id: &str) -> Place {
        self.must(
            "DELETE FROM tenantry_credential WHERE id = $1 AND client_id = $2",
            vec![Param::text(id), Param::text(client)],
        )
    }
}

impl Store {
    /// How many clients made themselves.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_self_made_clients(&self) -> Result<i64, StoreError> {
        let sql = ["SELECT count(*) FROM tenantry_client WHERE ", SELF_MADE].concat();
        let found = self.backend.find(sql, Vec::new(), |row| row.int(0)).await?;
        Ok(found.into_iter().flatten().next().unwrap_or_default())
    }

    /// The client of that id.
    ///
    /// # Errors
    /// The store's.
    pub async fn client(&self, id: &str) -> Result<Option<Client>, StoreError> {
        let sql = ["SELECT ", COLUMNS, " FROM tenantry_client c WHERE c.id = $1"].concat();
        Ok(self.backend.find(sql, vec![Param::text(id)], read).await?.pop())
    }

    /// The client that describes itself at that address.
    ///
    /// # Errors
    /// The store's.
    pub async fn client_described_at(&self, external_id: &str) -> Result<Option<Client>, StoreError> {
        let sql = ["SELECT ", COLUMNS, " FROM tenantry_client c WHERE c.external_id = $1"].concat();
        Ok(self.backend.find(sql, vec![Param::text(external_id)], read).await?.pop())
    }

    /// The ids of the clients that stand for these APIs, as pairs of identifier and id.
    ///
    /// # Errors
    /// The store's.
    pub async fn clients_of_apis<T: AsRef<str>>(
        &self,
        identifiers: impl IntoIterator<Item = T>,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let among = self.backend.among("api", 1);
        let sql = ["SELECT api, id FROM tenantry_client WHERE ", &among, " ORDER BY created_micros, id"].concat();
        let pair = |row: &Row<'_>| (row.text(0).unwrap_or_default(), row.text(1).unwrap_or_default());
        self.backend.find(sql, vec![Param::texts(identifiers)], pair).await
    }

    /// Clients, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn clients(
        &self,
        filter: &ClientFilter,
        after: Option<(i64, &str)>,
        window: Window,
    ) -> Result<Vec<Client>, StoreError> {
        let mut conditions = self.client_conditions(filter);
        conditions.after("(c.created_micros, c.id) > ", after);
        let (limit, offset) = (conditions.param(Param::int(window.limit)), conditions.param(Param::int(window.offset)));
        let sql = [
            "SELECT ",
            COLUMNS,
            " FROM tenantry_client c",
            conditions.clause(),
            " ORDER BY c.created_micros, c.id LIMIT ",
            &limit,
            " OFFSET ",
            &offset,
        ]
        .concat();
        self.backend.search(sql, conditions.into_params(), read).await
    }

    /// How many clients there are.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_clients(&self, filter: &ClientFilter) -> Result<i64, StoreError> {
        let conditions = self.client_conditions(filter);
        let sql = ["SELECT count(*) FROM tenantry_client c", conditions.clause()].concat();
        let found = self.backend.search(sql, conditions.into_params(), |row| row.int(0)).await?;
        Ok(found.into_iter().flatten().next().unwrap_or_default())
    }

    fn client_conditions(&self, filter: &ClientFilter) -> Conditions {
        let mut conditions = Conditions::default();
        if !filter.app_types.is_empty() {
            conditions.and_with(Param::texts(&filter.app_types), |place| self.backend.among("c.app_type", place));
        }
        if let Some(is) = filter.is_first_party {
            conditions.and("c.is_first_party = ", Param::int(i64::from(is)));
        }
        if let Some(is) = filter.is_global {
            conditions.and("c.is_global = ", Param::int(i64::from(is)));
        }
        if let Some(id) = &filter.external_id {
            conditions.and("c.external_id = ", Param::text(id));
        }
        if let Some(account) = &filter.granted_in {
            conditions.and_with(Param::text(account), |place| {
                format!(
                    "EXISTS (SELECT 1 FROM tenantry_client_grant g JOIN tenantry_account_client_grant a \
                     ON a.grant_id = g.id WHERE g.client_id = c.id AND a.account_id = ${place})"
                )
            });
        }
        if let Some(any) = filter.grant_in_any {
            conditions.and_with(Param::int(i64::from(any)), |place| {
                format!(
                    "EXISTS (SELECT 1 FROM tenantry_client_grant g WHERE g.client_id = c.id AND g.any_account = ${place})"
                )
            });
        }
        conditions
    }

    /// The credentials of these clients, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn credentials_of<T: AsRef<str>>(
        &self,
        clients: impl IntoIterator<Item = T>,
    ) -> Result<Vec<Credential>, StoreError> {
        let among = self.backend.among("client_id", 1);
        let sql = ["SELECT ", CREDENTIAL, " FROM tenantry_credential WHERE ", &among, " ORDER BY created_micros, id"]
            .concat();
        self.backend.find(sql, vec![Param::texts(clients)], read_credential).await
    }

    /// A client's credential.
    ///
    /// # Errors
    /// The store's.
    pub async fn credential(&self, client: &str, id: &str) -> Result<Option<Credential>, StoreError> {
        let sql = ["SELECT ", CREDENTIAL, " FROM tenantry_credential WHERE id = $1 AND client_id = $2"].concat();
        Ok(self.backend.find(sql, vec![Param::text(id), Param::text(client)], read_credential).await?.pop())
    }
}
