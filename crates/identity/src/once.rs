//! Requests that may be sent twice and must be done once: the caller gives each a key (Idempotency-Key).
//!
//! ```text
//! begin: the key is taken -> work -> done: the answer is kept (sealed)      -> sent again: the kept answer
//!                                 -> failed, nothing written: key given back -> sent again: done anew
//!                                 -> not known what was written: key stays   -> sent again: refused for a day
//! ```

use aws_lc_rs::digest::{Context, SHA256};
use tenantry_store::{BatchError, StoreError};

use crate::{Caller, Identity, Reach, Refusal};

/// How long answers are kept, in microseconds: a day.
const KEPT: i64 = 24 * 3600 * 1_000_000;

/// The longest key, in bytes.
pub const LONGEST_KEY: usize = 255;

/// The table, for sealing.
const TABLE: &str = "tenantry_idempotency";

/// What a request with a key comes to.
#[derive(Debug)]
pub enum Once {
    /// It is new: do it, then say how it went.
    New(Claim),
    /// It was done before, with this answer.
    Done {
        /// The status.
        status: u16,
        /// The body, if there was one.
        body: Option<Vec<u8>>,
    },
}

/// A caller's key that was taken for a request.
#[derive(Debug, Clone)]
pub struct Claim {
    caller: String,
    key: String,
}

impl Identity {
    /// Takes a caller's key for a request, told by `parts`: method, path, query, body.
    ///
    /// # Errors
    /// [`Refusal::KeyReused`] when the key came before with another request; [`Refusal::KeyInUse`] while
    /// that one is under way, or when its outcome is not known; [`Refusal::Invalid`] for a key that is none.
    pub async fn once(&self, caller: &Caller, key: &str, parts: &[&[u8]]) -> Result<Once, Refusal> {
        if key.is_empty() || key.len() > LONGEST_KEY || !key.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
        {
            let message = format!("the Idempotency-Key must be 1 to {LONGEST_KEY} visible ASCII characters");
            return Err(Refusal::Invalid { code: "invalid_idempotency_key", message });
        }
        let claim = Claim { caller: subject(caller), key: key.to_owned() };
        let digest = digest(parts);
        let now = self.now();
        let mut batch = self.store.batch();
        batch.purge_idempotency(now.saturating_sub(KEPT));
        let place = batch.insert_idempotency(&claim.caller, &claim.key, &digest);
        match self.store.commit(batch).await {
            Ok(_) => return Ok(Once::New(claim)),
            Err(BatchError::Duplicate(at)) if at == place => {}
            Err(error) => return Err(error.into()),
        }
        // Given back between the two: whoever sent it twice at once may try again.
        let known = self.store.idempotency(&claim.caller, &claim.key).await?.ok_or(Refusal::KeyInUse)?;
        if known.digest != digest {
            return Err(Refusal::KeyReused);
        }
        let status = known.status.and_then(|status| u16::try_from(status).ok()).ok_or(Refusal::KeyInUse)?;
        let body = known.body.map(|sealed| self.open_sealed(TABLE, &claim.place(), &sealed)).transpose()?;
        Ok(Once::Done { status, body })
    }

    /// Says how a request went: its answer, or why nothing was done. Never fails what was done.
    pub async fn settle(&self, claim: &Claim, outcome: Result<(u16, Option<&[u8]>), &Refusal>) {
        let mut batch = self.store.batch();
        match outcome {
            Ok((status, body)) => {
                let sealed = body.map(|body| self.seal(TABLE, &claim.place(), body)).transpose();
                match sealed {
                    Ok(sealed) => drop(batch.answer_idempotency(&claim.caller, &claim.key, i64::from(status), sealed)),
                    // The key stays taken: better refused than done twice.
                    Err(error) => return tracing::error!(%error, "an answer is not kept"),
                }
            }
            // It may have been written: doing it again could do it twice.
            Err(Refusal::Store(StoreError::Unavailable { .. })) => return,
            Err(_) => drop(batch.release_idempotency(&claim.caller, &claim.key)),
        }
        if let Err(error) = self.store.commit(batch).await {
            tracing::error!(%error, "how a request with a key went is not kept");
        }
    }
}

impl Claim {
    fn place(&self) -> String {
        [self.caller.as_str(), "\n", &self.key].concat()
    }
}

/// Whose key it is. Two tokens of one client for one user in one place are the same caller.
fn subject(caller: &Caller) -> String {
    let (account, workspace) = match &caller.reach {
        Reach::Operator | Reach::Platform(_) => ("", None),
        Reach::Account { account, workspace, .. } => (account.as_str(), workspace.as_deref()),
    };
    let parts = [caller.client.as_deref(), caller.user.as_deref(), Some(account), workspace];
    // A slash in an id must not make two callers one.
    let quoted = parts.map(|part| part.unwrap_or_default().replace('~', "~0").replace('/', "~1"));
    quoted.join("/")
}

/// SHA-256 over the parts, each with its length before it.
fn digest(parts: &[&[u8]]) -> Vec<u8> {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(part);
    }
    context.finish().as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_and_requests_are_told_apart() {
        let caller = |client: &str, user: Option<&str>| Caller {
            client: Some(client.to_owned()),
            user: user.map(str::to_owned),
            ..Caller::operator("r")
        };
        assert_ne!(subject(&caller("a/b", None)), subject(&caller("a", Some("b"))));
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
        assert_eq!(digest(&[b"ab", b"c"]), digest(&[b"ab", b"c"]));
    }
}
