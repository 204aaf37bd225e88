//! What our own APIs show, shared by several endpoints.

pub(crate) mod account;
pub(crate) mod audit;
