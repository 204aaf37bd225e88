//! Accounts, their connections, and workspaces.

use serde_json::{Value, json};
use tenantry_store::Subject;

use super::Draft;
use crate::account_connections::NewAccountConnection;
use crate::accounts::{self, Account, NewAccount};
use crate::act::Act;
use crate::connections::Connection;
use crate::inventory::Inventory;
use crate::text::{Fields, fields, merge};
use crate::workspaces::{self, NewWorkspace, Workspace};
use crate::{Kind, Refusal};

impl Draft<'_> {
    /// Makes an account, as [`crate::Identity::create_account`].
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn create_account(&mut self, new: NewAccount) -> Result<Account, Refusal> {
        let account = self.identity.shaped_account(new)?;
        let inputs = json!({ "id": account.id, "name": account.name, "parent_id": account.parent_id });
        let act = Act { name: "accounts.create", tenant: &account.tenant_id, workspace: None, inputs };
        self.begin(Kind::Account, &act);
        self.batch.insert_account(&account.to_row());
        Ok(account)
    }

    /// Changes an account, as [`crate::Identity::update_account`].
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn update_account(&mut self, before: &Account, change: Fields) -> Result<Account, Refusal> {
        let mut account = before.clone();
        let inputs = json!({ "id": account.id, "change": change });
        accounts::update::apply(&mut account, change)?;
        account.updated_micros = self.identity.now();
        let act = Act { name: "accounts.update", tenant: &account.tenant_id, workspace: None, inputs };
        self.begin(Kind::Account, &act);
        if let Some(parent) = account.parent_id.as_ref().filter(|parent| before.parent_id.as_ref() != Some(parent)) {
            self.batch.hold_account_tree(&account.id, parent);
        }
        self.batch.update_account(&account.to_row());
        if account.status != before.status {
            self.batch.affects(Subject::Account(account.id.clone()));
        }
        Ok(account)
    }

    /// Removes an account, as [`crate::Identity::delete_account`].
    pub fn delete_account(&mut self, account: &Account) {
        let inputs = json!({ "id": account.id, "name": account.name });
        let act = Act { name: "accounts.delete", tenant: &account.tenant_id, workspace: None, inputs };
        self.begin(Kind::Account, &act);
        self.batch.delete_account(&account.id);
        self.batch.affects(Subject::Account(account.id.clone()));
    }

    /// Makes a workspace, as [`crate::Identity::create_workspace`].
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn create_workspace(&mut self, account: &Account, new: NewWorkspace) -> Result<Workspace, Refusal> {
        let workspace = self.identity.shaped_workspace(&account.id, new)?;
        let inputs = json!({ "id": workspace.id, "account": account.id, "name": workspace.name });
        let place = Some(workspace.id.as_str());
        let act = Act { name: "workspaces.create", tenant: &account.tenant_id, workspace: place, inputs };
        self.begin(Kind::Workspace, &act);
        self.batch.insert_workspace(&workspace.to_row());
        Ok(workspace)
    }

    /// Changes a workspace, as [`crate::Identity::update_workspace`].
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn update_workspace(
        &mut self,
        account: &Account,
        before: &Workspace,
        change: Fields,
    ) -> Result<Workspace, Refusal> {
        let mut workspace = before.clone();
        let inputs = json!({ "id": workspace.id, "account": account.id, "change": change });
        workspaces::update::apply(&mut workspace, change)?;
        workspace.updated_micros = self.identity.now();
        let place = Some(workspace.id.as_str());
        let act = Act { name: "workspaces.update", tenant: &account.tenant_id, workspace: place, inputs };
        self.begin(Kind::Workspace, &act);
        self.batch.update_workspace(&workspace.to_row());
        if workspace.status != before.status {
            self.batch.affects(Subject::Workspace(workspace.id.clone()));
        }
        Ok(workspace)
    }

    /// Removes a workspace, as [`crate::Identity::delete_workspace`].
    pub fn delete_workspace(&mut self, account: &Account, workspace: &Workspace) {
        let inputs = json!({ "id": workspace.id, "account": account.id, "name": workspace.name });
        let place = Some(workspace.id.as_str());
        let act = Act { name: "workspaces.delete", tenant: &account.tenant_id, workspace: place, inputs };
        self.begin(Kind::Workspace, &act);
        self.batch.delete_workspace(&account.id, &workspace.id);
        self.batch.affects(Subject::Workspace(workspace.id.clone()));
    }

    /// Lets people of an account log in by a connection.
    pub fn add_account_connection(&mut self, account: &Account, connection: &Connection, given: Fields) {
        let new = NewAccountConnection { connection_id: connection.id.clone(), fields: given };
        let (enabled, fields) = new.stored();
        let inputs =
            json!({ "account": account.id, "connection": connection.id, "enabled": enabled, "fields": fields });
        let act = Act { name: "account_connections.add", tenant: &account.tenant_id, workspace: None, inputs };
        self.begin(Kind::AccountConnection, &act);
        let doc = Value::Object(fields).to_string();
        let now = self.identity.now();
        self.batch.insert_account_connection(&account.id, &connection.id, enabled, &doc, now);
    }

    /// Changes how people of an account log in by a connection.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub fn update_account_connection(
        &mut self,
        there: &Inventory,
        account: &Account,
        connection: &str,
        mut change: Fields,
    ) -> Result<(), Refusal> {
        let row = there.account_connections.get(&(account.id.clone(), connection.to_owned()));
        let mut row = row.cloned().ok_or(Refusal::Missing(Kind::AccountConnection))?;
        let was = row.enabled;
        if let Some(Value::Bool(enabled)) = change.shift_remove("is_enabled") {
            row.enabled = enabled;
        }
        let inputs = json!({
            "account": account.id, "connection": row.connection_id, "enabled": row.enabled, "change": change,
        });
        let mut doc = fields(&row.doc);
        merge(&mut doc, change);
        row.doc = Value::Object(doc).to_string();
        let act = Act { name: "account_connections.update", tenant: &account.tenant_id, workspace: None, inputs };
        self.begin(Kind::AccountConnection, &act);
        self.batch.update_account_connection(&account.id, &row);
        if was && !row.enabled {
            self.batch.affects(Subject::Account(account.id.clone()));
        }
        Ok(())
    }

    /// Lets people of an account no more log in by a connection.
    pub fn remove_account_connection(&mut self, account: &Account, connection: &str) {
        let inputs = json!({ "account": account.id, "connection": connection });
        let act = Act { name: "account_connections.remove", tenant: &account.tenant_id, workspace: None, inputs };
        self.begin(Kind::AccountConnection, &act);
        self.batch.delete_account_connection(&account.id, connection);
        self.batch.affects(Subject::Account(account.id.clone()));
    }
}
