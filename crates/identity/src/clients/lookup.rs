//! What tokens need to know of clients, read without asking who wants to know. Nothing here is told to a
//! caller as it stands.

use serde_json::Value;

use crate::text::{Fields, fields};
use crate::{Identity, Refusal};

/// Where a client's secret lies, for its seal.
pub(crate) const SECRETS: &str = "client";

/// How the ids of clients begin that registered or described themselves: nobody can choose such an id.
pub(crate) const SELF_MADE: &str = "tpc_";

/// A client, as far as tokens are concerned.
#[derive(Debug, Clone)]
pub(crate) struct KnownClient {
    pub(crate) id: String,
    pub(crate) name: String,
    /// The platform's own, and not a third party's.
    pub(crate) is_first_party: bool,
    /// The address of the document that it describes itself with.
    pub(crate) external_id: Option<String>,
    /// Everything else that was said about it, with the defaults filled in.
    pub(crate) fields: Fields,
    secret: Option<Vec<u8>>,
}

impl KnownClient {
    /// How it proves at the token endpoint who it is: `none`, `client_secret_post`, `client_secret_basic`, or
    /// `private_key_jwt`, `tls_client_auth`, `self_signed_tls_client_auth` when it has such methods.
    pub(crate) fn auth_method(&self) -> &str {
        let methods = self.fields.get("client_authentication_methods").and_then(Value::as_object);
        if let Some(name) = methods.and_then(|methods| methods.keys().next()) {
            return name;
        }
        self.text("token_endpoint_auth_method").unwrap_or("client_secret_post")
    }

    /// Did it register or describe itself? No other client has such an id.
    pub(crate) fn is_self_made(&self) -> bool {
        self.id.starts_with(SELF_MADE)
    }

    /// May it use this grant type?
    pub(crate) fn may_use(&self, grant_type: &str) -> bool {
        self.texts("grant_types").any(|known| known == grant_type)
    }

    /// A text among its fields.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).and_then(Value::as_str)
    }

    /// The texts of a list among its fields: `callbacks`, `allowed_logout_urls`, ….
    pub(crate) fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.fields.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    /// The ids of the credentials that it may prove itself with by this method.
    pub(crate) fn credential_ids(&self, method: &str) -> impl Iterator<Item = &str> {
        let methods = self.fields.get("client_authentication_methods");
        let listed = methods.and_then(|methods| methods.get(method)?.get("credentials")?.as_array());
        listed.into_iter().flatten().filter_map(|credential| credential.get("id")?.as_str())
    }
}

/// A credential, as far as tokens are concerned. One whose time is over is not among those answered.
#[derive(Debug, Clone)]
pub(crate) struct KnownCredential {
    pub(crate) id: String,
    pub(crate) kid: Option<String>,
    /// `public_key`, `x509_cert` or `cert_subject_dn`.
    pub(crate) kind: String,
    /// The algorithm that assertions must be signed with; never taken from the assertion.
    pub(crate) algorithm: String,
    /// The public key as PEM (SubjectPublicKeyInfo), for `public_key`.
    pub(crate) pem: Option<String>,
}

/// An API, as far as tokens are concerned.
#[derive(Debug, Clone)]
pub(crate) struct KnownApi {
    pub(crate) id: String,
    pub(crate) identifier: String,
    /// `token_lifetime`, `token_lifetime_for_web`, `token_dialect`, `enforce_policies`, `signing_alg`,
    /// `allow_offline_access`, `subject_type_authorization`, …, with the defaults filled in.
    pub(crate) fields: Fields,
    /// The permissions that it knows, in its order.
    pub(crate) permissions: Vec<String>,
    /// The sealed secret that signs its tokens, for HS256.
    pub(crate) secret: Option<Vec<u8>>,
}

impl KnownApi {
    /// A text among its fields.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).and_then(Value::as_str)
    }

    /// Is this switched on?
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.fields.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// How long its tokens live, in seconds.
    pub(crate) fn lifetime(&self, for_web: bool) -> i64 {
        let name = if for_web { "token_lifetime_for_web" } else { "token_lifetime" };
        let usual = if for_web { 7_200 } else { 86_400 };
        self.fields.get(name).and_then(Value::as_i64).unwrap_or(usual)
    }

    /// What it takes of whom: `allow_all`, `require_client_grant` or `deny_all`; `subject` is `user` or
    /// `client`.
    pub(crate) fn subject_policy(&self, subject: &str) -> &str {
        let usual = if subject == "user" { "allow_all" } else { "require_client_grant" };
        let authorization = self.fields.get("subject_type_authorization");
        authorization.and_then(|all| all.get(subject)?.get("policy")?.as_str()).unwrap_or(usual)
    }
}

