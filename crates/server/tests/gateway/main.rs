//! AI models behind the gateway: who may call which, what upstreams are told, what callers get, and what is
//! kept of it.
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

#[path = "../oauth/site.rs"]
#[allow(dead_code, reason = "shared by several test programs")]
mod site;
#[path = "../../../guard/tests/support/mod.rs"]
#[allow(dead_code, reason = "shared by several test programs")]
mod support;

mod apart;
mod attacks;
mod callers;
mod crowd;
mod desk;
mod keys;
mod limits;
mod scripted;
mod settled;
mod upstreams;
