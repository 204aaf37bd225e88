//! Who: tokens that say who asks, made with a key of this installation and verified strictly.
//!
//! ```text
//! Subject -> Issuer::issue -> token -> Issuer::verify -> Verified { principal, … } -> VerifiedCache
//! ```
//! [`Identity`] holds the operations on accounts, users, roles, APIs and clients: a [`Caller`] asks, each
//! operation checks what it may, and every change is put on record before and after.
//!
//! A [`Principal`](tenantry_policy::Principal) made here is the only way by which an account, a user
//! or a role enters a decision.

pub mod account_connections;
pub mod account_grants;
pub mod accounts;
mod act;
pub mod admission;
pub mod api_keys;
pub mod apis;
mod audience;
pub mod audit;
pub mod authorize;
mod cache;
mod caller;
mod claims;
pub mod client_grants;
pub mod clients;
pub mod connections;
pub mod consents;
pub mod contexts;
pub mod devices;
pub mod domains;
pub mod draft;
mod error;
pub mod external;
mod generated;
mod identity;
mod ids;
pub mod inventory;
pub mod invitations;
mod issuer;
pub mod jobs;
mod keys;
mod known;
pub(crate) mod limits;
pub mod login;
pub mod logs;
mod management;
pub mod members;
pub mod methods;
pub mod oauth;
mod once;
mod part;
pub mod password;
mod prepare;
pub mod profile;
pub mod refresh_tokens;
mod refusal;
pub mod registration;
mod rights;
pub mod roles;
mod sealed;
pub mod sessions;
pub mod settings;
mod setup;
pub mod text;
pub mod tickets;
pub mod tool_scopes;
pub mod usage;
pub mod users;
mod watch;
pub mod workspace_codes;
pub mod workspaces;

pub use audience::Audience;
pub use cache::{Cached, VerifiedCache};
pub use caller::{Caller, Permission, Reach, Target};
pub use claims::Subject;
pub use error::{IssueError, TokenError};
pub use generated::GeneratedName;
pub use identity::Identity;
pub use issuer::{Issuer, LEEWAY_SECONDS, MAX_LIFETIME, MAX_TOKEN_BYTES, Verified};
pub use keys::{Algorithm, Form, KeyCertificate, KeyInfo, PUBLISHED_BEFORE_USE, Rotated, State};
pub use management::ManagementToken;
pub use once::{Claim, LONGEST_KEY, Once};
pub use part::{Listed, Part, next_after};
pub use prepare::FIRST_CONNECTION;
pub use refusal::{Kind, Refusal};
pub use rights::{Rights, RoleHeld};
pub use setup::OWNER_ROLE;
pub use watch::Watch;
