//! Where somebody who is logged in goes: the account, and the workspace in it.
//!
//! INVARIANT: only where the user is a member. What a request names chooses among those, and adds none.

use std::sync::Arc;

use tenantry_store::identity::Stretch;
use tenantry_store::identity::accounts::Account;
use tenantry_store::identity::workspaces::Workspace;

use crate::accounts::Status;
use crate::authorize::{Authorization, Live, Stopped};
use crate::{Audience, Identity};

/// So many of each are offered. Who belongs to more is sent here by clients that name the account.
const MOST: i64 = 100;

/// An account, or a workspace in it, where a user belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub(crate) account: Arc<Account>,
    pub(crate) workspace: Option<Workspace>,
}

impl Place {
    /// What a request says to mean it: the account's id and the workspace's.
    #[must_use]
    pub fn ids(&self) -> (&str, Option<&str>) {
        (&self.account.id, self.workspace.as_ref().map(|workspace| workspace.id.as_str()))
    }

    /// The account's name for people.
    #[must_use]
    pub fn account_name(&self) -> &str {
        self.account.display_name.as_deref().unwrap_or(&self.account.name)
    }

    /// The workspace's name for people.
    #[must_use]
    pub fn workspace_name(&self) -> Option<&str> {
        let workspace = self.workspace.as_ref()?;
        Some(workspace.display_name.as_deref().unwrap_or(&workspace.name))
    }
}

/// Where to go.
pub(super) enum Where {
    /// There, or nowhere in particular.
    There(Option<Place>),
    /// The user chooses.
    Choose(Vec<Place>),
}

fn active(status: &str) -> bool {
    Status::parse(status) == Some(Status::Active)
}

impl Identity {
    /// Where the user goes with what the client asks for.
    pub(super) async fn place_of(&self, asked: &Authorization, live: &Live) -> Result<Where, Stopped> {
        let needed = match asked.context() {
            Some(Audience::Portal) if asked.organization.is_some() => {
                let why = "parameter organization is not allowed for this audience";
                return Err(asked.told("invalid_request", why));
            }
            Some(Audience::Portal) => return Ok(Where::There(None)),
            Some(Audience::App | Audience::Dashboard) => true,
            None => asked.client.known.text("organization_usage") == Some("require"),
        };
        let denied = || asked.told("access_denied", "The user is not a member of this organization.");
        if let Some(named) = &asked.organization {
            let account = self.kept_account(named, asked.now).await?.filter(|account| active(&account.status));
            let account = account.ok_or_else(denied)?;
            self.store.membership(&account.id, &live.user.id).await?.ok_or_else(denied)?;
            let Some(named) = asked.workspace.as_deref() else {
                return Ok(Where::There(Some(Place { account, workspace: None })));
            };
            let workspace = match self.store.workspace(named).await? {
                Some(workspace) => Some(workspace),
                None => self.store.workspace_named(&account.id, named).await?,
            };
            let workspace = workspace.filter(|row| row.account_id == account.id && row.status == "active");
            let workspace = workspace.ok_or_else(denied)?;
            self.store.workspace_membership(&workspace.id, &live.user.id).await?.ok_or_else(denied)?;
            return Ok(Where::There(Some(Place { account, workspace: Some(workspace) })));
        }
        if !needed {
            return Ok(Where::There(None));
        }
        let mut places = self.places(&live.user.id).await?;
        match places.len() {
            0 => Err(asked.told("access_denied", "The user is a member of no organization.")),
            1 => Ok(Where::There(places.pop())),
            _ => Ok(Where::Choose(places)),
        }
    }

    /// Where a user belongs, each account before its workspaces.
    async fn places(&self, user: &str) -> Result<Vec<Place>, Stopped> {
        let all = Stretch { after: (i64::MIN, String::new()), offset: 0, limit: MOST };
        let (memberships, workspaces) =
            tokio::try_join!(self.store.memberships(user, &all), self.store.workspaces_of_user(user, MOST))?;
        let mut places = Vec::new();
        for membership in memberships.into_iter().filter(|membership| active(&membership.account.status)) {
            let account = Arc::new(membership.account);
            places.push(Place { account: Arc::clone(&account), workspace: None });
            let inside = workspaces.iter().filter(|row| row.account_id == account.id && row.status == "active");
            places.extend(inside.map(|row| Place { account: Arc::clone(&account), workspace: Some(row.clone()) }));
        }
        Ok(places)
    }
}
