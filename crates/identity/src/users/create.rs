//! Making a user.

use serde_json::{Value, json};
use tenantry_store::BatchError;
use tenantry_store::identity::passwords::Password;
use tenantry_store::identity::users::UserIdentity as IdentityRow;
use zeroize::Zeroizing;

use crate::act::Act;
use crate::caller::Target;
use crate::text::{Fields, fields};
use crate::users::{User, UserIdentity, metadata, names, terms};
use crate::{Caller, Identity, Kind, Refusal, ids};

/// What a user is made from.
#[derive(Clone, Default)]
pub struct NewUser {
    /// The name of the connection that knows it: a database, or one for codes by e-mail or telephone.
    pub connection: String,
    /// What its id ends with; 24 hexadecimal digits when nothing is said.
    pub user_id: Option<String>,
    /// Its address.
    pub email: Option<String>,
    /// Its name for logging in.
    pub username: Option<String>,
    /// Its telephone number, `+` and digits.
    pub phone: Option<String>,
    /// Its password.
    pub password: Option<Zeroizing<String>>,
    /// The hash of its password (`crate::password::Hash`), instead of the password: an import's.
    pub hash: Option<String>,
    /// It may act for the platform as a whole.
    pub platform: bool,
    /// It has no password until it sets one by a link.
    pub without_password: bool,
    /// `email_verified`, `phone_verified`, `blocked`, `name`, `nickname`, `given_name`, `family_name`, `picture`,
    /// `user_metadata`, `app_metadata`.
    pub fields: Fields,
}

/// Passwords stay out of logs.
impl std::fmt::Debug for NewUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewUser").field("connection", &self.connection).finish_non_exhaustive()
    }
}

/// A user that is ready to be written.
pub(crate) struct ReadyUser {
    pub(crate) user: User,
    pub(crate) identity: IdentityRow,
    pub(crate) password: Option<Password>,
}

impl ReadyUser {
    /// Adds it to a batch. A duplicate at any of the places answered is a user that exists.
    pub(crate) fn write(&self, batch: &mut tenantry_store::Batch) -> [tenantry_store::Place; 2] {
        let user = batch.insert_user(&self.user.to_row());
        let identity = batch.insert_user_identity(&self.identity);
        batch.insert_user_terms(&self.user.id, &terms::terms(&self.user.fields));
        if let Some(password) = &self.password {
            batch.put_password(password);
        }
        [user, identity]
    }
}

