//! People as they are named on the command line.

use std::fmt;
use std::str::FromStr;

use tenantry_file::{Loaded, PrincipalSpec};

use crate::output::Failure;

/// `ACCOUNT/USER`, `ACCOUNT/WORKSPACE/USER`, or a platform principal's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// A user of an account.
    User {
        /// The account.
        account: String,
        /// The workspace; needed only where several have such a user.
        workspace: Option<String>,
        /// The user.
        user: String,
    },
    /// A platform principal.
    Platform(String),
}

/// The text names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write ACCOUNT/USER, ACCOUNT/WORKSPACE/USER, or the name of a platform principal")]
pub struct NotAName;

impl FromStr for Who {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Who, NotAName> {
        let parts: Vec<&str> = text.split('/').collect();
        if parts.iter().any(|part| part.trim().is_empty()) {
            return Err(NotAName);
        }
        match parts.as_slice() {
            [principal] => Ok(Who::Platform((*principal).to_owned())),
            [account, user] => {
                Ok(Who::User { account: (*account).to_owned(), workspace: None, user: (*user).to_owned() })
            }
            [account, workspace, user] => Ok(Who::User {
                account: (*account).to_owned(),
                workspace: Some((*workspace).to_owned()),
                user: (*user).to_owned(),
            }),
            _ => Err(NotAName),
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::User { account, workspace: Some(workspace), user } => write!(f, "{account}/{workspace}/{user}"),
            Who::User { account, workspace: None, user } => write!(f, "{account}/{user}"),
            Who::Platform(name) => f.write_str(name),
        }
    }
}

impl Who {
    /// The person in the file.
    ///
    /// # Errors
    /// `UNKNOWN_PRINCIPAL`, with the names that there are.
    pub fn find(&self, loaded: &Loaded) -> Result<PrincipalSpec, Failure> {
        let found = match self {
            Who::User { account, workspace, user } => loaded
                .find_user(account, workspace.as_deref(), user)
                .or_else(|| entering(loaded, account, workspace.as_deref(), user)),
            Who::Platform(name) => loaded.find_principal(name),
        };
        found.ok_or_else(|| {
            let known: Vec<String> = known(loaded).into_iter().map(|who| who.to_string()).collect();
            let failure = Failure::invalid("UNKNOWN_PRINCIPAL", format!("the file names nobody as `{self}`"))
                .detail("known", known.iter().take(50).cloned().collect::<Vec<_>>());
            match known.as_slice() {
                [] => failure.hint("[account.NAME.workspace.NAME.user.\"…\"] names users"),
                some => failure
                    .hint(format!("for example: {}", some.iter().take(5).cloned().collect::<Vec<_>>().join(", "))),
            }
        })
    }
}

/// A platform principal inside an account that its `accounts` let it enter: there it is scoped like
/// everybody else, and its acts stand in that account's own chain.
fn entering(loaded: &Loaded, account: &str, workspace: Option<&str>, user: &str) -> Option<PrincipalSpec> {
    let spec = loaded.find_principal(user)?;
    let may_enter = spec.accounts.iter().any(|known| known == account || known == "*")
        && loaded.directory().accounts.iter().any(|known| known.id == account);
    may_enter.then(|| PrincipalSpec {
        account: Some(account.to_owned()),
        workspace: workspace.map(str::to_owned),
        ..spec
    })
}

/// Everybody whom the file names.
#[must_use]
pub fn known(loaded: &Loaded) -> Vec<Who> {
    let directory = loaded.directory();
    let users = directory.users.iter().map(|spec| Who::User {
        account: spec.account.clone().unwrap_or_default(),
        workspace: spec.workspace.clone(),
        user: spec.user.clone(),
    });
    users.chain(directory.principals.iter().map(|spec| Who::Platform(spec.user.clone()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written_alike() {
        for text in ["acme/ada@example.com", "acme/prod/ada@example.com", "ops@platform.example"] {
            assert_eq!(text.parse::<Who>().unwrap().to_string(), text);
        }
        for text in ["", "/", "acme/", "a/b/c/d", " /x"] {
            assert!(text.parse::<Who>().is_err(), "{text}");
        }
    }
}
