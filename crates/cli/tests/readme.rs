#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    unreachable_pub,
    missing_docs,
    reason = "tests"
)]
//! README.md says nothing that the program does not do: every command in it runs here, and what it shows
//! of the output is compared. `…` stands for what differs from run to run: within a line for any
//! text, as a whole line for any lines.
//!
//! `TENANTRY_BLESS=1 cargo test -p tenantry --test readme` prints the page with the output of this run.

mod support;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use support::{Home, PROGRAM, Running};

/// Commands that the page names and that run elsewhere, with the place.
const ELSEWHERE: [(&str, &str); 16] = [
    ("cargo run --release -- demo", "as `tenantry demo`, below"),
    ("cargo xtask test", "it runs this"),
    ("tenantry demo --check", "tests/e2e/commands.rs"),
    ("tenantry serve", "tests/e2e/serving.rs"),
    ("tenantry explain C201", "tests/frame.rs, with other codes"),
    ("tenantry fmt", "tests/frame.rs"),
    ("tenantry schema", "tests/e2e/commands.rs"),
    ("tenantry mcp WHO", "tests/e2e/mcp.rs"),
    ("tenantry setup", "tests/e2e/identity.rs"),
    ("tenantry doctor", "tests/e2e/commands.rs"),
    ("tenantry destroy", "tests/e2e/plan.rs"),
    ("tenantry pull", "tests/e2e/plan.rs"),
    ("tenantry import", "tests/e2e/plan.rs"),
    ("tenantry token", "here, with its arguments"),
    ("tenantry", "the program itself"),
    ("tenantry.toml", "the file"),
];

/// A `console` block: the line it begins at, whether it needs PostgreSQL, its commands with their output.
struct Block {
    line: usize,
    postgres: bool,
    commands: Vec<(String, Vec<String>)>,
}

fn page() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md")).unwrap()
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (at, line) in page.lines().enumerate() {
        match &mut open {
            None if line.starts_with("```console") => {
                let postgres = line.ends_with(" postgres");
                open = Some(Block { line: at + 1, postgres, commands: Vec::new() });
            }
            None => {}
            Some(_) if line == "```" => blocks.extend(open.take()),
            Some(block) => match line.strip_prefix("$ ") {
                Some(command) => block.commands.push((command.to_owned(), Vec::new())),
                None => block.commands.last_mut().expect("a command first").1.push(line.to_owned()),
            },
        }
    }
    blocks
}

/// Does a line fit, where `…` stands for any text?
fn line_fits(wanted: &str, found: &str) -> bool {
    let mut parts = wanted.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = found.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Do the lines fit, where a line `…` stands for any lines?
fn fits(wanted: &[String], found: &[String]) -> bool {
    match wanted.split_first() {
        None => found.is_empty(),
        Some((first, rest)) if first == "…" => (0..=found.len()).any(|skip| fits(rest, &found[skip..])),
        Some((first, rest)) => {
            found.split_first().is_some_and(|(line, more)| line_fits(first, line) && fits(rest, more))
        }
    }
}

/// A shell that stays in the folder that it went to.
struct Shell {
    home: Home,
    at: PathBuf,
    programs: tempfile::TempDir,
}

impl Shell {
    fn new() -> Shell {
        let programs = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(PROGRAM, programs.path().join("tenantry")).unwrap();
        let home = Home::empty();
        let at = home.path().to_owned();
        Shell { home, at, programs }
    }

    /// What a person would see: both streams, in their order.
    fn run(&mut self, command: &str) -> Vec<String> {
        if let Some(folder) = command.strip_prefix("cd ") {
            self.at = self.at.join(folder).canonicalize().unwrap();
            return Vec::new();
        }
        // A demo that serves does so until it is told to stop, on whatever port is free.
        let serves = command.contains("tenantry demo") && !command.contains("--check");
        let command = if serves { [command, " --listen 127.0.0.1:0"].concat() } else { command.to_owned() };
        let (reader, writer) = std::io::pipe().unwrap();
        let surroundings = self.home.command(&[]);
        let path = [self.programs.path().to_str().unwrap(), ":", &std::env::var("PATH").unwrap()].concat();
        // In the shell's own place, so that a signal to it reaches the program.
        let command = if command.starts_with("tenantry ") { ["exec ", &command].concat() } else { command };
        let mut shell = Command::new("sh");
        shell.args(["-c", &command]).current_dir(&self.at).stdin(Stdio::null()).env_clear();
        shell.envs(surroundings.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("PATH", path);
        shell.stdout(writer.try_clone().unwrap()).stderr(writer);
        let mut running = Running(shell.spawn().unwrap());
        // It keeps the pipe's end open otherwise.
        drop(shell);
        let mut lines = Vec::new();
        for line in BufReader::new(reader).lines() {
            let line = line.unwrap();
            if serves && line == "Ctrl-C stops the server." {
                running.signal(Signal::SIGINT);
            }
            lines.push(line);
        }
        running.ended();
        lines
    }
}

/// An empty database with an owner who may make roles; None where no server is given.
fn postgres() -> Option<(String, String)> {
    let Ok(server) = std::env::var("TENANTRY_TEST_POSTGRES") else {
        eprintln!("skipped: TENANTRY_TEST_POSTGRES is not set, so the part on PostgreSQL did not run");
        return None;
    };
    let name = format!("readme_{}", std::process::id());
    statement(&server, &format!("CREATE ROLE {name} LOGIN CREATEROLE"));
    statement(&server, &format!("CREATE DATABASE {name} OWNER {name}"));
    let mut url = url::Url::parse(&server).unwrap();
    url.set_username(&name).unwrap();
    url.set_path(&name);
    Some((name, url.to_string()))
}

fn statement(server: &str, sql: &str) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let (client, connection) = tokio_postgres::connect(server, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute(sql).await.unwrap();
    });
}

