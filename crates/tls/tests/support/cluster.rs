//! A PostgreSQL of the test's own that speaks TLS, with certificates that the test makes. The programs are
//! those of `TENANTRY_TEST_POSTGRES_BIN`, or the newest of `/usr/lib/postgresql`.
#![allow(dead_code, reason = "each test that has this file uses its part")]

use std::fs;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use nix::unistd::User;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType, date_time_ymd};
use tempfile::TempDir;

/// The name that the server's certificate is for, beside 127.0.0.1.
pub(crate) const NAME: &str = "db.tenantry.test";

/// What a server shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// No TLS at all.
    Nothing,
    /// A certificate of our authority for [`NAME`] and 127.0.0.1.
    Good,
    /// The same, over TLS 1.2 at most.
    Old,
    /// One that has expired.
    Expired,
    /// One that is not valid yet.
    Early,
    /// The authority's own.
    Authority,
}

/// A server and an authority. Dropping it stops the server and removes its folder.
pub(crate) struct Cluster {
    programs: PathBuf,
    user: Option<User>,
    port: u16,
    authority: Authority,
    // Last, so that it is removed after the server ended.
    folder: TempDir,
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    key: String,
}

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::default();
        params.subject_alt_names.push(SanType::DnsName(NAME.try_into().unwrap()));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let written = key.serialize_pem();
        Authority { issuer: Issuer::new(params, key), pem, key: written }
    }

    /// A certificate and its key.
    fn sign(&self, shown: Shown) -> (String, String) {
        let mut params = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
        params.subject_alt_names.push(SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        match shown {
            Shown::Expired => params.not_after = date_time_ymd(2020, 1, 1),
            Shown::Early => params.not_before = date_time_ymd(3000, 1, 1),
            Shown::Authority => return (self.pem.clone(), self.key.clone()),
            Shown::Nothing | Shown::Good | Shown::Old => {}
        }
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

impl Cluster {
    /// Starts one; `None`, with a word, where PostgreSQL's programs are not.
    pub(crate) fn start(shown: Shown) -> Option<Cluster> {
        let Some(programs) = programs() else {
            eprintln!("skipped: no PostgreSQL programs (TENANTRY_TEST_POSTGRES_BIN is not set)");
            return None;
        };
        let user = ordinary_user();
        let folder = match user {
            // Root's own temporary folder may be closed to others.
            Some(_) => tempfile::Builder::new().prefix("tenantry-test-tls-").tempdir_in("/tmp"),
            None => tempfile::Builder::new().prefix("tenantry-test-tls-").tempdir(),
        }
        .unwrap();
        let mut cluster = Cluster { programs, user, port: 0, authority: Authority::new(), folder };
        cluster.give(cluster.folder.path(), 0o700);
        let data = cluster.data();
        let data = data.to_str().unwrap();
        let made = cluster.run(
            "initdb",
            &["-D", data, "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"],
        );
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        fs::write(cluster.authority_file(), &cluster.authority.pem).unwrap();
        fs::write(cluster.stranger_file(), Authority::new().pem).unwrap();
        // Between finding a free port and taking it, someone else may have it.
        for _ in 0..5 {
            cluster.port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
            if cluster.serve(shown) {
                return Some(cluster);
            }
        }
        panic!("the server does not start: {}", fs::read_to_string(cluster.folder.path().join("log")).unwrap());
    }

    /// Starts the server anew, with something else to show.
    pub(crate) fn restart(&self, shown: Shown) {
        self.stop();
        assert!(self.serve(shown), "{}", fs::read_to_string(self.folder.path().join("log")).unwrap());
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The certificate of the authority that signed the server's.
    pub(crate) fn authority_file(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// That of another one, which signed nothing.
    pub(crate) fn stranger_file(&self) -> PathBuf {
        self.folder.path().join("stranger.pem")
    }

    /// The superuser's address: by the certificate's name, verified by our authority.
    pub(crate) fn url(&self) -> String {
        self.url_at(self.port)
    }

    /// The same at another port of the loopback.
    pub(crate) fn url_at(&self, port: u16) -> String {
        let authority = self.authority_file();
        format!(
            "postgres://postgres@{NAME}:{port}/postgres?hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert={}",
            authority.display()
        )
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn serve(&self, shown: Shown) -> bool {
        let data = self.data();
        let (certificate, key) = self.authority.sign(shown);
        for (name, text) in [
            ("server.crt", certificate),
            ("server.key", key),
            ("postgresql.conf", settings(self.port, shown)),
            ("pg_hba.conf", "host all bound 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n".to_owned()),
        ] {
            let file = data.join(name);
            fs::write(&file, text).unwrap();
            self.give(&file, 0o600);
        }
        let log = self.folder.path().join("log");
        let log = log.to_str().unwrap();
        self.run("pg_ctl", &["start", "-w", "-D", data.to_str().unwrap(), "-l", log]).status.success()
    }

    fn stop(&self) {
        self.run("pg_ctl", &["stop", "-w", "-m", "immediate", "-D", self.data().to_str().unwrap()]);
    }

    fn give(&self, path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        if let Some(user) = &self.user {
            chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).unwrap();
        }
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        let folder = self.folder.path();
        let mut command = Command::new(self.programs.join(program));
        command.args(arguments).current_dir(folder).stdin(Stdio::null());
        if let Some(user) = &self.user {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw()).env("HOME", folder).env("USER", &user.name);
        }
        for name in ["PGDATA", "PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGOPTIONS"] {
            command.env_remove(name);
        }
        command.output().unwrap()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop();
    }
}

fn settings(port: u16, shown: Shown) -> String {
    let tls = match shown {
        Shown::Nothing => "ssl = off",
        Shown::Old => "ssl = on\nssl_max_protocol_version = 'TLSv1.2'",
        Shown::Good | Shown::Expired | Shown::Early | Shown::Authority => "ssl = on",
    };
    format!(
        "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = ''\nfsync = off\n\
         logging_collector = off\n{tls}\n"
    )
}

#[allow(clippy::disallowed_methods, reason = "tests are told where their server is by the environment")]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn programs() -> Option<PathBuf> {
    if let Some(folder) = setting("TENANTRY_TEST_POSTGRES_BIN") {
        return Some(PathBuf::from(folder));
    }
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, folder)| folder.join("initdb").is_file())
        .collect();
    found.sort();
    found.pop().map(|(_, folder)| folder)
}

/// Whom the server runs as: ourselves, or somebody else when we are root, which it refuses.
fn ordinary_user() -> Option<User> {
    if !nix::unistd::geteuid().is_root() {
        return None;
    }
    let told = setting("TENANTRY_TEST_POSTGRES_USER");
    let names = told.as_deref().into_iter().chain(["postgres", "nobody"]);
    Some(names.filter_map(|name| User::from_name(name).ok().flatten()).next().expect("somebody to run the server"))
}
