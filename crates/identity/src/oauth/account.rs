//! The account (organization) that a token is asked for.

use std::sync::Arc;

use tenantry_store::identity::accounts::Account;
use tenantry_store::identity::workspaces::Workspace;

use crate::accounts::Status;
use crate::oauth::params::shown;
use crate::oauth::registry::{Client, Stamp, setting_flag};
use crate::oauth::{OAuthError, OAuthKind};
use crate::text::Fields;
use crate::{Identity, Kind};

impl Identity {
    /// The account that a request names, by id or name. One that does not exist, or is not active, is told
    /// from no other.
    pub(crate) async fn asked_account(
        &self,
        named: Option<&str>,
        now: Stamp,
    ) -> Result<Option<Arc<Account>>, OAuthError> {
        let Some(named) = named else { return Ok(None) };
        let account = self.kept_account(named, now).await?;
        match account.filter(|account| Status::parse(&account.status) == Some(Status::Active)) {
            Some(account) => Ok(Some(account)),
            None => Err(OAuthError::invalid(format!("invalid organization: {}", shown(named)))),
        }
    }

    /// The workspace of that id or name in the account.
    pub(crate) async fn asked_workspace(
        &self,
        account: Option<&Account>,
        named: Option<&str>,
    ) -> Result<Option<Workspace>, OAuthError> {
        let Some(named) = named else { return Ok(None) };
        let Some(account) = account else {
            return Err(OAuthError::invalid("A workspace lies in an organization: name one."));
        };
        let workspace = match self.store.workspace(named).await? {
            Some(workspace) => Some(workspace),
            None => self.store.workspace_named(&account.id, named).await?,
        };
        let fits = |workspace: &Workspace| workspace.account_id == account.id && workspace.status == "active";
        match workspace.filter(fits) {
            Some(workspace) => Ok(Some(workspace)),
            None => Err(OAuthError::invalid(format!("invalid {}: {}", Kind::Workspace.name(), shown(named)))),
        }
    }
}

/// The account as tokens name it; the name only where the platform says so.
pub(crate) fn as_claims<'a>(account: &'a Account, settings: &Fields) -> (&'a str, Option<&'a str>) {
    let with_name = setting_flag(settings, "allow_organization_name_in_authentication_api");
    (&account.id, with_name.then_some(account.name.as_str()))
}

/// Refuses where the client's users must, or may not, name an organization. A client of which nothing is said
/// leaves it to them: who is no member gets nothing by it.
pub(crate) fn check_usage(client: &Client, account: Option<&Account>) -> Result<(), OAuthError> {
    match (client.known.text("organization_usage").unwrap_or("allow"), account) {
        ("require", None) => {
            Err(OAuthError::new(OAuthKind::InvalidRequest, "parameter organization is required for this client"))
        }
        ("deny", Some(_)) => {
            Err(OAuthError::new(OAuthKind::InvalidRequest, "parameter organization is not allowed for this client"))
        }
        _ => Ok(()),
    }
}
