//! What handshakes are answered with: the certificate in force, which may change at any time.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use super::{Certificate, ServingError};

/// Takes connections: TLS 1.2 and 1.3. Cheap to clone.
pub use tokio_rustls::TlsAcceptor as Acceptor;
/// Makes connections to a server that shows a certificate of a given authority.
pub use tokio_rustls::TlsConnector as Connector;

/// The certificate in force.
#[derive(Debug)]
pub struct Shown(ArcSwap<CertifiedKey>);

impl Shown {
    /// Begins with a certificate.
    #[must_use]
    pub fn new(certificate: &Certificate) -> Arc<Shown> {
        Arc::new(Shown(ArcSwap::new(Arc::clone(&certificate.pair))))
    }

    /// From now on new connections are shown this one; those that stand keep theirs.
    pub fn replace(&self, certificate: &Certificate) {
        self.0.store(Arc::clone(&certificate.pair));
    }

    /// Answers handshakes with the certificate in force, and speaks one of `protocols` (ALPN, RFC 7301),
    /// the first that the client knows.
    ///
    /// # Errors
    /// [`ServingError::Making`].
    pub fn acceptor(self: &Arc<Shown>, protocols: &[&[u8]]) -> Result<Acceptor, ServingError> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|_| ServingError::Making)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::<Shown>::clone(self));
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Ok(Acceptor::from(Arc::new(config)))
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

/// A connector that trusts the authorities of a PEM text and nobody else.
///
/// # Errors
/// [`ServingError::Certificates`].
pub fn connector(authorities: &str, protocols: &[&[u8]]) -> Result<Connector, ServingError> {
    let damaged = ServingError::Certificates(std::io::ErrorKind::InvalidData);
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(authorities.as_bytes()) {
        roots.add(certificate.map_err(|_| damaged)?).map_err(|_| damaged)?;
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| ServingError::Making)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(Connector::from(Arc::new(config)))
}
