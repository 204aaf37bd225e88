//! Logins in a browser (RFC 6749, section 4.1; RFC 7636; RFC 9207): from a client's request to a code that it
//! exchanges for tokens.
//!
//! ```text
//! request -> client and address fit? -> who is logged in here -> second factor -> where (account, workspace)
//!         -> consent -> code -> /oauth/token
//! ```
//! Every step is decided anew from the request, the session and the store: nothing that a browser brings along
//! stands for a step that was passed. Nothing here knows HTTP.
//!
//! INVARIANT: an answer is sent to an address only after that address was found among the client's own.

mod brand;
mod browser;
mod code;
mod consent;
mod factor;
mod place;
pub(crate) mod redirect;
mod request;
mod step;

use std::net::IpAddr;

use zeroize::Zeroizing;

use crate::oauth::{OAuthError, OAuthKind, OAuthRequest};
use crate::{Caller, Reach};

pub use brand::Brand;
pub(crate) use browser::Live;
pub(crate) use code::{Code, KIND as CODE};
pub use consent::Consenting;
pub use place::Place;
pub use request::Authorization;
pub use step::Step;

/// A request of a browser.
#[derive(Debug, Clone, Default)]
pub struct Visit {
    /// What the client asks for, and from where.
    pub request: OAuthRequest,
    /// What the browser's session cookie holds.
    pub session: Option<Zeroizing<String>>,
}

impl Visit {
    fn address(&self) -> Option<IpAddr> {
        self.request.address
    }

    /// Who is on record for what this visit leads to.
    pub(crate) fn caller(&self, user: Option<&str>, client: Option<&str>) -> Caller {
        Caller {
            user: user.map(str::to_owned),
            client: client.map(str::to_owned),
            delegate: None,
            reach: Reach::Platform(Vec::new()),
            address: self.address(),
            request_id: self.request.request_id.clone(),
        }
    }
}

/// An answer that goes to the client through the browser.
#[derive(Clone, PartialEq, Eq)]
pub struct Sent {
    /// Where it goes: one of the client's own addresses.
    pub redirect_uri: String,
    /// What it says, for the address's query.
    pub params: Vec<(&'static str, String)>,
}

/// Codes stay out of logs.
impl std::fmt::Debug for Sent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sent").field("redirect_uri", &self.redirect_uri).finish_non_exhaustive()
    }
}

/// Why there is no login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// It is told to the person in front of the browser alone: there is no address that could be trusted.
    Shown(OAuthError),
    /// The client is told.
    Sent(Sent),
}

impl From<OAuthError> for Stopped {
    fn from(error: OAuthError) -> Stopped {
        Stopped::Shown(error)
    }
}

impl From<crate::Refusal> for Stopped {
    fn from(refusal: crate::Refusal) -> Stopped {
        Stopped::Shown(refusal.into())
    }
}

impl From<tenantry_store::StoreError> for Stopped {
    fn from(error: tenantry_store::StoreError) -> Stopped {
        Stopped::Shown(error.into())
    }
}

/// Is it a trouble of ours, that the client need not be told as an answer?
fn is_ours(error: &OAuthError) -> bool {
    matches!(error.kind, OAuthKind::Unavailable | OAuthKind::Internal)
}
