//! APIs and the permissions that they know.

use crate::backend::{Param, Row};
use crate::identity::Window;
use crate::identity::condition::Conditions;
use crate::{Batch, Place, Store, StoreError};

/// An API's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Api {
    /// 24 hexadecimal digits.
    pub id: String,
    /// What tokens name as their audience. Unique, and never changes (but for Tenantry's own APIs).
    pub identifier: String,
    /// Its name for people.
    pub name: Option<String>,
    /// One of Tenantry's own.
    pub is_system: bool,
    /// What signs its tokens where that is a shared secret, sealed.
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

/// A permission that an API knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// The API's id.
    pub api_id: String,
    /// `read:invoices`.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// Its place in the order in which they were given.
    pub ordinal: i64,
}

const COLUMNS: &str = "id, identifier, name, is_system, secret, doc, version, created_micros, updated_micros";

fn read(row: &Row<'_>) -> Api {
    let text = |place| row.text(place).unwrap_or_default();
    let int = |place| row.int(place).unwrap_or_default();
    Api {
        id: text(0),
        identifier: text(1),
        name: row.text(2),
        is_system: int(3) != 0,
        secret: row.bytes(4),
        doc: text(5),
        version: int(6),
        created_micros: int(7),
        updated_micros: int(8),
    }
}

fn read_permission(row: &Row<'_>) -> Permission {
    Permission {
        api_id: row.text(0).unwrap_or_default(),
        name: row.text(1).unwrap_or_default(),
        description: row.text(2),
        ordinal: row.int(3).unwrap_or_default(),
    }
}

impl Batch {
    /// Makes an API. A duplicate is an identifier that is taken.
    pub fn insert_api(&mut self, api: &Api) -> Place {
        self.run(
            "INSERT INTO tenantry_api (id, identifier, name, is_system, secret, doc, version, created_micros, \
             updated_micros) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            api_params(api),
        )
    }

    /// Makes an API unless there is one with this id or identifier.
    pub fn insert_api_once(&mut self, api: &Api) -> Place {
        self.run(
            "INSERT INTO tenantry_api (id, identifier, name, is_system, secret, doc, version, created_micros, \
             updated_micros) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
            api_params(api),
        )
    }

    /// Writes an API that was read at `api.version`; untouched when somebody was faster.
    pub fn update_api(&mut self, api: &Api) -> Place {
        self.must(
            "UPDATE tenantry_api SET identifier = $1, name = $2, secret = $3, doc = $4, version = version + 1, \
             updated_micros = $5 WHERE id = $6 AND version = $7",
            vec![
                Param::text(&api.identifier),
                Param::maybe(api.name.as_deref()),
                Param::MaybeBytes(api.secret.clone()),
                Param::text(&api.doc),
                Param::int(api.updated_micros),
                Param::text(&api.id),
                Param::int(api.version),
            ],
        )
    }

    /// Removes an API with its permissions, whoever held them, and the clients' grants on it.
    pub fn delete_api(&mut self, id: &str) -> Place {
        self.must("DELETE FROM tenantry_api WHERE id = $1", vec![Param::text(id)])
    }

    /// Makes a permission known, or gives it another description and place.
    pub fn put_permission(&mut self, permission: &Permission) -> Place {
        self.run(
            "INSERT INTO tenantry_permission (api_id, name, description, ordinal) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (api_id, name) DO UPDATE SET description = excluded.description, \
             ordinal = excluded.ordinal",
            vec![
                Param::text(&permission.api_id),
                Param::text(&permission.name),
                Param::maybe(permission.description.as_deref()),
                Param::int(permission.ordinal),
            ],
        )
    }

    /// Removes a permission from an API, and from every role and user that held it.
    pub fn delete_permission(&mut self, api: &str, name: &str) -> Place {
        self.run(
            "DELETE FROM tenantry_permission WHERE api_id = $1 AND name = $2",
            vec![Param::text(api), Param::text(name)],
        )
    }
}

