//! A browser's request: counted, read, and for a form shown to be ours.

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use http_body_util::{BodyExt as _, Limited};
use tenantry_identity::Refusal;
use tenantry_identity::authorize::{Authorization, Stopped, Visit};
use tenantry_identity::oauth::{OAuthError, OAuthKind, OAuthRequest};
use zeroize::Zeroizing;

use crate::app::App;
use crate::browser::{cookies, pages, query};
use crate::html::{from_here, private};
use crate::limits::told;
use crate::serve::Peer;

/// The largest form, in bytes.
const LARGEST: usize = 16 * 1024;

/// What a browser asks, and what the client asked through it.
pub(super) struct Asked {
    pub(super) app: App,
    /// The client's request as it stands in the address.
    pub(super) query: String,
    pub(super) visit: Visit,
    /// Which browser it is, where it is known.
    pub(super) browser: Option<Zeroizing<String>>,
    pub(super) authorization: Authorization,
}

/// What a form holds.
pub(super) struct Form(Vec<(String, Zeroizing<String>)>);

impl Form {
    /// A field, once.
    pub(super) fn get(&self, name: &str) -> &str {
        let mut all = self.0.iter().filter(|(known, _)| known == name);
        match (all.next(), all.next()) {
            (Some((_, only)), None) => only.as_str(),
            _ => "",
        }
    }

    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Nobody vouches for these requests: they count for the address.
pub(super) fn counted(app: &App, parts: &Parts) -> Result<(), Box<Response>> {
    let address = parts.extensions.get::<Peer>().map(|peer| peer.0);
    app.limits.stranger(address).map(drop).map_err(|count| {
        let page = pages::plain(StatusCode::TOO_MANY_REQUESTS, "Too many requests", "Try again in a while.");
        Box::new(told(Some(count), page))
    })
}

/// A browser's request without the client's.
pub(super) fn visit(app: &App, parts: &Parts) -> Visit {
    let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    Visit {
        request: OAuthRequest {
            address: parts.extensions.get::<Peer>().map(|peer| peer.0),
            user_agent: agent.map(str::to_owned),
            request_id: app.request_id(),
            ..OAuthRequest::default()
        },
        session: cookies::read(&parts.headers, cookies::SESSION),
    }
}

impl Asked {
    /// The client's request, of which the address tells.
    pub(super) async fn of(app: App, parts: &Parts) -> Result<Asked, Box<Response>> {
        counted(&app, parts)?;
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let mut visit = visit(&app, parts);
        let read = match query.len() {
            0..=query::LONGEST => query::params(&query),
            _ => {
                Err(OAuthError { kind: OAuthKind::InvalidRequest, description: "The request is too long.".to_owned() })
            }
        };
        let authorization = match read {
            Ok(params) => {
                visit.request.params = params;
                app.identity.authorization(&visit).await
            }
            Err(error) => Err(Stopped::Shown(error)),
        };
        let authorization = authorization.map_err(|stopped| Box::new(pages::stopped(&stopped)))?;
        let browser = cookies::read(&parts.headers, cookies::BROWSER);
        Ok(Asked { app, query, visit, browser, authorization })
    }

    /// The same with the form of a step, when that is ours.
    pub(super) async fn with_form(
        app: App,
        parts: &Parts,
        body: Body,
        step: &'static str,
    ) -> Result<(Asked, Form), Box<Response>> {
        let asked = Asked::of(app, parts).await?;
        let form = read(body).await?;
        let browser = asked.browser.as_ref().map_or("", |browser| browser.as_str());
        let fits = asked.app.identity.form_fits(browser, &asked.visit, step, &asked.query, form.get("token"));
        match fits {
            Ok(true) if from_here(&parts.headers) => Ok((asked, form)),
            Ok(_) => Err(Box::new(pages::not_ours(&asked))),
            Err(refusal) => Err(Box::new(pages::failed(&refusal))),
        }
    }

    /// What a form of a step brings back, and the browser's name where it has none yet.
    pub(super) fn token(&self, step: &'static str) -> Result<(String, Option<String>), Refusal> {
        let new = match &self.browser {
            Some(_) => None,
            None => Some(self.app.identity.new_browser()?),
        };
        let browser = self.browser.as_ref().map(|browser| browser.as_str()).or(new.as_deref()).unwrap_or_default();
        Ok((self.app.identity.form_token(browser, &self.visit, step, &self.query)?, new))
    }
}

/// A form's fields.
pub(super) async fn read(body: Body) -> Result<Form, Box<Response>> {
    let read = tokio::time::timeout(crate::body::SLOWEST, Limited::new(body, LARGEST).collect()).await;
    let Ok(Ok(body)) = read else {
        return Err(Box::new(pages::plain(StatusCode::BAD_REQUEST, "Not read", "The form did not arrive whole.")));
    };
    let bytes = Zeroizing::new(body.to_bytes().to_vec());
    let fields = url::form_urlencoded::parse(&bytes);
    Ok(Form(fields.map(|(name, value)| (name.into_owned(), Zeroizing::new(value.into_owned()))).collect()))
}

/// Sends the browser on.
pub(super) fn to(location: &str) -> Response {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    private(headers);
    match HeaderValue::from_str(location) {
        Ok(value) => {
            headers.insert(header::LOCATION, value);
            *response.status_mut() = StatusCode::SEE_OTHER;
        }
        Err(_) => *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
    }
    response
}

/// Sends the browser to what comes next in the login.
pub(super) fn onward(query: &str) -> Response {
    to(&["/authorize?", query].concat())
}
