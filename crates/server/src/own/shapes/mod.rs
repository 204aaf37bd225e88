//! What our own APIs show, shared by several endpoints.

pub(crate) mod account;
pub(crate) mod api;
pub(crate) mod api_key;
pub(crate) mod audit;
pub(crate) mod client;
pub(crate) mod client_grant;
pub(crate) mod invitation;
pub(crate) mod limits;
pub(crate) mod member;
pub(crate) mod role;
pub(crate) mod usage;
pub(crate) mod user;
pub(crate) mod workspace;
