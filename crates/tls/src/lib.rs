//! The wire: TLS with PostgreSQL, TLS as we serve it ([`serving`]), and as we ask others over HTTP ([`calling`]).
//!
//! How PostgreSQL is reached: an address says whether TLS is spoken and what a server must show, and the
//! connector that follows from it holds to that. Tenants' databases and Tenantry's own store go through
//! here, and neither has another way. ADR 0008 says why the rules are what they are.
//!
//! ```
//! # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
//! use tenantry_tls::Address;
//!
//! let address = Address::parse("postgres://app@db.example/shop")?;
//! let (client, connection) = address.config().connect(address.connector()?).await?;
//! # drop((client, connection));
//! # Ok(())
//! # }
//! ```

mod address;
pub mod calling;
mod connector;
mod refusal;
pub mod serving;

pub use self::address::{Address, AddressError};
pub use self::connector::Connector;
pub use self::refusal::Refusal;
