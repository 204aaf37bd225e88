//! Making a role.

use serde_json::json;
use tenantry_store::BatchError;

use crate::act::Act;
use crate::caller::Target;
use crate::roles::{Level, Role, check_description, check_name};
use crate::{Caller, Identity, Kind, Refusal, ids};

/// What a role is made from.
#[derive(Debug, Clone)]
pub struct NewRole {
    /// The account whose own it is; `None` for one that the platform offers to all.
    pub account: Option<String>,
    /// Its name.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// Where it can be held.
    pub level: Level,
}

impl Identity {
    /// Makes a role.
    ///
    /// # Errors
    /// [`Refusal::Exists`] when the name is taken; [`Refusal::Missing`] for the account; [`Refusal::Invalid`].
    pub async fn create_role(&self, caller: &Caller, new: NewRole) -> Result<Role, Refusal> {
        caller.may(&["create:roles"], new.account.as_deref().map_or(Target::Platform, Target::Account))?;
        let tenant = self.tenant_of(new.account.as_deref()).await?;
        if new.account.is_some() && new.level == Level::Platform {
            return Err(Refusal::invalid("an account's own role is not of level platform"));
        }
        if new.account.is_some() {
            self.free_for_accounts(&new.name).await?;
        }
        let now = self.now();
        let role = Role {
            id: ids::letters(self.entropy.as_ref(), "rol_", 16)?,
            account: new.account,
            name: check_name(&new.name)?,
            description: new.description.as_deref().map(check_description).transpose()?,
            level: new.level,
            created_micros: now,
            updated_micros: now,
            version: 1,
        };
        let inputs = json!({ "id": role.id, "name": role.name, "level": role.level.name(), "account": role.account });
        let act = Act { name: "roles.create", tenant: &tenant, workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            let place = batch.insert_role(&role.to_row());
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Duplicate(at)) if at == place => Err(Refusal::Exists(Kind::Role)),
                Err(error) => Err(error.into()),
            }
        })
        .await?;
        Ok(role)
    }

    /// The tenant id of an account, on whose chain its acts stand; empty for the platform.
    pub(crate) async fn tenant_of(&self, account: Option<&str>) -> Result<String, Refusal> {
        match account {
            None => Ok(String::new()),
            Some(id) => {
                let row = self.store.account(id).await?;
                row.map(|row| row.tenant_id).ok_or(Refusal::Missing(Kind::Account))
            }
        }
    }
}
