//! What a client asks for at `/authorize`, checked.

use std::sync::Arc;

use serde_json::Value;

use crate::authorize::{Sent, Stopped, Visit, is_ours, redirect};
use crate::oauth::params::shown;
use crate::oauth::registry::{Client, Stamp, setting_text};
use crate::oauth::{AUTHORIZATION_CODE, OAuthError, OAuthRequest, Params, scope};
use crate::{Audience, FIRST_CONNECTION, Identity};

/// A client's request that can be answered.
#[derive(Debug, Clone)]
pub struct Authorization {
    pub(crate) client: Arc<Client>,
    pub(crate) redirect_uri: String,
    pub(crate) state: Option<String>,
    pub(crate) scope: Vec<String>,
    /// `None`: the platform's default, or else an opaque token.
    pub(crate) audience: Option<String>,
    /// Was it asked for by the address of `/mcp`?
    pub(crate) for_mcp: bool,
    /// The S256 of the secret that the client keeps (RFC 7636).
    pub(crate) challenge: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) prompt: Vec<String>,
    /// Seconds.
    pub(crate) max_age: Option<i64>,
    pub(crate) organization: Option<String>,
    pub(crate) workspace: Option<String>,
    pub(crate) login_hint: Option<String>,
    pub(crate) connection: String,
    pub(crate) now: Stamp,
    issuer: String,
}

impl Authorization {
    /// The answer that tells the client why not.
    pub(crate) fn told(&self, error: &'static str, description: impl Into<String>) -> Stopped {
        Stopped::Sent(self.answer(vec![("error", error.to_owned()), ("error_description", description.into())]))
    }

