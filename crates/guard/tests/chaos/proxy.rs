//! A proxy between us and PostgreSQL that fails on purpose: it cuts, resets, falls silent, delays and
//! refuses, at a byte or at an answer that the test names. It knows nothing of what it carries, but
//! can put a question of its own to the server on a connection that is idle.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    ToServer,
    ToClient,
}

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Both sides see an orderly end.
    Close,
    /// Both sides see a reset.
    Reset,
    /// Both sides see nothing: the sockets stay open and carry no byte any more.
    Silence,
}

/// What goes wrong, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// After that many more bytes that way, counted over all connections. Those bytes still pass.
    After { way: Way, bytes: u64, end: End },
    /// The server has done what it was asked and answers; the answer is kept back. The first `turns`
    /// answers pass.
    Reply { turns: u64, end: End },
    /// The bytes after the first `bytes` wait for so long, and then pass.
    Delay { way: Way, bytes: u64, time: Duration },
    /// All connections are reset, and so are the next `times` that are made.
    Refuse { times: u64 },
    /// Nothing, but the test is told that the place was reached.
    Mark { way: Way, bytes: u64 },
}

/// What to do with bytes that came.
enum Verdict {
    Pass,
    /// Let them wait.
    Hold(Duration),
    /// Let so many of them pass, and end.
    End(usize, End),
}

enum Order {
    End(End),
    /// A silent connection gives up its server's side.
    LetGo,
    /// Puts a question to the server and answers the first cell, and the transaction's state.
    Ask(String, oneshot::Sender<(String, u8)>),
}

#[derive(Default)]
struct State {
    /// What is to go wrong, with how much is left until then.
    fault: Option<(Fault, u64)>,
    /// Does it concern all connections, also those made until [`Proxy::heal`]?
    wide: bool,
    /// New connections to refuse.
    refused: u64,
    /// New connections are taken and never carried.
    silent: bool,
    connections: Vec<mpsc::UnboundedSender<Order>>,
}

struct Shared {
    upstream: SocketAddr,
    state: Mutex<State>,
    /// How many faults have struck.
    struck: watch::Sender<u64>,
}

/// The proxy. Ends with its runtime.
#[derive(Clone)]
pub struct Proxy {
    shared: Arc<Shared>,
    address: SocketAddr,
}

impl Proxy {
    /// Listens on a free port of this machine, and carries to `upstream`.
    pub async fn start(upstream: SocketAddr) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared { upstream, state: Mutex::default(), struck: watch::Sender::new(0) });
        tokio::spawn(accept(listener, Arc::clone(&shared)));
        Proxy { shared, address }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets the next fault. `wide` lets it befall all connections at that moment, not only the one that
    /// got there.
    pub fn arm(&self, fault: Fault, wide: bool) {
        let mut state = self.shared.state.lock().expect("not poisoned");
        let left = match fault {
            Fault::After { bytes, .. } | Fault::Delay { bytes, .. } | Fault::Mark { bytes, .. } => bytes,
            Fault::Reply { turns, .. } => turns,
            Fault::Refuse { times } => {
                state.refused = times;
                state.tell_all(|| Order::End(End::Reset));
                drop(state);
                self.shared.struck.send_modify(|count| *count += 1);
                return;
            }
        };
        state.fault = Some((fault, left));
        state.wide = wide;
    }

    /// From now on all is carried. What fell silent stays dead for us; the server sees those
    /// connections reset.
    pub fn heal(&self) {
        self.open();
        self.shared.state.lock().expect("not poisoned").tell_all(|| Order::LetGo);
    }

    /// New connections are carried again. What fell silent stays so on both sides.
    pub fn open(&self) {
        let mut state = self.shared.state.lock().expect("not poisoned");
        state.fault = None;
        state.wide = false;
        state.refused = 0;
        state.silent = false;
    }

    /// How many faults have struck, as it grows.
    pub fn struck(&self) -> watch::Receiver<u64> {
        self.shared.struck.subscribe()
    }

    /// Asks the server on every connection that is carried. Only while nobody uses them: the answer is
    /// not the client's. The first cell as text, and the transaction's state (`I` for none).
    pub async fn ask(&self, sql: &str) -> Vec<(String, char)> {
        let connections = self.shared.state.lock().expect("not poisoned").connections.clone();
        let mut answers = Vec::new();
        for connection in connections {
            let (sender, answer) = oneshot::channel();
            // One that has ended, or is silent, drops the question.
            let _ = connection.send(Order::Ask(sql.to_owned(), sender));
            if let Ok((cell, status)) = answer.await {
                answers.push((cell, char::from(status)));
            }
        }
        answers
    }
}

impl State {
    fn tell_all(&mut self, order: impl Fn() -> Order) {
        self.connections.retain(|connection| connection.send(order()).is_ok());
    }
}

