//! Our side: the whole engine with its audit on, called in process and over HTTP.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::client::conn::http1::SendRequest;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use tenantry::ambient::{OsEntropy, SystemClock};
use tenantry_file::{SourceText, compile, load};
use tenantry_guard::{Guard, Parts};
use tenantry_identity::{Audience, Identity, Issuer, Subject};
use tenantry_plan::Fence;
use tenantry_policy::{Bound, Clock, Context, Entropy, Principal};
use tenantry_server::{App, Wire, serve};
use tenantry_source::{Options, Source, SourceUrl, read_catalog};
use tenantry_store::{Store, StoreUrl};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

use super::orders::{self, Case, Kind, TENANTS, tenant};
use crate::{Doing, Problem};

/// The engine over one database, and a server before it.
pub(crate) struct Engine {
    guard: Arc<Guard>,
    source: Source,
    store: Arc<Store>,
    bound: Vec<Arc<Bound>>,
    tokens: Vec<String>,
    address: SocketAddr,
    connections: Vec<Mutex<SendRequest<Full<Bytes>>>>,
    server: tokio::task::JoinHandle<()>,
}

/// Where the engine's database is.
pub(crate) struct Place<'a> {
    /// What the file names as the table's source.
    pub(crate) table: &'a str,
    /// The owner's address, by which the catalog is read and row security put up.
    pub(crate) owner: &'a str,
    /// The address that the engine connects by.
    pub(crate) runtime: &'a str,
    /// A folder for the store.
    pub(crate) folder: &'a Path,
    /// Is row security to be put up?
    pub(crate) fence: bool,
}

