//! The operator's desk: identity's operations on the store, as whoever has the keys. Works while a server
//! runs, which takes notice within a second.

mod arguments;
mod shown;

use std::sync::Arc;

use tenantry_file::Loaded;
use tenantry_identity::accounts::Account;
use tenantry_identity::apis::Api;
use tenantry_identity::clients::{Client, ClientFilter};
use tenantry_identity::connections::{Connection, ConnectionFilter};
use tenantry_identity::roles::{Role, RoleFilter};
use tenantry_identity::users::User;
use tenantry_identity::workspaces::Workspace;
use tenantry_identity::{Caller, Identity, Part, Refusal};
use tenantry_policy::Entropy as _;
use tenantry_store::Store;

pub use arguments::{PartArgs, SetArgs, WHOLE_PAGE, secret};
pub use shown::{Listing, account, card, role, user, workspace};

use crate::ambient::OsEntropy;
use crate::commands::Run;
use crate::output::Failure;
use crate::runtime::{self, Ambient};

/// What the commands on identity work with.
pub struct Desk {
    /// The file.
    pub loaded: Loaded,
    /// What Tenantry itself keeps.
    pub store: Arc<Store>,
    /// The operations.
    pub identity: Arc<Identity>,
    /// The operator.
    pub caller: Caller,
    /// The clock and the generator.
    pub ambient: Ambient,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("store", &self.store).finish_non_exhaustive()
    }
}

impl Desk {
    /// Opens the store of the project, and no source.
    ///
    /// # Errors
    /// What keeps the file or the store from opening.
    pub async fn open(run: &Run<'_>) -> Result<Desk, Failure> {
        let project = run.project()?;
        let loaded = project.load()?;
        let ambient = Ambient::default();
        let (store, identity) = runtime::open_identity(&project, &loaded, &ambient).await?;
        let mut id = [0_u8; 8];
        OsEntropy.fill(&mut id).map_err(|error| Failure::failed("NO_ENTROPY", error.to_string()))?;
        let caller = Caller::operator(["cli_", &tenantry_identity::text::hex(&id)].concat());
        Ok(Desk { loaded, store, identity, caller, ambient })
    }

    /// The account of that name or id.
    ///
    /// # Errors
    /// `NOT_FOUND`.
    pub async fn account(&self, text: &str) -> Result<Account, Failure> {
        let found = match text.starts_with("org_") {
            true => self.identity.account(&self.caller, text).await,
            false => self.identity.account_named(&self.caller, text).await,
        };
        found.map_err(|refusal| unfound(refusal, "account", text, "tenantry account list"))
    }

    /// The workspace of that name or id in an account.
    ///
    /// # Errors
    /// `NOT_FOUND`.
    pub async fn workspace(&self, account: &Account, text: &str) -> Result<Workspace, Failure> {
        let found = match text.starts_with("ws_") {
            true => self.identity.workspace(&self.caller, &account.id, text).await,
            false => self.identity.workspace_named(&self.caller, &account.id, text).await,
        };
        let list = format!("tenantry workspace list {}", account.name);
        found.map_err(|refusal| unfound(refusal, "workspace", text, &list))
    }

    /// The user of that id or e-mail address.
    ///
    /// # Errors
    /// `NOT_FOUND`; `AMBIGUOUS` when several connections have a user with this address.
    pub async fn user(&self, text: &str) -> Result<User, Failure> {
        if text.contains('|') {
            let found = self.identity.user(&self.caller, text).await;
            return found.map_err(|refusal| unfound(refusal, "user", text, "tenantry user list"));
        }
        let mut found = self.identity.users_by_email(&self.caller, text).await.map_err(refused)?;
        match (found.pop(), found.is_empty()) {
            (Some(user), true) => Ok(user),
            (Some(_), false) => Err(Failure::invalid("AMBIGUOUS", format!("several users have the address `{text}`"))
                .hint("name one by its id")),
            (None, _) => Err(Failure::no("NOT_FOUND", format!("there is no user `{text}`")).hint("tenantry user list")),
        }
    }

    /// The API of that identifier or id.
    ///
    /// # Errors
    /// `NOT_FOUND`.
    pub async fn api(&self, text: &str) -> Result<Api, Failure> {
        let found = self.identity.api(&self.caller, text).await;
        found.map_err(|refusal| unfound(refusal, "API", text, "tenantry api list"))
    }

