//! The demo's people as real users: accounts, users with a password, memberships and roles in the store,
//! made from the file's directory, and a client through which they log in.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tenantry_file::{Loaded, PrincipalSpec};
use tenantry_identity::accounts::NewAccount;
use tenantry_identity::apis::NewApi;
use tenantry_identity::clients::NewClient;
use tenantry_identity::roles::{Level, NewRole};
use tenantry_identity::text::Fields;
use tenantry_identity::users::{NewUser, PermissionName};
use tenantry_identity::{Audience, Caller, FIRST_CONNECTION, Identity};
use tenantry_policy::Entropy as _;
use tenantry_policy::principal::Datum;
use zeroize::Zeroizing;

use crate::ambient::OsEntropy;
use crate::demo::client::ToolClient;
use crate::desk::refused;
use crate::output::Failure;

/// How long the demo's tokens live, in seconds.
pub const LIFETIME: u64 = 8 * 3600;

/// What a login of the demo's people takes.
#[derive(Debug, Clone)]
pub struct Door {
    /// The client that asks for them.
    pub client: String,
    /// Its secret.
    pub secret: String,
    /// Everybody's password, made for this demo.
    pub password: String,
}

impl Door {
    /// The request by which a user of an account gets a token for the data tools.
    #[must_use]
    pub fn request(&self, audience: &str, account: &str, user: &str) -> Value {
        json!({
            "grant_type": "http://auth0.com/oauth/grant-type/password-realm",
            "realm": FIRST_CONNECTION,
            "username": user,
            "password": self.password,
            "client_id": self.client,
            "client_secret": self.secret,
            "audience": audience,
            "organization": account,
        })
    }

    /// Logs a user in, over the wire.
    ///
    /// # Errors
    /// `LOGIN_FAILED` with the server's words.
    pub async fn log_in(
        &self,
        client: &ToolClient,
        audience: &str,
        account: &str,
        user: &str,
    ) -> Result<String, Failure> {
        let answer = client.post("/oauth/token", None, &[], &self.request(audience, account, user)).await;
        let failed = |why: &str| Failure::failed("LOGIN_FAILED", format!("{user} cannot log in: {why}"));
        let answer = answer.map_err(|why| failed(&why))?;
        match answer.get("access_token").and_then(Value::as_str) {
            Some(token) => Ok(token.to_owned()),
            None => Err(failed(answer.get("error_description").and_then(Value::as_str).unwrap_or("no token"))),
        }
    }
}

