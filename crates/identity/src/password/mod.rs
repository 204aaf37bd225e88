//! Passwords: kept as argon2id, checked by a bounded number of threads, judged by the connection's policy.
//!
//! ```text
//! plain -> Policy::check -> history -> Pool -> argon2id -> tenantry_password
//! login -> Pool -> Hash::fits (argon2id, or what an import brought) -> made anew as argon2id when it is not ours
//! ```

mod hash;
mod import;
mod policy;
mod pool;
mod set;

pub use hash::{Hash, WrongHash};
pub use import::imported;
pub use policy::{Fault, Policy};
pub(crate) use pool::Pool;
pub use set::LONGEST;