impl Identity {
    /// Makes a user.
    ///
    /// # Errors
    /// [`Refusal::Exists`] when the id, address, name or number is taken in the connection;
    /// [`Refusal::Password`] for a password that the connection does not take; [`Refusal::Invalid`].
    pub async fn create_user(&self, caller: &Caller, new: NewUser) -> Result<User, Refusal> {
        caller.may(&["create:users"], Target::Platform)?;
        let ready = self.ready_user(new).await?;
        let inputs =
            json!({ "id": ready.user.id, "connection": ready.user.connection, "platform": ready.user.platform });
        let act = Act { name: "users.create", tenant: "", workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            let places = ready.write(&mut batch);
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Duplicate(place)) if places.contains(&place) => Err(Refusal::Exists(Kind::User)),
                Err(error) => Err(error.into()),
            }
        })
        .await?;
        Ok(ready.user)
    }

    /// Checks what a user is to be made from, and hashes its password. Nothing is written.
    pub(crate) async fn ready_user(&self, new: NewUser) -> Result<ReadyUser, Refusal> {
        let (strategy, doc) = self.store.connection_strategy(&new.connection).await?.ok_or_else(|| {
            Refusal::Invalid { code: "inexistent_connection", message: "The connection does not exist.".to_owned() }
        })?;
        let options = match fields(&doc).shift_remove("options") {
            Some(Value::Object(options)) => options,
            _ => Fields::new(),
        };
        let plain = new.password.clone();
        let mut ready = self.shaped_user(&strategy, &options, new)?;
        if let Some(plain) = plain {
            self.refuse_taken(&ready.user).await?;
            let about = ready.user.about();
            ready.password = Some(self.prepare_password(&options, &about, &ready.user.id, plain).await?);
        }
        Ok(ready)
    }

    /// The same for a connection that is known already, without hashing a password.
    pub(crate) fn shaped_user(&self, strategy: &str, options: &Fields, new: NewUser) -> Result<ReadyUser, Refusal> {
        check_form(&new, strategy, options)?;
        let email = new.email.as_deref().map(names::email).transpose()?;
        let username = new.username.as_deref().map(names::username).transpose()?;
        let phone = new.phone.as_deref().map(names::phone).transpose()?;
        let subject = match &new.user_id {
            Some(subject) if !subject.is_empty() => names::subject(subject)?,
            _ => ids::hex(self.entropy.as_ref(), "", 12)?,
        };
        let now = self.now();
        let mut user = User {
            id: [strategy, "|", &subject].concat(),
            connection: new.connection,
            email: email.map(|email| email.whole),
            username,
            phone,
            email_verified: false,
            phone_verified: false,
            blocked: false,
            platform: new.platform,
            logins: 0,
            last_login_micros: None,
            last_ip: None,
            fields: Fields::new(),
            identities: Vec::new(),
            created_micros: now,
            updated_micros: now,
            version: 1,
        };
        for (name, value) in new.fields {
            metadata::apply(&mut user, &name, value)?;
        }
        metadata::fall_back(&mut user, None);
        metadata::check_length(&user)?;
        let identity = IdentityRow {
            provider: strategy.to_owned(),
            subject: subject.clone(),
            user_id: user.id.clone(),
            connection: user.connection.clone(),
            ordinal: 0,
            email: user.email.clone(),
            username: user.username.clone(),
            phone: user.phone.clone(),
            doc: "{}".to_owned(),
        };
        user.identities.push(UserIdentity {
            provider: strategy.to_owned(),
            subject,
            connection: user.connection.clone(),
            profile: None,
        });
        let password = new.hash.map(|hash| Password {
            user_id: user.id.clone(),
            hash,
            history: "[]".to_owned(),
            updated_micros: now,
        });
        Ok(ReadyUser { user, identity, password })
    }

    /// A hash is dear: what surely exists already is refused before.
    async fn refuse_taken(&self, user: &User) -> Result<(), Refusal> {
        use tenantry_store::identity::users::LoginName;
        let names = [
            user.email.as_deref().map(LoginName::Email),
            user.username.as_deref().map(LoginName::Username),
            user.phone.as_deref().map(LoginName::Phone),
        ];
        for name in names.into_iter().flatten() {
            if self.store.login_identity(&user.connection, name).await?.is_some() {
                return Err(Refusal::Exists(Kind::User));
            }
        }
        Ok(())
    }
}

fn missing(property: &str) -> Refusal {
    Refusal::Invalid {
        code: "invalid_body",
        message: format!("Payload validation error: 'Missing required property: {property}'."),
    }
}

/// What each kind of connection needs, and does not take.
fn check_form(new: &NewUser, strategy: &str, options: &Fields) -> Result<(), Refusal> {
    let unfit = |message: &str| Err(Refusal::invalid(message));
    match strategy {
        "auth0" => {
            if new.email.is_none() && new.username.is_none() && new.phone.is_none() {
                return Err(missing("email"));
            }
            if new.password.is_none() && new.hash.is_none() && !new.platform && !new.without_password {
                return Err(missing("password"));
            }
            if options.get("requires_username") == Some(&Value::Bool(true)) && new.username.is_none() {
                return unfit("missing username for a connection with requires_username enabled");
            }
            Ok(())
        }
        "email" | "sms" if new.password.is_some() || new.hash.is_some() => {
            unfit("a password cannot be set in a passwordless connection")
        }
        "email" | "sms" if new.username.is_some() => unfit("a username cannot be set in a passwordless connection"),
        "email" if new.email.is_none() => Err(missing("email")),
        "sms" if new.phone.is_none() => Err(missing("phone_number")),
        "email" | "sms" => Ok(()),
        _ => Err(Refusal::Unsupported("Users of this connection are made by logging in, not through this API.")),
    }
}
