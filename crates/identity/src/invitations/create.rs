//! Inviting somebody into an account.

use serde_json::{Value, json};
use tenantry_store::BatchError;
use tenantry_store::identity::accounts::Account as AccountRow;
use tenantry_store::identity::invitations::Invitation as Row;

use super::{Invitation, LONGEST, URL, USUAL, hash};
use crate::act::Act;
use crate::text::{Fields, fields};
use crate::{Caller, Identity, Kind, Refusal, ids};

/// What an invitation is made from.
#[derive(Debug, Clone, Default)]
pub struct NewInvitation {
    /// Who invites, as the invited is told.
    pub inviter: String,
    /// The e-mail address of whom is invited.
    pub email: String,
    /// The client that the link leads to.
    pub client_id: String,
    /// The connection by which the invited must log in; any of the account's, when nothing is said.
    pub connection_id: Option<String>,
    /// The roles that the invited will hold in the account.
    pub roles: Vec<String>,
    /// For how many seconds it may be accepted, at most 30 days; 0 is 7 days.
    pub lifetime: i64,
    /// `app_metadata` and `user_metadata`.
    pub fields: Fields,
}

impl Identity {
    /// Invites somebody into an account. The answer holds the ticket; it is not told again.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when the account, the client, the connection or one of the roles does not exist;
    /// [`Refusal::Invalid`] for a role of another level and for a time out of range; [`Refusal::Forbidden`]
    /// when the caller is bound to the account and a role permits more than it may.
    pub async fn create_invitation(
        &self,
        caller: &Caller,
        account: &str,
        new: NewInvitation,
    ) -> Result<Invitation, Refusal> {
        let row = self.reach_account(caller, &["create:organization_invitations"], account).await?;
        if !(0..=LONGEST).contains(&new.lifetime) {
            return Err(Refusal::invalid(format!("ttl_sec is between 0 and {LONGEST}")));
        }
        let lifetime = if new.lifetime == 0 { USUAL } else { new.lifetime };
        let client = self.store.client(&new.client_id).await?.ok_or(Refusal::Missing(Kind::Client))?;
        if let Some(connection) = &new.connection_id {
            self.store.connection(connection).await?.ok_or(Refusal::Missing(Kind::Connection))?;
        }
        self.may_hand_out(caller, account, false, &new.roles).await?;
        let ticket = ids::letters(self.entropy.as_ref(), "", 32)?;
        let link = self.link(&fields(&client.doc)).await?;
        let known = with(&link, &[("organization", account), ("organization_name", &row.name)]);
        let doc = doc(&new, &known);
        let now = self.now();
        let made = Row {
            id: ids::letters(self.entropy.as_ref(), "uinv_", 16)?,
            account_id: account.to_owned(),
            email: new.email.to_lowercase(),
            ticket_hash: hash(&ticket),
            doc: Value::Object(doc).to_string(),
            created_micros: now,
            expires_micros: now.saturating_add(lifetime.saturating_mul(1_000_000)),
        };
        self.invite(caller, &row, &new, &made).await?;
        let mut invitation = Invitation::from_row(made);
        let parts = [("invitation", ticket.as_str()), ("organization", account), ("organization_name", &row.name)];
        invitation.url = with(&link, &parts);
        invitation.ticket_id = ticket;
        Ok(invitation)
    }

    async fn invite(
        &self,
        caller: &Caller,
        account: &AccountRow,
        new: &NewInvitation,
        made: &Row,
    ) -> Result<(), Refusal> {
        let inputs = json!({
            "id": made.id, "account": account.id, "email": made.email, "client": new.client_id,
            "connection": new.connection_id, "roles": new.roles, "expires_micros": made.expires_micros,
        });
        let act = Act { name: "invitations.create", tenant: &account.tenant_id, workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            batch.insert_invitation(made);
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Dangling(_)) => Err(Refusal::Missing(Kind::Account)),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    /// Where an invitation leads: where the client begins a login, else where the platform does.
    async fn link(&self, client: &Fields) -> Result<String, Refusal> {
        let text = |fields: &Fields, name: &str| {
            fields.get(name).and_then(Value::as_str).filter(|link| !link.is_empty()).map(str::to_owned)
        };
        if let Some(link) = text(client, "initiate_login_uri") {
            return Ok(link);
        }
        let platform = Some(self.known_settings().await?);
        let usual = || [self.issuer.url(), "login"].concat();
        Ok(platform.and_then(|fields| text(&fields, "default_redirection_uri")).unwrap_or_else(usual))
    }
}

/// A link with more in its query. The values are ids and names, which need no escaping.
fn with(link: &str, parts: &[(&str, &str)]) -> String {
    let (link, fragment) = link.split_once('#').map_or((link, None), |(link, fragment)| (link, Some(fragment)));
    let mut whole = link.to_owned();
    for (name, value) in parts {
        whole.push(if whole.contains('?') { '&' } else { '?' });
        whole.push_str(name);
        whole.push('=');
        whole.push_str(value);
    }
    if let Some(fragment) = fragment {
        whole.push('#');
        whole.push_str(fragment);
    }
    whole
}

fn doc(new: &NewInvitation, link: &str) -> Fields {
    let mut doc = new.fields.clone();
    doc.insert("inviter".to_owned(), json!({ "name": new.inviter }));
    doc.insert("invitee".to_owned(), json!({ "email": new.email }));
    doc.insert("client_id".to_owned(), json!(new.client_id));
    if let Some(connection) = &new.connection_id {
        doc.insert("connection_id".to_owned(), json!(connection));
    }
    if !new.roles.is_empty() {
        doc.insert("roles".to_owned(), json!(new.roles));
    }
    doc.insert(URL.to_owned(), json!(link));
    doc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_keeps_its_query_and_its_fragment() {
        let parts = [("invitation", "t"), ("organization", "o")];
        assert_eq!(with("https://a/login", &parts), "https://a/login?invitation=t&organization=o");
        assert_eq!(with("https://a/login?x=1#top", &parts), "https://a/login?x=1&invitation=t&organization=o#top");
    }
}
