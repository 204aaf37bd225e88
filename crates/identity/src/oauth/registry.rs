//! What tokens are made from, kept in memory: clients, APIs, grants, settings, accounts.
//!
//! An entry is used while nobody changed anything that servers keep in memory: not by this server (its own
//! writes are counted), nor rights on another (changes are numbered), and for a second at most, since what
//! others write without a change of rights, say the life of an API's tokens, is not told. So a busy client
//! costs a handful of queries a second, and none for each token.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use moka::sync::Cache;
use serde_json::Value;
use tenantry_store::identity::accounts::Account;

use crate::clients::lookup::{KnownApi, KnownClient, KnownGrant};
use crate::text::Fields;
use crate::{Identity, Refusal};

/// How long an entry is used at most.
const LONGEST: Duration = Duration::from_secs(1);

/// How many entries of a kind are kept.
const MOST: u64 = 10_000;

/// There is one of them.
const SETTINGS: &str = "settings";

/// A client, with what its secret is compared by.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) known: KnownClient,
    secret: Option<[u8; 32]>,
}

impl Client {
    pub(crate) fn id(&self) -> &str {
        &self.known.id
    }

    /// Is this its secret? Compared by their hashes, which takes as long whatever was sent.
    pub(crate) fn has_secret(&self, sent: &str) -> bool {
        let Some(secret) = &self.secret else { return false };
        verify_slices_are_equal(secret, digest(&SHA256, sent.as_bytes()).as_ref()).is_ok()
    }
}

/// When something was read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamp {
    /// The number of the last change of rights.
    pub(crate) number: i64,
    writes: u64,
    at: Duration,
}

impl Stamp {
    fn holds(self, now: Stamp) -> bool {
        self.number == now.number && self.writes == now.writes && now.at.saturating_sub(self.at) < LONGEST
    }
}

type Kept<T> = Cache<String, (Stamp, Arc<T>)>;

/// What is kept.
pub(crate) struct Registry {
    clients: Kept<Client>,
    apis: Kept<KnownApi>,
    grants: Kept<KnownGrant>,
    accounts: Kept<Account>,
    reaches: Kept<()>,
    settings: Kept<Fields>,
}

impl Registry {
    pub(crate) fn new() -> Registry {
        fn kept<T: Send + Sync + 'static>() -> Kept<T> {
            Cache::new(MOST)
        }
        Registry { clients: kept(), apis: kept(), grants: kept(), accounts: kept(), reaches: kept(), settings: kept() }
    }
}

fn known<T: Send + Sync + 'static>(kept: &Kept<T>, key: &str, now: Stamp) -> Option<Arc<T>> {
    kept.get(key).filter(|(stamp, _)| stamp.holds(now)).map(|(_, value)| value)
}

fn keep<T: Send + Sync + 'static>(kept: &Kept<T>, key: &str, now: Stamp, value: T) -> Arc<T> {
    let value = Arc::new(value);
    kept.insert(key.to_owned(), (now, Arc::clone(&value)));
    value
}

impl Identity {
    /// Now. Taken before anything is read for a token: a change that comes in between then counts against
    /// the token.
    pub(crate) fn stamp(&self) -> Stamp {
        let epochs = self.store.epochs();
        Stamp { number: epochs.number(), writes: epochs.writes(), at: self.clock.monotonic() }
    }

    /// The client of that id. What is not there is asked for each time: it may come any moment.
    pub(crate) async fn kept_client(&self, id: &str, now: Stamp) -> Result<Option<Arc<Client>>, Refusal> {
        if let Some(client) = known(&self.registry.clients, id, now) {
            return Ok(Some(client));
        }
        let Some(client) = self.known_client(id).await? else { return Ok(None) };
        let secret = self.client_secret(&client)?.map(|secret| digest(&SHA256, &secret));
        let secret = secret.and_then(|hash| hash.as_ref().try_into().ok());
        Ok(Some(keep(&self.registry.clients, id, now, Client { known: client, secret })))
    }

    /// The API of that identifier.
    pub(crate) async fn kept_api(&self, identifier: &str, now: Stamp) -> Result<Option<Arc<KnownApi>>, Refusal> {
        if let Some(api) = known(&self.registry.apis, identifier, now) {
            return Ok(Some(api));
        }
        let api = self.known_api(identifier).await?;
        Ok(api.map(|api| keep(&self.registry.apis, identifier, now, api)))
    }

    /// What a client may ask of an API, for itself (`client`) or on behalf of users (`user`).
    pub(crate) async fn kept_grant(
        &self,
        client: &str,
        api: &KnownApi,
        subject: &str,
        now: Stamp,
    ) -> Result<Option<Arc<KnownGrant>>, Refusal> {
        let key = [subject, " ", client, " ", &api.id].concat();
        if let Some(grant) = known(&self.registry.grants, &key, now) {
            return Ok(Some(grant));
        }
        let grant = self.known_grant(client, api, subject).await?;
        Ok(grant.map(|grant| keep(&self.registry.grants, &key, now, grant)))
    }

    /// May the grant be used in this account?
    pub(crate) async fn kept_reach(&self, grant: &KnownGrant, account: &str, now: Stamp) -> Result<bool, Refusal> {
        let key = [&grant.id, " ", account].concat();
        if known(&self.registry.reaches, &key, now).is_some() {
            return Ok(true);
        }
        let reaches = self.grant_reaches(grant, account).await?;
        if reaches {
            keep(&self.registry.reaches, &key, now, ());
        }
        Ok(reaches)
    }

    /// The account of that id or name.
    pub(crate) async fn kept_account(&self, named: &str, now: Stamp) -> Result<Option<Arc<Account>>, Refusal> {
        if let Some(account) = known(&self.registry.accounts, named, now) {
            return Ok(Some(account));
        }
        let account = if named.starts_with("org_") { self.store.account(named).await? } else { None };
        let account = match account {
            Some(account) => Some(account),
            None => self.store.account_named(&named.to_lowercase()).await?,
        };
        Ok(account.map(|account| keep(&self.registry.accounts, named, now, account)))
    }

    /// The platform's settings.
    pub(crate) async fn kept_settings(&self, now: Stamp) -> Result<Arc<Fields>, Refusal> {
        if let Some(settings) = known(&self.registry.settings, SETTINGS, now) {
            return Ok(settings);
        }
        let settings = self.known_settings().await?;
        Ok(keep(&self.registry.settings, SETTINGS, now, settings))
    }
}

/// A text among settings, unless it is empty.
pub(crate) fn setting_text<'a>(settings: &'a Fields, name: &str) -> Option<&'a str> {
    settings.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Is this flag among the settings set?
pub(crate) fn setting_flag(settings: &Fields, name: &str) -> bool {
    settings.get(name).and_then(Value::as_bool).unwrap_or(false)
}
