//! A client for a server of ours: HTTPS, or plain HTTP on this machine alone. What it sends is what it is
//! told to send; it follows nothing.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::client::conn::http1::SendRequest;
use hyper::header::HOST;
use hyper_util::rt::TokioIo;
use tenantry_eval::{Asked, NoAnswer, Told, Wire};
use tenantry_tls::calling;
use tenantry_tls::serving::{Connector, connector};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use url::Url;

use crate::output::Failure;
use crate::project::Project;

/// The longest answer read.
const MAX_ANSWER: usize = 64 * 1024 * 1024;
/// How long one call may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a pause that the server asks for is waited out.
const PAUSES: usize = 5;
/// The longest pause that is waited out.
const LONGEST_PAUSE: u64 = 60;
/// Connections that are kept open.
const KEPT: usize = 16;

/// A server of ours.
pub struct Server {
    host: String,
    port: u16,
    authority: String,
    connector: Option<Connector>,
    kept: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("authority", &self.authority).finish_non_exhaustive()
    }
}

impl Server {
    /// The server of an address. On this machine the project's development authority is trusted, elsewhere those that the
    /// machine trusts.
    ///
    /// # Errors
    /// `BAD_TARGET` for an address that is none, or plain HTTP to another machine; `TLS_AUTHORITY`.
    pub fn at(target: &str, project: Option<&Project<'_>>) -> Result<Server, Failure> {
        let bad = |why: &str| {
            let shown = target.rsplit('@').next().unwrap_or_default();
            let shown: String = shown.chars().filter(|c| !c.is_control()).take(200).collect();
            Failure::invalid("BAD_TARGET", format!("`{shown}` {why}"))
                .hint("write https://HOST[:PORT], or http:// for a server on this machine")
        };
        let url = Url::parse(target).map_err(|_| bad("is no address"))?;
        let host = url.host_str().ok_or_else(|| bad("names no host"))?.trim_matches(['[', ']']).to_owned();
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad("holds a password"));
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() {
            return Err(bad("is more than a host and a port"));
        }
        let local = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        let (tls, port) = match url.scheme() {
            "https" => (true, url.port().unwrap_or(443)),
            "http" if local => (false, url.port().unwrap_or(80)),
            "http" => return Err(bad("would send tokens in the clear")),
            _ => return Err(bad("is neither https nor http")),
        };
        let authority = match url.port() {
            Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
            None => url.host_str().unwrap_or_default().to_owned(),
        };
        let no_trust = |why: String| Failure::failed("TLS_AUTHORITY", why).hint("tenantry trust");
        let own = project.filter(|_| local).and_then(|project| project.authority());
        let connector = match (tls, own) {
            (false, _) => None,
            (true, Some(pem)) => Some(connector(&pem, &[b"http/1.1"]).map_err(|error| no_trust(error.to_string()))?),
            (true, None) => Some(calling::connector().map_err(|error| no_trust(error.to_string()))?.clone()),
        };
        Ok(Server { host, port, authority, connector, kept: Mutex::default() })
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, NoAnswer> {
        let none = |error: &dyn std::fmt::Display| NoAnswer::Unreachable(format!("{}: {error}", self.authority));
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(|error| none(&error))?;
        let _ = stream.set_nodelay(true);
        let Some(connector) = &self.connector else {
            let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
            let (sender, connection) = handshake.map_err(|error| none(&error))?;
            tokio::spawn(connection);
            return Ok(sender);
        };
        let name = calling::server_name(&self.host).ok_or_else(|| none(&"its name is not one"))?;
        let stream = connector.connect(name, stream).await.map_err(|error| none(&error))?;
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = handshake.map_err(|error| none(&error))?;
        tokio::spawn(connection);
        Ok(sender)
    }

