//! A certificate with its private key, ready to be shown.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{Error as PemError, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::ServingError;

/// A certificate with its private key.
#[derive(Debug, Clone)]
pub struct Certificate {
    pub(super) pair: Arc<CertifiedKey>,
    ends: Option<i64>,
}

impl Certificate {
    /// The pair in two PEM files: the server's certificate followed by those between it and its authority,
    /// and the private key (PKCS#8, PKCS#1 or SEC1) without a passphrase.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub fn of_files(certificates: &Path, key: &Path) -> Result<Certificate, ServingError> {
        let chain = fs::read(certificates).map_err(|error| ServingError::Certificates(error.kind()))?;
        let key = fs::read(key).map_err(|error| ServingError::Key(error.kind()))?;
        Certificate::of_pem(&chain, &key)
    }

    /// The same out of texts.
    ///
    /// # Errors
    /// What is wrong with which text.
    pub fn of_pem(certificates: &[u8], key: &[u8]) -> Result<Certificate, ServingError> {
        let damaged = ServingError::Certificates(ErrorKind::InvalidData);
        let chain: Result<Vec<_>, PemError> = CertificateDer::pem_slice_iter(certificates).collect();
        let chain = chain.map_err(|_| damaged)?;
        if chain.is_empty() {
            return Err(damaged);
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| ServingError::Key(ErrorKind::InvalidData))?;
        Certificate::of(chain, key, None)
    }

    pub(super) fn of(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        ends: Option<i64>,
    ) -> Result<Certificate, ServingError> {
        let key = aws_lc_rs::sign::any_supported_type(&key).map_err(|_| ServingError::Key(ErrorKind::InvalidData))?;
        let pair = CertifiedKey::new(chain, key);
        // Also refuses a first certificate that is not one.
        pair.keys_match().map_err(|_| ServingError::Pair)?;
        Ok(Certificate { pair: Arc::new(pair), ends })
    }

    /// When it ends, seconds since 1970 UTC, for one that the development authority made.
    #[must_use]
    pub fn ends(&self) -> Option<i64> {
        self.ends
    }
}
