//! The second factor: a one-time code (RFC 6238) or the recovery code.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use serde_json::{Value, json};
use tenantry_store::BatchError;
use tenantry_store::identity::Window;
use tenantry_store::identity::authentication_methods::AuthenticationMethod;
use zeroize::Zeroizing;

use crate::act::Act;
use crate::authorize::{Authorization, Live, Visit};
use crate::login::{Counted, LoginRefusal, Stop, USER_FAILURES, factor_subject, forgive};
use crate::logs::Event;
use crate::methods::SECRETS;
use crate::text::{fields, time};
use crate::{Identity, Refusal};

/// Its name among a session's methods.
pub(super) const NAME: &str = "mfa";

/// How long a code is shown, in seconds, and its digits.
const STEP: i64 = 30;
const DIGITS: usize = 6;

/// Steps before and after the present one whose codes are taken: clocks differ, and people type slowly.
const DRIFT: i64 = 1;

/// No user has more methods than are worth looking at.
const MOST: i64 = 50;

/// Kinds that make a password alone too little.
const KINDS: [&str; 5] = ["totp", "phone", "webauthn-roaming", "webauthn-platform", "push-notification"];

impl Identity {
    /// The methods by which a password alone does not do for this user.
    pub(crate) async fn second_factors(&self, user: &str) -> Result<Vec<AuthenticationMethod>, Refusal> {
        let mut methods = self.store.authentication_methods(user, Window { offset: 0, limit: MOST }).await?;
        methods.retain(|method| {
            KINDS.contains(&method.kind.as_str())
                && fields(&method.doc).get("confirmed").and_then(Value::as_bool) != Some(false)
        });
        Ok(methods)
    }

    /// Checks what somebody typed who is logged in by password: a one-time code, or the recovery code. Answers the
    /// cookie of a new session in place of the one before.
    ///
    /// # Errors
    /// [`LoginRefusal::Wrong`] also for who is not logged in.
    pub async fn show_factor(
        &self,
        asked: &Authorization,
        visit: &Visit,
        typed: &str,
    ) -> Result<Zeroizing<String>, LoginRefusal> {
        let live = self.live(visit).await?.ok_or(LoginRefusal::Wrong)?;
        // INVARIANT: counted for the user wherever the attempts come from, and not taken back by a right password: who
        // knows the password must not be able to try all codes.
        let counted = Counted::everywhere(factor_subject(&live.user.id));
        let failures = match self.begin_attempt(&counted).await? {
            Ok(failures) => failures,
            Err(stop) => {
                self.factor_on_record(asked, visit, &live, "too many attempts").await;
                return Err(match stop {
                    Stop::User => LoginRefusal::TooMany,
                    Stop::Address { retry_after } => LoginRefusal::Throttled { retry_after },
                });
            }
        };
        let Some(kind) = self.factor_fits(&live, typed).await? else {
            if failures >= USER_FAILURES {
                self.block_attempt(&counted).await?;
            }
            self.factor_on_record(asked, visit, &live, "wrong second factor").await;
            return Err(LoginRefusal::Wrong);
        };
        let session = self.next_session(&live, kind).await?;
        let inputs = json!({ "session": session.id, "factor": kind });
        let act = Act { name: "users.second_factor", tenant: "", workspace: None, inputs };
        let caller = visit.caller(Some(&live.user.id), Some(asked.client.id()));
        self.act(&caller, act, async {
            let mut batch = self.store.batch();
            batch.notes_only();
            forgive(&mut batch, &counted);
            // The session of the password alone ends: nobody who saw its cookie gains by this.
            batch.delete_session(&live.session);
            batch.insert_session(&session);
            self.store.commit(batch).await?;
            Ok(())
        })
        .await?;
        self.note_factor(asked, visit, &live, "gd_auth_succeed", "");
        Ok(self.session_cookie(&session.id)?)
    }

