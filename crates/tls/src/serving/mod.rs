//! TLS as it is served: the certificate that clients are shown, where it comes from, and how it changes
//! while the server runs. ADR 0010 says why.
//!
//! ```text
//! Authority (a key of this installation) -> issue -> Certificate ─┐
//! the operator's own PEM files ---------------------> Certificate ─┴─> Shown -> acceptor
//! ```

mod authority;
mod certificate;
mod shown;

use std::io::ErrorKind;

pub use authority::{Authority, LEAF_SECONDS, Names};
pub use certificate::Certificate;
pub use shown::{Acceptor, Connector, Shown, connector};

/// Why no certificate can be served. No message holds a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ServingError {
    /// The file of certificates cannot be read, or holds none.
    #[error("the file of certificates cannot be used: {0}")]
    Certificates(ErrorKind),
    /// The file of the private key cannot be read, or holds none.
    #[error("the file of the private key cannot be used: {0}")]
    Key(ErrorKind),
    /// Certificate and key do not belong together.
    #[error("the private key is not the certificate's")]
    Pair,
    /// What is kept of the development authority is damaged.
    #[error("the development authority's key is damaged")]
    Authority,
    /// The development authority has ended.
    #[error("the development authority has ended")]
    Ended,
    /// A certificate could not be made.
    #[error("a certificate could not be made")]
    Making,
}

impl ServingError {
    /// The stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            ServingError::Certificates(_) | ServingError::Key(_) | ServingError::Pair => "TLS_CERTIFICATE",
            ServingError::Authority | ServingError::Ended | ServingError::Making => "TLS_AUTHORITY",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(self) -> &'static str {
        match self {
            ServingError::Certificates(_) => {
                "`platform.tls.certificate` names a PEM file: the server's certificate first, then those between"
            }
            ServingError::Key(_) => {
                "`platform.tls.key` names a PEM file with the certificate's private key, without a passphrase"
            }
            ServingError::Pair => "give the two files that were made together",
            ServingError::Authority | ServingError::Ended => {
                "take `tls-authority` out of the key file: the next start makes a new one, which clients must be told to trust"
            }
            ServingError::Making => "give a certificate of your own with `platform.tls`",
        }
    }
}
