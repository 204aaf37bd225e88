//! Tokens as clients ask for them and show them, over HTTP, on SQLite and on PostgreSQL.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stderr,
    clippy::disallowed_methods,
    unreachable_pub,
    missing_docs,
    reason = "tests"
)]

#[path = "../../../guard/tests/support/mod.rs"]
#[allow(dead_code, reason = "shared by several test programs")]
mod support;

mod assertions;
mod authorize;
mod authorize_attacks;
mod browser;
mod client_credentials;
mod discovery;
mod exchange;
mod external;
mod forged;
mod refresh;
mod registration;
mod resource;
mod revocation;
mod site;
mod two_servers;
mod users;
