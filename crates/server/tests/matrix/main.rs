//! Our own APIs: what they do, and what they refuse. The list of endpoints is the server's own table, so
//! that an endpoint cannot be forgotten here.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

#[path = "../../../guard/tests/support/mod.rs"]
#[allow(dead_code, reason = "shared by several test programs")]
mod support;

mod fuzz;
mod golden;
mod management;
mod messages;
mod metering;
mod portal;
mod stage;
mod table;
mod words;
mod world;
mod wrong_callers;
