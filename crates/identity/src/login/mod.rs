//! Logins by password, within limits.
//!
//! ```text
//! name, password -> counts (user and address, address, account) -> user -> hash -> blocked? -> noted
//! ```
//! Whether a user exists is told neither by an answer nor by how long it takes, nor by when the attempts end.

mod blocks;
mod limits;
mod name;
mod password;

pub use blocks::Block;
pub use password::{LoggedIn, Login, LoginRefusal};

pub(crate) use limits::{Counted, Stop, USER_FAILURES, factor_subject, forgive};
pub(crate) use name::login_names;
pub(crate) use password::SESSION_IDLE;