#[test]
fn what_the_page_shows_is_what_the_program_says() {
    let bless = std::env::var("TENANTRY_BLESS").is_ok();
    let database = postgres();
    let mut shell = Shell::new();
    if let Some((_, url)) = &database {
        shell.home.set("OWNER_URL", url);
    }
    let mut wrong = Vec::new();
    for block in blocks(&page()) {
        if block.postgres && database.is_none() {
            continue;
        }
        for (command, wanted) in block.commands {
            let found = shell.run(&command);
            if bless {
                eprintln!("$ {command}\n{}", found.join("\n"));
            } else if !fits(&wanted, &found) {
                wrong.push(format!("line {}: $ {command}\n{}", block.line, found.join("\n")));
            }
        }
    }
    if let Some((name, _)) = &database {
        let server = std::env::var("TENANTRY_TEST_POSTGRES").unwrap();
        statement(&server, &format!("DROP DATABASE {name} WITH (FORCE)"));
        statement(&server, &format!("DROP ROLE {name}"));
    }
    assert!(wrong.is_empty(), "README.md shows something else than:\n\n{}", wrong.join("\n\n"));
}

#[test]
fn every_command_that_the_page_names_runs_somewhere() {
    let page = page();
    let run: Vec<String> =
        blocks(&page).into_iter().flat_map(|block| block.commands).map(|(command, _)| command).collect();
    let mut outside = Vec::new();
    let mut fence: Option<&str> = None;
    for line in page.lines() {
        match (fence, line.strip_prefix("```")) {
            (None, Some(kind)) => fence = Some(kind),
            (Some(_), Some(_)) => fence = None,
            (Some(kind), None) if !kind.starts_with("console") => {
                outside.push(line.split('#').next().unwrap_or_default().trim().to_owned());
            }
            (Some(_), None) => {}
            (None, None) => outside.extend(line.split('`').skip(1).step_by(2).map(str::to_owned)),
        }
    }
    let commands = outside.iter().filter(|text| text.starts_with("tenantry") || text.starts_with("cargo "));
    let unknown: Vec<&String> =
        commands.filter(|text| !ELSEWHERE.iter().any(|(known, _)| known == text) && !run.contains(text)).collect();
    assert!(unknown.is_empty(), "these commands stand in README.md and run nowhere: {unknown:#?}");
}

#[test]
fn every_file_that_the_page_points_at_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = page();
    for target in page.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        assert!(target.contains("://") || root.join(target).exists(), "README.md points at {target}");
    }
}

#[test]
fn the_comparison_itself_compares() {
    let lines = |text: &str| -> Vec<String> { text.lines().map(str::to_owned).collect() };
    for (wanted, found, fit) in [
        ("a", "a", true),
        ("a", "b", false),
        ("a", "a\nb", false),
        ("a\n…", "a\nb\nc", true),
        ("…\nc", "a\nb\nc", true),
        ("…\nb", "a\nb\nc", false),
        ("at … o'clock …", "at 3 o'clock sharp", true),
        ("at … o'clock", "at 3 o'clock sharp", false),
        ("a…a", "a", false),
        ("", "", true),
        ("", "a", false),
    ] {
        assert_eq!(fits(&lines(wanted), &lines(found)), fit, "{wanted:?} {found:?}");
    }
}
