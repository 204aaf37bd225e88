//! The candidates, each a process of its own on one core.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::timing::Watch;
use crate::{Doing as _, Problem};

/// How long a candidate may take to begin.
const PATIENCE: Duration = Duration::from_secs(90);

/// The name of the gateway that others use.
pub(super) const LITELLM: &str = "LiteLLM";

/// A process that ends with this.
#[derive(Debug)]
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The upstream.
pub(super) struct Upstream {
    pub(super) address: SocketAddr,
    _running: Running,
}

/// A candidate.
pub(super) struct Peer {
    pub(super) name: &'static str,
    pub(super) address: SocketAddr,
    /// What callers show.
    pub(super) token: String,
    running: Running,
}

impl Peer {
    /// The time on processors that it has had: `utime` and `stime` of `/proc/PID/stat`, in ticks of 10 ms.
    pub(super) fn cpu(&self) -> Result<Duration, Problem> {
        let what = "read a candidate's time";
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.running.0.id())).doing(what)?;
        let rest = text.rsplit_once(')').map_or("", |(_, rest)| rest);
        let mut fields = rest.split_ascii_whitespace().skip(11);
        let mut ticks = || fields.next().and_then(|field| field.parse::<u64>().ok()).unwrap_or_default();
        Ok(Duration::from_millis((ticks() + ticks()) * 10))
    }
}

fn this() -> Result<std::path::PathBuf, Problem> {
    std::env::current_exe().doing("find this program")
}

/// On one core alone.
fn pinned(core: usize, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.arg("-c").arg(core.to_string()).arg(program).stdin(Stdio::null()).stderr(Stdio::null());
    command
}

fn free_port() -> Result<SocketAddr, Problem> {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).doing("find a port")
}

fn ready(address: SocketAddr, running: &mut Running) -> Result<(), Problem> {
    let watch = Watch::start();
    while TcpStream::connect(address).is_err() {
        if watch.passed() > PATIENCE || running.0.try_wait().ok().flatten().is_some() {
            return Err(Problem::new("start a candidate", format!("nothing listens on {address}")));
        }
        std::thread::yield_now();
    }
    Ok(())
}

/// The first line that a program says.
fn first_line(child: &mut Child) -> Result<String, Problem> {
    let out = child.stdout.take().ok_or_else(|| Problem::new("start a candidate", "it says nothing"))?;
    let mut line = String::new();
    BufReader::new(out).read_line(&mut line).doing("read where a candidate listens")?;
    Ok(line.trim().to_owned())
}

pub(super) fn upstream() -> Result<Upstream, Problem> {
    let mut child = Command::new(this()?).arg("upstream").stdout(Stdio::piped()).spawn().doing("start the upstream")?;
    let line = first_line(&mut child)?;
    Ok(Upstream { address: line.parse().doing("read where the upstream listens")?, _running: Running(child) })
}

pub(super) fn hyper(to: SocketAddr, core: usize) -> Result<Peer, Problem> {
    let mut command = pinned(core, &this()?);
    command.args(["proxy", "--to", &to.to_string()]).stdout(Stdio::piped());
    let mut child = command.spawn().doing("start the bare proxy")?;
    let address = first_line(&mut child)?.parse().doing("read where the bare proxy listens")?;
    Ok(Peer { name: "bare hyper", address, token: "none".to_owned(), running: Running(child) })
}

pub(super) fn nginx(program: &Path, folder: &Path, to: SocketAddr, core: usize) -> Result<Peer, Problem> {
    let address = free_port()?;
    let home = folder.join("nginx");
    std::fs::create_dir_all(home.join("logs")).doing("write nginx's configuration")?;
    let configuration = format!(
        "daemon off; master_process off; worker_processes 1; pid nginx.pid; error_log stderr crit;\n\
         events {{ worker_connections 1024; }}\n\
         http {{ access_log off; keepalive_requests 100000000; client_body_buffer_size 64k;\n\
         client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;\n\
         upstream model {{ server {to}; keepalive 256; keepalive_requests 100000000; }}\n\
         server {{ listen {address}; location / {{ proxy_pass http://model; proxy_http_version 1.1;\n\
         proxy_set_header Connection \"\"; proxy_buffering off; }} }} }}\n"
    );
    std::fs::write(home.join("nginx.conf"), configuration).doing("write nginx's configuration")?;
    let mut command = pinned(core, program);
    command.arg("-p").arg(&home).args(["-c", "nginx.conf", "-e", "stderr"]).stdout(Stdio::null());
    let mut running = Running(command.spawn().doing("start nginx")?);
    ready(address, &mut running)?;
    Ok(Peer { name: "nginx proxy_pass", address, token: "none".to_owned(), running })
}

