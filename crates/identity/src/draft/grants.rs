//! What clients may ask of APIs.

use std::collections::BTreeSet;

use serde_json::json;

use super::Draft;
use crate::act::Act;
use crate::apis::Api;
use crate::client_grants::{self, ClientGrant, NewClientGrant};
use crate::text::Fields;
use crate::{Identity, Kind, Refusal};

impl Draft<'_> {
    /// Grants a client something on an API, in these accounts (their ids) where it is not for any.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn create_client_grant(
        &mut self,
        client: &str,
        api: &Api,
        new: NewClientGrant,
        accounts: &BTreeSet<String>,
    ) -> Result<ClientGrant, Refusal> {
        let grant = self.identity.shaped_grant(client, &api.to_row(), new)?;
        let inputs = json!({
            "id": grant.id, "client": grant.client_id, "audience": grant.audience,
            "subject_type": grant.subject_type, "fields": grant.fields, "accounts": accounts,
        });
        self.begin(Kind::ClientGrant, &Act { name: "client_grants.create", tenant: "", workspace: None, inputs });
        self.batch.insert_client_grant(&grant.to_row());
        let now = self.identity.now();
        for account in accounts {
            self.batch.insert_account_grant(account, &grant.id, now);
        }
        Ok(grant)
    }

    /// Changes a grant, as [`crate::Identity::update_client_grant`], and in which accounts it may be used; `known` are
    /// those where it may be now.
    ///
    /// # Errors
    /// [`Refusal::Unsupported`] for one that belongs to a client of a special type.
    pub fn update_client_grant(
        &mut self,
        before: &ClientGrant,
        change: Fields,
        accounts: &BTreeSet<String>,
        known: &BTreeSet<String>,
    ) -> Result<ClientGrant, Refusal> {
        if before.is_system() {
            return Err(Refusal::Unsupported("A system client grant cannot be changed."));
        }
        let mut grant = before.clone();
        let inputs = json!({
            "id": grant.id, "client": grant.client_id, "audience": grant.audience, "change": change,
            "accounts": accounts,
        });
        client_grants::update::apply(&mut grant, change);
        self.begin(Kind::ClientGrant, &Act { name: "client_grants.update", tenant: "", workspace: None, inputs });
        self.batch.update_client_grant(&grant.to_row());
        let now = self.identity.now();
        for account in known.difference(accounts) {
            self.batch.delete_account_grant(account, &grant.id);
        }
        for account in accounts.difference(known) {
            self.batch.insert_account_grant(account, &grant.id, now);
        }
        self.batch.affects(Identity::grant_subject(&grant));
        Ok(grant)
    }

    /// Takes a grant from a client, as [`crate::Identity::delete_client_grant`].
    ///
    /// # Errors
    /// [`Refusal::Unsupported`] for one that belongs to a client of a special type.
    pub fn delete_client_grant(&mut self, grant: &ClientGrant) -> Result<(), Refusal> {
        if grant.is_system() {
            return Err(Refusal::Unsupported("A system client grant cannot be deleted."));
        }
        let inputs = json!({ "id": grant.id, "client": grant.client_id, "audience": grant.audience });
        self.begin(Kind::ClientGrant, &Act { name: "client_grants.delete", tenant: "", workspace: None, inputs });
        self.batch.delete_client_grant(&grant.id);
        self.batch.affects(Identity::grant_subject(grant));
        Ok(())
    }
}
