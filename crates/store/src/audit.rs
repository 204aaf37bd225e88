//! The audit: append only, one hash chain per account, verifiable from outside.

pub(crate) mod chain;
pub(crate) mod entry;
pub(crate) mod export;
pub(crate) mod list;
pub(crate) mod sql;
pub(crate) mod verify;
