//! Secrets on their way into a thing: where they are found, and how new ones are made.

use tenantry_policy::Entropy;
use zeroize::Zeroizing;

use crate::error::PlanError;

/// Where `env:NAME` and `file:PATH` lead. The program's own, or a test's.
pub trait Secrets: Send + Sync {
    /// The secret behind a reference.
    ///
    /// # Errors
    /// Why there is none, without any value.
    fn secret(&self, reference: &str) -> Result<Zeroizing<String>, String>;
}

/// A secret that was made and is shown this once.
#[derive(Clone, PartialEq, Eq)]
pub struct Shown {
    /// Whose: the thing's address.
    pub address: String,
    /// The field.
    pub field: String,
    /// The secret.
    pub value: Zeroizing<String>,
}

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shown").field("address", &self.address).field("field", &self.field).finish_non_exhaustive()
    }
}

/// The letters of generated secrets: none that a shell or an address must quote.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A new secret of 43 letters: 258 bits.
///
/// # Errors
/// When the machine has no randomness.
pub fn generate(entropy: &dyn Entropy) -> Result<Zeroizing<String>, PlanError> {
    let mut bytes = Zeroizing::new([0_u8; 43]);
    entropy.fill(bytes.as_mut()).map_err(|error| PlanError::Store(error.into()))?;
    let letters = bytes.iter().filter_map(|byte| LETTERS.get(usize::from(byte & 63)).copied().map(char::from));
    Ok(Zeroizing::new(letters.collect()))
}
