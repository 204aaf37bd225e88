//! `GET /app/v1/me`.

use crate::own::endpoint::Call;
use crate::own::reply::Shown;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use tenantry_identity::text::Fields;
use tenantry_identity::{Reach, Refusal, users};

/// Who a token is for
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Me {
    /// Absent for a client that acts for itself
    user_id: Option<String>,
    client_id: Option<String>,
    /// Who acts on behalf of the user
    delegate: Option<String>,
    /// The account that the token is for
    account_id: Option<String>,
    /// The workspace that the token is for
    workspace_id: Option<String>,
    /// Absent for whom only the file knows
    profile: Option<Itself>,
    /// The accounts and workspaces that the user belongs to, as far as the token tells of them
    memberships: Vec<Membership>,
    /// The roles held where the token is for, by name
    roles: Vec<String>,
    /// What they permit
    permissions: Vec<MyPermission>,
}

/// A user as it sees itself
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Profile")]
pub(super) struct Itself {
    user_id: String,
    email: Option<String>,
    email_verified: bool,
    username: Option<String>,
    name: Option<String>,
    nickname: Option<String>,
    given_name: Option<String>,
    family_name: Option<String>,
    picture: Option<String>,
    user_metadata: Fields,
}

impl From<users::User> for Itself {
    fn from(mut user: users::User) -> Itself {
        let user_metadata = match user.fields.shift_remove("user_metadata") {
            Some(Value::Object(members)) => members,
            _ => Fields::new(),
        };
        let text = |name: &str| user.text(name).map(str::to_owned);
        Itself {
            name: text("name"),
            nickname: text("nickname"),
            given_name: text("given_name"),
            family_name: text("family_name"),
            picture: text("picture"),
            user_id: user.id,
            email: user.email,
            email_verified: user.email_verified,
            username: user.username,
            user_metadata,
        }
    }
}

/// An account that the user belongs to
#[derive(Debug, Serialize, JsonSchema)]
struct Membership {
    account_id: String,
    name: String,
    display_name: Option<String>,
    workspaces: Vec<MembershipWorkspace>,
}

/// A workspace that the user belongs to
#[derive(Debug, Serialize, JsonSchema)]
struct MembershipWorkspace {
    workspace_id: String,
    name: String,
    display_name: Option<String>,
}

/// A permission of an API
#[derive(Debug, Serialize, JsonSchema)]
struct MyPermission {
    /// The API's identifier
    api: String,
    name: String,
}

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Shown<Me>, Refusal> {
    let profile = call.identity.profile(&call.caller).await?;
    let (account_id, workspace_id) = match &call.caller.reach {
        Reach::Account { account, workspace, .. } => {
            ((!account.is_empty()).then(|| account.clone()), workspace.clone())
        }
        Reach::Platform(_) | Reach::Operator => (None, None),
    };
    let accounts = profile.accounts.into_iter().map(|own| Membership {
        account_id: own.account.id,
        name: own.account.name,
        display_name: own.account.display_name,
        workspaces: own
            .workspaces
            .into_iter()
            .map(|workspace| MembershipWorkspace {
                workspace_id: workspace.id,
                name: workspace.name,
                display_name: workspace.display_name,
            })
            .collect(),
    });
    Ok(Shown(Me {
        user_id: call.caller.user.clone(),
        client_id: call.caller.client.clone(),
        delegate: call.caller.delegate.clone(),
        account_id,
        workspace_id,
        profile: profile.user.map(Itself::from),
        memberships: accounts.collect(),
        roles: profile.rights.roles.into_iter().map(|role| role.name).collect(),
        permissions: profile.rights.permissions.into_iter().map(|(_, api, name)| MyPermission { api, name }).collect(),
    }))
}
