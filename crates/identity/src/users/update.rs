//! Changing a user.

use serde_json::{Value, json};
use tenantry_store::identity::Window;
use tenantry_store::identity::passwords::Password;
use tenantry_store::identity::roles::HeldAt;
use tenantry_store::identity::users::UserIdentity as IdentityRow;
use tenantry_store::{BatchError, Subject};
use zeroize::Zeroizing;

use crate::act::Act;
use crate::caller::Target;
use crate::identity::TRIES;
use crate::logs::Event;
use crate::text::{Fields, fields, time};
use crate::users::{User, is_id, metadata, names, terms};
use crate::{Caller, Identity, Kind, Refusal};

/// What belongs to an identity and not to the user as a whole.
const LOGIN: [&str; 6] = ["email", "email_verified", "username", "phone_number", "phone_verified", "password"];

/// What else a change may hold.
const REST: [&str; 12] = [
    "blocked",
    "name",
    "nickname",
    "given_name",
    "family_name",
    "picture",
    "user_metadata",
    "app_metadata",
    "connection",
    "client_id",
    "verify_email",
    "verify_phone_number",
];

/// What cannot change together, in the words that clients know.
const APART: [(&str, &str, &str); 4] = [
    ("username", "password", "Cannot update username and password simultaneously"),
    ("username", "email_verified", "Cannot update username and email_verified simultaneously"),
    ("password", "email_verified", "Cannot update password and email_verified simultaneously"),
    ("password", "email", "Cannot update password and email simultaneously"),
];

fn unsupported(message: String) -> Refusal {
    Refusal::Invalid { code: "operation_not_supported", message }
}

impl Identity {
    /// Changes a user: members that `change` has replace those that were there, null takes one away; metadata is
    /// merged at its first level, and `{}` empties it. Login names, `password` and what is verified are those of
    /// the first identity, or of the one that `connection` names.
    ///
    /// # Errors
    /// [`Refusal::Missing`]; [`Refusal::Invalid`]; [`Refusal::Password`].
    pub async fn update_user(&self, caller: &Caller, id: &str, change: Fields) -> Result<User, Refusal> {
        may_change(caller, id, &change)?;
        check(&change)?;
        if !is_id(id) {
            return Err(Refusal::Missing(Kind::User));
        }
        let mut password: Option<Password> = None;
        for _ in 0..TRIES {
            let row = self.store.user(id).await?.ok_or(Refusal::Missing(Kind::User))?;
            let mut logins = self.store.user_identities(&[id.to_owned()]).await?;
            let before = User::from_rows(row, logins.clone());
            if change.keys().any(|name| LOGIN.contains(&name.as_str()) || name == "blocked") {
                self.may_become(caller, &before).await?;
            }
            let place = which(&change, &logins)?;
            let Some(login) = logins.get_mut(place) else {
                return Err(Refusal::Internal("a user without an identity"));
            };
            let was = login.clone();
            let mut user = before.clone();
            self.check_connection(&change, login).await?;
            apply(&mut user, login, &change)?;
            if place == 0 {
                metadata::fall_back(&mut user, Some(&before));
            }
            if let (Some(Value::String(plain)), None) = (change.get("password"), &password) {
                let plain = Zeroizing::new(plain.clone());
                let options = self.connection_options(&login.connection).await?;
                password = Some(self.prepare_password(&options, &user.about(), &login.own_id(), plain).await?);
            }
            if password.is_some() {
                user.fields.insert("last_password_reset".to_owned(), json!(time(self.now())));
            }
            metadata::check_length(&user)?;
            user.updated_micros = self.now();
            // Names only: what the record holds can never be removed from it.
            let names: Vec<&String> = change.keys().collect();
            let inputs = json!({ "id": id, "changed": names, "blocked": user.blocked });
            let act = Act { name: "users.update", tenant: "", workspace: None, inputs };
            let done = self.act(caller, act, async {
                let mut batch = self.store.batch();
                let row = batch.update_user(&user.to_row());
                let names = (*login != was).then(|| batch.update_user_identity(login));
                let metadata = |user: &User, name: &str| user.fields.get(name).cloned();
                let moved = |name| metadata(&user, name) != metadata(&before, name);
                if moved("user_metadata") || moved("app_metadata") {
                    batch.put_user_terms(&user.id, &terms::terms(&user.fields));
                }
                if let Some(password) = &password {
                    batch.put_password(password);
                    // Whoever logged in by the one before is logged out.
                    batch.delete_sessions_of(&user.id);
                }
                // Tokens carry what `app_metadata` says.
                if user.blocked != before.blocked || password.is_some() || moved("app_metadata") {
                    batch.affects(Subject::User(user.id.clone()));
                }
                match self.store.commit(batch).await {
                    Ok(_) => Ok(true),
                    // Somebody was faster: read again.
                    Err(BatchError::Untouched(place)) if place == row => Ok(false),
                    Err(BatchError::Duplicate(place)) if Some(place) == names => Err(taken(login, &was)),
                    Err(error) => Err(error.into()),
                }
            });
            if done.await? {
                if password.is_some() {
                    self.log(Event { user_id: Some(id.to_owned()), address: caller.address, ..Event::new("scp") });
                }
                // As the others read it: the identities and the count of changes.
                user.identities = User::from_rows(user.to_row(), logins).identities;
                return Ok(user);
            }
        }
        Err(Refusal::Contended(Kind::User))
    }

