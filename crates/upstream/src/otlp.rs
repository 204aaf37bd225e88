//! Figures, sent to a collector of OpenTelemetry: OTLP over HTTP, as protobuf.
//!
//! A task of its own reads the figures that are counted anyway and sends them every so often. So a collector that is
//! slow or gone holds up no call, and nothing piles up: figures are cumulative, and the next export has what one lost.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use tenantry_guard::metrics::{self, Metrics, Origin};
use tenantry_policy::Clock;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

use crate::client::{Client, Http};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);

/// How long the last export may take, when the server ends.
const LAST: Duration = Duration::from_secs(5);

/// The most of an answer that is read, in bytes.
const LONGEST: usize = 64 * 1024;

/// A collector, and how it is told.
pub struct Collector {
    /// The whole address.
    pub endpoint: String,
    /// Headers that it wants, with their values. They stand in no log.
    pub headers: Vec<(String, String)>,
    /// How often it is told.
    pub every: Duration,
    /// How long it may take to answer.
    pub timeout: Duration,
    /// What is said of the whole server: `service.name` and so on.
    pub resource: Vec<(String, String)>,
    /// The program's version.
    pub version: String,
}

/// Headers stay out of logs.
impl std::fmt::Debug for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collector").finish_non_exhaustive()
    }
}

/// Why a collector cannot be told: by its description alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadCollector {
    /// Its address is none.
    Endpoint,
    /// A header of this name cannot be sent.
    Header(String),
}

/// Figures on their way, until [`Exporting::end`]. Dropped, they are sent no more.
#[derive(Debug)]
pub struct Exporting {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Exporting {
    /// Sends figures from now on.
    ///
    /// # Errors
    /// [`BadCollector`].
    pub fn begin(
        collector: Collector,
        metrics: Arc<Metrics>,
        clock: Arc<dyn Clock>,
    ) -> Result<Exporting, BadCollector> {
        let uri: Uri = collector.endpoint.parse().map_err(|_| BadCollector::Endpoint)?;
        if uri.host().is_none_or(str::is_empty) || !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(BadCollector::Endpoint);
        }
        let mut headers = Vec::with_capacity(collector.headers.len());
        for (name, value) in &collector.headers {
            let bad = || BadCollector::Header(name.clone());
            let told = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
            let mut value = HeaderValue::from_str(value).map_err(|_| bad())?;
            value.set_sensitive(true);
            headers.push((told, value));
        }
        let since_nanos = nanos(clock.now_micros());
        let exporter =
            Exporter { http: Client::default().of(CONNECT), uri, headers, collector, metrics, clock, since_nanos };
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(exporter.keep_telling(stopped));
        Ok(Exporting { stop: Some(stop), task })
    }

    /// Sends what there is a last time, for a few seconds at most, and no more.
    pub async fn end(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if (&mut self.task).await.is_err() {
            tracing::error!("figures were not sent a last time");
        }
    }
}

impl Drop for Exporting {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Exporter {
    http: Http,
    uri: Uri,
    headers: Vec<(HeaderName, HeaderValue)>,
    collector: Collector,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
    since_nanos: u64,
}

/// Why an export failed.
#[derive(Debug)]
enum Failed {
    Timeout,
    Unreachable,
    Status(StatusCode),
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failed::Timeout => f.write_str("it does not answer in time"),
            Failed::Unreachable => f.write_str("it cannot be reached"),
            Failed::Status(status) => write!(f, "it answers {status}"),
        }
    }
}

impl Exporter {
    async fn keep_telling(self, mut stopped: oneshot::Receiver<()>) {
        let every = self.collector.every;
        let mut rounds = tokio::time::interval_at(Instant::now() + every, every);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failing = false;
        loop {
            // An export that is under way when the server ends is given up for the last one, which has all of it.
            tokio::select! {
                biased;
                _ = &mut stopped => break,
                () = async {
                    rounds.tick().await;
                    self.note(self.tell().await, &mut failing);
                } => {}
            }
        }
        let last = tokio::time::timeout(LAST, self.tell()).await.unwrap_or(Err(Failed::Timeout));
        self.note(last, &mut failing);
    }

    /// Says so once when the collector cannot be told, and once when it can again.
    fn note(&self, told: Result<(), Failed>, failing: &mut bool) {
        let host = self.uri.host().unwrap_or_default();
        match told {
            Ok(()) => {
                if std::mem::take(failing) {
                    tracing::info!(host, "the collector of figures takes them again");
                }
            }
            Err(failed) => {
                if !std::mem::replace(failing, true) {
                    tracing::warn!(host, %failed, "the collector of figures does not take them; tried again");
                }
            }
        }
    }

    async fn tell(&self) -> Result<(), Failed> {
        let origin = Origin {
            resource: &self.collector.resource,
            version: &self.collector.version,
            since_nanos: self.since_nanos,
            // A clock that was put back must not tell of a time before the beginning.
            now_nanos: nanos(self.clock.now_micros()).max(self.since_nanos),
        };
        for request in metrics::requests(&self.metrics.snapshot(), &origin) {
            let sent = tokio::time::timeout(self.collector.timeout, self.send(request.into()));
            sent.await.unwrap_or(Err(Failed::Timeout))?;
        }
        Ok(())
    }

    async fn send(&self, body: Bytes) -> Result<(), Failed> {
        let mut request = Request::post(self.uri.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"))
            .header(USER_AGENT, HeaderValue::from_static("tenantry"));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(body)).map_err(|_| Failed::Unreachable)?;
        let response = self.http.request(request).await.map_err(|_| Failed::Unreachable)?;
        let status = response.status();
        let answer = Limited::new(response.into_body(), LONGEST).collect().await;
        // Nothing is followed: a collector elsewhere is named in the file.
        if !status.is_success() {
            return Err(Failed::Status(status));
        }
        let answer = answer.map(|answer| answer.to_bytes()).unwrap_or_default();
        if let Some(rejected) = metrics::rejected(&answer) {
            tracing::warn!(points = rejected.points, why = %rejected.why, "the collector did not take all figures");
        }
        Ok(())
    }
}

fn nanos(micros: i64) -> u64 {
    u64::try_from(micros).unwrap_or_default().saturating_mul(1_000)
}
