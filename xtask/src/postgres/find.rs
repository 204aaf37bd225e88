//! Finds PostgreSQL's server programs, or installs Debian's when it may.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Problem;
use crate::talk;

/// The folder that holds `initdb` and `postgres`.
///
/// # Errors
/// [`Problem::Missing`] with what to install.
pub(crate) fn find_or_install() -> Result<PathBuf, Problem> {
    if let Some(found) = find() {
        return Ok(found);
    }
    let apt = on_path("apt-get").is_some();
    if !(apt && nix::unistd::geteuid().is_root()) {
        return Err(Problem::Missing(if apt {
            "sudo apt-get install postgresql"
        } else if cfg!(target_os = "macos") {
            "brew install postgresql@17"
        } else {
            "your system's package `postgresql-server` or `postgresql`, with its programs on PATH"
        }));
    }
    install()?;
    find().ok_or(Problem::Missing("apt-get install postgresql ran, but /usr/lib/postgresql has no initdb"))
}

fn find() -> Option<PathBuf> {
    let mut places: Vec<PathBuf> = on_path("initdb").into_iter().collect();
    places.extend(newest_first(Path::new("/usr/lib/postgresql"), "").into_iter().map(|version| version.join("bin")));
    places.extend(newest_first(Path::new("/usr"), "pgsql-").into_iter().map(|version| version.join("bin")));
    places.extend(asked_of_pg_config());
    for brew in ["/opt/homebrew/opt", "/usr/local/opt", "/home/linuxbrew/.linuxbrew/opt"] {
        places.extend(newest_first(Path::new(brew), "postgresql@").into_iter().map(|version| version.join("bin")));
        places.push(Path::new(brew).join("postgresql/bin"));
    }
    places.into_iter().find(|place| place.join("initdb").is_file() && place.join("postgres").is_file())
}

/// The real folder of a program on PATH: what stands on PATH may be a link out of the folder that
/// holds the rest.
fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .filter_map(|folder| fs::canonicalize(folder.join(program)).ok())
        .filter(|file| file.is_file())
        .find_map(|file| file.parent().map(Path::to_path_buf))
}

/// Folders `PREFIX<number>` of a folder, the largest number first.
fn newest_first(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let version = name.to_str()?.strip_prefix(prefix)?.split('.').next()?.parse().ok()?;
            Some((version, entry.path()))
        })
        .collect();
    found.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    found.into_iter().map(|(_, path)| path).collect()
}

fn asked_of_pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").stdin(Stdio::null()).output().ok()?;
    let folder = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| PathBuf::from(folder.trim()))
}

fn install() -> Result<(), Problem> {
    talk::line("    not on this machine; installing Debian's package (apt-get install postgresql)");
    let no_cluster = NoCluster::set();
    let updated = apt(&["update"]);
    let installed = apt(&["install", "-y", "--no-install-recommends", "postgresql"]);
    drop(no_cluster);
    // An update may fail for a list that has nothing to do with us: only the install counts.
    installed.map_err(|said| match updated {
        Ok(()) => Problem::Failed { program: "apt-get install postgresql", said },
        Err(update) => Problem::Failed { program: "apt-get update", said: update },
    })
}

fn apt(arguments: &[&str]) -> Result<(), String> {
    let output = Command::new("apt-get")
        .arg("-q")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        // The package's scripts start no service in run level 1: the tests have a server of their own.
        .env("RUNLEVEL", "1")
        .stdin(Stdio::null())
        .output()
        .map_err(|problem| problem.to_string())?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()) }
}

/// While it lives, Debian's package makes no cluster of its own when it is installed. Does nothing
/// where the machine's owner has already said what to do.
struct NoCluster(Option<PathBuf>);

impl NoCluster {
    fn set() -> NoCluster {
        let folder = Path::new("/etc/postgresql-common/createcluster.d");
        let file = folder.join("tenantry-tests.conf");
        let written = fs::create_dir_all(folder).and_then(|()| fs::write(&file, "create_main_cluster = false\n"));
        NoCluster(written.ok().map(|()| file))
    }
}

impl Drop for NoCluster {
    fn drop(&mut self) {
        if let Some(file) = &self.0 {
            let _ = fs::remove_file(file);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["9.6", "17", "15", "common"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let found = newest_first(folder.path(), "");
        let names: Vec<_> = found.iter().filter_map(|path| path.file_name()?.to_str()).collect();
        assert_eq!(names, ["17", "15", "9.6"]);
        assert!(newest_first(Path::new("/nowhere"), "").is_empty());
    }

    #[test]
    fn only_what_stands_after_the_prefix_is_a_version() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["postgresql@16", "postgresql@17", "postgresql", "openssl@3"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let found = newest_first(folder.path(), "postgresql@");
        let names: Vec<_> = found.iter().filter_map(|path| path.file_name()?.to_str()).collect();
        assert_eq!(names, ["postgresql@17", "postgresql@16"]);
    }
}
