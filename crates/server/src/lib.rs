//! The front: HTTP. It verifies the token, hands the body to the guard, and turns the guard's answer
//! into a status. It decides nothing.

mod answer;
mod app;
mod auth;
mod body;
mod browser;
mod endpoints;
mod gateway;
mod html;
mod inside;
mod limits;
mod management;
mod mcp;
mod oauth;
mod once;
mod own;
mod serve;
mod whole;

pub use app::{App, router};
pub use inside::Inside;
pub use limits::{Rate, Rates};
pub use management::{OperationFacts, compatibility, operations, scopes as management_scopes};
pub use own::{EndpointFacts, Level, document as openapi, endpoints};
pub use serve::{PROTOCOLS, Patience, ServeError, Wire, from_address, serve, serve_with};
