//! The platform as a whole, and who may cross its accounts.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::model::Limits;
use crate::words::{Millis, Rate, Secret, SourceUrl, WebUrl};

/// The platform as a whole.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Platform {
    /// Shown on login pages and in mail.
    pub friendly_name: Option<String>,
    /// Where users ask for help.
    pub support_email: Option<String>,
    /// Where users find help.
    pub support_url: Option<WebUrl>,
    /// A picture on login pages.
    pub picture_url: Option<WebUrl>,
    /// What people see when a login goes wrong.
    pub error_page: Option<ErrorPage>,
    /// The page on which people choose a new password.
    pub change_password: Option<OwnPage>,
    /// The page on which people give a second factor.
    pub guardian_mfa_page: Option<OwnPage>,
    /// The page on which people enter the code of a device.
    pub device_flow: Option<DeviceFlow>,
    /// Switches, by the names that the Management API gives them: `enable_sso`, `disable_clickjack_protection_headers`.
    pub flags: BTreeMap<String, bool>,
    /// How long a login lasts: whole minutes, to 365 days.
    pub session_lifetime: Option<Millis>,
    /// How long a login lasts that nobody uses.
    pub idle_session_lifetime: Option<Millis>,
    /// The same for logins that end with the browser.
    pub ephemeral_session_lifetime: Option<Millis>,
    /// The same for logins that end with the browser and that nobody uses.
    pub idle_ephemeral_session_lifetime: Option<Millis>,
    /// Does a login outlive the browser?
    pub session_cookie: Option<SessionCookie>,
    /// Languages of the pages, the first one when the browser asks for none of them.
    pub enabled_locales: Option<Vec<String>>,
    /// The API that tokens are for when a client asks for none.
    pub default_audience: Option<String>,
    /// The connection that passwords belong to when a client names none.
    pub default_directory: Option<String>,
    /// Where people are sent who come without a client.
    pub default_redirection_uri: Option<WebUrl>,
    /// Where people may be sent after they logged out.
    pub allowed_logout_urls: Option<Vec<String>>,
    /// Kinds of authentication that clients may ask for.
    pub acr_values_supported: Option<Vec<String>>,
    /// May clients name an account by its name, and do tokens carry that name?
    pub allow_organization_name_in_authentication_api: Option<bool>,
    /// May clients push their requests before (RFC 9126)?
    pub pushed_authorization_requests_supported: Option<bool>,
    /// Does the answer of a login name its issuer (RFC 9207)?
    pub authorization_response_iss_parameter_supported: Option<bool>,
    /// Where Tenantry keeps its own records: `env:NAME`, `file:PATH`, `sqlite:PATH`, or `postgres://…` without a
    /// password. A SQLite file in the state folder when absent.
    pub store: Option<SourceUrl>,
    /// PostgreSQL stores: the file with this installation's keys, the same on every server.
    pub key_file: Option<String>,
    /// The address that clients reach the server at, and that tokens name as their issuer. `https://localhost:PORT/` when
    /// absent.
    pub issuer: Option<WebUrl>,
    /// How much each caller may ask of this server.
    pub limits: CallerLimits,
    /// From where the MCP endpoint may be asked, besides the issuer's own address, and by which clients.
    pub mcp: McpPlaces,
    /// Figures of what the server does. Told to nobody when absent.
    pub metrics: Metrics,
    /// Two accounts of nobody's that attack the running server, round after round. Off when absent.
    pub canary: Option<Canary>,
    /// The server's own certificate. One of the development authority when absent.
    pub tls: Option<Tls>,
    /// Whatever the operator wants to keep here.
    pub metadata: BTreeMap<String, serde_json::Value>,
}

/// What people see when a login goes wrong.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ErrorPage {
    /// The page itself.
    pub html: Option<String>,
    /// Where people are sent instead.
    pub url: Option<WebUrl>,
    /// Does the page lead to the log?
    pub show_log_link: Option<bool>,
}

/// A page that the operator wrote.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OwnPage {
    /// Is it shown?
    pub enabled: Option<bool>,
    /// The page itself.
    pub html: Option<String>,
}

/// How codes for devices look.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeviceFlow {
    /// Their characters: `base20` or `digits`.
    pub charset: Option<Charset>,
    /// Their form: `****-****`.
    pub mask: Option<String>,
}

/// The characters of codes for devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Charset {
    /// Letters that are not mistaken for each other.
    Base20,
    /// Digits.
    Digits,
}

