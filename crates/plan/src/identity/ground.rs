//! What there is in the store, read once for a plan, and how the file's names lead to it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tenantry_identity::accounts::Account;
use tenantry_identity::apis::Api;
use tenantry_identity::clients::Client;
use tenantry_identity::connections::Connection;
use tenantry_identity::inventory::{Extent, Inventory};
use tenantry_identity::roles::Role;
use tenantry_identity::workspaces::Workspace;
use tenantry_identity::{Caller, Identity, Kind as Thing, Refusal};

use crate::error::PlanError;
use crate::identity::address::path;
use crate::resource::{Kind, Resource, Target};
use crate::state::State;

/// What there is, and the ids behind the file's names.
#[derive(Debug, Default)]
pub(crate) struct Ground {
    pub(crate) there: Inventory,
    /// Clients' ids, by their names in the file.
    pub(crate) clients: BTreeMap<String, String>,
    /// Users' ids, by their names in the file, where the state knows them: one that was imported keeps its id.
    pub(crate) users: BTreeMap<String, String>,
    /// Roles' names in the file, by their ids: somebody may have given one another name.
    pub(crate) roles: BTreeMap<String, String>,
    /// The identifier of the Management API.
    pub(crate) management: String,
}

impl Ground {
    /// Reads what the state names as managed and what stands where the file wants something.
    pub(crate) async fn read(
        identity: &Identity,
        caller: &Caller,
        state: &State,
        wanted: &[Resource],
    ) -> Result<Ground, PlanError> {
        let there = identity.inventory(caller, &extent(state, wanted)).await;
        let there = there.map_err(|refusal| PlanError::refused("identity", refusal))?;
        let mut ground = Ground { there, management: identity.issuer().management_audience(), ..Ground::default() };
        for row in state.managed(&Target::Identity) {
            let (Some(keys), Some(id)) = (path(&row.address), &row.id) else { continue };
            let Some(key) = keys.get(1) else { continue };
            if row.kind == Kind::Client.name() && ground.there.clients.contains_key(id) {
                ground.clients.insert(key.clone(), id.clone());
            } else if row.kind == Kind::User.name() && ground.there.users.contains_key(id) {
                ground.users.insert(key.clone(), id.clone());
            } else if row.kind == Kind::Role.name() {
                ground.roles.insert(id.clone(), key.clone());
            }
        }
        for thing in wanted.iter().filter(|thing| thing.kind == Kind::Client) {
            let Some(key) = path(thing.address.as_str()).and_then(|keys| keys.into_iter().nth(1)) else { continue };
            if ground.clients.contains_key(&key) {
                continue;
            }
            // One that the file does not manage yet, and that it can only mean.
            let name = thing.fields.get("display_name").and_then(Value::as_str).unwrap_or(&key);
            let mut named = ground.there.clients.values().filter(|client| client.name == name);
            if let (Some(only), None) = (named.next(), named.next()) {
                let id = only.id.clone();
                if !ground.clients.values().any(|known| *known == id) {
                    ground.clients.insert(key, id);
                }
            }
        }
        Ok(ground)
    }

    /// The ids by which a user of the file may be known, the surest first: what the state knows, what the file
    /// makes it, what was noted at this place, and what it is when nothing else is said.
    pub(crate) fn user_ids(&self, key: &str, wanted: Option<&str>, noted: Option<&str>) -> Vec<String> {
        let assumed = ["auth0|", key].concat();
        let all = [self.users.get(key).map(String::as_str), wanted, noted, Some(assumed.as_str())];
        all.into_iter().flatten().map(str::to_owned).collect()
    }

    /// An API by its name in the file: its identifier, or `management`.
    pub(crate) fn api(&self, name: &str) -> Result<&Api, Refusal> {
        self.there.apis.get(self.audience(name)).ok_or(Refusal::Missing(Thing::Api))
    }

    /// The identifier of an API by its name in the file.
    pub(crate) fn audience<'a>(&'a self, name: &'a str) -> &'a str {
        if name == "management" { &self.management } else { name }
    }

