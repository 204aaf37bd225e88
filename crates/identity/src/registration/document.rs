//! Clients whose id is the address of a document in which they describe themselves.
//!
//! The document is fetched when a browser brings the client's request, from an address of the public network that was
//! looked at before it is asked, without following anything, and kept for a while. Whoever comes along chooses the
//! address: so only a few are fetched at a time, and one that could not be had is not asked again at once.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use tokio::sync::Semaphore;

use crate::authorize::{Visit, redirect};
use crate::clients::lookup::SELF_MADE;
use crate::external::fetch::{Place, get_from};
use crate::oauth::OAuthError;
use crate::registration::metadata::{Metadata, RegistrationError};
use crate::registration::network::is_public;
use crate::{Identity, Refusal, ids};

/// The largest document, in bytes.
const LARGEST: usize = 5 * 1024;

/// The longest address.
const LONGEST: usize = 1_024;

/// How long a document is used before it is fetched again, and how long one that could not be had is left alone.
const FRESH: Duration = Duration::from_mins(10);
const LEFT_ALONE: Duration = Duration::from_mins(1);

/// So many addresses are remembered, and so many are fetched at a time.
const KEPT: u64 = 1_000;
const AT_ONCE: usize = 4;

/// What is remembered of documents.
pub(crate) struct Documents {
    /// When each was fetched, and whether it was good.
    known: Cache<String, (Duration, bool)>,
    turns: Arc<Semaphore>,
}

impl Documents {
    pub(crate) fn new() -> Documents {
        Documents { known: Cache::new(KEPT), turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

/// Why a document does not do, for people.
fn wrong(why: &'static str) -> OAuthError {
    OAuthError::invalid(why)
}

impl Identity {
    /// Is the server this machine's own? Then so may documents be.
    fn is_development(&self) -> bool {
        let url = self.issuer.url();
        let host = url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next().unwrap_or_default();
        let name = host.rsplit_once(':').filter(|(_, port)| port.chars().all(|one| one.is_ascii_digit()));
        let name = name.map_or(host, |(name, _)| name).trim_matches(['[', ']']);
        name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Is it the address of a document? Where such clients are not let in, nothing is.
    pub(crate) fn is_document_address(&self, id: &str) -> bool {
        if !self.openness().documents || id.len() > LONGEST {
            return false;
        }
        let plain = id.chars().all(|one| one.is_ascii_graphic() && !matches!(one, '#' | '?' | '\\' | '"' | '<' | '>'));
        let after = match redirect::secure_host(id) {
            Some(host) => id.get("https://".len() + host.len()..),
            None if self.is_development() && redirect::is_loopback(id) => id.get("http://".len()..),
            None => None,
        };
        let path = after.and_then(|after| after.get(after.find('/')?..)).unwrap_or_default();
        plain && path.len() > 1 && !path.split('/').any(|part| matches!(part, "." | ".."))
    }

    /// Sees to it that the client which describes itself there is known as it describes itself.
    pub(crate) async fn read_document(&self, address: &str, visit: &Visit) -> Result<(), OAuthError> {
        let now = self.clock.monotonic();
        if let Some((fetched, good)) = self.documents.known.get(address) {
            let age = now.saturating_sub(fetched);
            if good && age < FRESH {
                return Ok(());
            }
            if !good && age < LEFT_ALONE {
                return Err(wrong("The document that describes the client could not be read a moment ago."));
            }
        }
        let Ok(turn) = self.documents.turns.try_acquire() else {
            return Err(OAuthError::new(
                crate::oauth::OAuthKind::Unavailable,
                "Too many clients are being looked up; try again in a moment.",
            ));
        };
        let read = self.fetched_document(address).await;
        drop(turn);
        // Noted before anything else, so that whatever follows is not tried without end.
        self.documents.known.insert(address.to_owned(), (now, read.is_ok()));
        let metadata = read?;
        self.keep_document(address, visit, &metadata).await
    }

    async fn fetched_document(&self, address: &str) -> Result<Metadata, OAuthError> {
        let place = Place::parse(address).map_err(|_| wrong("The client's id is no address of a document."))?;
        let unreachable = || wrong("The document that describes the client cannot be had.");
        let found =
            tokio::time::timeout(Duration::from_secs(5), tokio::net::lookup_host((place.host.as_str(), place.port)));
        let found: Vec<SocketAddr> = found.await.map_err(|_| unreachable())?.map_err(|_| unreachable())?.collect();
        // INVARIANT: what is connected to is what was looked at here; the name is not resolved again.
        let public = place.port == 443 && found.iter().all(|at| is_public(at.ip()));
        if found.is_empty() || (!public && !self.is_development()) {
            tracing::warn!(host = %place.host, "a client's document at an address that is not public was not fetched");
            return Err(unreachable());
        }
        let document = get_from(&place, &found, LARGEST).await.map_err(|error| {
            tracing::info!(host = %place.host, %error, "a client's document could not be had");
            unreachable()
        })?;
        let metadata = Metadata::read(&document)
            .map_err(|_| wrong("The document that describes the client is not what it should be."))?;
        if metadata.client_id.as_deref() != Some(address) {
            return Err(wrong("The document describes another client."));
        }
        if metadata.tells_secret || metadata.method.as_deref().is_some_and(|method| method != "none") {
            return Err(wrong("A client that describes itself shows who it is by nothing but its addresses."));
        }
        Ok(metadata)
    }

    async fn keep_document(&self, address: &str, visit: &Visit, metadata: &Metadata) -> Result<(), OAuthError> {
        let refused = |error: RegistrationError| match error {
            RegistrationError::Refused(refusal) => OAuthError::from(refusal),
            other => OAuthError::new(crate::oauth::OAuthKind::Unavailable, other.to_string()),
        };
        let known = self.store.client_described_at(address).await?;
        let id = match &known {
            Some(known) => known.id.clone(),
            None => ids::letters(self.entropy.as_ref(), SELF_MADE, 22)?,
        };
        let mut row = self.self_made(id, Some(address), metadata).map_err(OAuthError::from)?;
        let Some(known) = known else {
            return match self.keep_self_made(visit, "clients.describe", &row).await {
                // Somebody else came with it at the same time.
                Err(RegistrationError::Refused(Refusal::Store(error))) => Err(error.into()),
                Err(RegistrationError::Refused(_)) if self.store.client_described_at(address).await?.is_some() => {
                    Ok(())
                }
                Err(error) => Err(refused(error)),
                Ok(()) => Ok(()),
            };
        };
        if (&known.doc, &known.name) == (&row.doc, &row.name) {
            return Ok(());
        }
        row.version = known.version;
        row.created_micros = known.created_micros;
        let mut batch = self.store.batch();
        batch.update_client(&row);
        match self.store.commit(batch).await {
            Ok(_) | Err(tenantry_store::BatchError::Untouched(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
