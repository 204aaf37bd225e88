//! Who may do what in a PostgreSQL cluster, and by which way: computed from one [`Snapshot`], without asking the
//! server again. What it says equals `has_table_privilege` and its like, and tells besides how, and of which rows.

mod holds;
mod rows;
mod who_can;

pub use holds::{Holds, Way};
pub use rows::Rows;
pub use who_can::{Holder, Through, WhoCan, access, who_can};
