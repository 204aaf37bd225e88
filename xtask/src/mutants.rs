//! `cargo xtask mutants`: faults put into policy, sql and proof, one at a time (mutants.toml); the tests have to find
//! each. Works on a copy of the sources under target, so that nobody's tree is touched.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde::Deserialize;

use crate::count::Count;
use crate::interrupt::Interrupt;
use crate::postgres::Cluster;
use crate::step::Watch;
use crate::talk;
use crate::workspace::{root, target};

/// How long the tests may take over one mutant; one that makes them run on is found.
const PATIENCE: Duration = Duration::from_secs(600);

#[derive(Debug, Deserialize)]
struct List {
    mutant: Vec<Mutant>,
}

/// A fault.
#[derive(Debug, Deserialize)]
struct Mutant {
    file: String,
    /// What it does, for people.
    says: String,
    find: String,
    replace: String,
    /// Why no test can find it.
    survives: Option<String>,
}

/// Tests that look at a room, the quick ones first: each is built only when those before it have found nothing.
fn tests(file: &str) -> &'static [&'static [&'static str]] {
    const PROOF: &[&str] = &["-p", "tenantry-proof", "--lib", "--test", "verdicts"];
    const SQL: &[&str] = &["-p", "tenantry-sql", "--lib"];
    const POLICY: &[&str] = &["-p", "tenantry-policy", "--lib"];
    const FORMS: &[&str] = &["-p", "tenantry-guard", "--test", "agreement"];
    const WITNESSES: &[&str] = &["-p", "tenantry-guard", "--test", "witnesses"];
    const SCENARIOS: &[&str] = &["-p", "tenantry-guard", "--test", "scenarios"];
    if file.starts_with("crates/proof/") {
        return &[PROOF, FORMS, WITNESSES];
    }
    if file.starts_with("crates/sql/") {
        return &[SQL, FORMS, SCENARIOS, WITNESSES];
    }
    &[POLICY, SQL, PROOF, FORMS, SCENARIOS, WITNESSES]
}

/// Which mutants.
pub(crate) enum Choice<'a> {
    /// Every one.
    All,
    /// Those whose words or file contain one of these.
    Named(&'a [String]),
    /// So many: those in files that the last commit changed first, then others, others for each commit.
    Some(usize),
}

/// Puts mutants to the tests; the count has one for each.
pub(crate) fn run(interrupt: &Interrupt, cluster: Option<&Cluster>, choice: &Choice<'_>) -> Count {
    talk::heading("Mutants of policy, sql and proof");
    let mut count = Count::default();
    let failed = |problem: &str| {
        talk::line(&format!("error: {problem}"));
        Count::one(false)
    };
    let text = match fs::read_to_string(root().join("xtask/mutants.toml")) {
        Ok(text) => text,
        Err(error) => return failed(&format!("xtask/mutants.toml: {error}")),
    };
    let list: List = match toml::from_str(&text) {
        Ok(list) => list,
        Err(error) => return failed(&format!("xtask/mutants.toml: {error}")),
    };
    let tree = target().join("mutants");
    if let Err(error) = copy(&tree) {
        return failed(&format!("cannot copy the sources to {}: {error}", tree.display()));
    }
    let bench = Bench { interrupt, cluster, tree };
    let chosen = chosen(&list.mutant, choice);
    let total = chosen.len();
    let (mut killed, mut unexplained) = (0, 0);
    for mutant in chosen {
        if interrupt.caught() {
            return count;
        }
        let watch = Watch::start();
        let verdict = bench.verdict(mutant);
        let (word, good) = match (&verdict, &mutant.survives) {
            (Verdict::Killed(by), None) => (format!("killed by {by}"), true),
            (Verdict::Killed(by), Some(_)) => (format!("killed by {by}, though it is said to survive"), false),
            (Verdict::Survived, Some(why)) => (format!("survives: {why}"), true),
            (Verdict::Survived, None) => ("SURVIVES".to_owned(), false),
            (Verdict::Broken(why), _) => (format!("no mutant: {why}"), false),
        };
        killed += usize::from(matches!(verdict, Verdict::Killed(_)));
        unexplained += usize::from(!good);
        talk::line(&format!("    {:.0} s  {}: {}: {word}", watch.passed().as_secs_f64(), mutant.file, mutant.says));
        count += Count::one(good);
    }
    // Of 95 % that have to be found, survivors that are explained are part.
    let enough = killed * 100 >= total * 95;
    talk::line(&format!("    {killed} of {total} mutants killed, {unexplained} without a good end"));
    if !enough {
        count += Count::one(false);
    }
    count
}

