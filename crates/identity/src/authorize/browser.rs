//! Who is logged in in a browser, and that a form was ours.
//!
//! A session's id stands in ID tokens and in lists, so it is no secret. The cookie is the id with a seal that only
//! this installation can make; a copy of the database opens no session.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use tenantry_store::identity::users::User;
use zeroize::Zeroizing;

use crate::authorize::Visit;
use crate::issuer::MICROS;
use crate::text::fields;
use crate::{Identity, Refusal};

/// The longest cookie that is looked at.
const LONGEST: usize = 256;

/// A session that holds, and its user, who may log in.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    pub(crate) session: String,
    pub(crate) user: User,
    /// When the user showed who it is, in seconds since 1970 UTC.
    pub(crate) auth_time: i64,
    /// Did it show a second factor?
    pub(crate) factor: bool,
}

/// Several texts as one, so that no two lists are the same text.
fn joined(parts: &[&str]) -> Vec<u8> {
    let mut whole = Vec::new();
    for part in parts {
        whole.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        whole.extend_from_slice(part.as_bytes());
    }
    whole
}

impl Identity {
    /// What the browser keeps of a session.
    pub(crate) fn session_cookie(&self, id: &str) -> Result<Zeroizing<String>, Refusal> {
        let tag = hmac::sign(&self.derived_key("browser session")?, id.as_bytes());
        Ok(Zeroizing::new([id, ".", &URL_SAFE_NO_PAD.encode(tag.as_ref())].concat()))
    }

    /// The session's id, when we made the cookie.
    fn sealed_session<'c>(&self, cookie: &'c str) -> Result<Option<&'c str>, Refusal> {
        let Some((id, tag)) = cookie.split_once('.').filter(|_| cookie.len() <= LONGEST) else { return Ok(None) };
        let Ok(tag) = URL_SAFE_NO_PAD.decode(tag) else { return Ok(None) };
        let good = hmac::verify(&self.derived_key("browser session")?, id.as_bytes(), &tag).is_ok();
        Ok(good.then_some(id))
    }

    /// Who is logged in. Nobody whose session has ended, or who may not log in any more.
    pub(crate) async fn live(&self, visit: &Visit) -> Result<Option<Live>, Refusal> {
        let Some(cookie) = &visit.session else { return Ok(None) };
        let Some(id) = self.sealed_session(cookie)? else { return Ok(None) };
        let now = self.now();
        let row = self.store.session(id).await?;
        let Some(row) = row.filter(|row| row.expires_micros > now && row.idle_micros > now) else { return Ok(None) };
        let Some(user) = self.store.user(&row.user_id).await?.filter(|user| !user.blocked) else { return Ok(None) };
        let doc = fields(&row.doc);
        let methods = doc.get("authentication").and_then(|all| all.get("methods")?.as_array());
        let factor = methods
            .into_iter()
            .flatten()
            .any(|method| method.get("name").and_then(Value::as_str) == Some(super::factor::NAME));
        Ok(Some(Live { session: row.id, user, auth_time: row.created_micros.div_euclid(MICROS), factor }))
    }

    /// Ends the browser's session, with the refresh tokens that were to last as long as it.
    ///
    /// # Errors
    /// The store's.
    pub async fn log_out(&self, visit: &Visit) -> Result<(), Refusal> {
        let Some(cookie) = &visit.session else { return Ok(()) };
        let Some(id) = self.sealed_session(cookie)? else { return Ok(()) };
        let Some(row) = self.store.session(id).await? else { return Ok(()) };
        let inputs = serde_json::json!({ "session": row.id });
        let act = crate::act::Act { name: "users.logout", tenant: "", workspace: None, inputs };
        let caller = visit.caller(Some(&row.user_id), None);
        self.act(&caller, act, async {
            let mut batch = self.store.batch();
            batch.notes_only();
            batch.delete_session(&row.id);
            self.store.commit(batch).await?;
            Ok(())
        })
        .await?;
        self.log(crate::logs::Event {
            user_id: Some(row.user_id),
            address: visit.address(),
            user_agent: visit.request.user_agent.clone(),
            ..crate::logs::Event::new("slo")
        });
        Ok(())
    }

    /// Where to go after a logout: `asked`, when the client or the platform has it among its addresses for that.
    ///
    /// # Errors
    /// The store's.
    pub async fn after_logout(&self, client: Option<&str>, asked: &str) -> Result<bool, Refusal> {
        let now = self.stamp();
        let settings = self.kept_settings(now).await?;
        let platform = settings.get("allowed_logout_urls").and_then(Value::as_array).into_iter().flatten();
        let mut known = platform.filter_map(Value::as_str).any(|url| url == asked);
        if let Some(client) = client
            && let Some(client) = self.kept_client(client, now).await?
        {
            known |= client.known.texts("allowed_logout_urls").any(|url| url == asked);
        }
        Ok(known && super::redirect::may_be_sent_to(asked))
    }

    /// What a form brings back to show that it is ours: bound to the browser, to whoever is logged in there, to the
    /// step and to the request that it answers.
    ///
    /// # Errors
    /// Without the installation's keys.
    pub fn form_token(&self, browser: &str, visit: &Visit, step: &str, query: &str) -> Result<String, Refusal> {
        let session = visit.session.as_ref().map_or("", |session| session.as_str());
        let tag = hmac::sign(&self.derived_key("forms")?, &joined(&[browser, session, step, query]));
        Ok(URL_SAFE_NO_PAD.encode(tag.as_ref()))
    }

    /// Is it that form?
    ///
    /// # Errors
    /// Without the installation's keys.
    pub fn form_fits(
        &self,
        browser: &str,
        visit: &Visit,
        step: &str,
        query: &str,
        shown: &str,
    ) -> Result<bool, Refusal> {
        let session = visit.session.as_ref().map_or("", |session| session.as_str());
        let Ok(tag) = URL_SAFE_NO_PAD.decode(shown) else { return Ok(false) };
        let whole = joined(&[browser, session, step, query]);
        Ok(!browser.is_empty() && hmac::verify(&self.derived_key("forms")?, &whole, &tag).is_ok())
    }

    /// 256 random bits by which a browser is known again before anybody logs in.
    ///
    /// # Errors
    /// Without randomness.
    pub fn new_browser(&self) -> Result<String, Refusal> {
        let mut drawn = [0_u8; 32];
        self.entropy.fill(&mut drawn)?;
        Ok(URL_SAFE_NO_PAD.encode(drawn))
    }
}
