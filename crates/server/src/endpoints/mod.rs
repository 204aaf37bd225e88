//! The endpoints, one file each.

pub(crate) mod call_tool;
pub(crate) mod decide_approval;
pub(crate) mod health;
pub(crate) mod keys;
pub(crate) mod list_approvals;
pub(crate) mod metrics;
pub(crate) mod nowhere;
pub(crate) mod openapi;
pub(crate) mod setup;
