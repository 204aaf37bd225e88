//! The Management API, over the store on SQLite and on PostgreSQL.
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

mod account_tree;
mod cast;
mod client_grants;
mod clients;
mod connections;
mod discovery_domains;
mod generated;
mod invitations;
mod jobs;
mod logins;
mod members;
mod once;
mod organization_connections;
mod organization_grants;
mod organizations;
mod replay;
mod resource_servers;
mod roles;
mod second_factors;
mod site;
mod statements;
mod takeover;
mod tenants;
mod users;
mod workspaces;
