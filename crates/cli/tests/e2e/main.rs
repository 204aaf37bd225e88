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
//! The program as people, programs and agents meet it: the real binary, real files, real requests.

mod audit;
mod bad_requests;
mod commands;
mod eval;
mod first_file;
mod https;
mod identity;
mod limited;
mod mcp;
mod metering;
mod plan;
mod postgres;
mod prove;
mod pulls;
mod rights;
mod serving;
mod slow;
mod tools_page;

#[path = "../support/mod.rs"]
mod support;