fn chosen<'m>(all: &'m [Mutant], choice: &Choice<'_>) -> Vec<&'m Mutant> {
    match choice {
        Choice::All => all.iter().collect(),
        Choice::Named(names) => {
            let wanted = |mutant: &&Mutant| {
                names.iter().any(|name| mutant.file.contains(name.as_str()) || mutant.says.contains(name.as_str()))
            };
            all.iter().filter(wanted).collect()
        }
        Choice::Some(most) => {
            let changed = said(&["diff", "--name-only", "HEAD~1"]);
            // A commit's own number: the next commit tries others.
            let turn = said(&["rev-list", "--count", "HEAD"]).trim().parse().unwrap_or(0_usize);
            let mut order: Vec<(usize, &Mutant)> = all.iter().enumerate().collect();
            let step = turn.wrapping_mul(*most) % all.len().max(1);
            order.rotate_left(step);
            // Kept in their order otherwise.
            order.sort_by_key(|(_, mutant)| !changed.lines().any(|file| file == mutant.file));
            order.into_iter().take(*most).map(|(_, mutant)| mutant).collect()
        }
    }
}

fn said(args: &[&str]) -> String {
    let output = Command::new("git").args(args).current_dir(root()).stderr(Stdio::null()).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}

/// Brings the copy up to date; files that are the same keep their times, so that cargo builds little.
fn copy(tree: &Path) -> std::io::Result<()> {
    let files = said(&["ls-files", "--cached", "--others", "--exclude-standard"]);
    for file in files.lines() {
        let (from, to) = (root().join(file), tree.join(file));
        let Ok(bytes) = fs::read(&from) else { continue };
        if fs::read(&to).is_ok_and(|known| known == bytes) {
            continue;
        }
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&to, bytes)?;
    }
    Ok(())
}

enum Verdict {
    /// By the last of these tests' names.
    Killed(&'static str),
    Survived,
    Broken(String),
}

struct Bench<'a> {
    interrupt: &'a Interrupt,
    cluster: Option<&'a Cluster>,
    tree: PathBuf,
}

impl Bench<'_> {
    fn verdict(&self, mutant: &Mutant) -> Verdict {
        let path = self.tree.join(&mutant.file);
        let Ok(text) = fs::read_to_string(&path) else { return Verdict::Broken("the file is gone".to_owned()) };
        if text.matches(&mutant.find).count() != 1 {
            return Verdict::Broken("what it changes does not stand once in the file".to_owned());
        }
        if fs::write(&path, text.replacen(&mutant.find, &mutant.replace, 1)).is_err() {
            return Verdict::Broken("the copy cannot be written".to_owned());
        }
        let verdict = self.put_to_tests(&mutant.file);
        // Written anew with a new time, so that the next one does not meet this one's build. Nor may the workspace's own
        // builds: cargo takes the copy's packages for the workspace's, since they stand at the same places in theirs, and
        // what it built of a mutant for what it would build of a file that is older.
        let put_back = fs::write(&path, text)
            .and_then(|()| fs::metadata(&path)?.modified())
            .and_then(|time| fs::File::options().append(true).open(root().join(&mutant.file))?.set_modified(time));
        if put_back.is_err() {
            return Verdict::Broken("the copy cannot be put back".to_owned());
        }
        verdict
    }

    fn put_to_tests(&self, file: &str) -> Verdict {
        for tests in tests(file) {
            if !self.passes(tests, true) {
                return Verdict::Broken("it does not compile".to_owned());
            }
            if !self.passes(tests, false) {
                return Verdict::Killed(tests.last().copied().unwrap_or("the tests"));
            }
        }
        Verdict::Survived
    }

    fn passes(&self, tests: &[&str], build: bool) -> bool {
        let mut command = crate::workspace::cargo(&["test", "--quiet"]);
        command.args(tests).current_dir(&self.tree).env("CARGO_TARGET_DIR", target());
        command.env("PROPTEST_MAX_SHRINK_ITERS", "0").env("INSTA_UPDATE", "no").env("RUST_BACKTRACE", "0");
        if build {
            command.arg("--no-run");
        }
        if let Some(cluster) = self.cluster {
            command.env("TENANTRY_TEST_POSTGRES", cluster.url());
        }
        // A group of its own, so that a test that runs on ends with the cargo that began it.
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let watch = Watch::start();
        let Ok(mut child) = command.spawn() else { return false };
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return status.success(),
                Ok(None) if watch.passed() < PATIENCE && !self.interrupt.caught() => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                _ => {
                    if let Ok(group) = i32::try_from(child.id()) {
                        let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
                    }
                    let _ = child.wait();
                    return false;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> Vec<Mutant> {
        let text = fs::read_to_string(root().join("xtask/mutants.toml")).unwrap();
        toml::from_str::<List>(&text).unwrap().mutant
    }

    #[test]
    fn every_mutant_changes_one_place() {
        let mut wrong = Vec::new();
        for mutant in list() {
            let text = fs::read_to_string(root().join(&mutant.file)).unwrap_or_default();
            let count = text.matches(&mutant.find).count();
            if count != 1 || mutant.find == mutant.replace {
                wrong.push(format!("{}: {}: stands {count} times", mutant.file, mutant.says));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn some_are_as_many_as_asked_for() {
        let all = list();
        assert!(all.len() >= 40);
        assert_eq!(chosen(&all, &Choice::Some(6)).len(), 6);
        assert!(!chosen(&all, &Choice::Named(&["scribe".to_owned()])).is_empty());
        assert_eq!(chosen(&all, &Choice::All).len(), all.len());
    }
}
