//! MCP, over real sockets: who may ask, what is listed, and that a call is a call like every other.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stderr,
    clippy::unreachable,
    clippy::disallowed_methods,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

#[path = "../../../guard/tests/support/mod.rs"]
#[allow(dead_code, reason = "shared by several test programs")]
mod support;

mod apart;
mod asked;
mod callers;
mod hostile;
mod listed;
mod scopes;
mod world;
