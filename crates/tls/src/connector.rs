//! The connector that follows from an address.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use crate::address::Trust;
use crate::refusal::Refusal;

/// What the driver speaks TLS with: for connecting, and for asking the server to cancel. Cheap to clone.
/// It binds the login to the certificate (`tls-server-end-point`, RFC 5929) where the server offers
/// SCRAM-SHA-256-PLUS.
pub use tokio_postgres_rustls::MakeRustlsConnect as Connector;

/// By it a server of PostgreSQL 17 or later knows that this is not another protocol's connection; earlier
/// ones do not look.
const PROTOCOL: &[u8] = b"postgresql";

pub(crate) fn make(trust: &Trust) -> Result<Connector, Refusal> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|_| Refusal::Handshake)?;
    let mut config = match trust {
        // The driver does not ask for it then. If it did, no certificate would do.
        Trust::Plain => builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth(),
        Trust::Named(Some(path)) => builder.with_root_certificates(of_file(path)?).with_no_client_auth(),
        Trust::Named(None) => builder.with_root_certificates(of_machine()?).with_no_client_auth(),
        Trust::Any(path) => {
            let verifier = AnyName { authorities: of_file(path)?, provider };
            builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()
        }
    };
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    Ok(Connector::new(config))
}

/// The certificates of a PEM file, all of which must be readable.
fn of_file(path: &Path) -> Result<RootCertStore, Refusal> {
    let text = fs::read(path).map_err(|error| Refusal::Authorities(error.kind()))?;
    let damaged = Refusal::Authorities(ErrorKind::InvalidData);
    let mut authorities = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|_| damaged)?;
        authorities.add(certificate).map_err(|_| damaged)?;
    }
    if authorities.is_empty() { Err(damaged) } else { Ok(authorities) }
}

/// The authorities that this machine trusts.
pub(crate) fn of_machine() -> Result<RootCertStore, Refusal> {
    let mut authorities = RootCertStore::empty();
    // Machines carry a few that are malformed; they verify nothing.
    authorities.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if authorities.is_empty() { Err(Refusal::NoAuthorities) } else { Ok(authorities) }
}

/// `verify-ca`: the certificate must come from one of our authorities and be valid now; its name does not
/// matter.
#[derive(Debug)]
struct AnyName {
    authorities: RootCertStore,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let certificate = ParsedCertificate::try_from(end_entity)?;
        verify_server_cert_signed_by_trust_anchor(
            &certificate,
            &self.authorities,
            intermediates,
            now,
            self.provider.signature_verification_algorithms.all,
        )?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
