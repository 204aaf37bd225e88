//! Recovery codes.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use serde_json::json;
use tenantry_store::BatchError;
use tenantry_store::identity::Window;

use crate::act::Act;
use crate::caller::Target;
use crate::methods::{Method, RECOVERY};
use crate::text::Fields;
use crate::{Caller, Identity, Kind, Refusal, ids};

/// Without letters that look like digits.
const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// 24 of 32 letters: 120 bits, so that a plain hash keeps them well.
const LENGTH: usize = 24;

impl Identity {
    /// Makes a recovery code in place of the one before. It is answered once; its hash is kept.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn regenerate_recovery_code(&self, caller: &Caller, user: &str) -> Result<String, Refusal> {
        caller.may(&["update:users"], Target::Platform)?;
        self.may_become_user(caller, user).await?;
        let mut drawn = [0_u8; LENGTH];
        self.entropy.fill(&mut drawn)?;
        let code: String =
            drawn.iter().map(|byte| LETTERS.get(usize::from(byte % 32)).copied().map_or('A', char::from)).collect();
        let part = ids::letters(self.entropy.as_ref(), "", 16)?;
        let method = Method {
            id: [RECOVERY, "|dev_", &part].concat(),
            kind: RECOVERY.to_owned(),
            name: None,
            confirmed: true,
            fields: Fields::new(),
            created_micros: self.now(),
        };
        let hash = digest(&SHA256, code.as_bytes()).as_ref().to_vec();
        let inputs = json!({ "user": user });
        let act = Act { name: "users.regenerate_recovery", tenant: "", workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            batch.delete_authentication_methods_of_kind(user, RECOVERY);
            batch.insert_authentication_method(&method.to_row(user, Some(hash)));
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Dangling(_)) => Err(Refusal::Missing(Kind::User)),
                Err(error) => Err(error.into()),
            }
        })
        .await?;
        Ok(code)
    }

    /// Uses a user's recovery code up: answers whether it was the right one, once.
    ///
    /// # Errors
    /// The store's.
    pub async fn use_recovery_code(&self, user: &str, code: &str) -> Result<bool, Refusal> {
        let typed: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
        let hash = digest(&SHA256, typed.to_ascii_uppercase().as_bytes());
        let rows = self.store.authentication_methods(user, Window { offset: 0, limit: 100 }).await?;
        let Some(row) = rows.into_iter().find(|row| row.kind == RECOVERY) else { return Ok(false) };
        if verify_slices_are_equal(row.secret.as_deref().unwrap_or_default(), hash.as_ref()).is_err() {
            return Ok(false);
        }
        let mut batch = self.store.batch();
        batch.delete_authentication_method(user, &row.id);
        match self.store.commit(batch).await {
            Ok(_) => Ok(true),
            // Somebody used it at the same time.
            Err(BatchError::Untouched(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
