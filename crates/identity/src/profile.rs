//! What a user sees and changes of itself.

use crate::members::OwnAccount;
use crate::text::Fields;
use crate::users::User;
use crate::{Caller, Identity, Kind, Reach, Refusal, Rights};

/// What somebody is, told to themselves.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// The user; `None` for one whom only the file knows, and for clients that act for themselves.
    pub user: Option<User>,
    /// The accounts and workspaces that it belongs to, as far as the token tells of them.
    pub accounts: Vec<OwnAccount>,
    /// What it holds where the token is for.
    pub rights: Rights,
}

/// What users change of themselves.
const OWN: [&str; 5] = ["name", "nickname", "given_name", "family_name", "user_metadata"];

impl Identity {
    /// Who the caller is.
    ///
    /// # Errors
    /// The store's.
    pub async fn profile(&self, caller: &Caller) -> Result<Profile, Refusal> {
        let Some(id) = caller.user.as_deref() else {
            return Ok(Profile { user: None, accounts: Vec::new(), rights: Rights::default() });
        };
        let user = match self.known_user(id).await {
            Ok(user) => Some(user),
            Err(Refusal::Missing(_)) => None,
            Err(refusal) => return Err(refusal),
        };
        let (account, workspace) = match &caller.reach {
            Reach::Account { account, workspace, .. } => (Some(account.as_str()), workspace.as_deref()),
            Reach::Platform(_) | Reach::Operator => (None, None),
        };
        let rights = self.rights(id, account, workspace).await?;
        Ok(Profile { user, accounts: self.own_accounts(caller).await?, rights })
    }

    /// Changes what users may change of themselves: names and `user_metadata`. Never what policies decide by.
    ///
    /// # Errors
    /// As [`Identity::update_user`]; [`Refusal::Missing`] for a caller who is no user of the store.
    pub async fn update_profile(&self, caller: &Caller, change: Fields) -> Result<User, Refusal> {
        let Some(id) = caller.user.clone() else { return Err(Refusal::Missing(Kind::User)) };
        // INVARIANT: only these members of only this user are changed by a caller whose permission nobody asked for.
        if let Some(other) = change.keys().find(|name| !OWN.contains(&name.as_str())) {
            return Err(Refusal::invalid(format!("{other} is not yours to change")));
        }
        let itself = Caller { reach: Reach::Operator, ..caller.clone() };
        self.update_user(&itself, &id, change).await
    }
}