fn api_params(api: &Api) -> Vec<Param> {
    vec![
        Param::text(&api.id),
        Param::text(&api.identifier),
        Param::maybe(api.name.as_deref()),
        Param::int(i64::from(api.is_system)),
        Param::MaybeBytes(api.secret.clone()),
        Param::text(&api.doc),
        Param::int(api.version),
        Param::int(api.created_micros),
        Param::int(api.updated_micros),
    ]
}

impl Store {
    /// The API of that id.
    ///
    /// # Errors
    /// The store's.
    pub async fn api(&self, id: &str) -> Result<Option<Api>, StoreError> {
        let sql = ["SELECT ", COLUMNS, " FROM tenantry_api WHERE id = $1"].concat();
        Ok(self.backend.find(sql, vec![Param::text(id)], read).await?.pop())
    }

    /// The API that tokens name so as their audience.
    ///
    /// # Errors
    /// The store's.
    pub async fn api_identified(&self, identifier: &str) -> Result<Option<Api>, StoreError> {
        let sql = ["SELECT ", COLUMNS, " FROM tenantry_api WHERE identifier = $1"].concat();
        Ok(self.backend.find(sql, vec![Param::text(identifier)], read).await?.pop())
    }

    /// The APIs with these identifiers, in no order.
    ///
    /// # Errors
    /// The store's.
    pub async fn apis_identified<T: AsRef<str>>(
        &self,
        identifiers: impl IntoIterator<Item = T>,
    ) -> Result<Vec<Api>, StoreError> {
        let among = self.backend.among("identifier", 1);
        let sql = ["SELECT ", COLUMNS, " FROM tenantry_api WHERE ", &among].concat();
        self.backend.find(sql, vec![Param::texts(identifiers)], read).await
    }

    /// APIs, oldest first; with `identifiers`, only those.
    ///
    /// # Errors
    /// The store's.
    pub async fn apis(
        &self,
        identifiers: &[String],
        after: Option<(i64, &str)>,
        window: Window,
    ) -> Result<Vec<Api>, StoreError> {
        let mut conditions = self.api_conditions(identifiers);
        conditions.after("(created_micros, id) > ", after);
        let (limit, offset) = (conditions.param(Param::int(window.limit)), conditions.param(Param::int(window.offset)));
        let sql = [
            "SELECT ",
            COLUMNS,
            " FROM tenantry_api",
            conditions.clause(),
            " ORDER BY created_micros, id LIMIT ",
            &limit,
            " OFFSET ",
            &offset,
        ]
        .concat();
        self.backend.find(sql, conditions.into_params(), read).await
    }

    /// How many APIs there are; with `identifiers`, how many of those.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_apis(&self, identifiers: &[String]) -> Result<i64, StoreError> {
        let conditions = self.api_conditions(identifiers);
        let sql = ["SELECT count(*) FROM tenantry_api", conditions.clause()].concat();
        let found = self.backend.find(sql, conditions.into_params(), |row| row.int(0)).await?;
        Ok(found.into_iter().flatten().next().unwrap_or_default())
    }

    fn api_conditions(&self, identifiers: &[String]) -> Conditions {
        let mut conditions = Conditions::default();
        if !identifiers.is_empty() {
            conditions.and_with(Param::texts(identifiers), |place| self.backend.among("identifier", place));
        }
        conditions
    }

    /// The permissions that these APIs know, by API and in their order.
    ///
    /// # Errors
    /// The store's.
    pub async fn permissions_of<T: AsRef<str>>(
        &self,
        apis: impl IntoIterator<Item = T>,
    ) -> Result<Vec<Permission>, StoreError> {
        let among = self.backend.among("api_id", 1);
        let sql = [
            "SELECT api_id, name, description, ordinal FROM tenantry_permission WHERE ",
            &among,
            " ORDER BY api_id, ordinal, name",
        ]
        .concat();
        self.backend.find(sql, vec![Param::texts(apis)], read_permission).await
    }
}
