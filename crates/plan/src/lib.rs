//! The builder: what the file wants becomes so.
//!
//! ```text
//! file -> desired Resources ┐
//! store, catalogs -> current ┴> difference -> Plan (steps, dangers, proof, effect on access) -> apply
//! ```
//! [`Engine`] asks each target for both sides and does the steps under one lease: [`identity`] (the store's
//! accounts, users, roles, clients), [`postgres`] (one source's roles, grants and row security), and the law
//! (the rules themselves, noted so that the next plan can tell what changes).

mod danger;
mod effect;
mod engine;
mod error;
mod fence;
pub mod found;
pub mod identity;
mod law;
pub mod lint;
mod plan;
pub mod postgres;
mod proof;
pub mod replay;
mod resource;
pub mod rights;
mod secrets;
mod state;
mod step;
mod told;
mod waive;
mod work;

pub use danger::Danger;
pub use engine::{
    Act, Applied, Consent, Drift, Drifted, Engine, Event, Flow, LEASE_MICROS, Parts, Planned, Saved, Selection,
    SourceAccess, Watch, Wish,
};
pub use error::{Fault, PlanError};
pub use fence::{Applied as FenceApplied, Fence, FenceError};
pub use identity::address::path as keys_of;
pub use plan::{Effect, FORMAT, Finding, Plan};
pub use proof::{Broken, Proof};
pub use resource::{Kind, Resource, Target};
pub use secrets::{Secrets, Shown, generate};
pub use state::State;
pub use step::{Action, Change, Step, difference};
pub use told::{RowTold, Told};
pub use work::{Done, Work};

/// Bytes as hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
