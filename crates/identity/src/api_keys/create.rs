//! Making a key.

use serde_json::json;
use tenantry_store::BatchError;
use tenantry_store::identity::api_keys::ApiKey as Row;

use super::{ACTIVE, ApiKey, Doc, KeyPermission, LONGEST, MOST, PREFIX, USUAL, hash};
use crate::act::Act;
use crate::{Caller, Identity, Kind, Reach, Refusal, ids};

/// The longest name.
const LONGEST_NAME: usize = 255;

/// What a key is made from.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// Its name for people.
    pub name: String,
    /// The one workspace that it is for; the whole account without.
    pub workspace_id: Option<String>,
    /// The user in whose name it acts.
    pub user_id: Option<String>,
    /// What it may.
    pub permissions: Vec<KeyPermission>,
    /// The only models that it may call; without, every model that its permissions reach.
    pub models: Option<Vec<String>>,
    /// For how many seconds it may be used.
    pub lifetime: i64,
}

impl Default for NewApiKey {
    fn default() -> NewApiKey {
        NewApiKey {
            name: String::new(),
            workspace_id: None,
            user_id: None,
            permissions: Vec::new(),
            models: None,
            lifetime: USUAL,
        }
    }
}

impl Identity {
    /// Makes a key for an account; answers it, and the key, which is not told again.
    ///
    /// # Errors
    /// [`Refusal::Missing`] for an account, workspace, member, API or permission that does not exist,
    /// [`Refusal::Invalid`] for what does not fit, [`Refusal::Forbidden`] for a permission that the caller does not
    /// hold in the account, and for a key in somebody else's name.
    pub async fn create_api_key(
        &self,
        caller: &Caller,
        account: &str,
        mut new: NewApiKey,
    ) -> Result<(ApiKey, String), Refusal> {
        let row = self.reach_account(caller, &["create:api_keys"], account).await?;
        let name_fits = !new.name.is_empty() && new.name.len() <= LONGEST_NAME;
        if !name_fits || new.name.chars().any(char::is_control) {
            return Err(Refusal::invalid(format!("name has 1 to {LONGEST_NAME} bytes and no control characters")));
        }
        if !(1..=LONGEST).contains(&new.lifetime) {
            return Err(Refusal::invalid(format!("a key lives between 1 and {LONGEST} seconds")));
        }
        new.permissions.sort_unstable();
        new.permissions.dedup();
        if new.permissions.is_empty() || new.permissions.len() > MOST {
            return Err(Refusal::invalid(format!("a key has 1 to {MOST} permissions")));
        }
        let models_fit = |models: &Vec<String>| {
            models.len() <= MOST && models.iter().all(|name| !name.is_empty() && name.len() <= LONGEST_NAME)
        };
        if !new.models.as_ref().is_none_or(models_fit) {
            return Err(Refusal::invalid(format!("a key is limited to at most {MOST} models, by their names")));
        }
        if let Some(workspace) = &new.workspace_id {
            let found = self.store.workspace(workspace).await?.filter(|found| found.account_id == account);
            found.ok_or(Refusal::Missing(Kind::Workspace))?;
        }
        self.may_give(caller, account, &new).await?;
        let prefix = ids::letters(self.entropy.as_ref(), PREFIX, 8)?;
        let key = ids::letters(self.entropy.as_ref(), &[&prefix, "_"].concat(), 40)?;
        let now = self.now();
        // In a user's name the user's rights are its bound.
        let bound = matches!(caller.reach, Reach::Account { .. }) && new.user_id.is_none();
        let maker = caller.user.clone().filter(|_| bound);
        let doc = Doc { permissions: new.permissions.clone(), models: new.models.clone(), maker };
        let made = Row {
            id: ids::letters(self.entropy.as_ref(), "key_", 16)?,
            hash: hash(&key),
            prefix,
            name: new.name,
            account_id: account.to_owned(),
            workspace_id: new.workspace_id,
            user_id: new.user_id,
            doc: serde_json::to_string(&doc).map_err(|_| Refusal::invalid("the key's permissions do not fit"))?,
            status: ACTIVE.to_owned(),
            created_by: caller.name().to_owned(),
            created_micros: now,
            expires_micros: now.saturating_add(new.lifetime.saturating_mul(1_000_000)),
            last_used_micros: None,
        };
        let inputs = json!({
            "id": made.id, "account": account, "prefix": made.prefix, "name": made.name, "user": made.user_id,
            "permissions": doc.permissions, "models": doc.models, "lifetime": new.lifetime,
        });
        let workspace = made.workspace_id.as_deref();
        let act = Act { name: "api_keys.create", tenant: &row.tenant_id, workspace, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            batch.insert_api_key(&made);
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Dangling(_)) => Err(Refusal::Missing(Kind::User)),
                Err(error) => Err(error.into()),
            }
        })
        .await?;
        Ok((ApiKey::from_row(made), key))
    }

    /// Passes when the permissions exist, and the caller may give them away.
    ///
    /// INVARIANT: nobody makes a key that may more than themselves, or in somebody else's name; but for the
    /// platform's own people, who may do so to every account anyway.
    async fn may_give(&self, caller: &Caller, account: &str, new: &NewApiKey) -> Result<(), Refusal> {
        let own = [self.issuer.management_audience(), "app".to_owned(), "dashboard".to_owned(), "portal".to_owned()];
        for permission in &new.permissions {
            // Keys are for what stands behind the gateway, never for our own contexts.
            if own.contains(&permission.api) {
                return Err(Refusal::Missing(Kind::Api));
            }
            let api = self.kept_api(&permission.api, self.stamp()).await?.ok_or(Refusal::Missing(Kind::Api))?;
            if !api.permissions.contains(&permission.name) {
                return Err(Refusal::Missing(Kind::Permission));
            }
        }
        if let Some(user) = &new.user_id {
            let held = self.rights(user, Some(account), new.workspace_id.as_deref()).await?;
            if !held.enabled {
                return Err(Refusal::Missing(Kind::Member));
            }
        }
        if !matches!(caller.reach, Reach::Account { .. }) {
            return Ok(());
        }
        let no = Refusal::Forbidden { any_of: &[] };
        let Some(user) = caller.user.as_deref() else { return Err(no) };
        if new.user_id.as_deref().is_some_and(|other| other != user) {
            return Err(no);
        }
        let held = self.rights(user, Some(account), None).await?;
        let holds = |wanted: &KeyPermission| held.on(&wanted.api).any(|name| name == wanted.name);
        if new.permissions.iter().all(holds) { Ok(()) } else { Err(no) }
    }
}