    async fn next_session(
        &self,
        live: &Live,
        kind: &str,
    ) -> Result<tenantry_store::identity::sessions::Session, LoginRefusal> {
        let row = self.store.session(&live.session).await.map_err(Refusal::from)?.ok_or(LoginRefusal::Wrong)?;
        let now = self.now();
        let mut doc = fields(&row.doc);
        if let Some(Value::Array(methods)) = doc.get_mut("authentication").and_then(|all| all.get_mut("methods")) {
            methods.push(json!({ "name": NAME, "type": kind, "timestamp": time(now) }));
        }
        let id = crate::ids::letters(self.entropy.as_ref(), "sess_", 32).map_err(Refusal::from)?;
        Ok(tenantry_store::identity::sessions::Session {
            id,
            doc: Value::Object(doc).to_string(),
            created_micros: now,
            seen_micros: now,
            ..row
        })
    }

    /// By what kind of method it fits.
    async fn factor_fits(&self, live: &Live, typed: &str) -> Result<Option<&'static str>, Refusal> {
        let typed: Zeroizing<String> = Zeroizing::new(typed.chars().filter(|one| !one.is_whitespace()).collect());
        if typed.len() == DIGITS && typed.chars().all(|one| one.is_ascii_digit()) {
            for method in self.second_factors(&live.user.id).await?.iter().filter(|method| method.kind == "totp") {
                if self.code_fits(method, &typed).await? {
                    return Ok(Some("totp"));
                }
            }
            return Ok(None);
        }
        if typed.is_empty() || typed.len() > 64 {
            return Ok(None);
        }
        Ok(self.use_recovery_code(&live.user.id, &typed).await?.then_some("recovery-code"))
    }

    /// Is it a code of about now that was not used before?
    async fn code_fits(&self, method: &AuthenticationMethod, typed: &str) -> Result<bool, Refusal> {
        let Some(sealed) = &method.secret else { return Ok(false) };
        let secret = Zeroizing::new(self.open_sealed(SECRETS, &method.id, sealed)?);
        let present = self.issuer.now_seconds().div_euclid(STEP);
        let fits = |step: &i64| verify_slices_are_equal(code(&secret, *step).as_bytes(), typed.as_bytes()).is_ok();
        let fitting = (present - DRIFT..=present + DRIFT).rfind(fits);
        let Some(step) = fitting else { return Ok(false) };
        // Each code is good once, on whichever server (RFC 6238, section 5.2).
        let used = digest(&SHA256, &step.to_be_bytes());
        let end = (step + 2 * DRIFT + 1).saturating_mul(STEP).saturating_mul(crate::issuer::MICROS);
        let mut batch = self.store.batch();
        batch.notes_only();
        batch.spend_assertion(&method.id, used.as_ref(), end);
        match self.store.commit(batch).await {
            Ok(_) => Ok(true),
            Err(BatchError::Duplicate(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn factor_on_record(&self, asked: &Authorization, visit: &Visit, live: &Live, why: &str) {
        let inputs = json!({ "why": why });
        let act = Act { name: "users.second_factor", tenant: "", workspace: None, inputs };
        let caller = visit.caller(Some(&live.user.id), Some(asked.client.id()));
        self.refused(&caller, act, &Refusal::Forbidden { any_of: &[] }).await;
        self.note_factor(asked, visit, live, "gd_auth_failed", why);
    }

    fn note_factor(&self, asked: &Authorization, visit: &Visit, live: &Live, kind: &'static str, why: &str) {
        self.log(Event {
            description: (!why.is_empty()).then(|| why.to_owned()),
            user_id: Some(live.user.id.clone()),
            client_id: Some(asked.client.id().to_owned()),
            address: visit.address(),
            user_agent: visit.request.user_agent.clone(),
            ..Event::new(kind)
        });
    }
}

/// The code of a step (RFC 4226, section 5.3; SHA-1, as authenticators have it).
fn code(secret: &[u8], step: i64) -> Zeroizing<String> {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let offset = tag.as_ref().last().map_or(0, |last| usize::from(last & 0xf));
    let four = tag.as_ref().iter().skip(offset).take(4).fold(0_u32, |all, byte| all << 8 | u32::from(*byte));
    Zeroizing::new(format!("{:06}", (four & 0x7fff_ffff) % 1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, the last six of its eight digits.
        for (seconds, told) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(*code(b"12345678901234567890", seconds / STEP), told, "{seconds}");
        }
    }
}
