//! Making tickets.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};
use tenantry_store::BatchError;
use tenantry_store::identity::tickets::Ticket;
use tenantry_store::identity::users::LoginName;

use crate::act::Act;
use crate::caller::Target;
use crate::logs::Event;
use crate::text::Fields;
use crate::users::names;
use crate::{Caller, Identity, Kind, Refusal, ids};

/// Five days, unless something else is asked for.
const USUAL_SECONDS: i64 = 432_000;

/// No link is good for longer: 30 days.
const LONGEST_SECONDS: i64 = 30 * 86_400;

/// What a ticket is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TicketKind {
    /// To set the password.
    PasswordChange,
    /// To confirm the address.
    EmailVerification,
}

impl TicketKind {
    /// The word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            TicketKind::PasswordChange => "password_change",
            TicketKind::EmailVerification => "email_verification",
        }
    }

    /// The path of its link.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            TicketKind::PasswordChange => "u/reset-verify",
            TicketKind::EmailVerification => "u/email-verification",
        }
    }
}

/// What a ticket is made from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewTicket {
    /// Whose, by id.
    pub user_id: Option<String>,
    /// Or by address, with the connection.
    pub email: Option<String>,
    /// The connection, by id.
    pub connection_id: Option<String>,
    /// Where the user goes afterwards.
    pub result_url: Option<String>,
    /// How long it is good for; 0 for the usual five days.
    pub ttl_seconds: i64,
    /// Does using it confirm the address?
    pub mark_email_as_verified: bool,
    /// Is the address told to where the user goes?
    pub email_in_redirect: bool,
    /// The client for which it is made.
    pub client_id: Option<String>,
    /// The account for which it is made.
    pub organization_id: Option<String>,
}

impl Identity {
    /// Makes a ticket; answers its link, which is told once.
    ///
    /// # Errors
    /// [`Refusal::Missing`]; [`Refusal::Invalid`]; [`Refusal::Forbidden`] for the password of somebody who acts
    /// for the platform.
    pub async fn create_ticket(&self, caller: &Caller, kind: TicketKind, new: NewTicket) -> Result<String, Refusal> {
        caller.may(&["create:user_tickets"], Target::Platform)?;
        if new.result_url.is_some() && (new.client_id.is_some() || new.organization_id.is_some()) {
            return Err(Refusal::invalid("result_url cannot be given together with client_id or organization_id"));
        }
        let user_id = self.ticket_user(&new).await?;
        let user = self.known_user(&user_id).await?;
        if kind == TicketKind::PasswordChange {
            self.may_become(caller, &user).await?;
        }
        if kind == TicketKind::EmailVerification && user.email.is_none() {
            return Err(Refusal::invalid("The user has no address to confirm."));
        }
        if kind == TicketKind::PasswordChange && !user.identities.iter().any(|identity| identity.provider == "auth0") {
            return Err(Refusal::invalid("The user has no password of ours."));
        }
        let seconds = if new.ttl_seconds <= 0 { USUAL_SECONDS } else { new.ttl_seconds.min(LONGEST_SECONDS) };
        let secret = ids::letters(self.entropy.as_ref(), "", 43)?;
        let now = self.now();
        let mut doc = Fields::new();
        doc.insert("email".to_owned(), json!(user.email));
        doc.insert("verify".to_owned(), json!(new.mark_email_as_verified));
        doc.insert("email_in_redirect".to_owned(), json!(new.email_in_redirect));
        for (name, value) in
            [("result_url", &new.result_url), ("client_id", &new.client_id), ("organization_id", &new.organization_id)]
        {
            if let Some(value) = value {
                doc.insert(name.to_owned(), json!(value));
            }
        }
        let row = Ticket {
            hash: digest(&SHA256, secret.as_bytes()).as_ref().to_vec(),
            kind: kind.name().to_owned(),
            user_id: Some(user_id.clone()),
            doc: Value::Object(doc).to_string(),
            created_micros: now,
            expires_micros: now.saturating_add(seconds.saturating_mul(1_000_000)),
            used_micros: None,
        };
        let inputs = json!({ "user": user_id, "kind": kind.name(), "seconds": seconds });
        let act = Act { name: "tickets.create", tenant: "", workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            batch.insert_ticket(&row);
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Dangling(_)) => Err(Refusal::Missing(Kind::User)),
                Err(error) => Err(error.into()),
            }
        })
        .await?;
        let code = if kind == TicketKind::PasswordChange { "scpr" } else { "svr" };
        self.log(Event { user_id: Some(user_id), address: caller.address, ..Event::new(code) });
        Ok(format!("{}{}?ticket={secret}#", self.issuer.url(), kind.path()))
    }

    async fn ticket_user(&self, new: &NewTicket) -> Result<String, Refusal> {
        match (&new.user_id, &new.email, &new.connection_id) {
            (Some(id), None, _) => Ok(id.clone()),
            (None, Some(email), Some(connection)) => {
                let name = self.store.connection_name(connection).await?.ok_or(Refusal::Missing(Kind::Connection))?;
                let email = names::sought_email(email);
                let found = self.store.login_identity(&name, LoginName::Email(&email)).await?;
                found.map(|identity| identity.user_id).ok_or(Refusal::Missing(Kind::User))
            }
            _ => Err(Refusal::Invalid {
                code: "invalid_body",
                message: "Payload validation error: 'Either user_id, or email and connection_id'.".to_owned(),
            }),
        }
    }
}
