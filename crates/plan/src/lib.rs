//! The builder: what the file wants becomes so.
//!
//! ```text
//! file -> desired Resources ┐
//! store, catalogs -> current ┴> difference -> Plan (steps, dangers, effect on access) -> apply
//! ```
//! It also builds the second fence: row security and the runtime role's privileges on one PostgreSQL source.

mod danger;
mod fence;
mod plan;
mod resource;
mod step;

pub use danger::Danger;
pub use fence::{Applied, Fence, FenceError};
pub use plan::{Effect, FORMAT, Plan};
pub use resource::{Kind, Resource, Target};
pub use step::{Action, Change, Step, difference};
