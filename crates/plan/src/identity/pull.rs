//! A running store written as a file: what there is, in the file's words, without what is so when nobody says it.
//! A plan of that file against the same store is empty.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use tenantry_file::model::{DEFAULT_CONNECTION, OWN_ROLES};
use tenantry_identity::inventory::Extent;
use tenantry_identity::{Caller, Identity, OWNER_ROLE};

use crate::error::PlanError;
use crate::identity::address::quoted;
use crate::identity::{
    Ground, account, account_connection, api, client, connection, grant, platform, role, user, workspace,
};
use crate::resource::{Kind, Resource, Target};

/// A file, and what of the store it has no words for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pulled {
    /// The file's text.
    pub text: String,
    /// What is left out, and why.
    pub left_out: Vec<String>,
    /// The address of each thing in the text and what it is called in the store, for `import`.
    pub ids: Vec<(String, String)>,
}

/// Writes what there is.
///
/// # Errors
/// The store's.
pub async fn pull(identity: &Identity, caller: &Caller) -> Result<Pulled, PlanError> {
    let there = identity.inventory(caller, &Extent::default()).await;
    let there = there.map_err(|refusal| PlanError::refused("identity", refusal))?;
    let mut ground = Ground { there, management: identity.issuer().management_audience(), ..Ground::default() };
    name_clients(&mut ground);
    let mut writer = Writer { ground: &ground, keys: keys(&ground), pulled: Pulled::default() };
    writer.platform();
    writer.apis();
    writer.roles();
    writer.clients();
    writer.connections();
    writer.users();
    writer.accounts();
    writer.principals();
    Ok(writer.pulled)
}

/// Names of clients in the file: their names for people as keys, each once.
fn name_clients(ground: &mut Ground) {
    let mut taken = BTreeSet::new();
    let mut names = BTreeMap::new();
    for client in ground.there.clients.values() {
        let mut key: String = client
            .name
            .chars()
            .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' })
            .take(50)
            .collect();
        key = key.trim_matches('-').to_owned();
        if !key.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
            key = ["client-", &key].concat().trim_end_matches('-').to_owned();
        }
        let base = key.clone();
        let mut number = 2;
        while !taken.insert(key.clone()) {
            key = format!("{base}-{number}");
            number += 1;
        }
        names.insert(key, client.id.clone());
    }
    ground.clients = names;
}

struct Writer<'a> {
    ground: &'a Ground,
    /// What users are called in the file, by their ids.
    keys: BTreeMap<String, String>,
    pulled: Pulled,
}

