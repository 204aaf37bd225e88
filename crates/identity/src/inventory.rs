//! What there is, as the file speaks of it: each kind in one statement, however much there is of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tenantry_store::identity::account_connections::AccountConnection as AccountConnectionRow;
use tenantry_store::identity::client_grants::GrantFilter;
use tenantry_store::identity::clients::ClientFilter;
use tenantry_store::identity::connections::ConnectionFilter;
use tenantry_store::identity::inventory::Holding;
use tenantry_store::identity::users::UserIdentity as IdentityRow;
use tenantry_store::identity::{Window, inventory::Among};

use crate::account_connections::AccountConnection;
use crate::accounts::Account;
use crate::apis::Api;
use crate::caller::Target;
use crate::client_grants::ClientGrant;
use crate::clients::Client;
use crate::clients::credentials::Credential;
use crate::connections::Connection;
use crate::roles::Role;
use crate::settings::whole;
use crate::text::Fields;
use crate::users::User;
use crate::workspaces::Workspace;
use crate::{Caller, Identity, Refusal};

/// Of which accounts and users. There may be very many of them; of everything else there is what there is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extent {
    /// Accounts, by what their rows carry; all of them when `None`.
    pub tenants: Option<BTreeSet<String>>,
    /// Users, by id; all of them when `None`.
    pub users: Option<BTreeSet<String>>,
}

/// Where a role is held: the user, the account (empty for the platform) and the workspace (empty for the account).
pub type Spot = (String, String, String);

/// What there is.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// The platform's settings, whole.
    pub settings: Fields,
    /// Those of them that somebody said; the others have their usual values.
    pub said_settings: Fields,
    pub(crate) settings_version: Option<i64>,
    /// APIs, by identifier, with their permissions.
    pub apis: BTreeMap<String, Api>,
    /// The platform's roles, by name.
    pub roles: BTreeMap<String, Role>,
    /// What each role permits, by the role's id: the API's identifier and the permission.
    pub permitted: BTreeMap<String, BTreeSet<(String, String)>>,
    /// Clients, by id. The one that stands for all clients is not among them.
    pub clients: BTreeMap<String, Client>,
    /// What clients prove themselves with, by the client's id.
    pub credentials: BTreeMap<String, Vec<Credential>>,
    /// Connections, by name, with their clients.
    pub connections: BTreeMap<String, Connection>,
    /// Grants of clients, by id.
    pub grants: BTreeMap<String, ClientGrant>,
    /// The accounts that may use each grant, by the grant's id: their ids.
    pub granted: BTreeMap<String, BTreeSet<String>>,
    /// Accounts, by what their rows carry.
    pub accounts: BTreeMap<String, Account>,
    /// Workspaces, by the account's id and their name.
    pub workspaces: BTreeMap<(String, String), Workspace>,
    pub(crate) account_connections: BTreeMap<(String, String), AccountConnectionRow>,
    /// Users, by id.
    pub users: BTreeMap<String, User>,
    pub(crate) logins: HashMap<String, Vec<IdentityRow>>,
    /// Members of accounts: the account's id and the user's.
    pub members: BTreeSet<(String, String)>,
    /// Members of workspaces: the workspace's id and the user's.
    pub workspace_members: BTreeSet<(String, String)>,
    /// The roles that users hold, in the order in which they were given: ids.
    pub held: BTreeMap<Spot, Vec<String>>,
}

impl Inventory {
    /// The connections of an account (by its id), by name.
    pub fn connections_of(&self, account: &str) -> impl Iterator<Item = AccountConnection> {
        let from = (account.to_owned(), String::new());
        self.account_connections
            .range(from..)
            .take_while(move |((of, _), _)| of == account)
            .map(|(_, row)| AccountConnection::from_row(row.clone()))
    }

    /// The workspaces of an account (by its id), by name.
    pub fn workspaces_of(&self, account: &str) -> impl Iterator<Item = &Workspace> {
        let from = (account.to_owned(), String::new());
        self.workspaces.range(from..).take_while(move |((of, _), _)| of == account).map(|(_, found)| found)
    }
}

