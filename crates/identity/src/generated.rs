//! Secrets that were made for the file (`generate`): sealed at rest, and shown again to whoever has the keys.

use serde_json::json;
use tenantry_store::{Batch, Generated};
use zeroize::Zeroizing;

use crate::act::Act;
use crate::caller::Target;
use crate::{Caller, Identity, Refusal};

/// The table's name, to which each secret is bound.
const TABLE: &str = "generated";

/// What somebody may call a secret that was made: the thing's address and the field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratedName {
    /// The thing's address in the file.
    pub address: String,
    /// The field.
    pub field: String,
    /// When it was made, microseconds since 1970 UTC.
    pub created_micros: i64,
}

impl Identity {
    /// Adds to a batch that a secret was made for a thing's field, sealed.
    ///
    /// # Errors
    /// Without randomness or key.
    pub fn keep_generated(&self, batch: &mut Batch, address: &str, field: &str, secret: &[u8]) -> Result<(), Refusal> {
        let sealed = self.seal(TABLE, &place(address, field), secret)?;
        batch.put_generated(&Generated {
            address: address.to_owned(),
            field: field.to_owned(),
            sealed,
            created_micros: self.now(),
        });
        Ok(())
    }

    /// Which secrets were made, without what they are.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`]; the store's.
    pub async fn generated_names(&self, caller: &Caller) -> Result<Vec<GeneratedName>, Refusal> {
        caller.may(&["read:secrets"], Target::Platform)?;
        let rows = self.store.generated(None).await?;
        Ok(rows
            .into_iter()
            .map(|row| GeneratedName { address: row.address, field: row.field, created_micros: row.created_micros })
            .collect())
    }

    /// A secret that was made. That it was shown is put on record.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`]; the store's.
    pub async fn show_generated(
        &self,
        caller: &Caller,
        address: &str,
        field: &str,
    ) -> Result<Option<Zeroizing<String>>, Refusal> {
        caller.may(&["read:secrets"], Target::Platform)?;
        let act = Act {
            name: "secrets.show",
            tenant: "",
            workspace: None,
            inputs: json!({ "address": address, "field": field }),
        };
        self.act(caller, act, async {
            let rows = self.store.generated(Some(address)).await?;
            let Some(row) = rows.into_iter().find(|row| row.field == field) else { return Ok(None) };
            let secret = Zeroizing::new(self.open_sealed(TABLE, &place(address, field), &row.sealed)?);
            let text = String::from_utf8(secret.to_vec()).map_err(|_| Refusal::Internal("a secret is not text"))?;
            Ok(Some(Zeroizing::new(text)))
        })
        .await
    }

    /// A secret that was made, for the program itself while it applies the file.
    ///
    /// # Errors
    /// The store's.
    pub async fn kept_generated(&self, address: &str, field: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Refusal> {
        let rows = self.store.generated(Some(address)).await?;
        let Some(row) = rows.into_iter().find(|row| row.field == field) else { return Ok(None) };
        Ok(Some(Zeroizing::new(self.open_sealed(TABLE, &place(address, field), &row.sealed)?)))
    }
}

fn place(address: &str, field: &str) -> String {
    [address, "\n", field].concat()
}
