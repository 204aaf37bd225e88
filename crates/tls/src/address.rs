//! What an address says of TLS. Nothing here reaches out.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::connector::{self, Connector};
use crate::refusal::Refusal;

/// An address that cannot be used. No text holds anything of the address but the names of parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// It is not an address of PostgreSQL.
    #[error("the driver does not understand the address; write `postgres://USER@HOST:PORT/DATABASE?…`")]
    Unknown,
    /// `sslmode` is none of ours.
    #[error(
        "`sslmode` is disable, prefer, require, verify-ca or verify-full; require and verify-full are the same, and there is no \
         mode in which the server's certificate is not verified"
    )]
    Mode,
    /// A parameter stands there twice.
    #[error("`{0}` is written twice")]
    Twice(&'static str),
    /// A parameter that libpq has and we have not.
    #[error("`{0}` is not built in; `sslmode`, `sslrootcert`, `sslnegotiation` and `channel_binding` are")]
    NotBuiltIn(&'static str),
    /// `sslmode=verify-ca` with the machine's authorities.
    #[error(
        "`sslmode=verify-ca` wants `sslrootcert=PATH`: any server with a public certificate would pass otherwise; use verify-full"
    )]
    OwnAuthority,
    /// `hostaddr` without `host`.
    #[error("TLS wants a `host` beside each `hostaddr`: the certificate is verified for that name")]
    Nameless,
    /// A Unix socket beside hosts that must be spoken to by TLS.
    #[error("a Unix socket speaks no TLS and cannot stand beside hosts that must; write two addresses")]
    Mixed,
}

/// Where a PostgreSQL server is, and whether and how TLS is spoken with it.
///
/// - `sslmode=require` and `sslmode=verify-full`: TLS 1.2 or later, or no connection. The server's
///   certificate must come from an authority of `sslrootcert`, be valid now, and be for the host's name or
///   IP address (RFC 6125, subject alternative names only).
/// - `sslmode=verify-ca`: the same for any name; only with `sslrootcert=PATH`.
/// - `sslmode=prefer`, or none: no TLS over the loopback or a Unix socket; as `verify-full` for any other
///   host, and also where `sslrootcert` stands alone.
/// - `sslmode=disable`: no TLS.
/// - `sslrootcert=PATH`: a file of PEM certificates. `sslrootcert=system`, or none: the authorities that this
///   machine trusts.
/// - A Unix socket alone: no TLS, whatever is written.
///
/// Clones share what was read of the certificates. `Debug` shows nothing.
#[derive(Clone)]
pub struct Address {
    config: Config,
    trust: Trust,
    connector: Arc<OnceLock<Connector>>,
}

/// What a server must show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Nothing: TLS is not spoken.
    Plain,
    /// A certificate for its name, from an authority of this file, or of this machine.
    Named(Option<PathBuf>),
    /// A certificate from an authority of this file.
    Any(PathBuf),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Disable,
    Prefer,
    VerifyCa,
    VerifyFull,
}

/// How far away a host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Socket,
    Loopback,
    Network,
}

impl Address {
    /// Reads `postgres://…` or `postgresql://…`. Reads no file.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn parse(url: &str) -> Result<Address, AddressError> {
        let read = Parameters::take(url)?;
        // The driver's own words may quote the address, and with it the password.
        let mut config = Config::from_str(&read.rest).map_err(|_| AddressError::Unknown)?;
        let trust = trust(&config, read)?;
        // INVARIANT: never `Prefer`, with which the driver goes on without TLS where a server, or
        // somebody on the way to it, says that it has none.
        config.ssl_mode(if trust == Trust::Plain { SslMode::Disable } else { SslMode::Require });
        Ok(Address { config, trust, connector: Arc::default() })
    }

    /// The driver's configuration. Its `ssl_mode` is `Disable` or `Require`, and stays so for whoever
    /// connects: with [`Address::connector`].
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Is TLS spoken?
    #[must_use]
    pub fn speaks_tls(&self) -> bool {
        self.trust != Trust::Plain
    }

    /// The same place, as another role.
    #[must_use]
    pub fn as_role(&self, role: &str, password: &str) -> Address {
        let mut other = self.clone();
        other.config.user(role).password(password);
        other
    }

    /// What to connect and to cancel with. The first call reads the authorities' certificates from their
    /// file, which takes milliseconds; the others answer at once.
    ///
    /// # Errors
    /// [`Refusal::Authorities`] and [`Refusal::NoAuthorities`]; the next call tries again.
    pub fn connector(&self) -> Result<Connector, Refusal> {
        if let Some(made) = self.connector.get() {
            return Ok(made.clone());
        }
        let made = connector::make(&self.trust)?;
        Ok(self.connector.get_or_init(|| made).clone())
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(url: &str) -> Result<Address, AddressError> {
        Address::parse(url)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(…)")
    }
}

