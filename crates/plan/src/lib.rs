//! The builder: what the file wants becomes so.
//!
//! Today it builds the second fence: row security and the runtime role's privileges on one
//! PostgreSQL source.

mod fence;

pub use fence::{Applied, Fence, FenceError};
