//! Tokens by a user's name and password (RFC 6749, section 4.3). No client has this unless it was given the
//! grant type, and without a connection named the platform must have a default one.

use zeroize::Zeroizing;

use crate::Identity;
use crate::login::{Login, LoginRefusal};
use crate::oauth::authenticate::Proven;
use crate::oauth::params::shown;
use crate::oauth::registry::{Client, Stamp, setting_text};
use crate::oauth::user::Ask;
use crate::oauth::{OAuthError, OAuthKind, OAuthRequest, PASSWORD_REALM, TokenAnswer, Trail, scope};
use crate::text::Fields;

impl Identity {
    pub(super) async fn by_password(
        &self,
        grant_type: &str,
        request: &OAuthRequest,
        proven: &Proven,
        now: Stamp,
        trail: &mut Trail,
    ) -> Result<TokenAnswer, OAuthError> {
        let params = &request.params;
        let (username, password) = (params.need("username")?, params.need("password")?);
        let settings = self.kept_settings(now).await?;
        let connection = if grant_type == PASSWORD_REALM {
            params.need("realm")?
        } else {
            setting_text(&settings, "default_directory")
                .ok_or_else(|| OAuthError::denied("Authorization server not configured with default connection."))?
        };
        trail.connection = Some(shown(connection));
        self.check_login_connection(connection, &proven.client, &settings).await?;
        let account = self.asked_account(params.get("organization"), now).await?;
        let workspace = self.asked_workspace(account.as_deref(), params.get("workspace")).await?;
        let login = Login {
            connection: connection.to_owned(),
            identifier: username.to_owned(),
            password: Zeroizing::new(password.to_owned()),
            account: account.as_ref().map(|account| account.id.clone()),
            client: Some(proven.client.id().to_owned()),
            address: request.address,
            user_agent: request.user_agent.clone(),
            session: false,
            request_id: request.request_id.clone(),
        };
        let logged_in = self.login(login).await.map_err(refused)?;
        trail.user = Some(logged_in.user_id.clone());
        self.check_second_factors(&logged_in.user_id).await?;
        let ask = Ask {
            proven,
            user: &logged_in.user_id,
            audience: params.get("audience"),
            scope: scope::asked(params.get("scope")),
            within: None,
            before: Vec::new(),
            account: account.clone(),
            workspace: workspace.clone(),
            actors: Vec::new(),
            need_grant: false,
            at_most: None,
            gty: Some("password"),
            session: logged_in.session_id.as_deref(),
            auth_time: Some(self.issuer.now_seconds()),
            nonce: None,
            // The login itself changed nothing that a token rests on.
            now,
        };
        let given = self.for_user(ask, trail).await?;
        let mut answer = given.answer.clone();
        if given.offline {
            let family = self.new_family(proven, &logged_in.user_id, &given, account.as_deref(), workspace.as_ref());
            answer.refresh_token = Some(family.await?);
        }
        self.token_on_record("tokens.issue", request, trail).await?;
        Ok(answer)
    }

    /// A connection that the client may use.
    pub(crate) async fn check_login_connection(
        &self,
        name: &str,
        client: &Client,
        settings: &Fields,
    ) -> Result<(), OAuthError> {
        let closed = || OAuthError::denied("The connection does not exist, or is not enabled for this client.");
        let connection = self.store.connection_named(name).await?.ok_or_else(closed)?;
        if self.store.is_client_enabled(&connection.id, client.id()).await? {
            return Ok(());
        }
        // Unless the platform says otherwise, a connection that names no client is every client's.
        let open = settings.get("flags").and_then(|flags| flags.get("enable_client_connections")?.as_bool());
        let named = self.store.clients_of_connection(&connection.id, "", 1).await?;
        if named.is_empty() && open != Some(false) { Ok(()) } else { Err(closed()) }
    }

    /// A password alone does not do for a user who has second factors.
    async fn check_second_factors(&self, user: &str) -> Result<(), OAuthError> {
        if !self.second_factors(user).await?.is_empty() {
            return Err(OAuthError::new(OAuthKind::MfaRequired, "Multifactor authentication required"));
        }
        Ok(())
    }
}

fn refused(refusal: LoginRefusal) -> OAuthError {
    match refusal {
        LoginRefusal::Wrong => OAuthError::grant("Wrong email or password."),
        LoginRefusal::Blocked => OAuthError::new(OAuthKind::UnauthorizedClient, "user is blocked"),
        LoginRefusal::TooMany => OAuthError::new(OAuthKind::TooManyAttempts { retry_after: None }, refusal.to_string()),
        LoginRefusal::Throttled { retry_after } => OAuthError::new(
            OAuthKind::TooManyAttempts { retry_after: Some(retry_after) },
            "We have detected suspicious login behavior and further attempts will be blocked.",
        ),
        LoginRefusal::Refused(refusal) => refusal.into(),
    }
}