    /// Who may change by what somebody logs in, passwords and second factors alike, may become that person. So for whoever acts for the platform it
    /// takes the right to give roles of the platform, too.
    pub(crate) async fn may_become(&self, caller: &Caller, user: &User) -> Result<(), Refusal> {
        if caller.may(&["create:role_members", "update:roles"], Target::Platform).is_ok() {
            return Ok(());
        }
        // What is held counts here even while the user is blocked: lifting the block is one of the changes.
        let (platform, all) = (HeldAt { account: "", workspace: "" }, Window { offset: 0, limit: i64::MAX });
        let acts_for_platform = user.platform
            || self.store.held_roles(&user.id, platform, all).await?.iter().any(|role| role.level == "platform");
        if acts_for_platform { Err(Refusal::Forbidden { any_of: &["create:role_members"] }) } else { Ok(()) }
    }

    /// The same of a user by its id, which must be there.
    pub(crate) async fn may_become_user(&self, caller: &Caller, id: &str) -> Result<(), Refusal> {
        let user = self.known_user(id).await?;
        self.may_become(caller, &user).await
    }

    async fn connection_options(&self, connection: &str) -> Result<Fields, Refusal> {
        let found = self.store.connection_strategy(connection).await?;
        match found.and_then(|(_, doc)| fields(&doc).shift_remove("options")) {
            Some(Value::Object(options)) => Ok(options),
            _ => Ok(Fields::new()),
        }
    }

    /// What another provider says about its users is not changed here.
    async fn check_connection(&self, change: &Fields, login: &IdentityRow) -> Result<(), Refusal> {
        if ["auth0", "email", "sms"].contains(&login.provider.as_str()) {
            return Ok(());
        }
        let options = self.connection_options(&login.connection).await?;
        let keeps_root = options.get("set_user_root_attributes").and_then(Value::as_str) == Some("on_first_login");
        let root = ["name", "nickname", "given_name", "family_name", "picture"];
        let mut fixed: Vec<&str> = change
            .keys()
            .map(String::as_str)
            .filter(|name| LOGIN.contains(name) || (root.contains(name) && !keeps_root))
            .collect();
        if fixed.is_empty() {
            return Ok(());
        }
        fixed.sort_unstable();
        Err(unsupported(format!(
            "The following user attributes cannot be updated: {}. The connection ({}) must either be a database \
             connection (using the Auth0 store), a passwordless connection (email or sms) or has disabled 'Sync user \
             profile attributes at each login'.",
            fixed.join(", "),
            login.connection
        )))
    }
}

fn may_change(caller: &Caller, id: &str, change: &Fields) -> Result<(), Refusal> {
    let only = |allowed: &str| !change.is_empty() && change.keys().all(|name| name == allowed);
    let Err(refusal) = caller.may(&["update:users"], Target::Platform) else { return Ok(()) };
    if only("app_metadata") && caller.may(&["update:users_app_metadata"], Target::Platform).is_ok() {
        return Ok(());
    }
    let is_own = caller.user.as_deref() == Some(id);
    if is_own && only("user_metadata") {
        return caller.may(&["update:current_user_metadata"], Target::Platform);
    }
    Err(refusal)
}

