//! Tickets: links that let whoever has one set a user's password or confirm its address, once.

mod create;
mod redeem;

pub use create::{NewTicket, TicketKind};
pub use redeem::{Redeemed, Redemption};
