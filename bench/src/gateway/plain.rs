//! Programs to measure beside: an upstream that answers at once, and a proxy that does nothing but pass on.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use clap::Args;
use futures_util::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

use crate::talk::say;
use crate::{Doing as _, Problem};

/// How many events a stream has.
pub(super) const EVENTS: usize = 20;

/// Where it passes calls on to.
#[derive(Debug, Args)]
pub struct PlainArgs {
    /// The upstream
    #[arg(long)]
    to: SocketAddr,
}

const ANSWER: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"small","choices":[{"index":0,"message":{"role":"assistant","content":"The quick brown fox jumps over the lazy dog, and then it does so again and again until the answer is about as long as answers are.","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":42,"completion_tokens":30,"total_tokens":72}}"#;

fn event(at: usize) -> Bytes {
    let last = at + 1 == EVENTS;
    let delta = if last { "{}" } else { r#"{"content":" fox"}"# };
    let reason = if last { r#""stop""# } else { "null" };
    let mut text = format!(
        r#"data: {{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"small","choices":[{{"index":0,"delta":{delta},"finish_reason":{reason}}}],"usage":null}}"#
    );
    text.push_str("\n\n");
    if last {
        text.push_str("data: {\"id\":\"chatcmpl-1\",\"choices\":[],\"usage\":{\"prompt_tokens\":42,\"completion_tokens\":20,\"total_tokens\":62}}\n\ndata: [DONE]\n\n");
    }
    text.into()
}

fn listening() -> Result<(tokio::runtime::Runtime, TcpListener), Problem> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().doing("start")?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).doing("listen")?;
    say(&listener.local_addr().doing("listen")?.to_string());
    Ok((runtime, listener))
}

/// Answers every chat with the same words.
///
/// # Errors
/// When it cannot listen.
pub fn upstream() -> Result<(), Problem> {
    let (runtime, listener) = listening()?;
    runtime.block_on(async move {
        loop {
            let (stream, _) = listener.accept().await.doing("accept")?;
            let _ = stream.set_nodelay(true);
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answered)));
        }
    })
}

async fn answered(request: Request<Incoming>) -> Result<Response<BoxBody<Bytes, Infallible>>, hyper::Error> {
    let body = request.into_body().collect().await?.to_bytes();
    let streams = body.windows(13).any(|window| window == b"\"stream\":true" || window == b"stream\": true");
    let (kind, body) = if streams {
        let events = (0..EVENTS).map(|at| Ok(Frame::data(event(at))));
        // Each in a piece of its own, as a model's words come.
        let events = futures_util::StreamExt::then(stream::iter(events), |event| async {
            tokio::task::yield_now().await;
            event
        });
        ("text/event-stream", BodyExt::boxed(StreamBody::new(SyncStream(Box::pin(events)))))
    } else {
        ("application/json", Full::new(Bytes::from_static(ANSWER.as_bytes())).boxed())
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    Ok(response)
}

/// A stream that is only ever polled by one task at a time.
struct SyncStream(std::pin::Pin<Box<dyn futures_util::Stream<Item = Result<Frame<Bytes>, Infallible>> + Send + Sync>>);

impl futures_util::Stream for SyncStream {
    type Item = Result<Frame<Bytes>, Infallible>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(context)
    }
}

/// Passes every call on, and its answer back.
///
/// # Errors
/// When it cannot listen.
pub fn proxy(args: &PlainArgs) -> Result<(), Problem> {
    let (runtime, listener) = listening()?;
    let to = args.to;
    runtime.block_on(async move {
        let mut http = HttpConnector::new();
        http.set_nodelay(true);
        let client: Client<HttpConnector, Incoming> =
            Client::builder(TokioExecutor::new()).pool_max_idle_per_host(256).build(http);
        loop {
            let (stream, _) = listener.accept().await.doing("accept")?;
            let _ = stream.set_nodelay(true);
            let client = client.clone();
            let service = service_fn(move |request| passed(client.clone(), to, request));
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    })
}

async fn passed(
    client: Client<HttpConnector, Incoming>,
    to: SocketAddr,
    mut request: Request<Incoming>,
) -> Result<Response<BoxBody<Bytes, hyper::Error>>, Infallible> {
    let path = request.uri().path().to_owned();
    if let Ok(uri) = format!("http://{to}{path}").parse::<Uri>() {
        *request.uri_mut() = uri;
    }
    request.headers_mut().remove(HOST);
    Ok(match client.request(request).await {
        Ok(response) => response.map(BodyExt::boxed),
        Err(_) => {
            let mut response = Response::new(Full::new(Bytes::new()).map_err(|never| match never {}).boxed());
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            response
        }
    })
}