impl Engine {
    /// Opens everything.
    ///
    /// # Errors
    /// [`Problem`] with the words of what failed.
    pub(crate) async fn open(place: &Place<'_>, callers: usize) -> Result<Arc<Engine>, Problem> {
        let (owner, runtime) = (parse(place.owner)?, parse(place.runtime)?);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
        let catalog = read_catalog(&owner).await.doing("read the catalog")?;
        let texts = vec![SourceText { name: "tenantry.toml".to_owned(), text: orders::file(place.table) }];
        let loaded = load(texts).map_err(|found| Problem::new("load the policy", format!("{found:?}")))?;
        let compiled = compile(&loaded, &BTreeMap::from([("main".to_owned(), catalog)]))
            .map_err(|found| Problem::new("compile the policy", format!("{found:?}")))?;
        let policy = Arc::new(compiled.policy);
        if place.fence {
            let fence = Fence::build(&policy, "main", &runtime).doing("build row security")?;
            fence.apply(&owner, &runtime).await.doing("put row security up")?;
        }
        let source = Source::open("main", &runtime, Options::default(), Arc::clone(&clock)).await;
        let source = source.doing("open the source")?;
        let url =
            StoreUrl::parse(&format!("sqlite:{}", place.folder.join("store.db").display())).doing("open the store")?;
        let options =
            tenantry_store::Options { clock: Arc::clone(&clock), entropy: Arc::clone(&entropy), key_file: None };
        let store = Arc::new(Store::open(&url, options).await.doing("open the store")?);
        let issuer = Issuer::open(&store, "https://bench.localhost/", Arc::clone(&clock), Arc::clone(&entropy));
        let issuer = Arc::new(issuer.await.doing("open the issuer")?);
        let sources = HashMap::from([(Arc::from("main"), source.clone())]);
        let parts = Parts {
            policy,
            sources,
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
        };
        let guard = Arc::new(Guard::new(parts).await.doing("open the guard")?);
        let mut bound = Vec::new();
        let mut tokens = Vec::new();
        for at in 0..2 * TENANTS {
            let (bind, token) = person(&guard, &issuer, at)?;
            bound.push(bind);
            tokens.push(token);
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.doing("listen")?;
        let address = listener.local_addr().doing("listen")?;
        let identity = Identity::new(Arc::clone(&store), issuer, Arc::clone(&clock), Arc::clone(&entropy));
        let app = App::new(Arc::clone(&guard), Arc::new(identity), clock, entropy);
        let server = tokio::spawn(async move {
            let _ = serve(listener, Wire::Plain, app, std::future::pending()).await;
        });
        let mut connections = Vec::new();
        for _ in 0..callers {
            connections.push(Mutex::new(connect(address).await?));
        }
        Ok(Arc::new(Engine { guard, source, store, bound, tokens, address, connections, server }))
    }

    /// The source alone.
    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    /// The store alone.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// The context of a call, as the guard makes it.
    ///
    /// # Errors
    /// [`Problem`] for a tenant that there is not.
    pub(crate) fn context(&self, case: Case) -> Result<Context, Problem> {
        let bound = Arc::clone(self.bound(case)?);
        Ok(Context { bound, now_micros: 1_795_348_800_000_000, request_id: Arc::from("req_0123456789abcdef01234567") })
    }

    fn bound(&self, case: Case) -> Result<&Arc<Bound>, Problem> {
        let bound = self.bound.get(usize::try_from(case.tenant).unwrap_or(0));
        bound.ok_or_else(|| Problem::new("find the tenant", case.tenant))
    }

    /// One call in process: the answer's body.
    ///
    /// # Errors
    /// [`Problem`] when it is refused.
    pub(crate) async fn call(&self, kind: Kind, case: Case, body: &[u8]) -> Result<Vec<u8>, Problem> {
        let reply = self.guard.call(self.bound(case)?, kind.tool(), body).await;
        if reply.code.is_some() {
            return Err(Problem::new("call a tool", String::from_utf8_lossy(&reply.body)));
        }
        Ok(reply.body)
    }

    /// One call over HTTP, on the caller's own connection, which stays open.
    ///
    /// # Errors
    /// [`Problem`] when it is refused or there is no answer.
    pub(crate) async fn call_http(
        &self,
        caller: usize,
        kind: Kind,
        case: Case,
        body: &Bytes,
    ) -> Result<Bytes, Problem> {
        let failed = "call a tool over HTTP";
        let token = self.tokens.get(usize::try_from(case.tenant).unwrap_or(0)).map_or("", String::as_str);
        let request = Request::post(["/app/v1/tools/", kind.tool()].concat())
            .header(HOST, "127.0.0.1")
            .header(CONTENT_TYPE, "application/json")
            .header(AUTHORIZATION, token)
            .body(Full::new(body.clone()))
            .doing(failed)?;
        let connection = self.connections.get(caller).ok_or_else(|| Problem::new(failed, "no connection"))?;
        let mut connection = connection.lock().await;
        // The server ends connections that were idle too long, and each waits while the others are measured.
        if connection.ready().await.is_err() {
            *connection = connect(self.address).await?;
        }
        let response = connection.send_request(request).await.doing(failed)?;
        let good = response.status().is_success();
        let body = response.into_body().collect().await.doing(failed)?.to_bytes();
        if good { Ok(body) } else { Err(Problem::new(failed, String::from_utf8_lossy(&body))) }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn parse(url: &str) -> Result<SourceUrl, Problem> {
    SourceUrl::parse(url).doing("read the database's address")
}

/// A tenant's agent, bound, and the header that it sends.
fn person(guard: &Guard, issuer: &Issuer, at: i64) -> Result<(Arc<Bound>, String), Problem> {
    let (account, user, roles) = (tenant(at), "agent@bench.example".to_owned(), vec!["agent".to_owned()]);
    let principal = Principal {
        tenant_id: Some(account.clone()),
        user_id: Some(user.clone()),
        roles: roles.clone(),
        ..Principal::default()
    };
    let bound = guard.bind(Arc::new(principal)).map_err(|denied| Problem::new("bind a principal", denied.message))?;
    let subject = Subject { account: Some(account), user: Some(user), roles, ..Subject::default() };
    let token = issuer.issue(&subject, Duration::from_hours(12), Audience::App).doing("issue a token")?;
    Ok((Arc::new(bound), ["Bearer ", &token].concat()))
}

async fn connect(address: SocketAddr) -> Result<SendRequest<Full<Bytes>>, Problem> {
    let stream = TcpStream::connect(address).await.doing("connect to the server")?;
    stream.set_nodelay(true).doing("connect to the server")?;
    let (sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.doing("connect to the server")?;
    tokio::spawn(connection);
    Ok(sender)
}
