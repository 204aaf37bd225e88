//! The wire to a PostgreSQL server, which hears everything and ends at the statement that a test names. It counts
//! statements of the simple protocol: what an apply changes, begins, commits and sets is sent by it, one by one.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Where the wire ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The statement does not reach the server; both sides see the connection end.
    Before,
    /// The server has done it; the answer does not come back, and both sides see the connection end.
    After,
    /// The server has done it; the client is about to be killed, and hears nothing more.
    Killed,
}

#[derive(Default)]
struct State {
    /// Statements since the last [`Wire::arm`].
    count: usize,
    end: Option<(usize, End)>,
    heard: Vec<u8>,
}

/// The wire. Ends with its runtime.
pub struct Wire {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    /// How often it ended.
    struck: Arc<watch::Sender<usize>>,
}

impl Wire {
    /// A wire to the server of a URL.
    pub async fn to(url: &str) -> Wire {
        let upstream = place(url).to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let struck = Arc::new(watch::Sender::new(0));
        let (shared, strikes) = (Arc::clone(&state), Arc::clone(&struck));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&upstream).await.unwrap();
                tokio::spawn(carry(client, server, Arc::clone(&shared), Arc::clone(&strikes)));
            }
        });
        Wire { address, state, struck }
    }

    /// A URL that leads through it.
    pub fn url(&self, url: &str) -> String {
        url.replacen(place(url), &self.address.to_string(), 1)
    }

    /// Ends the wire at the `at`-th statement from now on, counted from 1.
    pub fn arm(&self, at: usize, end: End) {
        let mut state = self.state.lock().unwrap();
        state.count = 0;
        state.end = Some((at, end));
    }

    /// Everything passes again. Did it end?
    pub fn heal(&self) -> bool {
        self.state.lock().unwrap().end.take().is_none()
    }

    /// Waits until it ends.
    pub async fn struck(&self) {
        let mut strikes = self.struck.subscribe();
        let before = *strikes.borrow_and_update();
        strikes.wait_for(|count| *count > before).await.unwrap();
    }

    /// Everything that either side said, so far.
    pub fn heard(&self) -> Vec<u8> {
        self.state.lock().unwrap().heard.clone()
    }
}

/// Host and port of a URL.
fn place(url: &str) -> &str {
    let (_, rest) = url.split_once("://").unwrap();
    let authority = rest.split(['/', '?']).next().unwrap();
    authority.rsplit_once('@').map_or(authority, |(_, place)| place)
}

async fn carry(client: TcpStream, server: TcpStream, state: Arc<Mutex<State>>, struck: Arc<watch::Sender<usize>>) {
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    if begin(&mut from_client, &mut to_client, &mut from_server, &mut to_server).await.is_none() {
        return;
    }
    // From here on the server's answers are dropped, up to the end of the one that is waited for.
    let mute = watch::Sender::new(false);
    let (answered, mut done) = watch::channel(false);
    let hears = Arc::clone(&state);
    let listening = mute.subscribe();
    let answers = async move {
        while let Some(frame) = frame(&mut from_server).await {
            hears.lock().unwrap().heard.extend(&frame);
            if *listening.borrow() {
                if frame.first() == Some(&b'Z') {
                    let _ = answered.send(true);
                }
            } else if to_client.write_all(&frame).await.is_err() {
                break;
            }
        }
        to_client
    };
    let asks = async {
        while let Some(frame) = frame(&mut from_client).await {
            let end = {
                let mut state = state.lock().unwrap();
                state.heard.extend(&frame);
                state.count += usize::from(frame.first() == Some(&b'Q'));
                match state.end {
                    Some((at, end)) if at == state.count && frame.first() == Some(&b'Q') => {
                        state.end = None;
                        Some(end)
                    }
                    _ => None,
                }
            };
            let Some(end) = end else {
                if to_server.write_all(&frame).await.is_err() {
                    return;
                }
                continue;
            };
            if end != End::Before {
                let _ = mute.send(true);
                let _ = to_server.write_all(&frame).await;
                let _ = done.wait_for(|done| *done).await;
            }
            struck.send_modify(|count| *count += 1);
            if end == End::Killed {
                // Nothing is heard until the client is gone.
                while self::frame(&mut from_client).await.is_some() {}
            }
            return;
        }
    };
    tokio::select! {
        _ = answers => {}
        () = asks => {}
    }
}

/// What comes before the first message: a question for TLS, to which the server says no, and who it is.
async fn begin(
    from_client: &mut OwnedReadHalf,
    to_client: &mut OwnedWriteHalf,
    from_server: &mut OwnedReadHalf,
    to_server: &mut OwnedWriteHalf,
) -> Option<()> {
    const TLS: u32 = 80_877_103;
    loop {
        let length = from_client.read_u32().await.ok()?;
        let mut body = vec![0; usize::try_from(length).ok()?.checked_sub(4)?];
        from_client.read_exact(&mut body).await.ok()?;
        to_server.write_all(&[&length.to_be_bytes()[..], &body].concat()).await.ok()?;
        let code = u32::from_be_bytes(body.first_chunk().copied()?);
        if code != TLS {
            return Some(());
        }
        let answer = from_server.read_u8().await.ok()?;
        to_client.write_u8(answer).await.ok()?;
    }
}

/// A message with its letter and its length.
async fn frame(from: &mut OwnedReadHalf) -> Option<Vec<u8>> {
    let letter = from.read_u8().await.ok()?;
    let length = from.read_u32().await.ok()?;
    let mut frame = vec![0; usize::try_from(length).ok()?.checked_add(1)?];
    frame[0] = letter;
    frame[1..5].copy_from_slice(&length.to_be_bytes());
    from.read_exact(&mut frame[5..]).await.ok()?;
    Some(frame)
}
