//! Users.

use serde_json::{Value, json};
use tenantry_store::Subject;
use zeroize::Zeroizing;

use super::Draft;
use crate::act::Act;
use crate::connections::Connection;
use crate::inventory::Inventory;
use crate::logs::Event;
use crate::text::{Fields, time};
use crate::users::{NewUser, User, metadata, terms, update};
use crate::{Kind, Refusal};

/// What changes of a user.
#[derive(Clone, Default)]
pub struct UserChange {
    /// `email`, `username`, `phone_number`, `email_verified`, `blocked`, `name`, …, `user_metadata` (merged at its first
    /// level) and `app_metadata` (the same).
    pub fields: Fields,
    /// May it act for the platform as a whole?
    pub platform: Option<bool>,
    /// Its new password.
    pub password: Option<Zeroizing<String>>,
}

/// Passwords stay out of logs.
impl std::fmt::Debug for UserChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserChange").field("platform", &self.platform).finish_non_exhaustive()
    }
}

impl Draft<'_> {
    /// Makes a user, as [`crate::Identity::create_user`]. Its password is hashed now.
    ///
    /// # Errors
    /// [`Refusal::Invalid`], [`Refusal::Password`].
    pub async fn create_user(&mut self, connection: &Connection, mut new: NewUser) -> Result<User, Refusal> {
        let options = options(connection);
        let plain = new.password.take();
        new.without_password = plain.is_none();
        // The form asks whether there is one.
        new.password.clone_from(&plain);
        let mut ready = self.identity.shaped_user(&connection.strategy, &options, new)?;
        if let Some(plain) = plain {
            let about = ready.user.about();
            let id = ready.user.id.clone();
            ready.password = Some(self.identity.prepare_password(&options, &about, &id, plain).await?);
        }
        let user = &ready.user;
        let inputs = json!({ "id": user.id, "connection": user.connection, "platform": user.platform });
        self.begin(Kind::User, &Act { name: "users.create", tenant: "", workspace: None, inputs });
        ready.write(&mut self.batch);
        Ok(ready.user)
    }

    /// Changes a user, as [`crate::Identity::update_user`].
    ///
    /// # Errors
    /// [`Refusal::Missing`], [`Refusal::Invalid`], [`Refusal::Password`].
    pub async fn update_user(&mut self, there: &Inventory, id: &str, change: UserChange) -> Result<User, Refusal> {
        let before = there.users.get(id).ok_or(Refusal::Missing(Kind::User))?;
        let login = there.logins.get(id).and_then(|logins| logins.first());
        let mut login = login.cloned().ok_or(Refusal::Internal("a user without an identity"))?;
        let was = login.clone();
        let mut user = before.clone();
        update::apply(&mut user, &mut login, &change.fields)?;
        metadata::fall_back(&mut user, Some(before));
        user.platform = change.platform.unwrap_or(user.platform);
        let mut password = None;
        if let Some(plain) = change.password {
            let options = there.connections.get(&login.connection).map(options).unwrap_or_default();
            password = Some(self.identity.prepare_password(&options, &user.about(), &login.own_id(), plain).await?);
            user.fields.insert("last_password_reset".to_owned(), json!(time(self.identity.now())));
        }
        metadata::check_length(&user)?;
        user.updated_micros = self.identity.now();
        // Names only: what the record holds can never be removed from it.
        let names: Vec<&String> = change.fields.keys().collect();
        let inputs = json!({
            "id": id, "changed": names, "blocked": user.blocked, "platform": user.platform,
            "new_secret": password.is_some(),
        });
        self.begin(Kind::User, &Act { name: "users.update", tenant: "", workspace: None, inputs });
        self.batch.update_user(&user.to_row());
        if login != was {
            self.batch.update_user_identity(&login);
        }
        let moved = |name| user.fields.get(name) != before.fields.get(name);
        if moved("user_metadata") || moved("app_metadata") {
            self.batch.put_user_terms(&user.id, &terms::terms(&user.fields));
        }
        if let Some(password) = &password {
            self.batch.put_password(password);
            self.events.push(Event { user_id: Some(id.to_owned()), ..Event::new("scp") });
        }
        let lost = user.platform != before.platform || user.blocked != before.blocked;
        if lost || password.is_some() || moved("app_metadata") {
            self.batch.affects(Subject::User(user.id.clone()));
        }
        Ok(user)
    }

    /// Removes a user, as [`crate::Identity::delete_user`].
    pub fn delete_user(&mut self, id: &str) {
        let act = Act { name: "users.delete", tenant: "", workspace: None, inputs: json!({ "id": id }) };
        self.begin(Kind::User, &act);
        self.batch.delete_user(id);
        self.batch.affects(Subject::User(id.to_owned()));
        self.events.push(Event { user_id: Some(id.to_owned()), ..Event::new("sdu") });
    }
}

fn options(connection: &Connection) -> Fields {
    match connection.fields.get("options") {
        Some(Value::Object(options)) => options.clone(),
        _ => Fields::new(),
    }
}
