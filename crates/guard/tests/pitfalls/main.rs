//! The ways in which row isolation is known to fail, tried. docs/pitfalls.md lists all of them, with the
//! tests of other rooms that already try some.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unreachable,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "a test"
)]

#[path = "../support/mod.rs"]
mod support;

mod connections;
mod objects;
mod role;
mod tenants;
mod traps;
mod world;
