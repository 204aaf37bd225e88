//! Who: tokens that say who asks, made with a key of this installation and verified strictly.
//!
//! ```text
//! Subject -> Issuer::issue -> token -> Issuer::verify -> Verified { principal, … } -> VerifiedCache
//! ```
//! A [`Principal`](tenantry_policy::Principal) made here is the only way by which an account, a user
//! or a role enters a decision.

mod audience;
mod cache;
mod claims;
mod error;
mod issuer;
mod key;

pub use audience::Audience;
pub use cache::{Cached, VerifiedCache};
pub use claims::Subject;
pub use error::{IssueError, TokenError};
pub use issuer::{Issuer, LEEWAY_SECONDS, MAX_LIFETIME, MAX_TOKEN_BYTES, Verified};