const ALL: Window = Window { offset: 0, limit: i64::MAX };

impl Identity {
    /// What there is.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] for anybody who may not read all of it; the store's.
    pub async fn inventory(&self, caller: &Caller, extent: &Extent) -> Result<Inventory, Refusal> {
        caller.may(&["read:inventory"], Target::Platform)?;
        let tenants: Option<Vec<String>> = extent.tenants.as_ref().map(|names| names.iter().cloned().collect());
        let users: Option<Vec<String>> = extent.users.as_ref().map(|ids| ids.iter().cloned().collect());
        let users: Among<'_> = users.as_deref();
        let store = &self.store;
        let mut found = Inventory::default();
        let (said, version) = self.stored_settings().await?;
        found.settings = whole(said.clone());
        (found.said_settings, found.settings_version) = (said, version);
        for api in self.whole_apis(store.apis(&[], None, ALL).await?).await? {
            found.apis.insert(api.identifier.clone(), api);
        }
        for role in store.platform_roles().await?.into_iter().map(Role::from_row) {
            found.roles.insert(role.name.clone(), role);
        }
        for (role, api, permission) in store.permissions_of_platform_roles().await? {
            found.permitted.entry(role).or_default().insert((api, permission));
        }
        let filter = ClientFilter { is_global: Some(false), ..ClientFilter::default() };
        for client in store.clients(&filter, None, ALL).await?.into_iter().map(Client::from_row) {
            found.clients.insert(client.id.clone(), client);
        }
        for credential in store.all_credentials().await?.into_iter().map(Credential::from_row) {
            found.credentials.entry(credential.client_id.clone()).or_default().push(credential);
        }
        let rows = store.connections(&ConnectionFilter::default(), None, ALL).await?;
        let mut clients: HashMap<String, Vec<String>> = HashMap::new();
        for (connection, client) in store.enabled_clients(rows.iter().map(|row| &row.id)).await? {
            clients.entry(connection).or_default().push(client);
        }
        for mut connection in rows.into_iter().map(Connection::from_row) {
            connection.enabled_clients = clients.remove(&connection.id).unwrap_or_default();
            found.connections.insert(connection.name.clone(), connection);
        }
        for grant in store.client_grants(&GrantFilter::default(), None, ALL).await? {
            found.grants.insert(grant.id.clone(), ClientGrant::from_row(grant));
        }
        for (account, grant) in store.granted_accounts().await? {
            found.granted.entry(grant).or_default().insert(account);
        }
        for account in store.accounts_of_tenants(tenants.as_deref()).await?.into_iter().map(Account::from_row) {
            found.accounts.insert(account.tenant_id.clone(), account);
        }
        let ids: Option<Vec<String>> =
            tenants.is_some().then(|| found.accounts.values().map(|account| account.id.clone()).collect());
        for workspace in store.workspaces_in(ids.as_deref()).await?.into_iter().map(Workspace::from_row) {
            found.workspaces.insert((workspace.account_id.clone(), workspace.name.clone()), workspace);
        }
        for (account, row) in store.connections_in(ids.as_deref()).await? {
            found.account_connections.insert((account, row.name.clone()), row);
        }
        for login in store.identities_among(users).await? {
            found.logins.entry(login.user_id.clone()).or_default().push(login);
        }
        for row in store.users_among(users).await? {
            let logins = found.logins.get(&row.id).cloned().unwrap_or_default();
            found.users.insert(row.id.clone(), User::from_rows(row, logins));
        }
        found.members = store.memberships_among(users).await?.into_iter().collect();
        found.workspace_members = store.workspace_memberships_among(users).await?.into_iter().collect();
        for Holding { user_id, account_id, workspace_id, role_id } in store.holdings_among(users).await? {
            found.held.entry((user_id, account_id, workspace_id)).or_default().push(role_id);
        }
        Ok(found)
    }
}
