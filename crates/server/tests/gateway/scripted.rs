//! An upstream that listens on a real socket and does what it is told.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// What it does after it has read a request.
#[derive(Debug, Clone)]
pub enum Act {
    /// Writes these bytes.
    Write(Vec<u8>),
    /// Writes these bytes as one chunk of a chunked body.
    Chunk(Vec<u8>),
    /// Says nothing until it is told to go on.
    Wait,
    /// Writes chunks of events for ever.
    Flood,
    /// Closes the connection.
    Close,
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Heard {
    pub head: String,
    pub body: String,
}

#[derive(Clone)]
pub struct Scripted {
    pub address: SocketAddr,
    pub heard: Arc<Mutex<Vec<Heard>>>,
    /// How many requests began.
    pub asked: Arc<AtomicUsize>,
    /// How many connections the other side closed while it still spoke.
    pub left: Arc<AtomicUsize>,
    /// Bytes that the socket took.
    pub written: Arc<AtomicUsize>,
    pub go: Arc<Notify>,
}

pub const EVENTS: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

/// A JSON answer, whole.
pub fn json(status: u16, body: &str) -> Vec<Act> {
    let head =
        format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
    vec![Act::Write([head.as_bytes(), body.as_bytes()].concat())]
}

/// An event of a chat.
pub fn event(words: &str) -> Vec<u8> {
    let chunk = serde_json::json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "real-name",
        "choices": [{ "index": 0, "delta": { "content": words }, "finish_reason": null }],
    });
    format!("data: {chunk}\n\n").into_bytes()
}

/// How a chat's stream ends.
pub fn last(input: u64, output: u64) -> Vec<u8> {
    let stop = r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"real-name","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    let usage = format!(
        r#"{{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"real-name","choices":[],"usage":{{"prompt_tokens":{input},"completion_tokens":{output},"total_tokens":{}}}}}"#,
        input + output
    );
    format!("data: {stop}\n\ndata: {usage}\n\ndata: [DONE]\n\n").into_bytes()
}

impl Scripted {
    /// Does the same for every request.
    pub async fn always(acts: Vec<Act>) -> Scripted {
        Scripted::by(move |_| acts.clone()).await
    }

    /// Does what a request calls for.
    pub async fn by(script: impl Fn(&Heard) -> Vec<Act> + Send + Sync + 'static) -> Scripted {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scripted = Scripted {
            address: listener.local_addr().unwrap(),
            heard: Arc::default(),
            asked: Arc::default(),
            left: Arc::default(),
            written: Arc::default(),
            go: Arc::default(),
        };
        let (told, script) = (scripted.clone(), Arc::new(script));
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                let (told, script) = (told.clone(), Arc::clone(&script));
                tokio::spawn(async move { told.speak(stream, script.as_ref()).await });
            }
        });
        scripted
    }

    async fn speak(&self, mut stream: TcpStream, script: &(dyn Fn(&Heard) -> Vec<Act> + Send + Sync)) {
        loop {
            let Some(heard) = hear(&mut stream).await else { return };
            self.asked.fetch_add(1, Ordering::SeqCst);
            let acts = script(&heard);
            self.heard.lock().push(heard);
            for act in acts {
                let done = match act {
                    Act::Write(bytes) => self.write(&mut stream, &bytes).await,
                    Act::Chunk(bytes) => self.write(&mut stream, &chunk(&bytes)).await,
                    Act::Wait => {
                        let mut one = [0_u8; 1];
                        tokio::select! {
                            () = self.go.notified() => true,
                            read = stream.read(&mut one) => {
                                // Nothing more is to be said: the other side left.
                                assert!(!matches!(read, Ok(1..)), "a request in the middle of an answer");
                                false
                            }
                        }
                    }
                    Act::Flood => {
                        let words = event(&"word ".repeat(2000));
                        while self.write(&mut stream, &chunk(&words)).await {}
                        false
                    }
                    Act::Close => return,
                };
                if !done {
                    self.left.fetch_add(1, Ordering::SeqCst);
                    return;
                }
            }
        }
    }

    async fn write(&self, stream: &mut TcpStream, bytes: &[u8]) -> bool {
        let mut rest = bytes;
        while !rest.is_empty() {
            match stream.write(rest).await {
                Ok(0) | Err(_) => return false,
                Ok(written) => {
                    self.written.fetch_add(written, Ordering::SeqCst);
                    rest = &rest[written..];
                }
            }
        }
        true
    }

    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    pub fn bodies(&self) -> Vec<serde_json::Value> {
        self.heard.lock().iter().map(|heard| serde_json::from_str(&heard.body).unwrap()).collect()
    }
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

/// The end of a chunked body.
pub fn end() -> Act {
    Act::Write(b"0\r\n\r\n".to_vec())
}

async fn hear(stream: &mut TcpStream) -> Option<Heard> {
    let mut bytes = Vec::new();
    let mut piece = [0_u8; 64 * 1024];
    loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..at].to_vec()).unwrap();
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse::<usize>().ok()
            });
            let body = bytes.split_off(at + 4);
            if body.len() >= length.unwrap_or(0) {
                return Some(Heard { head, body: String::from_utf8(body).unwrap() });
            }
            bytes.extend_from_slice(&body);
        }
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&piece[..read]),
        }
    }
}

/// Asks again until it is so.
pub async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let asked = tokio::time::timeout(Duration::from_secs(20), async {
        while !so() {
            tokio::task::yield_now().await;
        }
    });
    assert!(asked.await.is_ok(), "waited too long for {what}");
}
