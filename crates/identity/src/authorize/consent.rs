//! Whether the user is asked, and what the user is told when asked.

use serde_json::json;
use tenantry_store::identity::consents::Consent as Row;

use crate::act::Act;
use crate::authorize::{Authorization, Live, Place, Sent, Stopped, Visit, redirect};
use crate::oauth::scope::OPENID;
use crate::{Audience, Identity, Refusal, ids, tool_scopes};

/// What the user is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consenting {
    /// What the client calls itself.
    pub client: String,
    /// Whether the platform vouches for the client.
    pub vouched: bool,
    /// Where the answer goes: a host, or `None` for a program on the user's own machine.
    pub goes_to: Option<String>,
    /// Where the client describes itself, if it does: a host.
    pub described_at: Option<String>,
    /// Who consents, as it is called here.
    pub user: String,
    /// The account's name, and the workspace's.
    pub place: Option<(String, Option<String>)>,
    /// What it would be allowed, in sentences.
    pub allows: Vec<String>,
}

impl Identity {
    /// Is the user asked? For third parties always; and for programs whose answer anybody on the user's machine might
    /// catch (RFC 8252, section 8.6).
    pub(super) fn needs_consent(asked: &Authorization) -> bool {
        asked.prompts("consent")
            || !asked.client.known.is_first_party
            || redirect::secure_host(&asked.redirect_uri).is_none()
    }

    pub(super) fn consenting(asked: &Authorization, live: &Live, place: Option<&Place>) -> Consenting {
        let user = &live.user;
        let called = [&user.email, &user.username, &user.phone, &user.name].into_iter().flatten().next();
        let scheme = || asked.redirect_uri.split_once(':').map_or("", |(scheme, _)| scheme).to_owned();
        let goes_to = match redirect::secure_host(&asked.redirect_uri) {
            Some(host) => Some(host.to_owned()),
            None if redirect::is_loopback(&asked.redirect_uri) => None,
            None => Some([&scheme(), ":"].concat()),
        };
        let described_at = asked.client.known.external_id.as_deref().and_then(redirect::secure_host);
        Consenting {
            client: crate::oauth::params::shown(&asked.client.known.name),
            vouched: asked.client.known.is_first_party,
            goes_to,
            described_at: described_at.map(str::to_owned),
            user: called.unwrap_or(&user.id).clone(),
            place: place.map(|place| (place.account_name().to_owned(), place.workspace_name().map(str::to_owned))),
            allows: allows(asked),
        }
    }

    /// Keeps what a user consented to, on the account's record.
    pub(super) async fn keep_consent(
        &self,
        asked: &Authorization,
        visit: &Visit,
        live: &Live,
        place: Option<&Place>,
    ) -> Result<(), Stopped> {
        let (user, client) = (live.user.id.as_str(), asked.client.id());
        let row = Row {
            id: ids::hex(self.entropy.as_ref(), "", 12).map_err(Refusal::from)?,
            user_id: user.to_owned(),
            client_id: client.to_owned(),
            audience: asked.audience.clone().unwrap_or_else(|| [self.issuer.url(), "userinfo"].concat()),
            scope: asked.scope.join(" "),
            created_micros: self.now(),
        };
        let tenant = place.map_or("", |place| place.account.tenant_id.as_str());
        let inputs = json!({ "client": client, "audience": row.audience, "scope": row.scope });
        let workspace = place.and_then(|place| place.ids().1);
        let act = Act { name: "consents.create", tenant, workspace, inputs };
        self.act(&visit.caller(Some(user), Some(client)), act, async {
            let mut batch = self.store.batch();
            batch.notes_only();
            batch.put_consent(&row);
            self.store.commit(batch).await?;
            Ok(())
        })
        .await?;
        Ok(())
    }

    /// The user says no: the client is told, and so is the record.
    ///
    /// # Errors
    /// The store's.
    pub async fn decline(&self, asked: &Authorization, visit: &Visit) -> Result<Sent, Stopped> {
        let live = self.live(visit).await?;
        let user = live.as_ref().map(|live| live.user.id.as_str());
        let inputs = json!({ "client": asked.client.id(), "why": "the user said no" });
        let act = Act { name: "consents.create", tenant: "", workspace: None, inputs };
        let caller = visit.caller(user, Some(asked.client.id()));
        self.refused(&caller, act, &Refusal::Forbidden { any_of: &[] }).await;
        match asked.told("access_denied", "The user did not consent.") {
            Stopped::Sent(sent) => Ok(sent),
            shown @ Stopped::Shown(_) => Err(shown),
        }
    }
}

/// What is asked for, in sentences.
fn allows(asked: &Authorization) -> Vec<String> {
    let has = |name: &str| asked.scope.iter().any(|one| one == name);
    let mut told = Vec::new();
    if asked.context() == Some(Audience::App) {
        let (read, write) = (has(tool_scopes::READ), has(tool_scopes::WRITE));
        if read || !write {
            told.push("Read the data that you may read".to_owned());
        }
        if write || !read {
            told.push("Change the data that you may change".to_owned());
        }
    } else if let Some(audience) = &asked.audience {
        told.push(format!("Act for you at {}", crate::oauth::params::shown(audience)));
    }
    for (name, sentence) in [
        ("profile", "See your name and picture"),
        ("email", "See your e-mail address"),
        ("phone", "See your telephone number"),
        ("offline_access", "Do so also while you are not here, until you end it"),
    ] {
        if has(name) {
            told.push(sentence.to_owned());
        }
    }
    if asked.for_mcp && !has("offline_access") {
        told.push("Do so for as long as you are logged in here, seven days at most".to_owned());
    }
    let known = |one: &&String| !OPENID.contains(&one.as_str()) && !tool_scopes::ALL.contains(&one.as_str());
    if asked.context() != Some(Audience::App) {
        told.extend(asked.scope.iter().filter(known).map(|one| crate::oauth::params::shown(one)));
    }
    if told.is_empty() {
        told.push("Know who you are".to_owned());
    }
    told
}
