//! The development authority: a key of this installation that vouches for this server's certificates, for
//! clients that are told to trust it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType, date_time_ymd,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;

use super::{Certificate, ServingError};

const DAY: i64 = 24 * 3600;

/// How long an authority lives, in seconds: ten years.
const AUTHORITY_SECONDS: i64 = 3650 * DAY;

/// How long a certificate that it made lives, in seconds: 90 days.
pub const LEAF_SECONDS: i64 = 90 * DAY;

/// How far back a certificate begins, for clients whose clocks are behind.
const BEFORE: i64 = DAY;

/// What a certificate is for: names and addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    hosts: Vec<String>,
    addresses: Vec<IpAddr>,
}

impl Default for Names {
    /// `localhost`, 127.0.0.1 and ::1.
    fn default() -> Names {
        Names {
            hosts: vec!["localhost".to_owned()],
            addresses: vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)],
        }
    }
}

impl Names {
    /// With a host as it stands in an address: a name, an IP address, or one in brackets. One that could
    /// not stand in a certificate is left out.
    #[must_use]
    pub fn with(mut self, host: &str) -> Names {
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        match bare.parse::<IpAddr>() {
            // Nobody connects to "every address".
            Ok(address) if !address.is_unspecified() && !self.addresses.contains(&address) => {
                self.addresses.push(address);
            }
            Ok(_) => {}
            Err(_) => {
                let host = bare.to_ascii_lowercase();
                let fits = !host.is_empty()
                    && host.len() <= 253
                    && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
                if fits && !self.hosts.contains(&host) {
                    self.hosts.push(host);
                }
            }
        }
        self
    }
}

/// A development authority.
pub struct Authority {
    name: String,
    ends: i64,
    certificate: String,
    key: KeyPair,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Authority {
    /// Makes one at a time (seconds since 1970 UTC), in the form in which it is kept: it holds the private
    /// key. `unique` tells it from other installations' in lists of authorities.
    ///
    /// # Errors
    /// [`ServingError::Making`].
    pub fn make(unique: &str, now: i64) -> Result<Vec<u8>, ServingError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|_| ServingError::Making)?;
        let name = ["Tenantry development authority ", unique].concat();
        let ends = now.saturating_add(AUTHORITY_SECONDS);
        let mut params = named(&name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.not_before = time(now.saturating_sub(BEFORE))?;
        params.not_after = time(ends)?;
        let certificate = params.self_signed(&key).map_err(|_| ServingError::Making)?.pem();
        let kept = [name.as_str(), "\n", &ends.to_string(), "\n", &key.serialize_pem(), &certificate].concat();
        Ok(kept.into_bytes())
    }

    /// The authority that [`Authority::make`] made.
    ///
    /// # Errors
    /// [`ServingError::Authority`].
    pub fn read(kept: &[u8]) -> Result<Authority, ServingError> {
        let damaged = || ServingError::Authority;
        let text = std::str::from_utf8(kept).map_err(|_| damaged())?;
        let (name, rest) = text.split_once('\n').ok_or_else(damaged)?;
        let (ends, pems) = rest.split_once('\n').ok_or_else(damaged)?;
        let at = pems.find("-----BEGIN CERTIFICATE-----").ok_or_else(damaged)?;
        let (key, certificate) = pems.split_at_checked(at).ok_or_else(damaged)?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| damaged())?;
        Ok(Authority {
            name: name.to_owned(),
            ends: ends.parse().map_err(|_| damaged())?,
            certificate: certificate.to_owned(),
            key: KeyPair::try_from(&key).map_err(|_| damaged())?,
        })
    }

    /// Its certificate as PEM: public, for clients to trust.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Its name in lists of authorities.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// When it ends, seconds since 1970 UTC.
    #[must_use]
    pub fn ends(&self) -> i64 {
        self.ends
    }

    /// A certificate for a server of those names, with a key of its own that is kept nowhere, from a time
    /// on (seconds since 1970 UTC) for [`LEAF_SECONDS`], and never longer than the authority.
    ///
    /// # Errors
    /// [`ServingError::Ended`], [`ServingError::Making`].
    pub fn issue(&self, names: &Names, now: i64) -> Result<Certificate, ServingError> {
        if now >= self.ends {
            return Err(ServingError::Ended);
        }
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|_| ServingError::Making)?;
        let ends = now.saturating_add(LEAF_SECONDS).min(self.ends);
        let mut params = named("Tenantry");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params.not_before = time(now.saturating_sub(BEFORE))?;
        params.not_after = time(ends)?;
        for host in &names.hosts {
            let host = host.as_str().try_into().map_err(|_| ServingError::Making)?;
            params.subject_alt_names.push(SanType::DnsName(host));
        }
        params.subject_alt_names.extend(names.addresses.iter().map(|address| SanType::IpAddress(*address)));
        let issuer = Issuer::new(named(&self.name), &self.key);
        let leaf = params.signed_by(&key, &issuer).map_err(|_| ServingError::Making)?;
        let private = PrivateKeyDer::try_from(key.serialize_der()).map_err(|_| ServingError::Making)?;
        Certificate::of(vec![leaf.der().clone()], private, Some(ends))
    }
}

/// What the authority's certificate and its issuing have in common: the name and the uses of its key.
fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    params
}

/// A time as certificates write it.
fn time(seconds: i64) -> Result<time::OffsetDateTime, ServingError> {
    let since = u64::try_from(seconds).map_err(|_| ServingError::Making)?;
    Ok(date_time_ymd(1970, 1, 1) + Duration::from_secs(since))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_790_000_000;

    #[test]
    fn an_authority_is_kept_and_read_again() {
        let kept = Authority::make("1a2b", NOW).unwrap();
        let authority = Authority::read(&kept).unwrap();
        assert_eq!(authority.name(), "Tenantry development authority 1a2b");
        assert_eq!(authority.ends(), NOW + AUTHORITY_SECONDS);
        assert!(authority.certificate().starts_with("-----BEGIN CERTIFICATE-----"));
        assert!(!authority.certificate().contains("PRIVATE"));
        for damaged in [b"".as_slice(), b"x", b"x\n1\n", b"\xff"] {
            assert_eq!(Authority::read(damaged).unwrap_err(), ServingError::Authority);
        }
    }

    #[test]
    fn no_certificate_outlives_its_authority() {
        let authority = Authority::read(&Authority::make("1a2b", NOW).unwrap()).unwrap();
        let ends = |now| authority.issue(&Names::default(), now).map(|issued| issued.ends().unwrap());
        assert_eq!(ends(NOW), Ok(NOW + LEAF_SECONDS));
        assert_eq!(ends(authority.ends() - 5), Ok(authority.ends()));
        assert_eq!(ends(authority.ends()), Err(ServingError::Ended));
    }

    #[test]
    fn names_hold_each_host_once_and_nothing_odd() {
        let names =
            Names::default().with("localhost").with("[::1]").with("ID.example").with("10.0.0.1").with("0.0.0.0");
        let names = names.with("a b").with("");
        assert_eq!(names.hosts, ["localhost", "id.example"]);
        assert_eq!(names.addresses.len(), 3);
    }
}
