//! Devices' credentials: public keys, and refresh tokens as they are shown among them.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};
use tenantry_store::identity::Window;
use tenantry_store::identity::device_credentials::DeviceCredential as Row;
use tenantry_store::{BatchError, Subject};

use crate::act::Act;
use crate::caller::Target;
use crate::text::{Fields, fields};
use crate::{Caller, Identity, Kind, Listed, Part, Refusal};

pub use tenantry_store::identity::device_credentials::DeviceFilter;

/// A device's credential.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceCredential {
    /// Its id.
    pub id: String,
    /// Whose.
    pub user_id: String,
    /// The client that uses it.
    pub client_id: String,
    /// `public_key`, `refresh_token` or `rotating_refresh_token`.
    pub kind: String,
    /// What the device is called.
    pub device_name: Option<String>,
    /// The device.
    pub device_id: Option<String>,
}

/// What a public key is made from.
#[derive(Debug, Clone, Default)]
pub struct NewDevice {
    /// What the device is called.
    pub device_name: String,
    /// The device.
    pub device_id: String,
    /// The key, as base64 of its DER.
    pub value: String,
    /// The client that uses it.
    pub client_id: String,
}

impl DeviceCredential {
    fn from_row(row: Row) -> DeviceCredential {
        let doc = fields(&row.doc);
        let text = |name: &str| doc.get(name).and_then(Value::as_str).map(str::to_owned);
        DeviceCredential {
            id: row.id,
            user_id: row.user_id,
            client_id: row.client_id,
            kind: row.kind,
            device_name: text("device_name"),
            device_id: text("device_id"),
        }
    }
}

impl Identity {
    /// Credentials, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn device_credentials(
        &self,
        caller: &Caller,
        filter: &DeviceFilter,
        part: &Part,
    ) -> Result<Listed<DeviceCredential>, Refusal> {
        caller.may(&["read:device_credentials"], Target::Platform)?;
        let (window, total) = match part {
            Part::Page { offset, limit, total } => (Window { offset: *offset, limit: *limit }, *total),
            Part::From { take, .. } => (Window { offset: 0, limit: *take }, false),
        };
        let now = self.now();
        let rows = self.store.device_credentials(filter, now, window).await?;
        let total = if total { Some(self.store.count_device_credentials(filter, now).await?) } else { None };
        Ok(Listed { items: rows.into_iter().map(DeviceCredential::from_row).collect(), total, next: None })
    }

    /// Keeps a public key of the caller's own device.
    ///
    /// # Errors
    /// [`Refusal::Unsupported`] for a caller who is no user; [`Refusal::Exists`] when the device has a key.
    pub async fn create_device_credential(&self, caller: &Caller, new: NewDevice) -> Result<String, Refusal> {
        caller.may(&["create:current_user_device_credentials"], Target::Platform)?;
        let user =
            caller.user.as_deref().ok_or(Refusal::Unsupported("Cannot create device credentials for that user."))?;
        self.must_exist(user).await?;
        // One key for each device, client and user: the id follows from them, so that a second one collides.
        let whole = [user, "\0", &new.client_id, "\0", &new.device_id].concat();
        let hash = crate::text::hex(digest(&SHA256, whole.as_bytes()).as_ref());
        let id = ["dcr_", hash.get(..16).unwrap_or_default()].concat();
        let doc: Fields = [("device_name", new.device_name), ("device_id", new.device_id), ("value", new.value)]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Value::String(value)))
            .collect();
        let row = Row {
            id: id.clone(),
            user_id: user.to_owned(),
            client_id: new.client_id,
            kind: "public_key".to_owned(),
            doc: Value::Object(doc).to_string(),
            created_micros: self.now(),
        };
        let inputs = json!({ "id": id, "user": user, "client": row.client_id });
        let act = Act { name: "devices.create", tenant: "", workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            batch.insert_device_credential(&row);
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Duplicate(_)) => Err(Refusal::Exists(Kind::DeviceCredential)),
                Err(BatchError::Dangling(_)) => Err(Refusal::Missing(Kind::User)),
                Err(error) => Err(error.into()),
            }
        })
        .await?;
        Ok(id)
    }

    /// Removes a credential, a public key or a refresh token; does nothing when there is none.
    ///
    /// # Errors
    /// The store's.
    pub async fn delete_device_credential(&self, caller: &Caller, id: &str) -> Result<(), Refusal> {
        let any = &["delete:device_credentials", "delete:current_user_device_credentials"];
        caller.may(any, Target::Platform)?;
        // Whoever may only remove its own reaches nothing else.
        let own_only = caller.may(&["delete:device_credentials"], Target::Platform).is_err();
        let key = self.store.device_credential(id).await?.map(|row| row.user_id);
        let token = self.store.refresh_token(id).await?.map(|row| row.user_id);
        let Some(user) = key.as_ref().or(token.as_ref()).cloned() else { return Ok(()) };
        if own_only && caller.user.as_deref() != Some(user.as_str()) {
            return Ok(());
        }
        let inputs = json!({ "id": id, "user": user });
        let act = Act { name: "devices.delete", tenant: "", workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            batch.delete_device_credential(id);
            if token.is_some() {
                batch.delete_refresh_token(id);
                batch.affects(Subject::User(user.clone()));
            }
            self.store.commit(batch).await?;
            Ok(())
        })
        .await
    }
}
