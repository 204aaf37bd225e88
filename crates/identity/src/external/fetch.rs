//! One GET of another issuer's document: over TLS (on this machine alone without), within limits, and
//! without following anything that it says.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, HOST, USER_AGENT};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tenantry_tls::calling;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// How long it may take in all.
const LONGEST: Duration = Duration::from_secs(5);

/// The largest document.
const LARGEST: usize = 256 * 1024;

/// Why a document could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The address is none.
    #[error("`{0}` is not an address of the form https://host[:port]/path; http only on this machine")]
    Address(String),
    /// Nobody answered in time.
    #[error("nobody answered within 5 seconds")]
    Timeout,
    /// The connection failed.
    #[error("the connection failed")]
    Connection,
    /// The answer was not 200.
    #[error("the answer was {0}")]
    Status(u16),
    /// The document is not what it should be, or too large.
    #[error("the document is not what it should be")]
    Content,
    /// The document is another issuer's.
    #[error("the document names another issuer")]
    OtherIssuer,
    /// Tried a moment ago.
    #[error("tried a moment ago")]
    TooSoon,
}

/// Where a document is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Path and query.
    path: String,
    /// Host and port as they stand in the address.
    authority: String,
    pub(crate) tls: bool,
}

impl Place {
    pub(crate) fn parse(text: &str) -> Result<Place, FetchError> {
        let wrong = || FetchError::Address(text.chars().filter(|one| !one.is_control()).take(200).collect());
        let url: hyper::Uri = text.parse().map_err(|_| wrong())?;
        let authority = url.authority().ok_or_else(wrong)?;
        if authority.as_str().contains('@') {
            return Err(wrong());
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let tls = match url.scheme_str() {
            Some("https") => true,
            Some("http") if is_this_machine(&host) => false,
            _ => return Err(wrong()),
        };
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let path = url.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Place { host, port, path, authority: authority.as_str().to_owned(), tls })
    }
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The document there.
pub(super) async fn get(place: &Place) -> Result<Bytes, FetchError> {
    tokio::time::timeout(LONGEST, fetched(place)).await.map_err(|_| FetchError::Timeout)?
}

async fn fetched(place: &Place) -> Result<Bytes, FetchError> {
    let failed = |_| FetchError::Connection;
    let stream = TcpStream::connect((place.host.as_str(), place.port)).await.map_err(failed)?;
    over(place, stream, LARGEST).await
}

/// The document there, from one of these addresses and no other.
pub(crate) async fn get_from(place: &Place, at: &[SocketAddr], largest: usize) -> Result<Bytes, FetchError> {
    let fetched = async {
        let stream = TcpStream::connect(at).await.map_err(|_| FetchError::Connection)?;
        over(place, stream, largest).await
    };
    tokio::time::timeout(LONGEST, fetched).await.map_err(|_| FetchError::Timeout)?
}

async fn over(place: &Place, stream: TcpStream, largest: usize) -> Result<Bytes, FetchError> {
    let failed = |_| FetchError::Connection;
    if !place.tls {
        return asked(place, stream, largest).await;
    }
    let name = calling::server_name(&place.host).ok_or(FetchError::Connection)?;
    let connector = calling::connector().map_err(|_| FetchError::Connection)?;
    let stream = connector.connect(name, stream).await.map_err(failed)?;
    asked(place, stream, largest).await
}

async fn asked(
    place: &Place,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    largest: usize,
) -> Result<Bytes, FetchError> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|_| FetchError::Connection)?;
    // Ends with the sender, which this function owns.
    let connection = tokio::spawn(connection);
    let request = Request::get(&place.path)
        .header(HOST, &place.authority)
        .header(ACCEPT, "application/json")
        .header(USER_AGENT, "tenantry")
        .body(Empty::<Bytes>::new())
        .map_err(|_| FetchError::Connection)?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(|_| FetchError::Connection)?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        let body = Limited::new(response.into_body(), largest).collect().await;
        body.map(|body| body.to_bytes()).map_err(|_| FetchError::Content)
    };
    let answer = answer.await;
    connection.abort();
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_on_this_machine() {
        for good in ["https://a.example/x?y", "http://127.0.0.1:8/k", "http://localhost/k", "http://[::1]:9/"] {
            assert!(Place::parse(good).is_ok(), "{good}");
        }
        for bad in ["http://a.example/", "ftp://a/", "a", "https://u:p@a/", "http://127.0.0.1.evil.example/", "/x", ""]
        {
            assert!(Place::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(Place::parse("http://[::1]:9/a").unwrap().host, "::1");
    }
}
