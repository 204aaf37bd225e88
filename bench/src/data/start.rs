//! P9: how long the program takes from its start to the first answer, and what it needs when idle.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::talk::{figure, note, say};
use crate::timing::{Watch, median, number};
use crate::{Doing, Problem};

/// The question that is asked first.
const BODY: &str = r#"{"model":"orders","take":1}"#;
const PATIENCE: Duration = Duration::from_secs(20);

/// The program with a demo's folder.
struct Demo<'a> {
    program: &'a Path,
    folder: PathBuf,
    // One for all starts: the address listened at is the issuer of the tokens.
    port: u16,
}

/// Starts the program several times, and prints.
///
/// # Errors
/// [`Problem`] when the demo cannot be made or the program does not answer.
pub(crate) fn run(program: &Path, folder: &Path, starts: usize) -> Result<Value, Problem> {
    note("idle memory and cold start …");
    let demo = Demo { program, folder: folder.join("demo"), port: free_port()? };
    demo.make()?;
    demo.know_address()?;
    let token = demo.token()?;
    let mut memory = Vec::new();
    let mut cold = Vec::new();
    for _ in 0..starts {
        let (took, kilobytes) = demo.start(&token)?;
        cold.push(took.as_secs_f64());
        memory.push(number(kilobytes) / 1024.0);
    }
    let (memory, cold) = (median(&memory), median(&cold));
    let pass = memory <= 60.0 && cold <= 0.3;
    say(&format!(
        "P9: {} (idle {} MB of 60, first answer {} s of 0.3; medians of {starts} starts over the demo's file, SQLite)",
        if pass { "pass" } else { "short" },
        figure(memory),
        figure(cold)
    ));
    Ok(json!({ "promise": "P9", "pass": pass, "starts": starts, "idle_mb": memory, "first_answer_s": cold }))
}

impl Demo<'_> {
    fn command(&self) -> Command {
        let mut command = Command::new(self.program);
        command
            // The file names its database by a path from where it stands.
            .current_dir(&self.folder)
            .args(["--quiet", "--file", "tenantry.toml", "--state", "state"])
            .stdin(Stdio::null());
        command
    }

    /// The demo's check leaves its file and its 200,000 rows.
    fn make(&self) -> Result<(), Problem> {
        let failed = "make the demo";
        let mut command = Command::new(self.program);
        command.args(["demo", "--check", "--quiet", "--keep"]).arg(&self.folder);
        let done = command.stdin(Stdio::null()).output().doing(failed)?;
        if done.status.success() {
            return Ok(());
        }
        Err(Problem::new(failed, String::from_utf8_lossy(&done.stderr)))
    }

    fn token(&self) -> Result<String, Problem> {
        let failed = "make a token for the demo";
        let mut command = self.command();
        command.args(["token", "--account", ACCOUNT, "--user", USER, "--ttl", "2h"]);
        let done = command.output().doing(failed)?;
        if !done.status.success() {
            return Err(Problem::new(failed, String::from_utf8_lossy(&done.stderr)));
        }
        Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
    }

    fn serve(&self) -> Result<Server, Problem> {
        let mut command = self.command();
        command.args(["serve", "--http", "--listen", &format!("127.0.0.1:{}", self.port)]).stdout(Stdio::null());
        Ok(Server(command.spawn().doing("start the program")?))
    }

    /// A first start, after which tokens are made for the address that later ones listen at.
    fn know_address(&self) -> Result<(), Problem> {
        let _server = self.serve()?;
        let watch = Watch::start();
        while ask(self.port, "none").is_none() {
            if watch.passed() > PATIENCE {
                return Err(Problem::new("start the program", "it does not answer"));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// One start: the time to the first answer, and the kilobytes in memory a little later.
    fn start(&self, token: &str) -> Result<(Duration, usize), Problem> {
        let failed = "start the program";
        let watch = Watch::start();
        let server = self.serve()?;
        loop {
            if let Some(answer) = ask(self.port, token) {
                let took = watch.passed();
                if !answer.starts_with("HTTP/1.1 200") {
                    return Err(Problem::new(failed, answer));
                }
                std::thread::sleep(Duration::from_millis(500));
                return Ok((took, server.resident()?));
            }
            if watch.passed() > PATIENCE {
                return Err(Problem::new(failed, "it does not answer"));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Somebody of the demo's file who may ask for orders.
const ACCOUNT: &str = "globex";
const USER: &str = "gus@globex.example";

fn free_port() -> Result<u16, Problem> {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    Ok(listener.doing("find a free port")?.port())
}

struct Server(Child);

impl Server {
    fn resident(&self) -> Result<usize, Problem> {
        let failed = "read the program's memory";
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).doing(failed)?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()).and_then(|text| text.parse().ok());
        kilobytes.ok_or_else(|| Problem::new(failed, "no VmRSS"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The answer's first line and the rest of it, or nothing while nobody listens.
fn ask(port: u16, token: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    let request = format!(
        "POST /app/v1/tools/query HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{BODY}",
        BODY.len()
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut reader = BufReader::new(stream);
    let mut text = String::new();
    reader.read_line(&mut text).ok().filter(|read| *read > 0)?;
    let _ = reader.read_to_string(&mut text);
    Some(text)
}
