//! `tenantry serve` over TLS: whom clients trust, which certificate is shown, and when it changes.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;

use rcgen::{CertificateParams, KeyPair};
use tenantry_tls::serving::connector;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Home, Running, secured, until};

/// What a handshake came to.
struct Shaken {
    /// The certificate shown, DER.
    certificate: Vec<u8>,
    /// The protocol agreed on.
    protocol: Option<Vec<u8>>,
    /// The answer to `GET /healthz`, where HTTP/1.1 was agreed on.
    answer: String,
}

/// Connects as a client that trusts `authority`.
fn shake(address: SocketAddr, name: &str, authority: &str, protocols: &[&[u8]]) -> Result<Shaken, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
        let connector = connector(authority, protocols).map_err(|error| error.to_string())?;
        let name = name.to_owned().try_into().unwrap();
        let mut stream = connector.connect(name, stream).await.map_err(|error| error.to_string())?;
        let session = stream.get_ref().1;
        let certificate = session.peer_certificates().unwrap()[0].as_ref().to_vec();
        let protocol = session.alpn_protocol().map(<[u8]>::to_vec);
        let mut answer = String::new();
        if protocol.as_deref() == Some(b"http/1.1") {
            stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
            let _ = stream.read_to_string(&mut answer).await;
        }
        Ok(Shaken { certificate, protocol, answer })
    })
}

fn empty() -> Home {
    let home = Home::empty();
    home.write("tenantry.toml", "[platform]\nfriendly_name = \"empty\"\n");
    home
}

#[test]
fn a_client_that_trusts_the_authority_is_answered_and_another_refuses() {
    let home = empty();
    let (running, address) = secured(&home, &[]);
    let authority = home.read(".tenantry/authority.pem");
    assert!(!authority.contains("PRIVATE"));
    for name in ["localhost", "127.0.0.1", "::1"] {
        let shaken = shake(address, name, &authority, &[b"http/1.1"]).unwrap();
        assert!(shaken.answer.starts_with("HTTP/1.1 200 "), "{name}: {}", shaken.answer);
    }
    let both = shake(address, "localhost", &authority, &[b"http/1.1", b"h2"]).unwrap();
    assert_eq!(both.protocol.as_deref(), Some(b"h2".as_slice()));
    assert!(shake(address, "other.example", &authority, &[b"h2"]).is_err());
    // The authority of another installation, with the same names.
    let stranger = empty();
    stranger.good(&["trust"]);
    assert!(shake(address, "localhost", &stranger.read(".tenantry/authority.pem"), &[b"h2"]).is_err());
    drop(running);
    // A new start shows a new certificate of the same authority.
    let (_running, address) = secured(&home, &[]);
    assert_eq!(home.read(".tenantry/authority.pem"), authority);
    let again = shake(address, "localhost", &authority, &[b"h2"]).unwrap();
    assert_ne!(again.certificate, both.certificate);
    let keys = home.file(".tenantry/store.sqlite.keys.json");
    assert_eq!(std::fs::metadata(keys).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn trust_says_how_each_client_is_told() {
    let home = empty();
    let ran = home.run(&["trust", "--json"]);
    let told = ran.envelope();
    let path = told["data"]["authority"].as_str().unwrap().to_owned();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), told["data"]["certificate"].as_str().unwrap());
    let text = home.good(&["trust", "--quiet"]);
    for name in ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"] {
        assert_eq!(told["data"]["variables"][name], path.as_str());
        assert!(text.contains(&format!("export {name}='{path}'")), "{text}");
    }
    assert_eq!(home.good(&["trust", "--pem"]), home.read(".tenantry/authority.pem"));
    assert_eq!(told["data"]["issuer"], "https://localhost:8443/");
}

/// A self-signed certificate for `localhost`, and its key, as PEM.
fn pair() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}

#[test]
fn an_own_certificate_is_shown_and_changes_without_a_restart() {
    let home = Home::empty();
    home.write("tenantry.toml", "[platform.tls]\ncertificate = \"own.pem\"\nkey = \"own.key\"\n");
    let refused = home.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("TLS_CERTIFICATE"), "{}", refused.err);
    let (first, first_key) = pair();
    home.write("own.pem", &first);
    home.write("own.key", &first_key);
    let (_running, address): (Running, _) = secured(&home, &[]);
    let shown = |pem: &str| shake(address, "localhost", pem, &[b"http/1.1"]).is_ok();
    assert!(shown(&first));
    assert!(!home.file(".tenantry/authority.pem").exists());
    // Half of a change, and something that is no certificate: the one in force stays.
    let (second, second_key) = pair();
    home.write("own.key", &second_key);
    assert!(shown(&first));
    home.write("own.pem", &second);
    until("the second certificate", || shown(&second).then_some(()));
    assert!(!shown(&first));
    home.write("own.pem", "nothing");
    let (third, third_key) = pair();
    home.write("own.key", &third_key);
    assert!(shown(&second));
    home.write("own.pem", &third);
    until("the third certificate", || shown(&third).then_some(()));
}

#[test]
fn who_speaks_no_tls_gets_nothing_and_hurts_nobody() {
    let home = empty();
    let (_running, address) = secured(&home, &[]);
    let authority = home.read(".tenantry/authority.pem");
    let mut plain = std::net::TcpStream::connect(address).unwrap();
    std::io::Write::write_all(&mut plain, b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut told = Vec::new();
    let _ = std::io::Read::read_to_end(&mut plain, &mut told);
    assert!(!told.starts_with(b"HTTP/"), "{told:?}");
    assert!(shake(address, "localhost", &authority, &[b"http/1.1"]).is_ok());
}

#[test]
fn the_issuer_is_where_the_server_was_last_told_to_listen() {
    let home = empty();
    let issuer =
        || -> String { home.run(&["trust", "--json"]).envelope()["data"]["issuer"].as_str().unwrap().to_owned() };
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let listen = format!("127.0.0.1:{port}");
    drop(secured(&home, &["--listen", &listen]));
    assert_eq!(issuer(), format!("https://localhost:{port}/"));
    // A port that the machine chose is nobody's address.
    drop(secured(&home, &[]));
    assert_eq!(issuer(), format!("https://localhost:{port}/"));
    home.write("tenantry.toml", "[platform]\nissuer = \"https://id.example/\"\n");
    drop(secured(&home, &["--listen", &listen]));
    assert_eq!(issuer(), "https://id.example/");
    let authority = home.read(".tenantry/authority.pem");
    let (_running, address) = secured(&home, &[]);
    assert!(shake(address, "id.example", &authority, &[b"h2"]).is_ok());
}
