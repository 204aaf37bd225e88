//! z3 for the prover's cross-check: a Python of its own under target. The test is skipped, with a word, where it
//! cannot be had.

use std::path::PathBuf;
use std::process::Command;

use crate::suite::answers;
use crate::talk;
use crate::workspace::target;

/// The version that was compared with.
const WANTED: &str = "z3-solver>=4.13";

/// The Python.
pub(crate) fn install() -> Option<PathBuf> {
    talk::heading("z3 for the cross-check");
    let folder = target().join("z3");
    let python = folder.join("bin/python");
    if !python.is_file() {
        let mut make = Command::new("python3");
        make.args(["-m", "venv"]).arg(&folder);
        if !answers(make) {
            talk::line(
                "    skipped: python3 with its module `venv` is not here (Debian: apt-get install python3-venv)",
            );
            return None;
        }
    }
    let imports = || {
        let mut import = Command::new(&python);
        import.args(["-c", "import z3"]);
        answers(import)
    };
    let install = || {
        let mut install = Command::new(&python);
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", WANTED]);
        answers(install)
    };
    if imports() || (install() && imports()) {
        talk::line(&format!("    in {}", folder.display()));
        return Some(python);
    }
    talk::line("    skipped: pip cannot install z3-solver");
    None
}
