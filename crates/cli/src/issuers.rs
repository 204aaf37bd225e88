//! Other issuers of tokens, from the file.

use std::sync::Arc;

use tenantry_file::Loaded;
use tenantry_identity::external::{ClaimPath, ClaimPaths, ExternalIssuer, ExternalIssuers, KeysAt};
use tenantry_policy::Clock;

use crate::output::Failure;

/// The issuers that the file names, checked.
///
/// # Errors
/// `ISSUER_INVALID` for one that cannot be used.
pub fn declared(loaded: &Loaded, own: &str, clock: Arc<dyn Clock>) -> Result<ExternalIssuers, Failure> {
    let issuers = loaded.document().issuer.iter().map(|(name, declared)| {
        let path = |text: &Option<String>| text.as_deref().map(ClaimPath::parse);
        let claims = &declared.claims;
        ExternalIssuer {
            name: name.to_string(),
            url: declared.url.as_str().to_owned(),
            keys: match &declared.jwks_url {
                Some(url) => KeysAt::Url(url.as_str().to_owned()),
                None => KeysAt::Discovery,
            },
            audience: declared.audience.clone(),
            audience_claim: declared.audience_claim.clone().unwrap_or_else(|| "aud".to_owned()),
            algorithms: match &declared.algorithms {
                Some(named) => named.iter().map(|algorithm| algorithm.name().to_owned()).collect(),
                None => vec!["RS256".to_owned()],
            },
            claims: ClaimPaths {
                account: ClaimPath::parse(&claims.account),
                workspace: path(&claims.workspace),
                user: ClaimPath::parse(claims.user.as_deref().unwrap_or("sub")),
                client: Some(ClaimPath::parse(claims.client.as_deref().unwrap_or("azp"))),
                roles: path(&claims.roles),
                metadata: path(&claims.metadata),
            },
            require: declared.require.iter().map(|(path, value)| (ClaimPath::parse(path), value.clone())).collect(),
        }
    });
    ExternalIssuers::new(issuers.collect(), own, clock)
        .map_err(|error| Failure::invalid("ISSUER_INVALID", error.to_string()))
}