fn check(change: &Fields) -> Result<(), Refusal> {
    let body = |message: String| Refusal::Invalid { code: "invalid_body", message };
    for name in change.keys() {
        if !LOGIN.contains(&name.as_str()) && !REST.contains(&name.as_str()) {
            return Err(body(format!("Payload validation error: 'Additional properties not allowed: {name}'.")));
        }
    }
    if let Some((_, _, message)) =
        APART.iter().find(|(one, other, _)| change.contains_key(*one) && change.contains_key(*other))
    {
        return Err(unsupported((*message).to_owned()));
    }
    if change.contains_key("verify_email") && !change.contains_key("email") {
        return Err(body("Payload validation error: 'Missing required property: email'.".to_owned()));
    }
    if change.contains_key("verify_phone_number") && !change.contains_key("phone_number") {
        return Err(body("Payload validation error: 'Missing required property: phone_number'.".to_owned()));
    }
    if change.get("password") == Some(&Value::Null) {
        return Err(unsupported("A password cannot be taken away".to_owned()));
    }
    Ok(())
}

/// The identity that the change is about.
fn which(change: &Fields, logins: &[IdentityRow]) -> Result<usize, Refusal> {
    let Some(Value::String(connection)) = change.get("connection") else { return Ok(0) };
    logins
        .iter()
        .position(|login| login.connection == *connection)
        .ok_or_else(|| unsupported(format!("The user has no identity in the connection ({connection}).")))
}

pub(crate) fn apply(user: &mut User, login: &mut IdentityRow, change: &Fields) -> Result<(), Refusal> {
    let is_first = login.ordinal == 0;
    let mut profile = match fields(&login.doc).shift_remove("profileData") {
        Some(Value::Object(profile)) if !is_first => profile,
        _ => Fields::new(),
    };
    for (name, value) in change {
        match name.as_str() {
            "email" | "username" | "phone_number" => {
                let text = match value {
                    Value::String(text) => Some(match name.as_str() {
                        "email" => names::email(text)?.whole,
                        "username" => names::username(text)?,
                        _ => names::phone(text)?,
                    }),
                    _ => None,
                };
                let (key, verified) = match name.as_str() {
                    "email" => (&mut login.email, Some("email_verified")),
                    "username" => (&mut login.username, None),
                    _ => (&mut login.phone, Some("phone_verified")),
                };
                let changes = *key != text;
                key.clone_from(&text);
                // A new address is not verified because the old one was.
                let unverify = verified.filter(|name| changes && !change.contains_key(*name));
                if is_first {
                    match name.as_str() {
                        "email" => user.email = text,
                        "username" => user.username = text,
                        _ => user.phone = text,
                    }
                    if let Some(verified) = unverify {
                        metadata::apply(user, verified, Value::Bool(false))?;
                    }
                } else {
                    let value = text.map_or(Value::Null, Value::String);
                    crate::text::merge(&mut profile, [(name.clone(), value)].into_iter().collect());
                    if let Some(verified) = unverify {
                        profile.insert(verified.to_owned(), Value::Bool(false));
                    }
                }
            }
            "email_verified" | "phone_verified" if !is_first => drop(profile.insert(name.clone(), value.clone())),
            "password" | "connection" | "client_id" | "verify_email" | "verify_phone_number" => {}
            other => metadata::apply(user, other, value.clone())?,
        }
    }
    if login.email.is_none()
        && login.username.is_none()
        && login.phone.is_none()
        && LOGIN.iter().any(|name| change.get(*name) == Some(&Value::Null))
    {
        return Err(unsupported("A user keeps at least one of email, username and phone_number".to_owned()));
    }
    if !is_first {
        login.doc = json!({ "profileData": profile }).to_string();
    }
    Ok(())
}

fn taken(now: &IdentityRow, was: &IdentityRow) -> Refusal {
    let what = if now.email != was.email {
        "email"
    } else if now.username != was.username {
        "username"
    } else {
        "phone_number"
    };
    Refusal::Invalid { code: "auth0_idp_error", message: format!("The specified new {what} already exists") }
}