    /// The name in the file of an API, by its identifier.
    pub(crate) fn api_name<'a>(&self, identifier: &'a str) -> &'a str {
        if identifier == self.management { "management" } else { identifier }
    }

    /// A role of that id, or else of that name.
    pub(crate) fn role(&self, id: Option<&str>, name: &str) -> Option<&Role> {
        let by_id = id.and_then(|id| self.there.roles.values().find(|role| role.id == id));
        by_id.or_else(|| self.there.roles.get(name))
    }

    /// The ids of roles, by their names.
    pub(crate) fn role_ids(&self, names: &[String]) -> Result<Vec<String>, Refusal> {
        names
            .iter()
            .map(|name| {
                let known = self.roles.iter().find(|(_, key)| *key == name).map(|(id, _)| id.as_str());
                Ok(self.role(known, name).ok_or(Refusal::Missing(Thing::Role))?.id.clone())
            })
            .collect()
    }

    /// The names of roles, by their ids; sorted.
    pub(crate) fn role_names(&self, ids: &[String]) -> Vec<String> {
        let mut names: Vec<String> = self
            .there
            .roles
            .values()
            .filter(|role| ids.contains(&role.id))
            .map(|role| self.roles.get(&role.id).unwrap_or(&role.name).clone())
            .collect();
        // An account's own role that somebody gave there: it is known by its id alone.
        names.extend(ids.iter().filter(|id| !self.there.roles.values().any(|role| role.id == **id)).cloned());
        names.sort_unstable();
        names
    }

    /// An account, by its id in the file.
    pub(crate) fn account(&self, tenant: &str) -> Result<&Account, Refusal> {
        self.there.accounts.get(tenant).ok_or(Refusal::Missing(Thing::Account))
    }

    /// The file's id of an account, by the store's.
    pub(crate) fn tenant(&self, id: &str) -> Option<&str> {
        self.there.accounts.values().find(|account| account.id == id).map(|account| account.tenant_id.as_str())
    }

    /// A workspace of an account, by their names in the file.
    pub(crate) fn workspace(&self, tenant: &str, name: &str) -> Result<&Workspace, Refusal> {
        let account = self.account(tenant)?;
        let key = (account.id.clone(), name.to_owned());
        self.there.workspaces.get(&key).ok_or(Refusal::Missing(Thing::Workspace))
    }

    /// A connection, by its name.
    pub(crate) fn connection(&self, name: &str) -> Result<&Connection, Refusal> {
        self.there.connections.get(name).ok_or(Refusal::Missing(Thing::Connection))
    }

    /// A client, by its name in the file.
    pub(crate) fn client(&self, key: &str) -> Result<&Client, Refusal> {
        let found = self.clients.get(key).and_then(|id| self.there.clients.get(id));
        found.ok_or(Refusal::Missing(Thing::Client))
    }

    /// The name in the file of a client, by its id; the id for one that the file does not know.
    pub(crate) fn client_name<'a>(&'a self, id: &'a str) -> &'a str {
        self.clients.iter().find(|(_, known)| *known == id).map_or(id, |(name, _)| name)
    }
}

/// The accounts and users that the file or the state speaks of.
fn extent(state: &State, wanted: &[Resource]) -> Extent {
    let (mut tenants, mut users) = (BTreeSet::new(), BTreeSet::new());
    let mut see = |address: &str, kind: &str, id: Option<&str>| {
        let Some(keys) = path(address) else { return };
        if let [first, tenant, ..] = keys.as_slice()
            && first == "account"
        {
            tenants.insert(tenant.clone());
        }
        if [Kind::User, Kind::Member, Kind::Principal].iter().any(|known| known.name() == kind)
            && let Some(key) = keys.last()
        {
            users.insert(id.map_or_else(|| ["auth0|", key].concat(), str::to_owned));
        }
    };
    for row in state.managed(&Target::Identity) {
        see(&row.address, &row.kind, row.id.as_deref());
    }
    for thing in wanted {
        see(thing.address.as_str(), thing.kind.name(), thing.id.as_deref());
    }
    for thing in wanted {
        let named = match thing.kind {
            Kind::Account => thing.fields.get("parent").and_then(Value::as_str).into_iter().collect(),
            Kind::ClientGrant => texts(thing.fields.get("accounts")),
            _ => Vec::new(),
        };
        tenants.extend(named.into_iter().map(str::to_owned));
    }
    Extent { tenants: Some(tenants), users: Some(users) }
}

/// The texts of a list.
pub(crate) fn texts(value: Option<&Value>) -> Vec<&str> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}
