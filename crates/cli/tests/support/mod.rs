//! The program itself in a folder of its own, and an HTTP client that sends exactly what it is told.

#![allow(dead_code, reason = "each test program uses a part")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_tenantry");
/// How long anything may take before the test gives up.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Rows of a small demo.
pub const ROWS: &str = "600";

/// A folder to run the program in, with nothing of this machine's surroundings.
pub struct Home {
    folder: tempfile::TempDir,
    at: PathBuf,
    variables: Vec<(String, String)>,
}

/// What a run left behind.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// The one envelope that `--json` prints; nothing else stands on either stream.
    pub fn envelope(&self) -> Value {
        assert_eq!(self.err, "", "talk with --json\n{}", self.out);
        assert!(self.out.ends_with('\n') && self.out.lines().count() == 1, "not one line: {}", self.out);
        let envelope: Value = serde_json::from_str(&self.out).unwrap();
        let keys: Vec<&str> = envelope.as_object().unwrap().keys().map(String::as_str).collect();
        match envelope["success"].as_bool() {
            Some(true) => assert_eq!(keys, ["success", "data"]),
            _ => {
                assert_eq!(keys, ["success", "error"]);
                let keys: Vec<&str> = envelope["error"].as_object().unwrap().keys().map(String::as_str).collect();
                assert_eq!(keys, ["code", "message", "hints", "details"]);
            }
        }
        envelope
    }
}

impl Home {
    /// An empty folder.
    pub fn empty() -> Home {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().to_owned();
        std::fs::create_dir(folder.path().join("passing")).unwrap();
        Home { folder, at, variables: Vec::new() }
    }

    /// A kept demo, after everything that it tries was tried.
    pub fn desk() -> Home {
        let mut home = Home::empty();
        let ran = home.run(&["demo", "--check", "--keep", "desk", "--rows", ROWS, "--quiet"]);
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        home.at = home.folder.path().join("desk");
        home
    }

    /// Where commands run.
    pub fn path(&self) -> &Path {
        &self.at
    }

    /// A file where commands run.
    pub fn file(&self, name: &str) -> PathBuf {
        self.at.join(name)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.file(name), text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap()
    }

    /// With a variable.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// The folder for passing files.
    pub fn passing(&self) -> PathBuf {
        self.folder.path().join("passing")
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(args).current_dir(&self.at).env_clear().env("TMPDIR", self.passing());
        if let Ok(path) = std::env::var("PATH") {
            command.env("PATH", path);
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, args: &[&str]) -> Ran {
        ran(self.command(args).output().unwrap())
    }

    /// The same with something on standard input.
    pub fn run_with(&self, args: &[&str], input: &[u8]) -> Ran {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().unwrap();
        // A program that refuses early need not read all of it.
        let _ = child.stdin.take().unwrap().write_all(input);
        ran(child.wait_with_output().unwrap())
    }

    /// Runs a command that must succeed; its standard output.
    pub fn good(&self, args: &[&str]) -> String {
        let ran = self.run(args);
        assert_eq!(ran.code, 0, "{args:?}\n{}{}", ran.out, ran.err);
        ran.out
    }

    /// A token of the development issuer.
    pub fn token(&self, account: &str, user: &str) -> String {
        self.good(&["token", "--quiet", "--account", account, "--user", user]).trim().to_owned()
    }

    /// Every row of the demo's SQLite database, in one text.
    pub fn rows(&self) -> String {
        all_rows(&self.file("demo.sqlite"))
    }
}

fn ran(output: std::process::Output) -> Ran {
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Every row of every table of a SQLite database.
pub fn all_rows(path: &Path) -> String {
    let connection = rusqlite::Connection::open(path).unwrap();
    let mut tables = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").unwrap();
    let tables: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut text = String::new();
    for table in tables {
        let mut statement = connection.prepare(&format!("SELECT * FROM \"{table}\" ORDER BY 1")).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let values: Vec<String> = (0..columns).map(|at| format!("{:?}", row.get_ref(at).unwrap())).collect();
            text.push_str(&format!("{table}: {}\n", values.join(", ")));
        }
    }
    text
}

/// Asks again until the answer is there.
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if let Some(found) = ask() {
            return found;
        }
        std::thread::yield_now();
    }
    panic!("waited too long for {what}");
}

/// A program that was started and is stopped when the test ends, by its own id.
pub struct Running(pub Child);

impl Running {
    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        let id = nix::unistd::Pid::from_raw(i32::try_from(self.0.id()).unwrap());
        nix::sys::signal::kill(id, signal).unwrap();
    }

    /// Its exit code, once it ended.
    pub fn ended(&mut self) -> i32 {
        until("the program to end", || self.0.try_wait().unwrap()).code().unwrap_or(-1)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A running `tenantry serve`.
pub struct Server {
    pub running: Running,
    pub address: SocketAddr,
}

impl Server {
    /// Starts one on a free port.
    pub fn start(home: &Home) -> Server {
        let mut child =
            home.command(&["serve", "--http", "--listen", "127.0.0.1:0"]).stderr(Stdio::null()).spawn().unwrap();
        let out = child.stdout.take().unwrap();
        let running = Running(child);
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("Listening on http://").expect(&line).parse().unwrap();
        Server { running, address }
    }

    /// Calls a tool.
    pub fn call(&self, token: &str, tool: &str, body: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        self.send("POST", &format!("/app/v1/tools/{tool}"), &headers, body.as_bytes())
    }

    /// A request without a body.
    pub fn ask(&self, token: &str, method: &str, path: &str) -> Answer {
        self.send(method, path, &[("authorization", &format!("Bearer {token}"))], b"")
    }

    /// Exactly these headers and this body.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut request = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", self.address);
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
        let mut bytes = request.into_bytes();
        bytes.extend_from_slice(body);
        self.raw(&bytes)
    }

    /// Exactly these bytes.
    pub fn raw(&self, bytes: &[u8]) -> Answer {
        let mut stream = self.connect();
        stream.write_all(bytes).unwrap();
        answer(&mut stream)
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }
}

/// A running `tenantry serve` that speaks TLS, on a free port unless the arguments say another.
pub fn secured(home: &Home, args: &[&str]) -> (Running, SocketAddr) {
    let mut all = vec!["serve"];
    if !args.contains(&"--listen") {
        all.extend(["--listen", "127.0.0.1:0"]);
    }
    all.extend(args);
    let mut child = home.command(&all).stderr(Stdio::null()).spawn().unwrap();
    let out = child.stdout.take().unwrap();
    let running = Running(child);
    let mut line = String::new();
    BufReader::new(out).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("Listening on https://").expect(&line).parse().unwrap();
    (running, address)
}

/// An HTTP answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {} {}", self.status, self.text()))
    }

    /// The stable code of a refusal.
    pub fn code(&self) -> String {
        let json = self.json();
        assert_eq!(json["success"], false, "{json}");
        json["error"]["code"].as_str().unwrap().to_owned()
    }

    /// Without the one part that differs between two equal answers.
    pub fn without_id(&self) -> String {
        let mut json = self.json();
        if let Some(details) = json.pointer_mut("/error/details").and_then(Value::as_object_mut) {
            details.remove("request_id");
        }
        json.to_string()
    }
}

/// Reads one answer.
pub fn answer(stream: &mut TcpStream) -> Answer {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let status = line.split(' ').nth(1).expect("a status line").parse().unwrap();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length: usize =
        headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    Answer { status, headers, body }
}
