//! Who asks for an operation, and what they may.

use std::net::IpAddr;

use crate::Refusal;

/// A permission, as it stands in the claims `scope` and `permissions`: `read:organizations`.
pub type Permission = &'static str;

/// Who asks for an operation. Made from a verified token, or by the program for its operator; never
/// from anything else that a request carries.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The user, for a user's token.
    pub user: Option<String>,
    /// The client that asked for the token.
    pub client: Option<String>,
    /// Who acts on behalf of the user (RFC 8693, section 4.1).
    pub delegate: Option<String>,
    /// What the caller may, and where.
    pub reach: Reach,
    /// Where the request came from, for logs and attempt limits.
    pub address: Option<IpAddr>,
    /// The request's id.
    pub request_id: String,
}

/// What a caller may, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Whoever runs the program on the machine that holds the keys: everything.
    Operator,
    /// The whole platform, with these permissions.
    Platform(Vec<String>),
    /// One account (and in it one workspace, when the token names one), with these permissions.
    Account {
        /// The account's id.
        account: String,
        /// The workspace's id.
        workspace: Option<String>,
        /// What the roles held there permit.
        permissions: Vec<String>,
    },
}

/// What an operation touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// Something of the platform as a whole.
    Platform,
    /// Something that belongs to an account (its id), whichever of its workspaces.
    Account(&'a str),
    /// Something that belongs to a workspace.
    Workspace {
        /// The account's id.
        account: &'a str,
        /// The workspace's id.
        workspace: &'a str,
    },
}

impl Caller {
    /// The operator of the machine.
    #[must_use]
    pub fn operator(request_id: impl Into<String>) -> Caller {
        Caller {
            user: Some("operator".to_owned()),
            client: None,
            delegate: None,
            reach: Reach::Operator,
            address: None,
            request_id: request_id.into(),
        }
    }

    /// Passes when the caller may do any of these to the target.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] for what lies in another account or workspace: the caller may not know that it
    /// exists. [`Refusal::Forbidden`] when the permission is missing.
    pub fn may(&self, any_of: &'static [Permission], target: Target<'_>) -> Result<(), Refusal> {
        let held = match &self.reach {
            Reach::Operator => return Ok(()),
            Reach::Platform(permissions) => permissions,
            Reach::Account { account, workspace, permissions } => {
                let inside = match target {
                    Target::Platform => return Err(Refusal::Forbidden { any_of }),
                    Target::Account(other) => account == other && workspace.is_none(),
                    Target::Workspace { account: other, workspace: asked } => {
                        account == other && workspace.as_deref().is_none_or(|own| own == asked)
                    }
                };
                // INVARIANT: nothing of another account is told apart from what does not exist.
                if !inside {
                    return Err(Refusal::Hidden);
                }
                permissions
            }
        };
        if held.iter().any(|permission| any_of.contains(&permission.as_str())) {
            Ok(())
        } else {
            Err(Refusal::Forbidden { any_of })
        }
    }

    /// The name in the audit and in logs.
    #[must_use]
    pub fn name(&self) -> &str {
        self.user.as_deref().or(self.client.as_deref()).unwrap_or("unknown")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(reach: Reach) -> Caller {
        Caller { reach, ..Caller::operator("r") }
    }

    #[test]
    fn an_account_ends_at_its_border() {
        let one = |workspace: Option<&str>| {
            caller(Reach::Account {
                account: "a".to_owned(),
                workspace: workspace.map(str::to_owned),
                permissions: vec!["read:members".to_owned()],
            })
        };
        let may = |caller: &Caller, target| caller.may(&["read:members", "update:members"], target);
        assert_eq!(may(&one(None), Target::Account("a")), Ok(()));
        assert_eq!(may(&one(None), Target::Account("b")), Err(Refusal::Hidden));
        assert_eq!(may(&one(None), Target::Workspace { account: "a", workspace: "w" }), Ok(()));
        assert_eq!(may(&one(Some("w")), Target::Workspace { account: "a", workspace: "w" }), Ok(()));
        assert_eq!(may(&one(Some("w")), Target::Workspace { account: "a", workspace: "v" }), Err(Refusal::Hidden));
        assert_eq!(may(&one(Some("w")), Target::Account("a")), Err(Refusal::Hidden));
        assert!(matches!(may(&one(None), Target::Platform), Err(Refusal::Forbidden { .. })));
        assert!(matches!(one(None).may(&["delete:members"], Target::Account("a")), Err(Refusal::Forbidden { .. })));
    }
}