    /// An answer with the client's state and our name (RFC 9207).
    pub(crate) fn answer(&self, params: Vec<(&'static str, String)>) -> Sent {
        answer(&self.redirect_uri, self.state.as_deref(), &self.issuer, params)
    }

    pub(crate) fn prompts(&self, what: &str) -> bool {
        self.prompt.iter().any(|one| one == what)
    }

    /// Where answers go, for the page's policy.
    #[must_use]
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// What the person may be called, as the client thinks.
    #[must_use]
    pub fn login_hint(&self) -> Option<&str> {
        self.login_hint.as_deref()
    }

    pub(crate) fn context(&self) -> Option<Audience> {
        self.audience.as_deref().and_then(Audience::parse)
    }
}

fn answer(redirect_uri: &str, state: Option<&str>, issuer: &str, mut params: Vec<(&'static str, String)>) -> Sent {
    params.extend(state.map(|state| ("state", state.to_owned())));
    params.push(("iss", issuer.to_owned()));
    Sent { redirect_uri: redirect_uri.to_owned(), params }
}

/// A refusal that is told to the client, as a pair of code and sentence.
type Told = (&'static str, String);

fn told<T>(error: &'static str, description: impl Into<String>) -> Result<T, Told> {
    Err((error, description.into()))
}

impl Identity {
    /// Reads a client's request. Until its client and its address are known to belong together, whatever is wrong
    /// is shown and sent nowhere.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn authorization(&self, visit: &Visit) -> Result<Authorization, Stopped> {
        self.store.look_for_changes().await?;
        let params = &visit.request.params;
        let named = params.need("client_id")?;
        if self.is_document_address(named) {
            self.read_document(named, visit).await?;
        }
        let now = self.stamp();
        let client = self.kept_client(named, now).await?;
        let client = client.ok_or_else(|| OAuthError::invalid("There is no such client."))?;
        let asked = params.need("redirect_uri")?;
        let registered = client.known.texts("callbacks").any(|registered| redirect::fits(registered, asked));
        if !registered || !redirect::may_be_sent_to(asked) {
            let why = "The address that the answer should go to (redirect_uri) is not one of the client's.";
            return Err(OAuthError::invalid(why).into());
        }
        // From here on the client may be told.
        let state = params.get("state").map(str::to_owned);
        let issuer = self.issuer.url().to_owned();
        let sent = |(error, description): Told| {
            let params = vec![("error", error.to_owned()), ("error_description", description)];
            Stopped::Sent(answer(asked, state.as_deref(), &issuer, params))
        };
        check_form(&client, params).map_err(sent)?;
        let (audience, for_mcp) = self.asked_audience(&client, &visit.request).map_err(sent)?;
        let settings = self.kept_settings(now).await?;
        // What a token would be for in the end: what is shown and consented to is that.
        let audience = audience.or_else(|| setting_text(&settings, "default_audience").map(str::to_owned));
        let connection = params.get("connection").or_else(|| setting_text(&settings, "default_directory"));
        let connection = connection.unwrap_or(FIRST_CONNECTION).to_owned();
        if let Err(error) = self.check_login_connection(&connection, &client, &settings).await {
            return Err(if is_ours(&error) { error.into() } else { sent(("access_denied", error.description)) });
        }
        let text = |name: &str| params.get(name).map(str::to_owned);
        Ok(Authorization {
            redirect_uri: asked.to_owned(),
            scope: scope::asked(params.get("scope")),
            audience,
            for_mcp,
            challenge: text("code_challenge"),
            nonce: text("nonce"),
            prompt: scope::asked(params.get("prompt")),
            max_age: params.get("max_age").and_then(|age| age.parse().ok()),
            organization: text("organization"),
            workspace: text("workspace"),
            login_hint: params.get("login_hint").map(shown),
            connection,
            now,
            state,
            issuer,
            client,
        })
    }

    /// The API that is asked for, and whether by the address of `/mcp`.
    fn asked_audience(&self, client: &Client, request: &OAuthRequest) -> Result<(Option<String>, bool), Told> {
        let resolved = self.by_resource(request).map_err(|error| (error.kind.name(), error.description))?;
        let audience = resolved.params.get("audience").map(str::to_owned);
        let for_mcp = request.params.get("resource").is_some() && audience.as_deref() == Some(Audience::App.name());
        // INVARIANT: who registered itself reaches the data tools, and nothing else of ours or of anybody's.
        if client.known.is_self_made() && audience.as_deref() != Some(Audience::App.name()) {
            return told("invalid_target", "This client has tokens for the MCP endpoint alone: name it as resource.");
        }
        Ok((audience, for_mcp))
    }
}

/// What does not depend on anything but the request and its client.
fn check_form(client: &Client, params: &Params) -> Result<(), Told> {
    for (name, error) in [("request", "request_not_supported"), ("request_uri", "request_uri_not_supported")] {
        if params.get(name).is_some() {
            return told(error, format!("Parameter {name} is not supported."));
        }
    }
    match params.get("response_type") {
        Some("code") => {}
        None => return told("invalid_request", "Missing required parameter: response_type"),
        Some(_) => return told("unsupported_response_type", "The only response_type is code."),
    }
    if params.get("response_mode").is_some_and(|mode| mode != "query") {
        return told("invalid_request", "The only response_mode is query.");
    }
    if !client.known.may_use(AUTHORIZATION_CODE) {
        return told("unauthorized_client", "Grant type 'authorization_code' not allowed for the client.");
    }
    check_challenge(client, params)?;
    let prompt = scope::asked(params.get("prompt"));
    if prompt.iter().any(|one| !["none", "login", "consent", "select_account"].contains(&one.as_str())) {
        return told("invalid_request", "Parameter prompt knows none, login, consent and select_account.");
    }
    if prompt.len() > 1 && prompt.iter().any(|one| one == "none") {
        return told("invalid_request", "Parameter prompt: none goes with nothing else.");
    }
    if params.get("max_age").is_some_and(|age| age.parse::<u32>().is_err()) {
        return told("invalid_request", "Parameter max_age is a number of seconds.");
    }
    if params.get("workspace").is_some() && params.get("organization").is_none() {
        return told("invalid_request", "A workspace lies in an organization: name one.");
    }
    Ok(())
}

/// RFC 7636, with S256 alone: who cannot keep a secret must have it, and so must third parties.
fn check_challenge(client: &Client, params: &Params) -> Result<(), Told> {
    let letters = |text: &str| text.len() == 43 && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    let public = client.known.auth_method() == "none" || !client.known.is_first_party;
    match (params.get("code_challenge"), params.get("code_challenge_method")) {
        (Some(challenge), Some("S256")) if letters(challenge) => Ok(()),
        (Some(_), Some("S256")) => told("invalid_request", "Parameter code_challenge is not the S256 of a verifier."),
        (Some(_), _) | (None, Some(_)) => told("invalid_request", "The only code_challenge_method is S256."),
        (None, None) if public => told("invalid_request", "Missing required parameter: code_challenge"),
        (None, None) => Ok(()),
    }
}

/// What the operator or the account calls a thing for people, where that is said.
pub(super) fn said<'a>(fields: &'a crate::text::Fields, path: &[&str]) -> Option<&'a str> {
    let (first, rest) = path.split_first()?;
    let mut value = fields.get(*first)?;
    for name in rest {
        value = value.get(*name)?;
    }
    value.as_str().filter(|text| !text.is_empty()).filter(|_| !matches!(value, Value::Null))
}
