//! Using tickets.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};
use tenantry_store::{BatchError, Subject};
use zeroize::Zeroizing;

use crate::act::Act;
use crate::identity::TRIES;
use crate::logs::Event;
use crate::text::{fields, time};
use crate::tickets::TicketKind;
use crate::{Caller, Identity, Kind, Refusal};

/// What is done with a ticket.
pub enum Redemption {
    /// The address is confirmed.
    ConfirmEmail,
    /// This is the new password.
    SetPassword(Zeroizing<String>),
}

/// Passwords stay out of logs.
impl std::fmt::Debug for Redemption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Redemption::ConfirmEmail => "ConfirmEmail",
            Redemption::SetPassword(_) => "SetPassword",
        })
    }
}

/// A ticket that was used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redeemed {
    /// Whose it was.
    pub user_id: String,
    /// Where the user goes now.
    pub result_url: Option<String>,
    /// The address, where it is to be told there.
    pub email: Option<String>,
}

impl Identity {
    /// Is this a ticket that can still be used, and for what? Nothing changes.
    ///
    /// # Errors
    /// [`Refusal::Missing`], whether it never was, was used, or has ended.
    pub async fn ticket_kind(&self, ticket: &str) -> Result<TicketKind, Refusal> {
        let row = self.store.ticket(digest(&SHA256, ticket.as_bytes()).as_ref()).await?;
        let row = row.filter(|row| row.used_micros.is_none() && row.expires_micros > self.now());
        match row.as_ref().map(|row| row.kind.as_str()) {
            Some("password_change") => Ok(TicketKind::PasswordChange),
            Some("email_verification") => Ok(TicketKind::EmailVerification),
            _ => Err(Refusal::Missing(Kind::Ticket)),
        }
    }

    /// Uses a ticket. Setting a password ends the user's sessions, refresh tokens, access tokens and other
    /// tickets for its password. The ticket is the permission; `caller` says who is on record.
    ///
    /// # Errors
    /// [`Refusal::Missing`], whether it never was, was used, has ended, or is for something else;
    /// [`Refusal::Password`] for a password that the connection does not take: the ticket can then still be used.
    pub async fn redeem_ticket(
        &self,
        caller: &Caller,
        ticket: &str,
        redemption: Redemption,
    ) -> Result<Redeemed, Refusal> {
        let gone = || Refusal::Missing(Kind::Ticket);
        let kind = self.ticket_kind(ticket).await?;
        let hash = digest(&SHA256, ticket.as_bytes()).as_ref().to_vec();
        let row = self.store.ticket(&hash).await?.ok_or_else(gone)?;
        let user_id = row.user_id.clone().ok_or_else(gone)?;
        let doc = fields(&row.doc);
        let text = |name: &str| doc.get(name).and_then(Value::as_str).map(str::to_owned);
        let flag = |name: &str| doc.get(name).and_then(Value::as_bool).unwrap_or(false);
        let password = match (kind, redemption) {
            (TicketKind::EmailVerification, Redemption::ConfirmEmail) => None,
            (TicketKind::PasswordChange, Redemption::SetPassword(plain)) => Some(plain),
            _ => return Err(gone()),
        };
        for _ in 0..TRIES {
            let mut user = self.known_user(&user_id).await?;
            let password = match &password {
                Some(plain) => {
                    let own = user.identities.iter().find(|identity| identity.provider == "auth0").ok_or_else(gone)?;
                    let found = self.store.connection_strategy(&own.connection).await?.ok_or_else(gone)?;
                    let options = match fields(&found.1).shift_remove("options") {
                        Some(Value::Object(options)) => options,
                        _ => crate::text::Fields::new(),
                    };
                    let own_id = [&own.provider, "|", &own.subject].concat();
                    Some(self.prepare_password(&options, &user.about(), &own_id, plain.clone()).await?)
                }
                None => None,
            };
            let confirms = password.is_none() || flag("verify");
            // An address that changed since is not the one to which the link went.
            if confirms && user.email == text("email") {
                user.email_verified = true;
            } else if password.is_none() {
                return Err(gone());
            }
            if password.is_some() {
                user.fields.insert("last_password_reset".to_owned(), time(self.now()).into());
            }
            user.updated_micros = self.now();
            let inputs = json!({ "user": user_id, "kind": kind.name() });
            let act = Act { name: "tickets.redeem", tenant: "", workspace: None, inputs };
            let done = self.act(caller, act, async {
                let mut batch = self.store.batch();
                let used = batch.use_ticket(&hash, self.now());
                let changed = batch.update_user(&user.to_row());
                if let Some(password) = &password {
                    batch.put_password(password);
                    batch.delete_tickets(&user_id, kind.name());
                    batch.delete_sessions_of(&user_id);
                    batch.delete_refresh_tokens(Some(&user_id), None);
                    batch.affects(Subject::User(user_id.clone()));
                }
                match self.store.commit(batch).await {
                    Ok(_) => Ok(true),
                    Err(BatchError::Untouched(place)) if place == used => Err(gone()),
                    Err(BatchError::Untouched(place)) if place == changed => Ok(false),
                    Err(error) => Err(error.into()),
                }
            });
            if done.await? {
                let code = if password.is_some() { "scp" } else { "sv" };
                self.log(Event { user_id: Some(user_id.clone()), address: caller.address, ..Event::new(code) });
                let email = user.email.filter(|_| flag("email_in_redirect"));
                return Ok(Redeemed { user_id, result_url: text("result_url"), email });
            }
        }
        Err(Refusal::Contended(Kind::User))
    }
}
