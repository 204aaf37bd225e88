//! TLS as we speak it when we ask other servers over HTTP: their certificate must come from an authority that
//! this machine trusts (and those of `SSL_CERT_FILE` and `SSL_CERT_DIR`), be valid now, and be for the host.
//! There is no mode without.

use std::sync::{Arc, LazyLock};

use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;

use crate::connector::of_machine;
use crate::refusal::Refusal;

/// Made once: reading the machine's authorities takes a while.
static CONNECTOR: LazyLock<Result<TlsConnector, Refusal>> = LazyLock::new(|| {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| Refusal::Handshake)?;
    Ok(TlsConnector::from(Arc::new(builder.with_root_certificates(of_machine()?).with_no_client_auth())))
});

/// What speaks TLS with a server.
///
/// # Errors
/// [`Refusal::NoAuthorities`] on a machine that trusts nobody.
pub fn connector() -> Result<&'static TlsConnector, Refusal> {
    CONNECTOR.as_ref().map_err(|refusal| *refusal)
}

/// The name that a server's certificate must be for: a host's name or an IP address. `None` for any other text.
#[must_use]
pub fn server_name(host: &str) -> Option<ServerName<'static>> {
    ServerName::try_from(host.to_owned()).ok()
}