/// With everything on: verification, permission, audit, usage; a caller's token of an API.
pub(super) fn tenantry(program: &Path, folder: &Path, to: SocketAddr, core: usize) -> Result<Peer, Problem> {
    let home = folder.join("tenantry");
    std::fs::create_dir_all(&home).doing("make a folder")?;
    let address = free_port()?;
    let api = "https://models.example/";
    let file = format!(
        "[platform]\nissuer = \"http://{address}/\"\n[api.\"{api}\"]\npermissions = {{ \"use:small\" = \"\" }}\n\
         [model.small]\napi = \"{api}\"\nrequires = \"use:small\"\nprice = {{ input = 150000, output = 600000 }}\n\
         upstream = {{ kind = \"openai\", url = \"http://{to}/v1\" }}\n"
    );
    std::fs::write(home.join("tenantry.toml"), file).doing("write the file")?;
    let good = |args: &[&str]| -> Result<String, Problem> {
        let ran = Command::new(program).args(args).current_dir(&home).stdin(Stdio::null()).output();
        let ran = ran.doing("run the program")?;
        if !ran.status.success() {
            return Err(Problem::new("run the program", format!("{args:?}: {}", String::from_utf8_lossy(&ran.stderr))));
        }
        Ok(String::from_utf8_lossy(&ran.stdout).trim().to_owned())
    };
    good(&[
        "api",
        "create",
        api,
        "--permission",
        "use:small",
        "--set",
        "enforce_policies=true",
        "--set",
        "token_dialect=access_token_authz",
    ])?;
    good(&["role", "create", "caller", "--permission", &[api, "#use:small"].concat()])?;
    good(&["account", "create", "acme"])?;
    good(&["user", "create", "ada@acme.example"])?;
    good(&["member", "add", "acme", "ada@acme.example"])?;
    good(&["role", "grant", "caller", "--user", "ada@acme.example", "--account", "acme"])?;
    let token = good(&[
        "token",
        "--quiet",
        "--account",
        "acme",
        "--user",
        "ada@acme.example",
        "--audience",
        api,
        "--ttl",
        "24h",
    ])?;
    let mut command = pinned(core, program);
    command
        .args(["serve", "--http", "--quiet", "--listen", &address.to_string()])
        .current_dir(&home)
        .stdout(Stdio::null());
    let mut running = Running(command.spawn().doing("start the program")?);
    ready(address, &mut running)?;
    Ok(Peer { name: "tenantry", address, token, running })
}

pub(super) fn litellm(program: &Path, folder: &Path, to: SocketAddr, core: usize) -> Result<Peer, Problem> {
    let address = free_port()?;
    let home = folder.join("litellm");
    std::fs::create_dir_all(&home).doing("make a folder")?;
    let file = format!(
        "model_list:\n  - model_name: small\n    litellm_params:\n      model: openai/small\n      api_base: http://{to}/v1\n      \
         api_key: none\n"
    );
    std::fs::write(home.join("config.yaml"), file).doing("write LiteLLM's configuration")?;
    let mut command = pinned(core, program);
    command.args(["--config", "config.yaml", "--host", "127.0.0.1", "--port", &address.port().to_string()]);
    command.current_dir(&home).stdout(Stdio::null()).env("LITELLM_LOCAL_MODEL_COST_MAP", "True");
    let mut running = Running(command.spawn().doing("start LiteLLM")?);
    ready(address, &mut running)?;
    Ok(Peer { name: LITELLM, address, token: "none".to_owned(), running })
}