/// A client's grant on an API, as far as tokens are concerned.
#[derive(Debug, Clone)]
pub(crate) struct KnownGrant {
    pub(crate) id: String,
    /// What the client may ask for, in its order: only permissions that the API knows.
    pub(crate) scope: Vec<String>,
    /// `deny`, `allow` or `require`: may the client ask for an account, or must it?
    pub(crate) organization_usage: String,
    /// In any account, and not only in those that were given the grant.
    pub(crate) any_account: bool,
}

impl Identity {
    /// The client of that id.
    pub(crate) async fn known_client(&self, id: &str) -> Result<Option<KnownClient>, Refusal> {
        // One that describes itself is called by the address of its document.
        let row = match self.is_document_address(id) {
            true => self.store.client_described_at(id).await?,
            false => self.store.client(id).await?,
        };
        Ok(row.map(|row| KnownClient {
            fields: fields(&row.doc),
            id: row.id,
            name: row.name,
            is_first_party: row.is_first_party,
            external_id: row.external_id,
            secret: row.secret,
        }))
    }

    /// The client's secret. Whoever compares it takes as long whatever was sent.
    pub(crate) fn client_secret(&self, client: &KnownClient) -> Result<Option<Vec<u8>>, Refusal> {
        client.secret.as_deref().map(|sealed| self.open_sealed(SECRETS, &client.id, sealed)).transpose()
    }

    /// The client's credentials whose time is not over.
    pub(crate) async fn known_credentials(&self, client: &str) -> Result<Vec<KnownCredential>, Refusal> {
        let now = self.now();
        let rows = self.store.credentials_of([client]).await?;
        let alive = rows.into_iter().filter(|row| row.expires_micros.is_none_or(|end| now < end));
        Ok(alive
            .map(|row| {
                let fields = fields(&row.doc);
                let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
                KnownCredential {
                    algorithm: text("alg").unwrap_or_else(|| "RS256".to_owned()),
                    pem: text("pem"),
                    id: row.id,
                    kid: row.kid,
                    kind: row.kind,
                }
            })
            .collect())
    }

    /// The API that tokens name so as their audience.
    pub(crate) async fn known_api(&self, identifier: &str) -> Result<Option<KnownApi>, Refusal> {
        let Some(row) = self.store.api_identified(identifier).await? else { return Ok(None) };
        let permissions = self.store.permissions_of([&row.id]).await?;
        Ok(Some(KnownApi {
            fields: fields(&row.doc),
            id: row.id,
            identifier: row.identifier,
            secret: row.secret,
            permissions: permissions.into_iter().map(|permission| permission.name).collect(),
        }))
    }

    /// What a client may ask of an API; `subject` is `client` (for itself) or `user`.
    pub(crate) async fn known_grant(
        &self,
        client: &str,
        api: &KnownApi,
        subject: &str,
    ) -> Result<Option<KnownGrant>, Refusal> {
        let rows = self.store.client_grants_on(client, &api.id).await?;
        let Some(row) = rows.into_iter().find(|row| row.subject_type == subject) else { return Ok(None) };
        let doc = fields(&row.doc);
        let scope = if doc.get("allow_all_scopes").and_then(Value::as_bool) == Some(true) {
            api.permissions.clone()
        } else {
            let granted = doc.get("scope").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
            // INVARIANT: a grant never gives what its API does not know.
            granted.filter(|scope| api.permissions.iter().any(|known| known == scope)).map(str::to_owned).collect()
        };
        let usage = doc.get("organization_usage").and_then(Value::as_str).unwrap_or("deny").to_owned();
        Ok(Some(KnownGrant { id: row.id, scope, organization_usage: usage, any_account: row.any_account }))
    }

    /// May the grant be used in this account (its id)?
    pub(crate) async fn grant_reaches(&self, grant: &KnownGrant, account: &str) -> Result<bool, Refusal> {
        if grant.organization_usage == "deny" {
            return Ok(false);
        }
        Ok(grant.any_account || self.store.account_has_grant(account, &grant.id).await?)
    }
}
