//! From a verified token to a caller.

use std::net::IpAddr;

use serde_json::Value;

use crate::accounts::Status;
use crate::act::Act;
use crate::{Audience, Caller, Identity, Reach, Refusal, Verified};

/// Whether whoever holds a token may come in.
#[derive(Debug, Clone)]
pub enum Standing {
    /// They may.
    In {
        /// Who calls.
        caller: Box<Caller>,
        /// The tenant id of the account whose chain the calls stand on; empty for the platform's.
        tenant: String,
    },
    /// The token is genuine, and its account is suspended, closed or gone.
    Out,
}

impl Identity {
    /// The caller that a verified token makes in its context. The account, the workspace and what may be
    /// done there come from the token and from nothing else of the request.
    ///
    /// # Errors
    /// The store's.
    pub async fn enter(
        &self,
        verified: &Verified,
        address: Option<IpAddr>,
        request_id: String,
    ) -> Result<Standing, Refusal> {
        let principal = &verified.principal;
        let permissions = verified.permissions.clone();
        let mut chain = String::new();
        let reach = match (&principal.tenant_id, verified.audience) {
            (None, Audience::Portal | Audience::App) => Reach::Platform(permissions),
            // INVARIANT: a token of an account never reaches the platform, nor a platform's an account's own API.
            (None, Audience::Dashboard) | (Some(_), Audience::Portal) => return Ok(Standing::Out),
            (Some(tenant), context) => match self.store.account_of_tenant(tenant).await? {
                // INVARIANT: one that the token also names by its id is that one.
                Some(row) if verified.org.as_ref().is_some_and(|org| *org != row.id) => return Ok(Standing::Out),
                Some(row) if Status::parse(&row.status) == Some(Status::Active) => {
                    chain.clone_from(&row.tenant_id);
                    Reach::Account { account: row.id, workspace: principal.workspace_id.clone(), permissions }
                }
                // Accounts that only the file knows have tools and nothing to manage.
                None if context == Audience::App => Reach::Account {
                    account: String::new(),
                    workspace: principal.workspace_id.clone(),
                    permissions: Vec::new(),
                },
                _ => return Ok(Standing::Out),
            },
        };
        let caller = Caller {
            user: principal.user_id.clone(),
            client: principal.client_id.clone(),
            delegate: principal.delegate.clone(),
            reach,
            address,
            request_id,
        };
        Ok(Standing::In { caller: Box::new(caller), tenant: chain })
    }

    /// Puts on record that a caller was refused before anything was done.
    pub async fn denied(&self, caller: &Caller, tenant: &str, operation: &'static str, refusal: &Refusal) {
        let workspace = match &caller.reach {
            Reach::Account { workspace, .. } => workspace.as_deref(),
            _ => None,
        };
        self.refused(caller, Act { name: operation, tenant, workspace, inputs: Value::Null }, refusal).await;
    }
}