fn trust(config: &Config, read: Parameters) -> Result<Trust, AddressError> {
    let mode = match read.mode.as_deref() {
        None if read.authorities.is_some() => Mode::VerifyFull,
        None | Some("prefer") => Mode::Prefer,
        Some("disable") => Mode::Disable,
        Some("verify-ca") => Mode::VerifyCa,
        Some("require" | "verify-full") => Mode::VerifyFull,
        Some(_) => return Err(AddressError::Mode),
    };
    // The name that libpq has for the authorities of the machine.
    let authorities = read.authorities.filter(|path| path != "system").map(PathBuf::from);
    let reaches = reaches(config);
    let local = reaches.iter().all(|reach| *reach != Reach::Network);
    if mode == Mode::Disable || (mode == Mode::Prefer && local) || reaches.iter().all(|reach| *reach == Reach::Socket) {
        return Ok(Trust::Plain);
    }
    if reaches.contains(&Reach::Socket) {
        return Err(AddressError::Mixed);
    }
    let hosts = config.get_hosts();
    if hosts.is_empty() || hosts.iter().any(|host| !matches!(host, Host::Tcp(_))) {
        return Err(AddressError::Nameless);
    }
    match (mode, authorities) {
        (Mode::VerifyCa, Some(path)) => Ok(Trust::Any(path)),
        (Mode::VerifyCa, None) => Err(AddressError::OwnAuthority),
        (_, authorities) => Ok(Trust::Named(authorities)),
    }
}

/// Each host's, in the driver's order: where there is a `hostaddr`, that is where it connects to.
fn reaches(config: &Config) -> Vec<Reach> {
    let (hosts, addresses) = (config.get_hosts(), config.get_hostaddrs());
    (0..hosts.len().max(addresses.len()))
        .map(|place| match (addresses.get(place), hosts.get(place)) {
            (Some(address), _) => of_ip(*address),
            (None, Some(Host::Tcp(name))) => of_name(name),
            #[cfg(unix)]
            (None, Some(Host::Unix(_))) => Reach::Socket,
            (None, None) => Reach::Network,
        })
        .collect()
}

fn of_ip(address: IpAddr) -> Reach {
    if address.to_canonical().is_loopback() { Reach::Loopback } else { Reach::Network }
}

/// `localhost` and names below it lead to the loopback (RFC 6761, section 6.3).
fn of_name(name: &str) -> Reach {
    if let Ok(address) = name.parse() {
        return of_ip(address);
    }
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    if name == "localhost" || name.ends_with(".localhost") { Reach::Loopback } else { Reach::Network }
}

/// An address and what was taken out of it, since the driver does not know it.
struct Parameters {
    rest: String,
    mode: Option<String>,
    authorities: Option<String>,
}

/// libpq's parameters of TLS that mean something which we do not do.
const NOT_BUILT_IN: &[&str] = &[
    "sslcert",
    "sslkey",
    "sslpassword",
    "sslcertmode",
    "sslcrl",
    "sslcrldir",
    "ssl_min_protocol_version",
    "ssl_max_protocol_version",
    "sslcompression",
    "sslsni",
    "requiressl",
];

