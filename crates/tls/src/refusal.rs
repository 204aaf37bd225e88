//! Why TLS did not come about.

use std::error::Error as _;
use std::io;

use rustls::{AlertDescription, CertificateError, Error};

/// Why a server is not spoken to: it is not the one that the address names, or that cannot be known.
///
/// No text holds the address or a name out of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It has no TLS, or somebody on the way says so.
    #[error("the server offers no TLS, and the address wants it")]
    NotOffered,
    /// Its certificate comes from an authority that is not ours.
    #[error("the server's certificate comes from an authority that is not trusted")]
    Authority,
    /// Its certificate is for another name.
    #[error("the server's certificate is for another name than the address has")]
    Name,
    /// Its certificate has expired.
    #[error("the server's certificate has expired")]
    Expired,
    /// Its certificate is not valid yet.
    #[error("the server's certificate is not valid yet")]
    NotYet,
    /// Its certificate cannot be used for a server, or is damaged.
    #[error("the server's certificate cannot be used")]
    Certificate,
    /// It wants a certificate of ours.
    #[error("the server wants a certificate of its client, and none can be given")]
    ClientCertificate,
    /// The two found no common ground.
    #[error("the TLS handshake failed")]
    Handshake,
    /// The file of `sslrootcert` cannot be read, or holds something else than certificates.
    #[error("the file of `sslrootcert` cannot be used: {0}")]
    Authorities(io::ErrorKind),
    /// This machine trusts nobody.
    #[error("this machine has no certificates of authorities")]
    NoAuthorities,
}

impl Refusal {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Refusal::NotOffered => {
                "switch `ssl` on in the server; on a network that nobody else can be on, write `sslmode=disable`"
            }
            Refusal::Authority | Refusal::NoAuthorities => {
                "write `sslrootcert=PATH` with the certificate of the authority that signed the server's; there is no \
                 mode without verification"
            }
            Refusal::Name => {
                "write the host as one of the certificate's subject alternative names, or, with an authority of your \
                 own, `sslmode=verify-ca&sslrootcert=PATH`; there is no mode without verification"
            }
            Refusal::Expired => "renew the server's certificate, or set this machine's clock",
            Refusal::NotYet => "set this machine's clock, or the server's when it made the certificate",
            Refusal::Certificate => {
                "give the server a certificate that an authority signed, version 3, for server authentication; a \
                 self-signed one must not itself be an authority (CA:FALSE)"
            }
            Refusal::ClientCertificate => "let the role log in by password (scram-sha-256) over `hostssl`",
            Refusal::Handshake => "the server must speak TLS 1.2 or 1.3 with a modern cipher and key",
            Refusal::Authorities(_) => {
                "`sslrootcert` is the path of a PEM file, or `system`; there is no mode without verification"
            }
        }
    }

    /// The refusal in an error of the driver. `None` for all other errors: also when the connection broke
    /// during the handshake, which may pass.
    #[must_use]
    pub fn of(error: &tokio_postgres::Error) -> Option<Refusal> {
        // The driver does not tell its kinds apart but by these words.
        let handshake = error.to_string().starts_with("error performing TLS handshake");
        let mut source = error.source();
        while let Some(cause) = source {
            if let Some(io) = cause.downcast_ref::<io::Error>() {
                return match io.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
                    Some(error) if handshake => Some(Refusal::of_rustls(error)),
                    // With TLS 1.3 it comes after the handshake.
                    Some(Error::AlertReceived(AlertDescription::CertificateRequired)) => {
                        Some(Refusal::ClientCertificate)
                    }
                    Some(_) => None,
                    // A host that is no name, so that no certificate can be for it.
                    None if handshake && io.kind() == io::ErrorKind::InvalidInput => Some(Refusal::Name),
                    None => None,
                };
            }
            source = cause.source();
        }
        handshake.then_some(Refusal::NotOffered)
    }

    fn of_rustls(error: &Error) -> Refusal {
        match error {
            Error::InvalidCertificate(certificate) => match certificate {
                CertificateError::UnknownIssuer | CertificateError::BadSignature => Refusal::Authority,
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Refusal::Name,
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => Refusal::Expired,
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Refusal::NotYet,
                _ => Refusal::Certificate,
            },
            Error::AlertReceived(AlertDescription::CertificateRequired) => Refusal::ClientCertificate,
            _ => Refusal::Handshake,
        }
    }
}
