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

pub(crate) use name::login_names;
