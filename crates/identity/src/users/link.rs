//! Several logins of one user: linking a user to another one, and letting it go again.

use serde_json::{Value, json};
use tenantry_store::identity::users::UserIdentity as IdentityRow;
use tenantry_store::{BatchError, Subject};

use crate::act::Act;
use crate::identity::TRIES;
use crate::text::{Fields, fields, time};
use crate::users::{User, UserIdentity, is_id, may, metadata, terms};
use crate::{Caller, Identity, Kind, Refusal};

/// The most identities of a user.
const MOST: usize = 50;

impl Identity {
    /// Makes what another user may log in as identities of this one. The other user is no more: its roles,
    /// memberships and metadata go, its passwords stay.
    ///
    /// # Errors
    /// [`Refusal::Missing`] for either user; [`Refusal::Exists`] when it is linked already;
    /// [`Refusal::Invalid`] for a user and itself.
    pub async fn link_user(
        &self,
        caller: &Caller,
        id: &str,
        provider: &str,
        subject: &str,
        connection_id: Option<&str>,
    ) -> Result<Vec<UserIdentity>, Refusal> {
        may(caller, &["update:users"], &[], id)?;
        let subject = own_part(provider, subject);
        if !is_id(id) || !is_id(subject) {
            return Err(Refusal::Missing(Kind::User));
        }
        for _ in 0..TRIES {
            let row = self.store.user(id).await?.ok_or(Refusal::Missing(Kind::User))?;
            let linked = self.store.user_identity(provider, subject).await?.ok_or(Refusal::Missing(Kind::User))?;
            if let Some(connection_id) = connection_id
                && self.store.connection_name(connection_id).await?.as_ref() != Some(&linked.connection)
            {
                return Err(Refusal::Missing(Kind::User));
            }
            if linked.user_id == id {
                if linked.ordinal == 0 {
                    return Err(Refusal::invalid("Main principal and specified identity should be different"));
                }
                return Err(Refusal::Exists(Kind::UserIdentity));
            }
            if linked.ordinal != 0 {
                return Err(Refusal::Exists(Kind::UserIdentity));
            }
            let other = self.store.user(&linked.user_id).await?.ok_or(Refusal::Missing(Kind::User))?;
            let mut own = self.store.user_identities(&[id.to_owned()]).await?;
            let mut moved = self.store.user_identities(std::slice::from_ref(&other.id)).await?;
            if own.len() + moved.len() > MOST {
                return Err(Refusal::invalid(format!("A user has no more than {MOST} identities")));
            }
            let other = User::from_rows(other, moved.clone());
            let next = own.last().map_or(0, |last| last.ordinal) + 1;
            for (ordinal, identity) in (next..).zip(&mut moved) {
                if identity.ordinal == 0 {
                    identity.doc = json!({ "profileData": profile(&other) }).to_string();
                }
                identity.user_id = id.to_owned();
                identity.ordinal = ordinal;
            }
            let mut user = User::from_rows(row, own.clone());
            // Whoever can log in as the other will be this user, and this user's name will be the other's.
            self.may_become(caller, &user).await?;
            self.may_become(caller, &other).await?;
            user.updated_micros = self.now();
            let inputs = json!({ "id": id, "linked": other.id });
            let act = Act { name: "users.link", tenant: "", workspace: None, inputs };
            let done = self.act(caller, act, async {
                let mut batch = self.store.batch();
                batch.update_user(&user.to_row());
                for identity in &moved {
                    batch.update_user_identity(identity);
                }
                batch.delete_emptied_user(&other.id, other.version);
                batch.affects(Subject::User(other.id.clone()));
                match self.store.commit(batch).await {
                    Ok(_) => Ok(true),
                    Err(BatchError::Untouched(_)) => Ok(false),
                    Err(error) => Err(error.into()),
                }
            });
            if done.await? {
                own.extend(moved);
                return Ok(User::from_rows(user.to_row(), own).identities);
            }
        }
        Err(Refusal::Contended(Kind::User))
    }

