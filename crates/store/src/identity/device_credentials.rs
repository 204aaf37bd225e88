//! Devices' credentials: public keys, and refresh tokens as they are shown among them.

use crate::backend::{Param, Row};
use crate::identity::Window;
use crate::{Batch, Place, Store, StoreError};

/// A credential's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCredential {
    /// Its id.
    pub id: String,
    /// Whose.
    pub user_id: String,
    /// The client that uses it.
    pub client_id: String,
    /// `public_key`, `refresh_token` or `rotating_refresh_token`.
    pub kind: String,
    /// The remaining fields, a JSON object: `device_name`, `device_id`, `value`.
    pub doc: String,
    /// When it was made, microseconds since 1970 UTC.
    pub created_micros: i64,
}

/// Which credentials.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceFilter {
    /// Only of this user.
    pub user_id: Option<String>,
    /// Only of this client.
    pub client_id: Option<String>,
    /// Only of this kind.
    pub kind: Option<String>,
}

/// Keys and refresh tokens that have not ended at the time in `$4`, filtered by `$1` to `$3`.
const FROM: &str = " FROM (SELECT id, user_id, client_id, kind, doc, created_micros FROM tenantry_device_credential \
     UNION ALL SELECT id, user_id, client_id, \
     CASE rotating WHEN 1 THEN 'rotating_refresh_token' ELSE 'refresh_token' END, doc, created_micros \
     FROM tenantry_refresh_token WHERE (expires_micros IS NULL OR expires_micros > $4) \
     AND (idle_micros IS NULL OR idle_micros > $4)) AS d \
     WHERE ($1 = '' OR user_id = $1) AND ($2 = '' OR client_id = $2) AND ($3 = '' OR kind = $3)";

fn read(row: &Row<'_>) -> DeviceCredential {
    let text = |place| row.text(place).unwrap_or_default();
    DeviceCredential {
        id: text(0),
        user_id: text(1),
        client_id: text(2),
        kind: text(3),
        doc: text(4),
        created_micros: row.int(5).unwrap_or_default(),
    }
}

impl DeviceFilter {
    fn params(&self, now_micros: i64) -> Vec<Param> {
        let text = |value: &Option<String>| Param::text(value.as_deref().unwrap_or_default());
        vec![text(&self.user_id), text(&self.client_id), text(&self.kind), Param::int(now_micros)]
    }
}

impl Batch {
    /// Keeps a device's public key. Dangling when there is no such user.
    pub fn insert_device_credential(&mut self, credential: &DeviceCredential) -> Place {
        self.run(
            "INSERT INTO tenantry_device_credential (id, user_id, client_id, kind, doc, created_micros) \
             VALUES ($1, $2, $3, $4, $5, $6)",
            vec![
                Param::text(&credential.id),
                Param::text(&credential.user_id),
                Param::text(&credential.client_id),
                Param::text(&credential.kind),
                Param::text(&credential.doc),
                Param::int(credential.created_micros),
            ],
        )
    }

    /// Removes a public key; does nothing when there is none.
    pub fn delete_device_credential(&mut self, id: &str) -> Place {
        self.run("DELETE FROM tenantry_device_credential WHERE id = $1", vec![Param::text(id)])
    }
}

impl Store {
    /// The public key of that id.
    ///
    /// # Errors
    /// The store's.
    pub async fn device_credential(&self, id: &str) -> Result<Option<DeviceCredential>, StoreError> {
        let sql =
            "SELECT id, user_id, client_id, kind, doc, created_micros FROM tenantry_device_credential WHERE id = $1";
        Ok(self.backend.find(sql, vec![Param::text(id)], read).await?.pop())
    }

    /// Credentials, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn device_credentials(
        &self,
        filter: &DeviceFilter,
        now_micros: i64,
        window: Window,
    ) -> Result<Vec<DeviceCredential>, StoreError> {
        let sql = [
            "SELECT id, user_id, client_id, kind, doc, created_micros",
            FROM,
            " ORDER BY created_micros, id LIMIT $5 OFFSET $6",
        ]
        .concat();
        let mut params = filter.params(now_micros);
        params.extend([Param::int(window.limit), Param::int(window.offset)]);
        self.backend.search(sql, params, read).await
    }

    /// How many credentials there are.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_device_credentials(&self, filter: &DeviceFilter, now_micros: i64) -> Result<i64, StoreError> {
        let sql = ["SELECT count(*)", FROM].concat();
        let found = self.backend.search(sql, filter.params(now_micros), |row| row.int(0)).await?;
        Ok(found.into_iter().flatten().next().unwrap_or_default())
    }
}
