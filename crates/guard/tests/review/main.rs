//! What a hostile tenant with the source at hand tried, and what it is told.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "a test"
)]

#[path = "../support/mod.rs"]
mod support;

mod approvals;
mod audit;
mod limits;
mod names;
mod world;
