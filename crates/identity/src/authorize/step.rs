//! What comes next in a login.

use serde_json::json;
use zeroize::Zeroizing;

use crate::Identity;
use crate::act::Act;
use crate::authorize::place::Where;
use crate::authorize::{Authorization, Consenting, Live, Place, Sent, Stopped, Visit};
use crate::login::{Login, LoginRefusal};
use crate::oauth::OAuthError;

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Somebody logs in.
    Login,
    /// Who logged in shows a second factor.
    Factor,
    /// The user chooses where to go.
    Place(Vec<Place>),
    /// The user is asked.
    Consent(Consenting),
    /// Who is logged in may not go where the client wants to; the answer that says so to the client.
    Nowhere(Sent),
    /// The client is answered.
    Sent(Sent),
}

/// How far it has come.
enum Stand {
    Login,
    Factor,
    Place(Vec<Place>),
    Ready(Box<Live>, Option<Place>),
}

impl Identity {
    /// What comes next, as everything stands now.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn next_step(&self, asked: &Authorization, visit: &Visit) -> Result<Step, Stopped> {
        let quiet = asked.prompts("none");
        let need = |error: &'static str, what: &str| Err(asked.told(error, what));
        match self.stand(asked, visit).await {
            Err(stopped) => {
                self.stop_on_record(asked, visit, &stopped).await;
                match stopped {
                    // Somebody else could: the person may want to log in as that one.
                    Stopped::Sent(sent) if !quiet => Ok(Step::Nowhere(sent)),
                    stopped => Err(stopped),
                }
            }
            Ok(Stand::Login | Stand::Factor) if quiet => need("login_required", "Login required"),
            Ok(Stand::Place(_)) if quiet => need("account_selection_required", "An organization has to be chosen."),
            Ok(Stand::Login) => Ok(Step::Login),
            Ok(Stand::Factor) => Ok(Step::Factor),
            Ok(Stand::Place(places)) => Ok(Step::Place(places)),
            Ok(Stand::Ready(live, place)) if Identity::needs_consent(asked) => match quiet {
                true => need("consent_required", "Consent required"),
                false => Ok(Step::Consent(Identity::consenting(asked, &live, place.as_ref()))),
            },
            Ok(Stand::Ready(live, place)) => Ok(Step::Sent(self.give_code(asked, visit, &live, place.as_ref()).await?)),
        }
    }

    /// The user says yes. Where something comes before consent by now, that comes next.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn consent(&self, asked: &Authorization, visit: &Visit) -> Result<Step, Stopped> {
        match self.stand(asked, visit).await? {
            Stand::Ready(live, place) => {
                self.keep_consent(asked, visit, &live, place.as_ref()).await?;
                Ok(Step::Sent(self.give_code(asked, visit, &live, place.as_ref()).await?))
            }
            Stand::Login => Ok(Step::Login),
            Stand::Factor => Ok(Step::Factor),
            Stand::Place(places) => Ok(Step::Place(places)),
        }
    }

    async fn stand(&self, asked: &Authorization, visit: &Visit) -> Result<Stand, Stopped> {
        // What was asked for expressly is taken out of the request by whoever has done it.
        if asked.prompts("login") || asked.prompts("select_account") {
            return Ok(Stand::Login);
        }
        let Some(live) = self.live(visit).await? else { return Ok(Stand::Login) };
        let age = self.issuer.now_seconds().saturating_sub(live.auth_time);
        if asked.max_age.is_some_and(|most| age > most) {
            return Ok(Stand::Login);
        }
        if !live.factor && !self.second_factors(&live.user.id).await?.is_empty() {
            return Ok(Stand::Factor);
        }
        Ok(match self.place_of(asked, &live).await? {
            Where::Choose(places) => Stand::Place(places),
            Where::There(place) => Stand::Ready(Box::new(live), place),
        })
    }

    /// Logs somebody in; answers what the browser keeps of it. A new session each time.
    ///
    /// # Errors
    /// [`LoginRefusal`].
    pub async fn log_in(
        &self,
        asked: &Authorization,
        visit: &Visit,
        identifier: &str,
        password: Zeroizing<String>,
    ) -> Result<Zeroizing<String>, LoginRefusal> {
        let account = match &asked.organization {
            Some(named) => self.kept_account(named, asked.now).await?,
            None => None,
        };
        let login = Login {
            connection: asked.connection.clone(),
            identifier: identifier.to_owned(),
            password,
            account: account.map(|account| account.id.clone()),
            client: Some(asked.client.id().to_owned()),
            address: visit.address(),
            user_agent: visit.request.user_agent.clone(),
            session: true,
            request_id: visit.request.request_id.clone(),
        };
        let session = self.login(login).await?.session_id;
        let session = session.ok_or(crate::Refusal::Internal("a login began no session"))?;
        Ok(self.session_cookie(&session)?)
    }

    /// Who was logged in and got no further is on record.
    async fn stop_on_record(&self, asked: &Authorization, visit: &Visit, stopped: &Stopped) {
        let why = match stopped {
            Stopped::Sent(sent) => sent.params.iter().find(|(name, _)| *name == "error_description"),
            Stopped::Shown(_) => None,
        };
        let Some((_, why)) = why else { return };
        let user = self.live(visit).await.ok().flatten().map(|live| live.user.id);
        let inputs = json!({ "client": asked.client.id(), "why": why });
        let act = Act { name: "authorizations.create", tenant: "", workspace: None, inputs };
        let caller = visit.caller(user.as_deref(), Some(asked.client.id()));
        self.refused(&caller, act, &crate::Refusal::Forbidden { any_of: &[] }).await;
    }
}

/// What a person is told of a trouble of ours.
impl Stopped {
    /// The error to show, where nothing is sent.
    #[must_use]
    pub fn shown(&self) -> Option<&OAuthError> {
        match self {
            Stopped::Shown(error) => Some(error),
            Stopped::Sent(_) => None,
        }
    }
}
