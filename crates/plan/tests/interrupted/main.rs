//! Applies to a PostgreSQL source whose connection is lost, or whose process is killed, at each statement and each
//! commit; and what of secrets can be seen on the way. `TENANTRY_TEST_POSTGRES` holds a superuser's address.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    unreachable_pub,
    missing_docs,
    reason = "tests"
)]

#[path = "../support/wire.rs"]
#[allow(dead_code, reason = "shared by several test programs")]
mod wire;
#[path = "../world/mod.rs"]
#[allow(dead_code, reason = "shared by several test programs")]
mod world;

mod boundaries;
mod secrets;
mod source;