    /// The client of that id, or of a name that only one has.
    ///
    /// # Errors
    /// `NOT_FOUND`; `AMBIGUOUS`.
    pub async fn client(&self, text: &str) -> Result<Client, Failure> {
        match self.identity.client(&self.caller, text).await {
            Err(Refusal::Missing(_)) => {}
            found => return found.map_err(refused),
        }
        let mut named = Vec::new();
        let mut from = None;
        loop {
            let part = Part::From { from, take: 100 };
            let listed = self.identity.clients(&self.caller, &ClientFilter::default(), &part).await.map_err(refused)?;
            named.extend(listed.items.into_iter().filter(|client| client.name == text));
            from = listed.next;
            if from.is_none() {
                break;
            }
        }
        match (named.pop(), named.is_empty()) {
            (Some(client), true) => Ok(client),
            (Some(_), false) => Err(Failure::invalid("AMBIGUOUS", format!("several clients are called `{text}`"))
                .hint("name one by its id")),
            (None, _) => {
                Err(Failure::no("NOT_FOUND", format!("there is no client `{text}`")).hint("tenantry client list"))
            }
        }
    }

    /// The connection of that name or id.
    ///
    /// # Errors
    /// `NOT_FOUND`.
    pub async fn connection(&self, text: &str) -> Result<Connection, Failure> {
        if text.starts_with("con_") {
            let found = self.identity.connection(&self.caller, text).await;
            return found.map_err(|refusal| unfound(refusal, "connection", text, "tenantry connection list"));
        }
        let filter = ConnectionFilter { name: Some(text.to_owned()), ..ConnectionFilter::default() };
        let part = Part::From { from: None, take: 1 };
        let listed = self.identity.connections(&self.caller, &filter, &part).await.map_err(refused)?;
        listed.items.into_iter().next().ok_or_else(|| {
            Failure::no("NOT_FOUND", format!("there is no connection `{text}`")).hint("tenantry connection list")
        })
    }

    /// The role of that name or id: an account's own, or one that the platform offers.
    ///
    /// # Errors
    /// `NOT_FOUND`.
    pub async fn role(&self, account: Option<&str>, text: &str) -> Result<Role, Failure> {
        if text.starts_with("rol_") {
            let found = self.identity.role(&self.caller, text).await;
            return found.map_err(|refusal| unfound(refusal, "role", text, "tenantry role list"));
        }
        for account in account.map(Some).into_iter().chain([None]) {
            let filter = RoleFilter { account: account.map(str::to_owned), name: Some(text.to_owned()) };
            let part = Part::Page { offset: 0, limit: WHOLE_PAGE, total: false };
            let listed = self.identity.roles(&self.caller, &filter, &part).await.map_err(refused)?;
            if let Some(role) = listed.items.into_iter().find(|role| role.name == text) {
                return Ok(role);
            }
        }
        Err(Failure::no("NOT_FOUND", format!("there is no role `{text}`")).hint("tenantry role list"))
    }
}

/// A refusal as the command's failure: 2 for no, 3 for what does not fit, 1 for our fault.
#[must_use]
pub fn refused(refusal: Refusal) -> Failure {
    let message = refusal.to_string();
    match refusal {
        Refusal::Store(error) => runtime::store_failure(&error),
        Refusal::Missing(_) | Refusal::Hidden | Refusal::Exists(_) | Refusal::Contended(_) => {
            Failure::no(refusal.code(), message)
        }
        Refusal::Forbidden { .. } | Refusal::TooMany { .. } | Refusal::KeyReused | Refusal::KeyInUse => {
            Failure::no(refusal.code(), message)
        }
        Refusal::Invalid { .. } | Refusal::Password(_) | Refusal::Unsupported(_) => {
            Failure::invalid(refusal.code(), message)
        }
        _ => Failure::failed(refusal.code(), message),
    }
}

/// The same where what was asked for is not there.
fn unfound(refusal: Refusal, kind: &str, text: &str, list: &str) -> Failure {
    match refusal {
        Refusal::Missing(_) | Refusal::Hidden => {
            Failure::no("NOT_FOUND", format!("there is no {kind} `{text}`")).hint(list)
        }
        refusal => refused(refusal),
    }
}
