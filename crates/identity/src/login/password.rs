//! A login by password.

use std::net::IpAddr;

use serde_json::{Value, json};
use tenantry_store::BatchError;
use tenantry_store::identity::sessions::Session;
use tenantry_store::identity::users::{User, UserIdentity};
use zeroize::Zeroizing;

use crate::act::Act;
use crate::caller::Reach;
use crate::login::limits::{Counted, Stop, USER_FAILURES, forgive, nobody_subject, user_subject};
use crate::login::name::{Names, login_names};
use crate::logs::Event;
use crate::password::Hash;
use crate::text::time;
use crate::{Caller, Identity, Refusal, ids};

const DAY: i64 = 86_400_000_000;

/// How long a session lives, and how long without being used.
const SESSION: i64 = 7 * DAY;
pub(crate) const SESSION_IDLE: i64 = 3 * DAY;

/// Somebody says who they are.
pub struct Login {
    /// The connection's name.
    pub connection: String,
    /// What they typed: an address, a name or a number.
    pub identifier: String,
    /// The password that they typed.
    pub password: Zeroizing<String>,
    /// The account that they want to enter, by id.
    pub account: Option<String>,
    /// The client through which they log in.
    pub client: Option<String>,
    /// From where.
    pub address: Option<IpAddr>,
    /// What their browser calls itself.
    pub user_agent: Option<String>,
    /// Should a session begin?
    pub session: bool,
    /// The request's id.
    pub request_id: String,
}

/// Passwords stay out of logs.
impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("connection", &self.connection).finish_non_exhaustive()
    }
}

/// Somebody who is who they say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedIn {
    /// The user.
    pub user_id: String,
    /// The session that began, where one was asked for.
    pub session_id: Option<String>,
}

/// Why somebody is not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoginRefusal {
    /// The name or the password is wrong; which of them is not told.
    #[error("Wrong email or password.")]
    Wrong,
    /// The password is right, but the user is blocked.
    #[error("user is blocked")]
    Blocked,
    /// Too many attempts failed for this user from this address.
    #[error("Your account has been blocked after multiple consecutive login attempts.")]
    TooMany,
    /// Too many attempts failed from this address; again after so many seconds.
    #[error("too many attempts from this address")]
    Throttled {
        /// Seconds, 1 or more.
        retry_after: u64,
    },
    /// Nothing was checked.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// Whom a name means.
struct Known {
    user: User,
    identity: UserIdentity,
    hash: Option<String>,
}

impl Identity {
    /// Checks a name and a password. Every attempt is counted, logged, and on record.
    ///
    /// # Errors
    /// [`LoginRefusal`].
    pub async fn login(&self, login: Login) -> Result<LoggedIn, LoginRefusal> {
        let names = login_names(&login.identifier);
        let known = self.known(&login.connection, &names).await?;
        let subject = known
            .as_ref()
            .map_or_else(|| nobody_subject(&login.connection, names.text()), |known| user_subject(&known.user.id));
        let counted = Counted::new(subject, login.account.as_deref(), login.address);
        let failures = match self.begin_attempt(&counted).await? {
            Ok(failures) => failures,
            Err(stop) => return Err(self.stopped(&login, known.as_ref(), stop).await),
        };
        let hash = known.as_ref().and_then(|known| known.hash.clone());
        let fits = match self.password_fits(login.password.clone(), hash.clone()).await {
            Ok(fits) => fits,
            Err(refusal) => {
                // Nothing was tried, so nothing failed.
                self.take_back(&counted).await?;
                return Err(refusal.into());
            }
        };
        let Some(known) = known.as_ref().filter(|_| fits) else {
            if failures >= USER_FAILURES {
                self.block_attempt(&counted).await?;
                self.note(&login, known.as_ref(), "limit_wc", "the user was blocked from this address");
            }
            let kind = if known.is_some() { "fp" } else { "fu" };
            self.note(&login, known.as_ref(), kind, "Wrong email or password.");
            self.on_record(&login, known.as_ref(), "wrong name or password").await;
            return Err(LoginRefusal::Wrong);
        };
        if known.user.blocked {
            self.note(&login, Some(known), "f", "user is blocked");
            self.on_record(&login, Some(known), "the user is blocked").await;
            return Err(LoginRefusal::Blocked);
        }
        let session_id = self.let_in(&login, known, &counted, hash).await?;
        self.note(&login, Some(known), "s", "");
        Ok(LoggedIn { user_id: known.user.id.clone(), session_id })
    }

    /// The user whom a name means in a connection.
    async fn known(&self, connection: &str, names: &Names) -> Result<Option<Known>, Refusal> {
        for way in names.ways() {
            if let Some(identity) = self.store.login_identity(connection, way).await? {
                let own_id = identity.own_id();
                let (user, password) =
                    tokio::try_join!(self.store.user(&identity.user_id), self.store.password(&own_id))?;
                return Ok(user.map(|user| Known { user, identity, hash: password.map(|row| row.hash) }));
            }
        }
        Ok(None)
    }

