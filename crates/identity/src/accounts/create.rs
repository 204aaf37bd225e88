//! Making an account.

use serde_json::{Value, json};
use tenantry_store::BatchError;

use crate::account_connections::NewAccountConnection;
use crate::accounts::{Account, Status};
use crate::act::Act;
use crate::caller::Target;
use crate::text::Fields;
use crate::{Caller, Identity, Kind, Refusal, ids, limits};

/// What an account is made from.
#[derive(Debug, Clone, Default)]
pub struct NewAccount {
    /// Its name: 1 to 50 of a-z, 0-9, `-` and `_`, beginning with a letter or digit.
    pub name: String,
    /// Its name for people.
    pub display_name: Option<String>,
    /// What its rows carry in the sources; its id, when nothing else is said.
    pub tenant_id: Option<String>,
    /// The account above it, by id.
    pub parent_id: Option<String>,
    /// The connections that its people may log in by.
    pub connections: Vec<NewAccountConnection>,
    /// `branding`, `metadata`, `isolation`, `limits`, `token_quota`.
    pub fields: Fields,
}

impl Identity {
    /// Makes an account.
    ///
    /// # Errors
    /// [`Refusal::Exists`] when the name is taken; [`Refusal::Invalid`] when the name or the limits do not fit, the
    /// tenant id was given before, or the parent does not exist; [`Refusal::Missing`] when one of the
    /// connections does not.
    pub async fn create_account(&self, caller: &Caller, new: NewAccount) -> Result<Account, Refusal> {
        caller.may(&["create:organizations"], Target::Platform)?;
        if !new.connections.is_empty() {
            caller.may(&["create:organization_connections"], Target::Platform)?;
        }
        let connections = new.connections.clone();
        let account = self.shaped_account(new)?;
        self.narrows(limits::readable(&account.fields)?, account.parent_id.as_deref()).await?;
        let now = account.created_micros;
        let ids: Vec<&str> = connections.iter().map(|connection| connection.connection_id.as_str()).collect();
        let inputs = json!({
            "id": account.id, "name": account.name, "parent_id": account.parent_id, "connections": ids,
        });
        let act = Act { name: "accounts.create", tenant: &account.tenant_id, workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            let (tenant, row) = batch.insert_account(&account.to_row());
            for (since, connection) in (now..).zip(&connections) {
                let (enabled, fields) = connection.stored();
                let doc = Value::Object(fields).to_string();
                batch.insert_account_connection(&account.id, &connection.connection_id, enabled, &doc, since);
            }
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Duplicate(place)) if place == row => Err(Refusal::Exists(Kind::Account)),
                Err(BatchError::Duplicate(place)) if place == tenant => {
                    Err(Refusal::invalid("this tenant_id was given to an account before; rows may still carry it"))
                }
                Err(BatchError::Duplicate(_)) => Err(Refusal::Exists(Kind::AccountConnection)),
                Err(BatchError::Dangling(place)) if place == row => {
                    Err(Refusal::invalid("there is no account with this parent_id"))
                }
                Err(BatchError::Dangling(_)) => Err(Refusal::Missing(Kind::AccountConnection)),
                Err(error) => Err(error.into()),
            }
        })
        .await?;
        Ok(account)
    }
}

impl Identity {
    /// The account that is to be made, checked. Nothing is written.
    pub(crate) fn shaped_account(&self, new: NewAccount) -> Result<Account, Refusal> {
        check_name(&new.name)?;
        limits::readable(&new.fields)?;
        let now = self.now();
        let id = ids::letters(self.entropy.as_ref(), "org_", 16)?;
        Ok(Account {
            tenant_id: new.tenant_id.unwrap_or_else(|| id.clone()),
            id,
            name: new.name,
            display_name: new.display_name,
            parent_id: new.parent_id,
            status: Status::Active,
            fields: new.fields,
            created_micros: now,
            updated_micros: now,
            version: 1,
        })
    }
}

/// Can it stand in an address?
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 50
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_'))
        && name.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
}

/// Refuses a name that could not stand in an address.
pub(super) fn check_name(name: &str) -> Result<(), Refusal> {
    if is_name(name) {
        return Ok(());
    }
    Err(Refusal::Invalid {
        code: "invalid_body",
        message: format!(
            "Payload validation error: 'Object didn't pass validation for format organization-name: {name}' on property name."
        ),
    })
}