    /// Makes an identity of a user a user of its own again, with the profile that it brought and nothing else.
    ///
    /// # Errors
    /// [`Refusal::Missing`]; [`Refusal::Invalid`] for the first identity.
    pub async fn unlink_user(
        &self,
        caller: &Caller,
        id: &str,
        provider: &str,
        subject: &str,
    ) -> Result<Vec<UserIdentity>, Refusal> {
        may(caller, &["update:users"], &["update:current_user_identities"], id)?;
        let subject = own_part(provider, subject);
        if !is_id(id) || !is_id(subject) {
            return Err(Refusal::Missing(Kind::User));
        }
        for _ in 0..TRIES {
            let row = self.store.user(id).await?.ok_or(Refusal::Missing(Kind::User))?;
            let mut own = self.store.user_identities(&[id.to_owned()]).await?;
            let Some(place) = own.iter().position(|one| one.provider == provider && one.subject == subject) else {
                return Err(Refusal::Missing(Kind::UserIdentity));
            };
            if place == 0 {
                return Err(Refusal::invalid("The main identity of a user cannot be unlinked"));
            }
            let mut freed = own.remove(place);
            let mut user = User::from_rows(row, own.clone());
            user.updated_micros = self.now();
            let alone = self.on_its_own(&freed)?;
            freed.user_id.clone_from(&alone.id);
            freed.ordinal = 0;
            freed.doc = "{}".to_owned();
            let inputs = json!({ "id": id, "unlinked": alone.id });
            let act = Act { name: "users.unlink", tenant: "", workspace: None, inputs };
            let done = self.act(caller, act, async {
                let mut batch = self.store.batch();
                let row = batch.update_user(&user.to_row());
                batch.insert_user(&alone.to_row());
                batch.insert_user_terms(&alone.id, &terms::terms(&alone.fields));
                batch.update_user_identity(&freed);
                // Whoever came in by this login is no longer this user.
                batch.affects(Subject::User(user.id.clone()));
                match self.store.commit(batch).await {
                    Ok(_) => Ok(true),
                    Err(BatchError::Untouched(place)) if place == row => Ok(false),
                    Err(BatchError::Duplicate(_)) => Err(Refusal::Exists(Kind::User)),
                    Err(error) => Err(error.into()),
                }
            });
            if done.await? {
                return Ok(user.identities);
            }
        }
        Err(Refusal::Contended(Kind::User))
    }

    fn on_its_own(&self, freed: &IdentityRow) -> Result<User, Refusal> {
        let mut profile = match fields(&freed.doc).shift_remove("profileData") {
            Some(Value::Object(profile)) => profile,
            _ => Fields::new(),
        };
        let now = self.now();
        let mut text = |name: &str| match profile.shift_remove(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        let mut user = User {
            id: freed.own_id(),
            connection: freed.connection.clone(),
            email: text("email").or_else(|| freed.email.clone()),
            username: text("username").or_else(|| freed.username.clone()),
            phone: text("phone_number").or_else(|| freed.phone.clone()),
            email_verified: false,
            phone_verified: false,
            // What was blocked before it was linked stays so.
            blocked: false,
            platform: false,
            logins: 0,
            last_login_micros: None,
            last_ip: None,
            fields: Fields::new(),
            identities: Vec::new(),
            created_micros: now,
            updated_micros: now,
            version: 1,
        };
        for (name, value) in profile {
            if !matches!(name.as_str(), "created_at" | "last_password_reset") {
                metadata::apply(&mut user, &name, value)?;
            }
        }
        metadata::fall_back(&mut user, None);
        Ok(user)
    }
}

/// `auth0|abc` and `abc` mean the same beside the provider `auth0`.
fn own_part<'a>(provider: &str, subject: &'a str) -> &'a str {
    subject.strip_prefix(provider).and_then(|rest| rest.strip_prefix('|')).unwrap_or(subject)
}

/// What a user brings along as an identity of another one.
fn profile(user: &User) -> Fields {
    let mut profile = Fields::new();
    for (name, value) in [("email", &user.email), ("username", &user.username), ("phone_number", &user.phone)] {
        if let Some(value) = value {
            profile.insert(name.to_owned(), json!(value));
        }
    }
    if user.email.is_some() {
        profile.insert("email_verified".to_owned(), json!(user.email_verified));
    }
    if user.phone.is_some() {
        profile.insert("phone_verified".to_owned(), json!(user.phone_verified));
    }
    for name in ["name", "nickname", "given_name", "family_name", "picture", "blocked"] {
        if let Some(value) = user.fields.get(name) {
            profile.insert(name.to_owned(), value.clone());
        }
    }
    profile.insert("created_at".to_owned(), json!(time(user.created_micros)));
    profile
}
