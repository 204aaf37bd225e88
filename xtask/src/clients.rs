//! Other people's clients of the Management API and of our tokens, from their registries, in a folder of
//! their own under target. The tests that use them are skipped, saying so, where they cannot be had.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::suite::answers;
use crate::talk;
use crate::workspace::{root, target};

/// Where the clients are: `v/bin/python` and `n/node_modules`. `None`, with a word, where there are none.
pub(crate) fn install() -> Option<PathBuf> {
    talk::heading("Clients for the tests");
    let folder = target().join("clients");
    match python(&folder).and_then(|()| node(&folder)) {
        Ok(()) => {
            talk::line(&format!("    in {}", folder.display()));
            Some(folder)
        }
        Err(why) => {
            talk::line(&format!("    skipped: {why}"));
            None
        }
    }
}

fn python(folder: &Path) -> Result<(), String> {
    let python = folder.join("v/bin/python");
    let wanted = root().join("e2e/clients/requirements.txt");
    if !python.is_file() {
        let mut make = Command::new("python3");
        make.args(["-m", "venv"]).arg(folder.join("v"));
        if !answers(make) {
            return Err("python3 with its module `venv` is not here (Debian: apt-get install python3-venv)".to_owned());
        }
    }
    let install = |offline: bool| {
        let mut command = Command::new(&python);
        command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        // What is there already needs no network.
        if offline {
            command.arg("--no-index");
        }
        command.arg("-r").arg(&wanted);
        answers(command)
    };
    if install(true) || install(false) { Ok(()) } else { Err("pip cannot install the Python clients".to_owned()) }
}

fn node(folder: &Path) -> Result<(), String> {
    let own = folder.join("n");
    let wanted = root().join("e2e/clients/package.json");
    let failed = |error: std::io::Error| format!("cannot write in {}: {error}", own.display());
    std::fs::create_dir_all(&own).map_err(failed)?;
    let here = own.join("package.json");
    let text = std::fs::read(&wanted).map_err(failed)?;
    // Written last, so that it stands for a whole installation.
    let stamp = own.join("installed.json");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == text) {
        return Ok(());
    }
    std::fs::write(&here, &text).map_err(failed)?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"]).current_dir(&own);
    if !answers(npm) {
        return Err("npm cannot install the Node clients (Debian: apt-get install nodejs npm)".to_owned());
    }
    std::fs::write(&stamp, &text).map_err(failed)
}