    /// Lets somebody in: forgets the failures, notes the login, begins the session, makes a weak hash anew.
    async fn let_in(
        &self,
        login: &Login,
        known: &Known,
        counted: &Counted,
        hash: Option<String>,
    ) -> Result<Option<String>, LoginRefusal> {
        let renewed = match hash.clone() {
            Some(old) if !Hash::parse(&old).is_ok_and(|hash| hash.is_ours()) => {
                let new = self.hash_password(login.password.clone()).await?;
                Some((old, new))
            }
            _ => None,
        };
        let now = self.now();
        let session = if login.session { Some(self.new_session(login, &known.user.id, now)?) } else { None };
        let caller = self.login_caller(login, Some(&known.user.id));
        let tenant = self.login_tenant(login).await?;
        let inputs = json!({ "connection": login.connection, "session": session.as_ref().map(|session| &session.id) });
        let act = Act { name: "users.login", tenant: &tenant, workspace: None, inputs };
        let kept = self
            .act(&caller, act, async {
                let mut batch = self.store.batch();
                // INVARIANT: no session begins by a password that was changed while it was checked.
                if let Some(hash) = &hash {
                    batch.keep_hash(&known.identity.own_id(), hash);
                }
                forgive(&mut batch, counted);
                batch.note_login(&known.user.id, now, login.address.map(|ip| ip.to_canonical().to_string()).as_deref());
                if let Some((old, new)) = &renewed {
                    batch.replace_hash(&known.identity.own_id(), old, new);
                }
                if let Some(session) = &session {
                    batch.insert_session(session);
                }
                match self.store.commit(batch).await {
                    Ok(_) => Ok(true),
                    Err(BatchError::Untouched(_)) => Ok(false),
                    Err(error) => Err(error.into()),
                }
            })
            .await?;
        if !kept {
            self.note(login, Some(known), "fp", "The password was changed meanwhile.");
            return Err(LoginRefusal::Wrong);
        }
        Ok(session.map(|session| session.id))
    }

    fn new_session(&self, login: &Login, user_id: &str, now: i64) -> Result<Session, Refusal> {
        let address = login.address.map(|ip| ip.to_canonical().to_string());
        let device = json!({
            "initial_ip": address, "last_ip": address,
            "initial_user_agent": login.user_agent, "last_user_agent": login.user_agent,
        });
        let clients: Vec<Value> = login.client.iter().map(|client| json!({ "client_id": client })).collect();
        let doc = json!({
            "device": device,
            "clients": clients,
            "authentication": { "methods": [{ "name": "pwd", "timestamp": time(now) }] },
        });
        Ok(Session {
            id: ids::letters(self.entropy.as_ref(), "sess_", 32)?,
            user_id: user_id.to_owned(),
            doc: doc.to_string(),
            created_micros: now,
            seen_micros: now,
            idle_micros: now.saturating_add(SESSION_IDLE),
            expires_micros: now.saturating_add(SESSION),
        })
    }

    async fn stopped(&self, login: &Login, known: Option<&Known>, stop: Stop) -> LoginRefusal {
        self.on_record(login, known, "too many attempts").await;
        match stop {
            Stop::User => {
                self.note(login, known, "limit_wc", "the user is blocked from this address");
                LoginRefusal::TooMany
            }
            Stop::Address { retry_after } => {
                self.note(login, known, "limit_mu", "too many logins failed from this address");
                LoginRefusal::Throttled { retry_after }
            }
        }
    }

    fn note(&self, login: &Login, known: Option<&Known>, kind: &'static str, description: &str) {
        self.log(Event {
            kind,
            description: (!description.is_empty()).then(|| description.to_owned()),
            user_id: known.map(|known| known.user.id.clone()),
            user_name: Some(login.identifier.clone()),
            connection: Some(login.connection.clone()),
            client_id: login.client.clone(),
            account: login.account.clone(),
            address: login.address,
            user_agent: login.user_agent.clone(),
            ..Event::default()
        });
    }

    async fn on_record(&self, login: &Login, known: Option<&Known>, why: &str) {
        let caller = self.login_caller(login, known.map(|known| known.user.id.as_str()));
        let tenant = self.login_tenant(login).await.unwrap_or_default();
        let inputs = json!({ "connection": login.connection, "why": why });
        let act = Act { name: "users.login", tenant: &tenant, workspace: None, inputs };
        self.refused(&caller, act, &Refusal::Forbidden { any_of: &[] }).await;
    }

    fn login_caller(&self, login: &Login, user_id: Option<&str>) -> Caller {
        Caller {
            user: user_id.map(str::to_owned),
            client: login.client.clone(),
            delegate: None,
            reach: Reach::Platform(Vec::new()),
            address: login.address,
            request_id: login.request_id.clone(),
        }
    }

    /// The tenant id of the account to enter, on whose chain the login stands.
    async fn login_tenant(&self, login: &Login) -> Result<String, Refusal> {
        match &login.account {
            Some(id) => Ok(self.store.account(id).await?.map(|account| account.tenant_id).unwrap_or_default()),
            None => Ok(String::new()),
        }
    }
}
