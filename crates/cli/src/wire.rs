//! The certificate that the server shows: the operator's own, or one of the development authority, made
//! and renewed here.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tenantry_policy::Clock;
use tenantry_server::{PROTOCOLS, Wire};
use tenantry_store::{Store, StoreError};
use tenantry_tls::serving::{Authority, Certificate, LEAF_SECONDS, Names, ServingError, Shown};

use crate::address;
use crate::output::Failure;
use crate::project::Project;
use crate::runtime::{Ambient, Runtime, store_failure};

/// The name under which the key file keeps the development authority.
const KEY: &str = "tls-authority";

/// The authority's certificate, in the state folder, for clients to trust.
pub const FILE: &str = "authority.pem";

/// How often is looked whether the certificate must change.
const LOOK: Duration = Duration::from_secs(2);

/// Where the certificate comes from.
enum Origin {
    Own { certificate: PathBuf, key: PathBuf },
    Authority { authority: Box<Authority>, names: Names },
}

/// A server's side of TLS, kept up to date as long as this lives.
pub struct Secured {
    /// For the server.
    pub wire: Wire,
    /// The file that clients must trust; `None` for the operator's own certificate.
    pub authority: Option<PathBuf>,
    watch: tokio::task::JoinHandle<()>,
}

impl std::fmt::Debug for Secured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secured").field("authority", &self.authority).finish_non_exhaustive()
    }
}

impl Drop for Secured {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

impl Secured {
    /// Gets the certificate: `own` files, the file's, or a new one of the development authority for `localhost`,
    /// the issuer's host and the address listened at.
    ///
    /// # Errors
    /// `TLS_…`, or when the authority can be neither read nor made.
    pub fn open(
        project: &Project<'_>,
        runtime: &Runtime,
        own: Option<(String, String)>,
        issuer: &str,
        listen: SocketAddr,
    ) -> Result<Secured, Failure> {
        let platform = runtime.loaded.document().platform.as_ref();
        let declared = platform.and_then(|platform| platform.tls.as_ref());
        let declared = declared.map(|tls| (tls.certificate.clone(), tls.key.clone()));
        let ambient = &runtime.ambient;
        let (origin, trusted) = match own.or(declared) {
            Some((certificate, key)) => {
                let path = |text: &str| project.path(Path::new(text));
                (Origin::Own { certificate: path(&certificate), key: path(&key) }, None)
            }
            None => {
                let (authority, path) = authority(project, &runtime.store, ambient)?;
                let names = Names::default().with(&listen.ip().to_string());
                let names = address::host(issuer).map_or(names.clone(), |host| names.with(&host));
                (Origin::Authority { authority: Box::new(authority), names }, Some(path))
            }
        };
        let now = seconds(ambient.clock.as_ref());
        let (certificate, read) = origin.certificate(now).map_err(failure)?;
        let shown = Shown::new(&certificate);
        let acceptor = shown.acceptor(&PROTOCOLS).map_err(failure)?;
        let watch = tokio::spawn(watch(origin, shown, certificate, read, Arc::clone(&ambient.clock)));
        Ok(Secured { wire: Wire::Tls(acceptor), authority: trusted, watch })
    }
}

/// The development authority of this installation, made when there is none yet, and the file with its
/// certificate.
///
/// # Errors
/// When it can be neither read nor made, or the file cannot be written.
pub fn authority(project: &Project<'_>, store: &Store, ambient: &Ambient) -> Result<(Authority, PathBuf), Failure> {
    let now = seconds(ambient.clock.as_ref());
    let kept = store.secret_or_make(KEY, |entropy| {
        let mut unique = [0_u8; 4];
        entropy.fill(&mut unique)?;
        Authority::make(&tenantry_identity::text::hex(&unique), now)
            .map_err(|_| StoreError::Invalid { what: "development authority", why: "it could not be made" })
    });
    let authority = Authority::read(&kept.map_err(|error| store_failure(&error))?).map_err(failure)?;
    let path = project.keep(FILE, authority.certificate())?;
    Ok((authority, path))
}

/// Why TLS cannot be spoken, for people.
fn failure(error: ServingError) -> Failure {
    Failure::failed(error.code(), error.to_string()).hint(error.hint())
}

fn seconds(clock: &dyn Clock) -> i64 {
    clock.now_micros().div_euclid(1_000_000)
}

/// What the two files held: by it a change is noticed.
type Read = Option<(Vec<u8>, Vec<u8>)>;

impl Origin {
    /// A certificate as of now, and what it was read from.
    fn certificate(&self, now: i64) -> Result<(Certificate, Read), ServingError> {
        match self {
            Origin::Own { certificate, key } => {
                let chain = std::fs::read(certificate).map_err(|error| ServingError::Certificates(error.kind()))?;
                let key = std::fs::read(key).map_err(|error| ServingError::Key(error.kind()))?;
                Ok((Certificate::of_pem(&chain, &key)?, Some((chain, key))))
            }
            Origin::Authority { authority, names } => Ok((authority.issue(names, now)?, None)),
        }
    }

    /// What the two files hold now.
    fn files(&self) -> Read {
        match self {
            Origin::Own { certificate, key } => Some((std::fs::read(certificate).ok()?, std::fs::read(key).ok()?)),
            Origin::Authority { .. } => None,
        }
    }
}

/// Changes the certificate when its files change, or when a third of its life is left. What cannot be
/// used leaves the one in force in its place.
async fn watch(origin: Origin, shown: Arc<Shown>, first: Certificate, first_read: Read, clock: Arc<dyn Clock>) {
    let (mut ends, mut seen) = (first.ends(), first_read);
    let mut round = tokio::time::interval(LOOK);
    loop {
        round.tick().await;
        let now = seconds(clock.as_ref());
        let due = match ends {
            Some(ends) => ends.saturating_sub(now) < LEAF_SECONDS / 3,
            None => {
                let files = origin.files();
                // Files that are away for a moment are being replaced.
                let changed = files.is_some() && files != seen;
                if changed {
                    seen = files;
                }
                changed
            }
        };
        if !due {
            continue;
        }
        match origin.certificate(now) {
            Ok((certificate, _)) => {
                shown.replace(&certificate);
                ends = certificate.ends();
                tracing::info!("the certificate was changed");
            }
            Err(error) => {
                tracing::warn!(%error, "a new certificate cannot be used; the one before stays");
                // Its own end is tried again, but not at every look.
                if ends.is_some() {
                    tokio::time::sleep(Duration::from_secs(60)).await;
                }
            }
        }
    }
}
