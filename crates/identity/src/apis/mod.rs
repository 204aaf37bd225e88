//! APIs (resource servers): what tokens are for, and the permissions that they carry.

/// Where an API's signing secret lies, for its seal.
pub(crate) const SECRETS: &str = "api";