impl Shared {
    /// Looks at bytes before they pass. `answers`: they are the first since the client spoke.
    fn judge(&self, way: Way, count: usize, answers: bool) -> Verdict {
        let count = u64::try_from(count).expect("small");
        let mut state = self.state.lock().expect("not poisoned");
        let Some((fault, left)) = &mut state.fault else { return Verdict::Pass };
        let fault = *fault;
        let keep = *left;
        match fault {
            Fault::Reply { .. } if way == Way::ToClient && answers => {
                if *left > 0 {
                    *left -= 1;
                    return Verdict::Pass;
                }
            }
            Fault::After { way: at, .. } | Fault::Delay { way: at, .. } | Fault::Mark { way: at, .. } if at == way => {
                if *left >= count {
                    *left -= count;
                    return Verdict::Pass;
                }
            }
            _ => return Verdict::Pass,
        }
        state.fault = None;
        let verdict = match fault {
            Fault::After { end, .. } | Fault::Reply { end, .. } => {
                if state.wide {
                    state.silent = end == End::Silence;
                    state.tell_all(|| Order::End(end));
                }
                Verdict::End(
                    if matches!(fault, Fault::Reply { .. }) { 0 } else { usize::try_from(keep).expect("small") },
                    end,
                )
            }
            Fault::Delay { time, .. } => Verdict::Hold(time),
            Fault::Refuse { .. } | Fault::Mark { .. } => Verdict::Pass,
        };
        drop(state);
        self.struck.send_modify(|count| *count += 1);
        verdict
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        let (sender, orders) = mpsc::unbounded_channel();
        let silent = {
            let mut state = shared.state.lock().expect("not poisoned");
            if state.refused > 0 {
                state.refused -= 1;
                reset(&client);
                continue;
            }
            // The sender is dropped with the list, so closed ones go when they are next told something.
            state.connections.retain(|connection| !connection.is_closed());
            state.connections.push(sender);
            state.silent
        };
        tokio::spawn(carry(client, silent, Arc::clone(&shared), orders));
    }
}

/// The socket's end will be a reset.
fn reset(socket: &TcpStream) {
    socket.set_zero_linger().expect("a socket");
}

/// Carries one connection to its end.
async fn carry(mut client: TcpStream, silent: bool, shared: Arc<Shared>, mut orders: mpsc::UnboundedReceiver<Order>) {
    if silent {
        return silence(client, None, orders).await;
    }
    let Ok(mut server) = TcpStream::connect(shared.upstream).await else { return reset(&client) };
    client.set_nodelay(true).expect("a socket");
    server.set_nodelay(true).expect("a socket");
    let (mut sent, mut told) = (vec![0_u8; 16 * 1024], vec![0_u8; 16 * 1024]);
    let mut client_spoke = false;
    loop {
        let (way, count) = tokio::select! {
            // An order comes first: what was read after it must not pass.
            biased;
            order = orders.recv() => match order {
                Some(Order::End(end)) => return finish(end, client, server, orders).await,
                Some(Order::Ask(sql, answer)) => {
                    // One that its client has left is nobody's any more.
                    if !matches!(client.try_read(&mut sent), Err(error) if error.kind() == ErrorKind::WouldBlock) {
                        return;
                    }
                    if let Some(told) = question(&mut server, &sql).await {
                        let _ = answer.send(told);
                    }
                    continue;
                }
                Some(Order::LetGo) => continue,
                None => return,
            },
            read = client.read(&mut sent) => match read {
                Ok(count) if count > 0 => (Way::ToServer, count),
                _ => return,
            },
            read = server.read(&mut told) => match read {
                Ok(count) if count > 0 => (Way::ToClient, count),
                _ => return,
            },
        };
        let answers = way == Way::ToClient && client_spoke;
        client_spoke = way == Way::ToServer;
        let (bytes, to) = match way {
            Way::ToServer => (sent.get(..count).expect("read"), &mut server),
            Way::ToClient => (told.get(..count).expect("read"), &mut client),
        };
        match shared.judge(way, count, answers) {
            Verdict::Pass => {}
            Verdict::Hold(time) => tokio::time::sleep(time).await,
            Verdict::End(keep, end) => {
                let _ = to.write_all(bytes.get(..keep).expect("fewer")).await;
                return finish(end, client, server, orders).await;
            }
        }
        if to.write_all(bytes).await.is_err() {
            return;
        }
    }
}

async fn finish(end: End, client: TcpStream, server: TcpStream, orders: mpsc::UnboundedReceiver<Order>) {
    match end {
        End::Close => {}
        End::Reset => {
            reset(&client);
            reset(&server);
        }
        End::Silence => silence(client, Some(server), orders).await,
    }
}

/// Holds the sockets open and carries nothing.
async fn silence(mut client: TcpStream, mut server: Option<TcpStream>, mut orders: mpsc::UnboundedReceiver<Order>) {
    let mut lost = vec![0_u8; 16 * 1024];
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                Some(Order::LetGo) => drop(server.take().inspect(reset)),
                // A question finds nobody.
                Some(Order::Ask(..) | Order::End(_)) => {}
                None => return,
            },
            // Read only once the server's side is gone: until then what is sent fills the buffers, and
            // an end is not seen, as with a cable that is out.
            read = client.read(&mut lost), if server.is_none() => {
                if !matches!(read, Ok(count) if count > 0) {
                    return;
                }
            }
        }
    }
}

/// A simple query and the first cell of its answer, in the protocol's own messages.
async fn question(server: &mut TcpStream, sql: &str) -> Option<(String, u8)> {
    let length = u32::try_from(sql.len() + 5).ok()?;
    let mut message = vec![b'Q'];
    message.extend_from_slice(&length.to_be_bytes());
    message.extend_from_slice(sql.as_bytes());
    message.push(0);
    server.write_all(&message).await.ok()?;
    let mut cell = None;
    loop {
        let kind = server.read_u8().await.ok()?;
        let length = usize::try_from(server.read_u32().await.ok()?).ok()?;
        let mut body = vec![0_u8; length.checked_sub(4)?];
        server.read_exact(&mut body).await.ok()?;
        match kind {
            // One row of one cell: a count, a length, the text.
            b'D' => cell = Some(String::from_utf8_lossy(body.get(6..)?).into_owned()),
            b'E' => cell = Some(["error: ", &String::from_utf8_lossy(&body)].concat()),
            b'Z' if cell.is_some() => return Some((cell?, *body.first()?)),
            _ => {}
        }
    }
}
