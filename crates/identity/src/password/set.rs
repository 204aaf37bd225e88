//! Making, judging and checking passwords.

use serde_json::Value;
use tenantry_store::identity::passwords::Password;
use zeroize::Zeroizing;

use crate::password::{Fault, Hash, Policy};
use crate::text::Fields;
use crate::{Identity, Refusal};

/// The longest password, in bytes.
pub const LONGEST: usize = 1_024;

impl Identity {
    /// The argon2id hash of a password. It is not judged by any policy here.
    ///
    /// # Errors
    /// [`Refusal::TooMany`] when too many wait for their turn.
    pub async fn hash_password(&self, plain: Zeroizing<String>) -> Result<String, Refusal> {
        check_length(&plain)?;
        let salt = Hash::salt(self.entropy.as_ref())?;
        let made = self.passwords.run(move || Hash::make(plain.as_bytes(), &salt)).await?;
        made.ok_or(Refusal::Internal("a password was not hashed"))
    }

    /// Judges a password by a connection's options, but for the user's past ones. `about` holds the user's
    /// `email`, `username`, `name`, ….
    ///
    /// # Errors
    /// [`Refusal::Password`].
    pub fn check_password_policy(&self, options: &Fields, about: &Fields, plain: &str) -> Result<(), Refusal> {
        check_length(plain)?;
        Policy::of(options).check(plain, about).map_err(Refusal::Password)
    }

    /// Judges a new password of a user by the connection's options and the user's past ones, and makes the
    /// row that keeps it.
    ///
    /// # Errors
    /// [`Refusal::Password`]; [`Refusal::TooMany`] when too many wait for their turn.
    pub async fn prepare_password(
        &self,
        options: &Fields,
        about: &Fields,
        user_id: &str,
        plain: Zeroizing<String>,
    ) -> Result<Password, Refusal> {
        self.check_password_policy(options, about, &plain)?;
        let keep = Policy::of(options).history();
        let mut past = Vec::new();
        if keep > 0
            && let Some(row) = self.store.password(user_id).await?
        {
            past = history(&row.history);
            past.insert(0, row.hash);
            past.truncate(keep);
            for hash in &past {
                if self.password_fits(plain.clone(), Some(hash.clone())).await? {
                    return Err(Refusal::Password(Fault::Past));
                }
            }
        }
        let hash = self.hash_password(plain).await?;
        let history = Value::from(past).to_string();
        Ok(Password { user_id: user_id.to_owned(), hash, history, updated_micros: self.now() })
    }

    /// Does a password fit a hash? Without a hash it does not, and takes as long.
    ///
    /// # Errors
    /// [`Refusal::TooMany`] when too many wait for their turn.
    pub(crate) async fn password_fits(&self, plain: Zeroizing<String>, hash: Option<String>) -> Result<bool, Refusal> {
        let fits = move || {
            // A password that is too long cannot have been set.
            let known = hash.filter(|_| plain.len() <= LONGEST).and_then(|hash| Hash::parse(&hash).ok());
            match known {
                Some(hash) => hash.fits(plain.as_bytes()),
                None => {
                    let _ = Hash::parse(Hash::nobody()).map(|hash| hash.fits(b"nobody"));
                    false
                }
            }
        };
        self.passwords.run(fits).await
    }
}

/// The past hashes in a row.
fn history(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap_or_default()
}

fn check_length(plain: &str) -> Result<(), Refusal> {
    if plain.len() > LONGEST {
        return Err(Refusal::Invalid {
            code: "invalid_body",
            message: format!(
                "Payload validation error: 'The password is longer than {LONGEST} bytes' on property password."
            ),
        });
    }
    Ok(())
}
