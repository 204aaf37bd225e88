//! Giving an account a domain.

use serde_json::{Value, json};
use tenantry_store::BatchError;
use tenantry_store::identity::domains::Domain as Row;

use super::{Domain, PENDING, TXT, USED, VERIFIED, checked, may_verify};
use crate::act::Act;
use crate::text::Fields;
use crate::{Caller, Identity, Kind, Refusal, ids};

impl Identity {
    /// Gives an account a domain: pending, unless somebody of the platform says that it is verified.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when the account does not exist, [`Refusal::Exists`] when it has the domain,
    /// [`Refusal::Invalid`] when that is no domain.
    pub async fn add_domain(
        &self,
        caller: &Caller,
        account: &str,
        domain: &str,
        status: Option<&str>,
        used: Option<bool>,
    ) -> Result<Domain, Refusal> {
        let row = self.reach_account(caller, &["create:organization_discovery_domains"], account).await?;
        may_verify(caller, status)?;
        let mut fields = Fields::new();
        let txt = ids::letters(self.entropy.as_ref(), "tenantry-domain-verification=", 32)?;
        fields.insert(TXT.to_owned(), Value::String(txt));
        fields.insert(USED.to_owned(), Value::Bool(used.unwrap_or(true)));
        let made = Row {
            id: ids::letters(self.entropy.as_ref(), "ord_", 22)?,
            account_id: account.to_owned(),
            domain: checked(domain)?,
            status: if status == Some(VERIFIED) { VERIFIED } else { PENDING }.to_owned(),
            doc: Value::Object(fields).to_string(),
            version: 1,
            created_micros: self.now(),
        };
        let inputs = json!({ "id": made.id, "account": account, "domain": made.domain, "status": made.status });
        let act = Act { name: "domains.add", tenant: &row.tenant_id, workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            batch.insert_domain(&made);
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Duplicate(_)) => Err(Refusal::Exists(Kind::Domain)),
                Err(BatchError::Dangling(_)) => Err(Refusal::Missing(Kind::Account)),
                Err(error) => Err(error.into()),
            }
        })
        .await?;
        Ok(Domain::from_row(made))
    }
}
