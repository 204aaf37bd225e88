//! Accepting an invitation.

use serde_json::{Value, json};
use tenantry_store::identity::accounts::Account as AccountRow;
use tenantry_store::identity::invitations::Invitation as Row;
use tenantry_store::{BatchError, Subject};

use super::hash;
use crate::accounts::{Account, Status};
use crate::act::Act;
use crate::text::fields;
use crate::{Caller, Identity, Kind, Reach, Refusal};

impl Identity {
    /// Makes the caller's user a member of the account that a ticket leads into, with the invitation's roles.
    /// The invitation is used up by that.
    ///
    /// # Errors
    /// [`Refusal::Missing`], the same for a ticket that never was, is out of time, used or withdrawn, is for
    /// somebody else's address or another connection, or leads into an account that lets nobody in.
    pub async fn accept_invitation(&self, caller: &Caller, ticket: &str) -> Result<Account, Refusal> {
        let no = Refusal::Missing(Kind::Invitation);
        let found = self.store.invitation_by_ticket(&hash(ticket)).await?;
        let (Some(user), Some(row)) = (caller.user.as_deref(), found) else {
            let act = Act { name: "invitations.accept", tenant: "", workspace: None, inputs: json!({}) };
            self.refused(caller, act, &no).await;
            return Err(no);
        };
        let account = self.store.account(&row.account_id).await?;
        let Some(account) = account.filter(|account| account.status == Status::Active.name()) else {
            return Err(no);
        };
        let inputs = json!({ "id": row.id, "account": account.id, "user": user });
        let act = Act { name: "invitations.accept", tenant: &account.tenant_id, workspace: None, inputs };
        self.act(caller, act, async {
            if !self.is_for(caller, user, &row, &account).await? {
                return Err(no);
            }
            let now = self.now();
            let mut batch = self.store.batch();
            batch.accept_invitation(&row.id, now);
            batch.insert_member(&account.id, user, now);
            let doc = fields(&row.doc);
            let roles = doc.get("roles").and_then(Value::as_array).into_iter().flatten();
            for (since, role) in (now..).zip(roles.filter_map(Value::as_str)) {
                batch.give_role(user, &account.id, "", role, since);
            }
            batch.affects(Subject::Member { account: account.id.clone(), user: user.to_owned() });
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Untouched(_) | BatchError::Dangling(_)) => Err(no),
                Err(error) => Err(error.into()),
            }
        })
        .await?;
        Ok(Account::from_row(account))
    }

    async fn is_for(&self, caller: &Caller, user: &str, row: &Row, account: &AccountRow) -> Result<bool, Refusal> {
        if matches!(&caller.reach, Reach::Account { account: bound, .. } if *bound != account.id) {
            return Ok(false);
        }
        let Some((email, connection)) = self.store.user_address(user).await? else { return Ok(false) };
        if email.as_deref() != Some(row.email.as_str()) {
            return Ok(false);
        }
        match fields(&row.doc).get("connection_id").and_then(Value::as_str) {
            Some(wanted) => Ok(self.store.connection(wanted).await?.is_some_and(|found| found.name == connection)),
            None => Ok(true),
        }
    }
}
