//! Clients that nobody made: those that register themselves (RFC 7591), and those that describe themselves in a
//! document at an address that is their id (OAuth Client ID Metadata Document). Both only where the operator lets them.
//!
//! INVARIANT: such a client keeps no secret and acts for nobody but a user who logged in and consented, at the MCP
//! endpoint. Its id begins as no other can (`clients::lookup::SELF_MADE`); `authorize::request` gives it tokens for the
//! tools alone, and whatever answers such tokens elsewhere than at `/mcp` asks [`is_self_made`] and refuses them.

mod document;
mod metadata;
mod network;

use serde_json::json;
use tenantry_store::identity::clients::Client as Row;

use crate::act::Act;
use crate::authorize::Visit;
use crate::clients::NewClient;
use crate::clients::lookup::SELF_MADE;
use crate::registration::metadata::Metadata;
use crate::text::fields;
use crate::{Identity, Refusal, ids};

pub(crate) use document::Documents;
pub use metadata::RegistrationError;

/// Which clients that nobody made are let in. None, unless said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Openness {
    /// Those that register themselves.
    pub registration: bool,
    /// Those that describe themselves at an address.
    pub documents: bool,
}

/// A client that registered itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Its id.
    pub client_id: String,
    /// What it calls itself.
    pub name: String,
    /// Where answers to it go.
    pub redirect_uris: Vec<String>,
    /// How it may ask for tokens.
    pub grant_types: Vec<String>,
    /// When, in seconds since 1970 UTC.
    pub issued_at: i64,
}

/// So many of them are kept.
const MOST: i64 = 10_000;

const DAY: i64 = 86_400_000_000;
/// One to which nobody consented is forgotten after this long.
const UNUSED: i64 = DAY;
/// One without a refresh token is forgotten after this long; it registers again.
const OLD: i64 = 90 * DAY;

/// Is this the id of a client that registered or described itself?
#[must_use]
pub fn is_self_made(client_id: &str) -> bool {
    client_id.starts_with(SELF_MADE)
}

impl Identity {
    /// Lets clients in that nobody made.
    pub fn open_to(&self, openness: Openness) {
        *self.openness.write() = openness;
    }

    /// Which of them are let in.
    #[must_use]
    pub fn openness(&self) -> Openness {
        *self.openness.read()
    }

    /// Registers a client from what it says of itself, a JSON object.
    ///
    /// # Errors
    /// [`RegistrationError`].
    pub async fn register(&self, visit: &Visit, sent: &[u8]) -> Result<Registered, RegistrationError> {
        let metadata = Metadata::read(sent)?;
        let id = ids::letters(self.entropy.as_ref(), SELF_MADE, 22).map_err(Refusal::from)?;
        let row = self.self_made(id, None, &metadata)?;
        self.keep_self_made(visit, "clients.register", &row).await?;
        Ok(Registered {
            client_id: row.id,
            name: metadata.name,
            redirect_uris: metadata.redirect_uris,
            grant_types: metadata.grant_types,
            issued_at: row.created_micros.div_euclid(crate::issuer::MICROS),
        })
    }

    /// Such a client, not kept yet.
    fn self_made(&self, id: String, described_at: Option<&str>, metadata: &Metadata) -> Result<Row, Refusal> {
        let said = json!({
            "app_type": "native",
            "is_first_party": false,
            "oidc_conformant": true,
            "token_endpoint_auth_method": "none",
            "grant_types": metadata.grant_types,
            "callbacks": metadata.redirect_uris,
            "refresh_token": {
                "rotation_type": "rotating", "expiration_type": "expiring", "leeway": 0,
                "token_lifetime": 2_592_000, "idle_token_lifetime": 1_296_000,
            },
        });
        let new =
            NewClient { name: metadata.name.clone(), id: Some(id), secret: None, fields: fields(&said.to_string()) };
        let mut client = self.shaped_client(new)?.client;
        client.external_id = described_at.map(str::to_owned);
        // It has none to show.
        client.secret = None;
        Ok(client.to_row())
    }

    /// Keeps one, unless there are too many; forgets those that nobody uses.
    async fn keep_self_made(&self, visit: &Visit, name: &'static str, row: &Row) -> Result<(), RegistrationError> {
        let now = self.now();
        let mut batch = self.store.batch();
        batch.notes_only();
        batch.purge_self_made_clients(now.saturating_sub(UNUSED), now.saturating_sub(OLD));
        self.store.commit(batch).await.map_err(Refusal::from)?;
        if self.store.count_self_made_clients().await.map_err(Refusal::from)? >= MOST {
            tracing::warn!("a client is refused: as many as there may be have made themselves");
            return Err(RegistrationError::Full);
        }
        let inputs = json!({ "id": row.id, "name": row.name, "described_at": row.external_id });
        let act = Act { name, tenant: "", workspace: None, inputs };
        self.act(&visit.caller(None, Some(&row.id)), act, async {
            let mut batch = self.store.batch();
            batch.notes_only();
            batch.insert_client(row);
            self.store.commit(batch).await?;
            Ok(())
        })
        .await?;
        Ok(())
    }
}