impl Writer<'_> {
    /// A section, when it says something or has to be there.
    fn section(&mut self, path: &[&str], thing: Resource, usual: &[(&str, Value)], must: bool) {
        let mut lines = String::new();
        for (name, value) in thing.fields {
            let is_usual = value.is_null() || usual.iter().any(|(known, usual)| *known == name && *usual == value);
            if !is_usual {
                lines.push_str(&format!("{name} = {}\n", toml(&value)));
            }
        }
        for (name, given) in thing.secrets {
            lines.push_str(&format!("{name} = {}\n", quoted(&given)));
        }
        if !lines.is_empty() || must {
            if !self.pulled.text.is_empty() {
                self.pulled.text.push('\n');
            }
            let header = crate::identity::address::address(path);
            if let Some(id) = thing.id {
                self.pulled.ids.push((header.clone(), id));
            }
            self.pulled.text.push_str(&format!("[{header}]\n{lines}"));
        }
    }

    fn thing(&self, kind: Kind, id: &str) -> Resource {
        Resource::new(kind, Target::Identity, "").called(id)
    }

    fn platform(&mut self) {
        let mut thing = self.thing(Kind::Platform, "platform");
        let names: Vec<String> = self.ground.there.said_settings.keys().cloned().collect();
        for name in names {
            match platform::shown(self.ground, &name) {
                Some(value) if platform::is_said(&name) => thing = thing.with(&name, value),
                _ => self.pulled.left_out.push(format!("the platform's setting `{name}`")),
            }
        }
        self.section(&["platform"], thing, &[], false);
    }

    fn apis(&mut self) {
        for (identifier, api) in self.ground.there.apis.iter().filter(|(_, api)| !api.is_system) {
            let mut thing = api::shown(api, self.thing(Kind::Api, &api.id));
            if thing.fields.get("signing_algorithm").and_then(Value::as_str) == Some("HS256") {
                self.pulled.left_out.push(format!("the secret that signs tokens for `{identifier}`"));
            }
            thing.secrets.clear();
            self.section(&["api", identifier], thing, &api::usual(), true);
        }
    }

    fn roles(&mut self) {
        let own = |name: &str| OWN_ROLES.iter().any(|(own, _)| *own == name);
        for (name, found) in self.ground.there.roles.iter().filter(|(name, _)| !own(name)) {
            let mut thing = role::shown(self.ground, found, self.thing(Kind::Role, &found.id));
            thing.fields.remove("name");
            self.section(&["role", name], thing, &[], true);
        }
    }

    fn clients(&mut self) {
        for (name, id) in &self.ground.clients {
            let Ok(found) = self.ground.client(name) else { continue };
            let mut thing = client::shown(self.ground, found, self.thing(Kind::Client, id));
            let kind = thing.fields.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
            if !["machine", "web", "spa", "native"].contains(&kind.as_str()) {
                self.pulled.left_out.push(format!("client `{name}`, of the kind `{kind}`"));
                continue;
            }
            let signs = thing.fields.get("authentication").and_then(Value::as_str) == Some("keys");
            if signs {
                thing.fields.remove("authentication");
                if let Some(Value::Object(keys)) = thing.fields.get_mut("keys") {
                    keys.values_mut().filter_map(Value::as_object_mut).for_each(|key| drop(key.remove("kid")));
                }
            } else {
                thing.fields.remove("keys");
            }
            if let Some(rules) = thing.fields.get("refresh_token").and_then(Value::as_object)
                && rules.get("rotation").and_then(Value::as_str) == Some("rotating")
                && rules.len() == 1
            {
                // Said by being there at all.
                thing = thing.with(
                    "refresh_token",
                    Value::Object(Map::from_iter([("rotation".to_owned(), Value::from("rotating"))])),
                );
            }
            self.section(&["client", name], thing, &client::usual(name, &kind), true);
            let grants: Vec<_> = self.ground.there.grants.values().filter(|grant| grant.client_id == *id).collect();
            let mut seen = BTreeSet::new();
            for found in grants {
                let api = self.ground.api_name(&found.audience);
                if !seen.insert(api) || found.is_system() {
                    self.pulled.left_out.push(format!("a second grant of client `{name}` on `{api}`"));
                    continue;
                }
                let thing = grant::shown(self.ground, found, self.thing(Kind::ClientGrant, &found.id));
                self.section(&["client", name, "grant", api], thing, &grant::usual(), true);
            }
        }
    }

    fn connections(&mut self) {
        for (name, found) in &self.ground.there.connections {
            let mut thing = connection::shown(self.ground, found, self.thing(Kind::Connection, &found.id));
            let usual = connection::usual_options(&found.strategy);
            if let Some(Value::Object(options)) = thing.fields.get_mut("options") {
                options.retain(|name, value| usual.get(name.as_str()) != Some(value));
                if options.is_empty() {
                    thing.fields.remove("options");
                }
            }
            if found.has_secrets() {
                self.pulled.left_out.push(format!("the secret options of connection `{name}`"));
            }
            let says = thing.fields.iter().any(|(field, value)| field != "strategy" && !value.is_null());
            if name != DEFAULT_CONNECTION || says {
                self.section(&["connection", name], thing, &[], true);
            }
        }
    }

    fn users(&mut self) {
        for (id, found) in &self.ground.there.users {
            let Some(key) = self.keys.get(id).cloned() else {
                self.pulled.left_out.push(format!("user `{id}`: another user has the same name in the file"));
                continue;
            };
            let mut thing = user::shown(found, self.thing(Kind::User, id));
            thing.fields.remove("platform");
            let mut usual = user::usual(&key);
            // What follows from the address or the name.
            let called = found.email.as_deref().or(found.username.as_deref());
            usual.push(("display_name", called.map_or(Value::Null, Value::from)));
            for name in ["nickname", "picture"] {
                usual.push((name, thing.fields.get(name).cloned().unwrap_or(Value::Null)));
            }
            self.section(&["user", &key], thing, &usual, true);
        }
    }

    fn accounts(&mut self) {
        for (tenant, found) in &self.ground.there.accounts {
            let thing = account::shown(self.ground, found, self.thing(Kind::Account, &found.id));
            self.section(&["account", tenant], thing, &account::usual(tenant), true);
            for found in self.ground.there.connections_of(&found.id) {
                let thing =
                    account_connection::shown(&found, self.thing(Kind::AccountConnection, &found.connection_id));
                let path = ["account", tenant.as_str(), "connection", &found.name];
                self.section(&path, thing, &account_connection::usual(), true);
            }
            let spaces: Vec<_> = self.ground.there.workspaces_of(&found.id).collect();
            let mut inside = BTreeSet::new();
            for space in &spaces {
                let thing = workspace::shown(space, self.thing(Kind::Workspace, &space.id));
                self.section(&["account", tenant, "workspace", &space.name], thing, &workspace::usual(), true);
                for user in members(&self.ground.there.workspace_members, &space.id) {
                    inside.insert(user);
                    let path = ["account", tenant.as_str(), "workspace", &space.name, "user"];
                    self.member(&path, user, (&found.id, &space.id), true);
                }
            }
            for user in members(&self.ground.there.members, &found.id) {
                // Whoever is in a workspace is a member by that.
                self.member(&["account", tenant, "user"], user, (&found.id, ""), !inside.contains(user));
            }
        }
    }

    fn member(&mut self, path: &[&str], user: &str, (account, workspace): (&str, &str), must: bool) {
        let Some(key) = self.keys.get(user).cloned() else { return };
        let spot = (user.to_owned(), account.to_owned(), workspace.to_owned());
        let held = self.ground.there.held.get(&spot).cloned().unwrap_or_default();
        let thing = self.thing(Kind::Member, user).with("roles", crate::identity::value::set(self.named(&held, path)));
        self.section(&[path, &[&key]].concat(), thing, &[], must);
    }

    /// The names of roles that the file can say.
    fn named(&mut self, ids: &[String], path: &[&str]) -> Vec<String> {
        let (known, unknown): (Vec<String>, Vec<String>) =
            self.ground.role_names(ids).into_iter().partition(|name| self.ground.there.roles.contains_key(name));
        for role in unknown {
            let place = crate::identity::address::address(path);
            self.pulled.left_out.push(format!("an account's own role `{role}` at {place}"));
        }
        known
    }

    fn principals(&mut self) {
        for (id, found) in &self.ground.there.users {
            let spot = (id.clone(), String::new(), String::new());
            let held = self.ground.there.held.get(&spot).cloned().unwrap_or_default();
            if !found.platform && held.is_empty() {
                continue;
            }
            let Some(key) = self.keys.get(id).cloned() else { continue };
            let owns = held.iter().any(|role| role == OWNER_ROLE);
            let roles = self.named(&held, &["principal", &key]);
            let thing = self.thing(Kind::Principal, id).with("roles", crate::identity::value::set(roles));
            self.section(&["principal", &key], thing, &[], found.platform || owns);
        }
    }
}