impl Parameters {
    fn take(url: &str) -> Result<Parameters, AddressError> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(AddressError::Unknown);
        }
        // As the driver reads it: a `?` before the first `@` is part of the password.
        let (login, place) = url.split_once('@').map_or(("", url), |(login, place)| (login, place));
        let Some((place, query)) = place.split_once('?') else {
            return Ok(Parameters { rest: url.to_owned(), mode: None, authorities: None });
        };
        let mut taken = Parameters { rest: String::with_capacity(url.len()), mode: None, authorities: None };
        if url.contains('@') {
            taken.rest.extend([login, "@"]);
        }
        taken.rest.push_str(place);
        let mut before = '?';
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (slot, name) = match decoded(name)?.as_ref() {
                "sslmode" => (&mut taken.mode, "sslmode"),
                "sslrootcert" => (&mut taken.authorities, "sslrootcert"),
                other => {
                    if let Some(known) = NOT_BUILT_IN.iter().find(|known| **known == other) {
                        return Err(AddressError::NotBuiltIn(known));
                    }
                    taken.rest.push(before);
                    taken.rest.push_str(pair);
                    before = '&';
                    continue;
                }
            };
            if slot.replace(decoded(value)?.into_owned()).is_some() {
                return Err(AddressError::Twice(name));
            }
        }
        Ok(taken)
    }
}

