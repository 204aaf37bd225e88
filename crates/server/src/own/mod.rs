//! Our own APIs: `/app/v1` for users and agents, `/dashboard/v1` for those who look after an account,
//! `/portal/v1` for the platform's own people.
//!
//! ```text
//! request -> dispatch: token of the context -> permission -> path, query and body checked -> endpoint -> reply
//! ```
//! [`ENDPOINTS`] is the one table: routes, the OpenAPI document and the authorization matrix are made from
//! it, and the forms in it from the handlers' own types.

mod app;
mod dashboard;
mod dispatch;
mod endpoint;
mod facts;
mod failure;
mod form;
mod openapi;
mod paging;
mod portal;
mod reply;
mod shapes;
mod within;

use std::sync::LazyLock;

pub use endpoint::Level;
pub use facts::{EndpointFacts, endpoints};
pub use openapi::document;

pub(crate) use dispatch::routes;

/// Every endpoint of our own contexts.
pub(crate) static ENDPOINTS: LazyLock<Vec<endpoint::Endpoint>> = LazyLock::new(|| {
    let mut all = Vec::new();
    all.extend(app::endpoints());
    all.extend(dashboard::endpoints());
    all.extend(portal::endpoints());
    all
});
