//! Who may use the APIs of the platform's own choosing, as models are: a token of the compatible dialect, or
//! an API key.
//!
//! ```text
//! credential -> Identity::admit -> Admitted { principal, what it may on which API } -> AdmissionCache
//! ```

mod cache;
mod key;
mod token;

use std::sync::Arc;

use tenantry_policy::Principal;
use tenantry_store::Subject as Affected;

use crate::{Identity, TokenError};

pub use cache::{Admission, AdmissionCache};

/// How long an admission is answered from memory: an hour.
const FRESH_MICROS: i64 = 3600 * 1_000_000;

/// What a credential admits to.
#[derive(Debug, Clone)]
pub struct Admitted {
    /// Who asks.
    pub principal: Principal,
    /// What it may: an API's identifier, and the permissions held on it.
    pub grants: Vec<(String, Vec<String>)>,
    /// The only models that it may call, for a key that is limited to some.
    pub models: Option<Vec<String>>,
    /// The API key's id.
    pub key: Option<String>,
    /// When it ends, microseconds since 1970 UTC; at this moment it is already refused.
    pub expires_micros: i64,
    /// Until when it may be answered from memory: changes of rights are not remembered for ever.
    fresh_until: i64,
    /// A change of any of these ends it.
    rests_on: Vec<Affected>,
    /// The number of the last change known before anything was read for it.
    known: i64,
}

impl Identity {
    /// What a credential admits to, now.
    ///
    /// # Errors
    /// [`TokenError`]; log its code, tell the caller only [`TokenError::told`].
    pub async fn admit(self: &Arc<Self>, credential: &str) -> Result<Admitted, TokenError> {
        match credential.starts_with(crate::api_keys::PREFIX) {
            true => self.admit_key(credential).await,
            false => self.admit_token(credential).await,
        }
    }

    /// Does it still hold? Not when its time is over, nor when something that it rests on was changed, nor when
    /// that cannot be told.
    #[must_use]
    pub fn still_admits(&self, admitted: &Admitted) -> bool {
        self.now() < admitted.expires_micros
            && self.issuer.settled().is_some_and(|known| known == admitted.known || self.unchanged(admitted))
    }

    /// Until when what is read now may be answered from memory.
    fn fresh_until(&self) -> i64 {
        self.now().saturating_add(FRESH_MICROS)
    }

    fn unchanged(&self, admitted: &Admitted) -> bool {
        let epochs = self.store.epochs();
        !admitted.rests_on.iter().any(|subject| epochs.changed_after(admitted.known, subject))
    }
}
