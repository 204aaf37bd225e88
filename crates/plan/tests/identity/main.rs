//! The file's identity sections against real stores: every kind planned, applied, planned again, changed behind the
//! file's back, removed, and written as a file.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

#[path = "../../../guard/tests/support/ambient.rs"]
#[allow(dead_code, reason = "shared by several test programs")]
mod ambient;
#[path = "../../../guard/tests/support/database.rs"]
#[allow(dead_code, reason = "shared by several test programs")]
mod database;
#[path = "../support/wire.rs"]
#[allow(dead_code, reason = "shared by several test programs")]
mod wire;

mod drift;
mod kinds;
mod pulled;
mod random;
mod secrets;
mod world;
