//! Changing an account's domain.

use serde_json::{Value, json};
use tenantry_store::BatchError;

use super::{Domain, PENDING, USED, VERIFIED, may_verify};
use crate::act::Act;
use crate::identity::TRIES;
use crate::text::fields;
use crate::{Caller, Identity, Kind, Refusal};

impl Identity {
    /// Changes whether a domain is verified (`pending`, `verified`) and whether logins find the account by it;
    /// `None` leaves it as it is.
    ///
    /// # Errors
    /// [`Refusal::Missing`]; [`Refusal::Forbidden`] for `verified` by somebody who is bound to an account.
    pub async fn update_domain(
        &self,
        caller: &Caller,
        account: &str,
        id: &str,
        status: Option<&str>,
        used: Option<bool>,
    ) -> Result<Domain, Refusal> {
        let row = self.reach_account(caller, &["update:organization_discovery_domains"], account).await?;
        may_verify(caller, status)?;
        for _ in 0..TRIES {
            let mut found = self.store.domain(account, id).await?.ok_or(Refusal::Missing(Kind::Domain))?;
            if let Some(status) = [PENDING, VERIFIED].into_iter().find(|known| status == Some(known)) {
                status.clone_into(&mut found.status);
            }
            if let Some(used) = used {
                let mut doc = fields(&found.doc);
                doc.insert(USED.to_owned(), Value::Bool(used));
                found.doc = Value::Object(doc).to_string();
            }
            let inputs = json!({ "id": id, "account": account, "status": status, "used": used });
            let act = Act { name: "domains.update", tenant: &row.tenant_id, workspace: None, inputs };
            let done = self.act(caller, act, async {
                let mut batch = self.store.batch();
                batch.update_domain(&found);
                match self.store.commit(batch).await {
                    Ok(_) => Ok(true),
                    // Somebody was faster: read again.
                    Err(BatchError::Untouched(_)) => Ok(false),
                    Err(error) => Err(error.into()),
                }
            });
            if done.await? {
                return Ok(Domain::from_row(found));
            }
        }
        Err(Refusal::Contended(Kind::Domain))
    }
}