fn decoded(text: &str) -> Result<Cow<'_, str>, AddressError> {
    percent_decode_str(text).decode_utf8().map_err(|_| AddressError::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trust_of(url: &str) -> Result<Trust, AddressError> {
        let address = Address::parse(url)?;
        let mode = address.config().get_ssl_mode();
        assert_eq!(mode == SslMode::Require, address.speaks_tls(), "{url}");
        assert_ne!(mode, SslMode::Prefer, "{url}");
        Ok(address.trust)
    }

    #[test]
    fn what_an_address_says_of_tls() {
        let own = || Some(PathBuf::from("/etc/ca.pem"));
        for (url, expected) in [
            // Nothing said: by where the server is.
            ("postgres://app@127.0.0.1/x", Trust::Plain),
            ("postgres://app@[::1]:5433/x", Trust::Plain),
            ("postgres://app@127.9.9.9/x", Trust::Plain),
            ("postgres://app@localhost/x", Trust::Plain),
            ("postgres://app@LocalHost./x", Trust::Plain),
            ("postgres://app@db.localhost/x", Trust::Plain),
            ("postgres:///x?host=/run/postgresql", Trust::Plain),
            ("postgres://app@%2Frun%2Fpostgresql/x", Trust::Plain),
            ("postgres://app@db.example/x", Trust::Named(None)),
            ("postgres://app@10.0.0.7/x", Trust::Named(None)),
            ("postgres://app@localhost.example/x", Trust::Named(None)),
            ("postgres://app@localhost,db.example/x", Trust::Named(None)),
            ("postgres://app@db.example/x?connect_timeout=3", Trust::Named(None)),
            // `hostaddr` is where it connects to.
            ("postgres://app@db.example/x?hostaddr=127.0.0.1", Trust::Plain),
            ("postgres://app@localhost/x?hostaddr=10.0.0.7", Trust::Named(None)),
            // `prefer` is the same said aloud.
            ("postgres://app@localhost/x?sslmode=prefer", Trust::Plain),
            ("postgres://app@db.example/x?sslmode=prefer", Trust::Named(None)),
            // Said.
            ("postgres://app@db.example/x?sslmode=disable", Trust::Plain),
            ("postgres://app@localhost/x?sslmode=require", Trust::Named(None)),
            ("postgres://app@db.example/x?sslmode=require", Trust::Named(None)),
            ("postgres://app@db.example/x?sslmode=verify-full", Trust::Named(None)),
            ("postgres://app@db.example/x?sslmode=verify-full&sslrootcert=system", Trust::Named(None)),
            ("postgres://app@db.example/x?sslmode=require&sslrootcert=/etc/ca.pem", Trust::Named(own())),
            ("postgres://app@db.example/x?sslrootcert=%2Fetc%2Fca.pem&sslmode=verify-full", Trust::Named(own())),
            ("postgres://app@localhost/x?sslrootcert=/etc/ca.pem", Trust::Named(own())),
            ("postgres://app@db.example/x?sslmode=verify-ca&sslrootcert=/etc/ca.pem", Trust::Any("/etc/ca.pem".into())),
            (
                "postgres://app@db.example/x?ssl%6Dode=verify%2Dca&sslrootcert=/etc/ca.pem",
                Trust::Any("/etc/ca.pem".into()),
            ),
            // A Unix socket has no TLS, as with libpq.
            ("postgres:///x?host=/run/postgresql&sslmode=verify-full", Trust::Plain),
            // What looks like a parameter in a password is none.
            ("postgres://app:a?sslmode=disable@db.example/x", Trust::Named(None)),
        ] {
            assert_eq!(trust_of(url), Ok(expected), "{url}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (url, expected) in [
            ("postgres://app@db/x?sslmode=allow", AddressError::Mode),
            ("postgres://app@db/x?sslmode=", AddressError::Mode),
            ("postgres://app@db/x?sslmode", AddressError::Mode),
            ("postgres://app@db/x?sslmode=Disable", AddressError::Mode),
            ("postgres://app@localhost/x?sslmode=no-verify", AddressError::Mode),
            ("postgres://app@db/x?sslmode=verify-full&sslmode=disable", AddressError::Twice("sslmode")),
            ("postgres://app@db/x?sslrootcert=a&sslrootcert=b", AddressError::Twice("sslrootcert")),
            ("postgres://app@db/x?sslmode=verify-ca", AddressError::OwnAuthority),
            ("postgres://app@db/x?sslmode=verify-ca&sslrootcert=system", AddressError::OwnAuthority),
            ("postgres://app@db/x?sslcert=/a&sslkey=/b", AddressError::NotBuiltIn("sslcert")),
            ("postgres:///x?hostaddr=10.0.0.7&user=app", AddressError::Nameless),
            ("postgres:///x?host=/run/postgresql&host=db.example", AddressError::Mixed),
            ("postgres://app@db/x?nonsense=1", AddressError::Unknown),
            ("postgres://app@db:port/x", AddressError::Unknown),
            ("host=db.example sslmode=disable", AddressError::Unknown),
            ("", AddressError::Unknown),
        ] {
            assert_eq!(trust_of(url), Err(expected), "{url}");
        }
    }

    #[test]
    fn the_rest_reaches_the_driver_as_it_was_written() {
        let url = "postgres://app:p%40ss@db.example:5433/shop?sslmode=require&connect_timeout=3&sslrootcert=/ca&application_name=a%26b";
        let address = Address::parse(url).unwrap();
        let config = address.config();
        assert_eq!(config.get_user(), Some("app"));
        assert_eq!(config.get_password(), Some("p@ss".as_bytes()));
        assert_eq!(config.get_ports(), [5433]);
        assert_eq!(config.get_dbname(), Some("shop"));
        assert_eq!(config.get_application_name(), Some("a&b"));
        assert_eq!(config.get_connect_timeout(), Some(&std::time::Duration::from_secs(3)));
        assert_eq!(format!("{address:?}"), "Address(…)");
    }

    #[test]
    fn certificates_that_cannot_be_read_are_refused_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        let url = format!("postgres://app@db.example/x?sslrootcert={}", file.display());
        let address = Address::parse(&url).unwrap();
        assert_eq!(address.connector().err(), Some(Refusal::Authorities(std::io::ErrorKind::NotFound)));
        for text in ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(
                address.connector().err(),
                Some(Refusal::Authorities(std::io::ErrorKind::InvalidData)),
                "{text}"
            );
        }
        let insecure = Address::parse("postgres://app@db.example/x?sslmode=require&sslrootcert=insecure").unwrap();
        assert!(matches!(insecure.connector(), Err(Refusal::Authorities(_))));
    }
}
