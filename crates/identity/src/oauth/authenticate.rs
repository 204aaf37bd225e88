//! Who the client is, and how it proves it.

use std::sync::Arc;

use crate::Identity;
use crate::oauth::registry::{Client, Stamp};
use crate::oauth::{OAuthError, OAuthKind, OAuthRequest};

/// RFC 7523, section 2.2.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How a request says who its client is. Exactly one (RFC 6749, section 2.3).
enum Proof<'a> {
    Secret {
        id: &'a str,
        secret: &'a str,
    },
    Assertion {
        id: Option<&'a str>,
        assertion: &'a str,
    },
    /// Only a name: for clients that cannot keep a secret.
    None {
        id: &'a str,
    },
}

/// A client that is known to be who it says.
#[derive(Debug, Clone)]
pub(crate) struct Proven {
    pub(crate) client: Arc<Client>,
    /// It has proven it; a public client has only said it.
    pub(crate) confidential: bool,
}

impl Proven {
    /// May it use this grant?
    pub(crate) fn may_use(&self, grant_type: &str) -> Result<(), OAuthError> {
        if self.client.known.may_use(grant_type) {
            return Ok(());
        }
        let name = crate::oauth::params::shown(grant_type);
        Err(OAuthError::new(OAuthKind::UnauthorizedClient, format!("Grant type '{name}' not allowed for the client.")))
    }

    /// Refuses a public client.
    pub(crate) fn need_confidential(&self) -> Result<(), OAuthError> {
        if self.confidential { Ok(()) } else { Err(OAuthError::unauthorized()) }
    }
}

fn proof(request: &OAuthRequest) -> Result<Proof<'_>, OAuthError> {
    let params = &request.params;
    let (id, secret) = (params.get("client_id"), params.get("client_secret"));
    let (assertion, kind) = (params.get("client_assertion"), params.get("client_assertion_type"));
    let ways = [request.basic.is_some(), secret.is_some(), assertion.is_some() || kind.is_some()];
    if ways.into_iter().filter(|used| *used).count() > 1 {
        return Err(OAuthError::invalid("Use only one client authentication method."));
    }
    if let Some((basic, secret)) = &request.basic {
        if id.is_some_and(|id| id != basic) {
            return Err(OAuthError::invalid("client_id differs from the one in the Authorization header"));
        }
        return Ok(Proof::Secret { id: basic, secret });
    }
    match (assertion, kind) {
        (Some(assertion), Some(JWT_BEARER)) => return Ok(Proof::Assertion { id, assertion }),
        (None, None) => {}
        (_, Some(JWT_BEARER)) => return Err(OAuthError::invalid("Missing required parameter: client_assertion")),
        (_, None) => return Err(OAuthError::invalid("Missing required parameter: client_assertion_type")),
        _ => return Err(OAuthError::invalid(format!("client_assertion_type must be {JWT_BEARER}"))),
    }
    match (id, secret) {
        (Some(id), Some(secret)) => Ok(Proof::Secret { id, secret }),
        (Some(id), None) => Ok(Proof::None { id }),
        (None, _) => Err(OAuthError::new(OAuthKind::Unauthorized, "Missing required parameter: client_id")),
    }
}

impl Identity {
    /// The client of a request. A wrong secret and a client that does not exist answer alike.
    pub(crate) async fn authenticate(&self, request: &OAuthRequest, now: Stamp) -> Result<Proven, OAuthError> {
        match proof(request)? {
            Proof::Secret { id, secret } => {
                let client = self.kept_client(id, now).await?.ok_or_else(OAuthError::unauthorized)?;
                // A client that signs its assertions has no other way in.
                let by_secret = matches!(client.known.auth_method(), "client_secret_post" | "client_secret_basic");
                if !by_secret || !client.has_secret(secret) {
                    return Err(OAuthError::unauthorized());
                }
                Ok(Proven { client, confidential: true })
            }
            Proof::Assertion { id, assertion } => self.by_assertion(id, assertion, now).await,
            Proof::None { id } => {
                let client = self.kept_client(id, now).await?.ok_or_else(OAuthError::unauthorized)?;
                if client.known.auth_method() != "none" {
                    return Err(OAuthError::unauthorized());
                }
                Ok(Proven { client, confidential: false })
            }
        }
    }
}

/// The id that a request names, for the record of its refusal: not believed.
pub(crate) fn named(request: &OAuthRequest) -> Option<String> {
    let id = request.basic.as_ref().map(|(id, _)| id.as_str()).or_else(|| request.params.get("client_id"));
    id.map(|id| crate::oauth::params::shown(id).chars().take(64).collect())
}
