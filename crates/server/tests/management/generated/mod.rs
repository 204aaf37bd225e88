//! Calls made from the forms of the operations: what no example thought of.

mod forms;
mod lists;
mod refusals;
mod spec;
mod stories;
pub mod world;