    /// Sends a request a single time: for what must not happen twice.
    ///
    /// # Errors
    /// No answer. Whether the request was heard is not known then.
    pub async fn send_once(&self, asked: &Asked) -> Result<Told, NoAnswer> {
        match tokio::time::timeout(PATIENCE, self.once(asked)).await {
            Ok(told) => told,
            Err(_) => Err(late(&self.authority)),
        }
    }

    async fn once(&self, asked: &Asked) -> Result<Told, NoAnswer> {
        let none = |error: &dyn std::fmt::Display| NoAnswer::Unreachable(format!("{}: {error}", self.authority));
        let mut request = Request::builder().method(asked.method.as_str()).uri(asked.path.as_str());
        if !asked.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            request = request.header(HOST, &self.authority);
        }
        for (name, value) in &asked.headers {
            request = request.header(name.as_str(), value.as_str());
        }
        let request = request.body(Full::new(Bytes::from(asked.body.clone()))).map_err(|error| none(&error))?;
        let mut sender = loop {
            let before = self.kept.lock().await.pop();
            match before {
                Some(mut sender) => {
                    if sender.ready().await.is_ok() {
                        break sender;
                    }
                }
                None => break self.connect().await?,
            }
        };
        let response = sender.send_request(request).await.map_err(|error| none(&error))?;
        let status = response.status().as_u16();
        let headers = response.headers().iter();
        let headers = headers
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await.map_err(|error| none(&error))?;
        let mut kept = self.kept.lock().await;
        if kept.len() < KEPT {
            kept.push(sender);
        }
        Ok(Told { status, headers, body: body.to_bytes().to_vec() })
    }
}

impl Wire for Server {
    async fn send(&self, asked: Asked) -> Result<Told, NoAnswer> {
        for _ in 0..PAUSES {
            let told = tokio::time::timeout(PATIENCE, self.once(&asked)).await;
            let told = match told {
                Ok(Ok(told)) => told,
                // The server may close a connection that it kept, or refuse the rest of a body that it will not read.
                Ok(Err(_)) => match tokio::time::timeout(PATIENCE, self.once(&asked)).await {
                    Ok(told) => told?,
                    Err(_) => return Err(late(&self.authority)),
                },
                Err(_) => return Err(late(&self.authority)),
            };
            let pause = told.headers.iter().find(|(name, _)| name == "retry-after");
            let pause = pause.filter(|_| told.status == 429).and_then(|(_, value)| value.parse::<u64>().ok());
            match pause {
                Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds.clamp(1, LONGEST_PAUSE))).await,
                None => return Ok(told),
            }
        }
        Err(NoAnswer::Unreachable(format!("{}: it asks for one pause after the other", self.authority)))
    }
}

fn late(authority: &str) -> NoAnswer {
    NoAnswer::Unreachable(format!("{authority}: no answer within {} s", PATIENCE.as_secs()))
}

/// A server that does not answer, as the command's failure.
#[must_use]
pub fn unanswered(error: &NoAnswer) -> Failure {
    Failure::failed("NO_ANSWER", error.to_string()).hint("is the server running, and is this its address?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_never_leave_this_machine_in_the_clear() {
        for good in [
            "https://a.example",
            "https://a.example:8443/",
            "http://127.0.0.1:1",
            "http://localhost:8",
            "http://[::1]:9",
        ] {
            // Without the machine's authorities the address is all that is looked at.
            if let Err(failure) = Server::at(good, None) {
                assert_eq!(failure.code, "TLS_AUTHORITY", "{good}");
            }
        }
        for bad in [
            "http://a.example",
            "http://127.0.0.1.a.example",
            "ftp://localhost",
            "localhost",
            "https://u:p@a.example",
            "https://a.example/app",
            "https://a.example?x=1",
            "",
        ] {
            let failure = Server::at(bad, None).unwrap_err();
            assert_eq!(failure.code, "BAD_TARGET", "{bad}");
            assert!(!failure.message.contains("u:p"), "{}", failure.message);
        }
    }
}
