//! Changing an account.

use serde_json::{Value, json};
use tenantry_store::{BatchError, Subject};

use crate::accounts::{Account, Status, create};
use crate::act::Act;
use crate::caller::Target;
use crate::identity::TRIES;
use crate::text::Fields;
use crate::{Caller, Identity, Kind, Refusal, limits};

impl Identity {
    /// Changes an account: members that `change` has replace those that were there (`metadata` and
    /// `branding` whole), null takes one away. Whoever is bound to the account changes its name for people,
    /// branding and metadata, and nothing else. While the status is not `active` nobody acts in the account:
    /// its tokens end within a second. An account that was closed stays closed.
    ///
    /// # Errors
    /// [`Refusal::Missing`], [`Refusal::Exists`] for a name that is taken, [`Refusal::Invalid`] also for a
    /// parent that does not exist or lies below the account, and for limits that cannot be read or that allow more than
    /// an account above.
    pub async fn update_account(&self, caller: &Caller, id: &str, change: Fields) -> Result<Account, Refusal> {
        caller.may(&["update:organizations"], Target::Account(id))?;
        // INVARIANT: nobody lets their own account out of what the platform said of it.
        if !change.keys().all(|name| OWN.contains(&name.as_str())) {
            caller.may(&["update:organizations"], Target::Platform)?;
        }
        for _ in 0..TRIES {
            let row = self.store.account(id).await?.ok_or(Refusal::Missing(Kind::Account))?;
            let mut account = Account::from_row(row);
            let status = account.status;
            let parent = account.parent_id.clone();
            apply(&mut account, change.clone())?;
            if limits::are_said(&change) || change.contains_key("parent_id") {
                self.narrows(limits::readable(&account.fields)?, account.parent_id.as_deref()).await?;
            }
            account.updated_micros = self.now();
            let inputs = json!({ "id": id, "change": change });
            let act = Act { name: "accounts.update", tenant: &account.tenant_id, workspace: None, inputs };
            let done = self.act(caller, act, async {
                let mut batch = self.store.batch();
                let ring = match (&parent, &account.parent_id) {
                    (before, Some(after)) if before.as_ref() != Some(after) => Some(batch.hold_account_tree(id, after)),
                    _ => None,
                };
                let place = batch.update_account(&account.to_row());
                if account.status != status {
                    batch.affects(Subject::Account(account.id.clone()));
                }
                match self.store.commit(batch).await {
                    Ok(_) => Ok(true),
                    Err(BatchError::Untouched(at)) if Some(at) == ring => {
                        Err(Refusal::invalid("parent_id names the account itself or one that lies below it"))
                    }
                    // Somebody was faster: read again.
                    Err(BatchError::Untouched(_)) => Ok(false),
                    Err(BatchError::Duplicate(at)) if at == place => Err(Refusal::Exists(Kind::Account)),
                    Err(BatchError::Dangling(_)) => Err(Refusal::invalid("there is no account with this parent_id")),
                    Err(error) => Err(error.into()),
                }
            });
            if done.await? {
                account.version += 1;
                return Ok(account);
            }
        }
        Err(Refusal::Contended(Kind::Account))
    }
}

/// What those who are bound to an account may change of it.
const OWN: [&str; 3] = ["display_name", "branding", "metadata"];

pub(crate) fn apply(account: &mut Account, change: Fields) -> Result<(), Refusal> {
    limits::readable(&change)?;
    for (name, value) in change {
        match (name.as_str(), value) {
            ("name", Value::String(name)) => {
                create::check_name(&name)?;
                account.name = name;
            }
            ("display_name", Value::String(name)) => account.display_name = Some(name),
            ("display_name", Value::Null) => account.display_name = None,
            ("parent_id", Value::String(parent)) => account.parent_id = Some(parent),
            ("parent_id", Value::Null) => account.parent_id = None,
            ("status", Value::String(status)) => {
                let status = Status::parse(&status)
                    .ok_or_else(|| Refusal::invalid("status is one of active, suspended, closed"))?;
                if account.status == Status::Closed && status != Status::Closed {
                    return Err(Refusal::invalid("the account is closed for good"));
                }
                account.status = status;
            }
            ("id" | "tenant_id" | "created_at" | "updated_at" | "name" | "status", _) => {
                return Err(Refusal::invalid(format!("{name} cannot be changed")));
            }
            (_, Value::Null) => drop(account.fields.shift_remove(&name)),
            (_, value) => drop(account.fields.insert(name, value)),
        }
    }
    Ok(())
}