/// Does a login outlive the browser?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SessionCookie {
    /// It does.
    Persistent,
    /// It ends with the browser.
    NonPersistent,
}

/// Two accounts of nobody's that attack the running server. They own no rows, so whatever they are shown is a leak.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Canary {
    /// How long between two rounds; `1m` when absent.
    pub every: Option<Millis>,
    /// Does a hit close its table until `tenantry canary release`? Without, it is only told and put on record.
    pub freeze: bool,
    /// Rows that one of them makes in each round, the other tries to get at, and that are taken away again, by table: only
    /// where rows can be created and deleted for good. Other tables are only read.
    pub rows: BTreeMap<String, BTreeMap<String, serde_json::Value>>,
}

impl Default for Canary {
    fn default() -> Self {
        Canary { every: None, freeze: true, rows: BTreeMap::new() }
    }
}

/// Figures of what a server does. They name accounts and what these cost.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Metrics {
    /// Opens `GET /metrics` for Prometheus to whoever shows this token: `env:NAME` or `file:PATH`.
    pub token: Option<Secret>,
    /// Sends them to a collector of OpenTelemetry.
    pub otlp: Option<Otlp>,
}

/// A collector of OpenTelemetry, asked over OTLP (HTTP, protobuf). What is not said here is read from the environment's
/// `OTEL_…` variables.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Otlp {
    /// Its address; `/v1/metrics` is put after it.
    pub endpoint: WebUrl,
    /// Headers that it wants, such as `authorization`: `env:NAME` or `file:PATH`.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    /// How often it is told; `1m` when absent.
    pub every: Option<Millis>,
    /// How long it may take to answer; `10s` when absent.
    pub timeout: Option<Millis>,
    /// Whoever stands in between may read the figures and the headers: allows `http://` beyond this machine.
    #[serde(default)]
    pub without_tls: bool,
}

/// How much each caller may ask of a server.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CallerLimits {
    /// Calls of the Management API and of our own APIs, per client and user; `6000/min` when absent.
    pub calls: Option<Rate>,
    /// Requests at `/oauth/token`, per client and address; `6000/min` when absent.
    pub tokens: Option<Rate>,
    /// Requests without a good token or client, per address; `600/min` when absent.
    pub strangers: Option<Rate>,
    /// Limits on each account, for what it does not say itself.
    pub each_account: Limits,
    /// Limits on each user, for what neither it nor its account says.
    pub each_user: Limits,
    /// Limits on each client, for what it does not say itself.
    pub each_client: Limits,
    /// How long a call may wait for its turn where only so many may run at one time; `5s` when absent.
    pub wait: Option<Millis>,
    /// How many calls of one account may wait; 128 when absent.
    #[schemars(range(min = 0, max = 100_000))]
    pub waiting: Option<u32>,
}

/// From where the MCP endpoint may be asked, besides the issuer's own address.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct McpPlaces {
    /// Further names of the server, as they stand in the header `Host`: `mcp.example.com`, `tenantry.internal:8080`.
    /// Without a port, at every port.
    pub hosts: Vec<String>,
    /// Origins whose pages may ask: `https://app.example.com`.
    pub origins: Vec<WebUrl>,
    /// May clients register themselves (RFC 7591)? They reach the MCP endpoint alone, for users who log in and consent.
    pub registration: bool,
    /// May a client be known by the address of a document in which it describes itself? The server then fetches that
    /// document, over HTTPS, from public addresses.
    pub client_documents: bool,
}

/// A certificate and its private key. Read again when the files change.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// A PEM file: the server's certificate, then those between it and its authority.
    pub certificate: String,
    /// A PEM file: its private key, without a passphrase.
    pub key: String,
}

/// What holds for all tenants.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tenancy {
    /// The only lists through which a principal may leave its own tenant.
    pub reach: Reach,
}

/// The only lists through which a principal may leave its own tenant.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Reach {
    /// For reads: list attributes such as `principal.metadata.tenant_hierarchy`.
    pub read: Vec<String>,
    /// For writes.
    pub write: Vec<String>,
}

/// A principal of the platform: may cross accounts; every step is audited.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PlatformPrincipal {
    /// Shown to people.
    pub display_name: Option<String>,
    /// Roles held.
    pub roles: Vec<String>,
    /// Accounts that it may enter; `*` for all.
    pub accounts: Vec<String>,
    /// `principal.metadata` in rules.
    pub metadata: BTreeMap<String, serde_json::Value>,
}
