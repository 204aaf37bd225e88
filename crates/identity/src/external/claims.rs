//! Which claims say who asks, and reading them.

use std::collections::BTreeMap;

use tenantry_policy::Principal;
use tenantry_policy::principal::Datum;
use tenantry_store::requester::Json;

use crate::TokenError;
use crate::external::{ExternalIssuer, times};

/// The longest name in a token, in bytes.
const MAX_NAME: usize = 1024;

/// The most roles that a token may name.
const MAX_ROLES: usize = 1_000;

/// Where in the claims something stands: steps from outside in. Names may hold dots, as those of claims
/// that are addresses do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClaimPath(Vec<String>);

impl ClaimPath {
    /// A path of steps.
    #[must_use]
    pub fn new<T: Into<String>>(steps: impl IntoIterator<Item = T>) -> ClaimPath {
        ClaimPath(steps.into_iter().map(Into::into).collect())
    }

    /// A path as operators write it: `realm_access.roles`. An address (with `://`) and Cognito's
    /// `custom:tenant` are one step.
    #[must_use]
    pub fn parse(text: &str) -> ClaimPath {
        if text.contains("://") { ClaimPath(vec![text.to_owned()]) } else { ClaimPath::new(text.split('.')) }
    }

    fn find<'a>(&self, claims: &'a BTreeMap<String, Datum>) -> Option<&'a Datum> {
        let (first, rest) = self.0.split_first()?;
        rest.iter().try_fold(claims.get(first)?, |here, step| match here {
            Datum::Map(map) => map.get(step),
            _ => None,
        })
    }
}

/// Which claims say who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimPaths {
    /// The account: what its rows carry. A token without it is refused.
    pub account: ClaimPath,
    /// The workspace.
    pub workspace: Option<ClaimPath>,
    /// The user.
    pub user: ClaimPath,
    /// The client.
    pub client: Option<ClaimPath>,
    /// The roles: a list of names, or one name.
    pub roles: Option<ClaimPath>,
    /// An object, as `principal.metadata`. It must be one that users cannot edit.
    pub metadata: Option<ClaimPath>,
}

/// A token's claims, each once.
pub(super) struct Claims(BTreeMap<String, Datum>);

/// What the claims make.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) principal: Principal,
    pub(super) jti: String,
    pub(super) issued_at_micros: i64,
    pub(super) expires_micros: i64,
}

/// Reads a claim set. One that names a claim twice, at whatever depth, is none.
pub(super) fn read(payload: &[u8]) -> Option<Claims> {
    match serde_json::from_slice::<Json>(payload).ok()? {
        Json(Datum::Map(claims)) => Some(Claims(claims)),
        _ => None,
    }
}

impl Claims {
    /// Checks issuer, audience, time and what is required, and makes the principal.
    pub(super) fn checked(&self, issuer: &ExternalIssuer, now_micros: i64) -> Result<Made, TokenError> {
        if self.text("iss") != Some(&issuer.url) {
            return Err(TokenError::Issuer);
        }
        let audiences = match self.0.get(&issuer.audience_claim) {
            Some(Datum::Text(one)) => vec![one.as_str()],
            Some(Datum::List(many)) => {
                let texts = many.iter().map(|one| if let Datum::Text(text) = one { Some(text.as_str()) } else { None });
                texts.collect::<Option<_>>().ok_or(TokenError::Claims)?
            }
            _ => return Err(TokenError::Audience),
        };
        if !audiences.iter().any(|audience| issuer.audience.iter().any(|known| known == audience)) {
            return Err(TokenError::Audience);
        }
        let exp = self.time("exp")?.ok_or(TokenError::Claims)?;
        let (issued_at_micros, expires_micros) = times(self.time("iat")?, self.time("nbf")?, exp, now_micros)?;
        for (path, value) in &issuer.require {
            if !matches!(path.find(&self.0), Some(Datum::Text(text)) if text == value) {
                return Err(TokenError::Claims);
            }
        }
        let principal = self.principal(&issuer.claims)?;
        let jti = self.text("jti").map(|jti| jti.chars().take(MAX_NAME).collect()).unwrap_or_default();
        Ok(Made { principal, jti, issued_at_micros, expires_micros })
    }

    fn principal(&self, paths: &ClaimPaths) -> Result<Principal, TokenError> {
        let optional = |path: &Option<ClaimPath>| match path.as_ref().and_then(|path| path.find(&self.0)) {
            None | Some(Datum::Null) => Ok(None),
            Some(found) => name(found).map(Some),
        };
        // INVARIANT: without an account there is no principal; a token never makes one of the platform.
        let tenant_id = name(paths.account.find(&self.0).ok_or(TokenError::Claims)?)?;
        let user_id = name(paths.user.find(&self.0).ok_or(TokenError::Claims)?)?;
        let roles = match paths.roles.as_ref().and_then(|path| path.find(&self.0)) {
            None | Some(Datum::Null) => Vec::new(),
            Some(Datum::List(list)) if list.len() <= MAX_ROLES => list.iter().map(name).collect::<Result<_, _>>()?,
            Some(one @ Datum::Text(_)) => vec![name(one)?],
            Some(_) => return Err(TokenError::Claims),
        };
        let metadata = match paths.metadata.as_ref().and_then(|path| path.find(&self.0)) {
            None | Some(Datum::Null) => BTreeMap::new(),
            Some(Datum::Map(map)) => map.clone(),
            Some(_) => return Err(TokenError::Claims),
        };
        Ok(Principal {
            tenant_id: Some(tenant_id),
            user_id: Some(user_id),
            workspace_id: optional(&paths.workspace)?,
            roles,
            metadata,
            client_id: optional(&paths.client)?,
            delegate: self.actor()?,
        })
    }

    /// Who acts for the user (RFC 8693, section 4.1).
    fn actor(&self) -> Result<Option<String>, TokenError> {
        match self.0.get("act") {
            None => Ok(None),
            Some(Datum::Map(act)) => name(act.get("sub").ok_or(TokenError::Claims)?).map(Some),
            Some(_) => Err(TokenError::Claims),
        }
    }

    fn text(&self, claim: &str) -> Option<&String> {
        match self.0.get(claim) {
            Some(Datum::Text(text)) => Some(text),
            _ => None,
        }
    }

    fn time(&self, claim: &str) -> Result<Option<i64>, TokenError> {
        match self.0.get(claim) {
            None => Ok(None),
            Some(Datum::Int(seconds)) if *seconds >= 0 => Ok(Some(*seconds)),
            Some(_) => Err(TokenError::Claims),
        }
    }
}

/// A name: a text, or a list of just one. Of several nobody could say which is meant.
fn name(datum: &Datum) -> Result<String, TokenError> {
    let text = match datum {
        Datum::Text(text) => text,
        Datum::List(list) => match list.as_slice() {
            [Datum::Text(only)] => only,
            _ => return Err(TokenError::Claims),
        },
        _ => return Err(TokenError::Claims),
    };
    let fits = !text.is_empty() && text.len() <= MAX_NAME && !text.chars().any(char::is_control);
    if fits { Ok(text.clone()) } else { Err(TokenError::Claims) }
}