/// Makes everybody whom the file names as a user of an account.
///
/// # Errors
/// What the operations say.
pub async fn enrol(identity: &Identity, loaded: &Loaded) -> Result<Door, Failure> {
    let caller = &Caller::operator("demo");
    let directory = loaded.directory();
    let mut accounts: BTreeMap<String, String> = BTreeMap::new();
    for entry in in_order(loaded) {
        let declared = loaded.document().account.get(&entry);
        let parent = declared.and_then(|account| account.parent.as_ref()).and_then(|parent| accounts.get(parent));
        let new = NewAccount {
            name: entry.clone(),
            display_name: declared.and_then(|account| account.display_name.clone()),
            // What the rows carry.
            tenant_id: Some(entry.clone()),
            parent_id: parent.cloned(),
            ..NewAccount::default()
        };
        let made = identity.create_account(caller, new).await.map_err(refused)?;
        accounts.insert(entry, made.id);
    }
    for (identifier, declared) in &loaded.document().api {
        let scopes: Vec<Value> = declared
            .permissions
            .iter()
            .map(|(name, description)| json!({ "value": name, "description": description }))
            .collect();
        let fields = json!({
            "scopes": scopes, "enforce_policies": true, "token_dialect": "access_token_authz",
            "token_lifetime": LIFETIME, "token_lifetime_for_web": LIFETIME,
        });
        let fields = fields.as_object().cloned().unwrap_or_default();
        let new = NewApi { identifier: identifier.clone(), name: declared.display_name.clone(), fields };
        identity.create_api(caller, new).await.map_err(refused)?;
    }
    let mut roles: BTreeMap<String, String> = BTreeMap::new();
    for name in directory.users.iter().flat_map(|user| &user.roles) {
        if roles.contains_key(name) {
            continue;
        }
        let description = loaded.document().role.get(name).and_then(|role| role.description.clone());
        let new = NewRole { account: None, name: name.clone(), description, level: Level::Account };
        let made = identity.create_role(caller, new).await.map_err(refused)?.id;
        let declared = loaded.document().role.get(name).map(|role| &role.permissions).into_iter().flatten();
        let permissions: Vec<PermissionName> = declared
            .flat_map(|(api, names)| names.iter().map(|name| PermissionName { api: api.clone(), name: name.clone() }))
            .collect();
        if !permissions.is_empty() {
            identity.add_role_permissions(caller, &made, &permissions).await.map_err(refused)?;
        }
        roles.insert(name.clone(), made);
    }
    let password = ["Desk-", &drawn()?].concat();
    // Hashed once: the password is the same for all, and a hash is meant to cost.
    let hash = identity.hash_password(Zeroizing::new(password.clone())).await.map_err(refused)?;
    let mut members: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for user in &directory.users {
        let Some(account) = &user.account else { continue };
        let made = identity.create_user(caller, new_user(user, &hash)).await.map_err(refused)?;
        members.entry(account).or_default().push(made.id);
    }
    for (account, users) in &members {
        let Some(id) = accounts.get(*account) else { continue };
        identity.add_members(caller, id, users).await.map_err(refused)?;
    }
    for user in &directory.users {
        let Some((account, id)) = user.account.as_ref().and_then(|account| accounts.get_key_value(account)) else {
            continue;
        };
        let held: Vec<String> = user.roles.iter().filter_map(|name| roles.get(name).cloned()).collect();
        let found = members.get(account.as_str()).into_iter().flatten().find(|id| id.ends_with(&user.user));
        if let (Some(user), false) = (found, held.is_empty()) {
            identity.add_member_roles(caller, id, user, &held).await.map_err(refused)?;
        }
    }
    let lifetime =
        [("token_lifetime".to_owned(), json!(LIFETIME)), ("token_lifetime_for_web".to_owned(), json!(LIFETIME))];
    identity.update_api(caller, Audience::App.name(), lifetime.into_iter().collect()).await.map_err(refused)?;
    let mut fields = Fields::new();
    fields.insert("app_type".to_owned(), json!("regular_web"));
    fields.insert("grant_types".to_owned(), json!(["http://auth0.com/oauth/grant-type/password-realm"]));
    let new = NewClient { name: "Support Desk".to_owned(), fields, ..NewClient::default() };
    let client = identity.create_client(caller, new).await.map_err(refused)?;
    Ok(Door { client: client.id, secret: client.client_secret.unwrap_or_default(), password })
}

/// Accounts, each after the one above it.
fn in_order(loaded: &Loaded) -> Vec<String> {
    let declared = &loaded.document().account;
    let mut ordered: Vec<String> = Vec::with_capacity(declared.len());
    // As often as there can be levels; loading has refused cycles.
    for _ in 0..declared.len() {
        for (id, account) in declared {
            let ready = account.parent.as_ref().is_none_or(|parent| ordered.contains(parent));
            if ready && !ordered.contains(id) {
                ordered.push(id.clone());
            }
        }
    }
    ordered
}

fn new_user(spec: &PrincipalSpec, hash: &str) -> NewUser {
    let mut fields = Fields::new();
    fields.insert("email_verified".to_owned(), json!(true));
    if let Some(name) = &spec.display_name {
        fields.insert("name".to_owned(), json!(name));
    }
    let metadata: Fields =
        spec.metadata.iter().filter_map(|(name, datum)| Some((name.clone(), plain(datum)?))).collect();
    fields.insert("app_metadata".to_owned(), Value::Object(metadata));
    NewUser {
        connection: FIRST_CONNECTION.to_owned(),
        // Known before it is made: the rows that it changes name it.
        user_id: Some(spec.user.clone()),
        email: Some(spec.user.clone()),
        hash: Some(hash.to_owned()),
        fields,
        ..NewUser::default()
    }
}

/// Metadata of the file as JSON.
fn plain(datum: &Datum) -> Option<Value> {
    serde_json::to_value(tenantry_store::requester::Json(datum.clone())).ok()
}

/// Random letters and digits for a password.
fn drawn() -> Result<String, Failure> {
    let mut bytes = [0_u8; 9];
    OsEntropy.fill(&mut bytes).map_err(|error| Failure::failed("NO_ENTROPY", error.to_string()))?;
    Ok(tenantry_identity::text::hex(&bytes))
}