/// The members of a place.
fn members<'a>(all: &'a BTreeSet<(String, String)>, place: &str) -> impl Iterator<Item = &'a str> {
    let from = (place.to_owned(), String::new());
    let place = place.to_owned();
    all.range(from..).take_while(move |(of, _)| *of == place).map(|(_, user)| user.as_str())
}

/// What users are called in the file: the part of their ids behind the strategy, where that leads back to them and
/// to nobody else.
fn keys(ground: &Ground) -> BTreeMap<String, String> {
    let mut taken = BTreeSet::new();
    let mut keys = BTreeMap::new();
    for (id, user) in &ground.there.users {
        let Some((strategy, key)) = id.split_once('|') else { continue };
        let fits = ground.there.connections.get(&user.connection).is_some_and(|found| found.strategy == strategy);
        if fits && taken.insert(key) {
            keys.insert(id.clone(), key.to_owned());
        }
    }
    keys
}

/// A value as TOML writes it, in one line.
fn toml(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| format!("{} = {}", crate::identity::address::address(&[name]), toml(value)))
                .collect();
            if members.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", members.join(", ")) }
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().filter(|item| !item.is_null()).map(toml).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Null => "\"\"".to_owned(),
        Value::Number(number) => {
            let text = number.to_string();
            // TOML's floating-point numbers have a digit on both sides of the point, also before an exponent.
            match text.find(['e', 'E']) {
                Some(at) if !text.contains('.') => {
                    let (digits, exponent) = text.split_at_checked(at).unwrap_or((&text, ""));
                    format!("{digits}.0{exponent}")
                }
                _ => text,
            }
        }
        other => other.to_string(),
    }
}
