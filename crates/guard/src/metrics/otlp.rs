//! Figures as OpenTelemetry's collectors read them: OTLP 1, `ExportMetricsServiceRequest` as protobuf
//! (<https://github.com/open-telemetry/opentelemetry-proto>, `opentelemetry/proto/metrics/v1/metrics.proto`). They are
//! cumulative: what one export loses the next one has.

use super::names::{self, Instrument};
use super::protobuf::{Message, Read, fields};
use super::{DURATIONS, Histogram, Label, Snapshot, TOKENS, call, refused, tool};

/// About how many bytes one request has at most: collectors take several times as many.
const MOST: usize = 1024 * 1024;

/// `AGGREGATION_TEMPORALITY_CUMULATIVE`.
const CUMULATIVE: u64 = 2;

/// Where figures come from, and of what time.
#[derive(Debug, Clone)]
pub struct Origin<'a> {
    /// What is said of the whole server: `service.name` and so on.
    pub resource: &'a [(String, String)],
    /// The program's version.
    pub version: &'a str,
    /// When counting began, nanoseconds since 1970 UTC.
    pub since_nanos: u64,
    /// Now.
    pub now_nanos: u64,
}

/// What a collector did not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// How many figures.
    pub points: u64,
    /// Why, in its words.
    pub why: String,
}

/// The requests that carry all figures; none where there are no figures.
#[must_use]
pub fn requests(snapshot: &Snapshot, origin: &Origin<'_>) -> Vec<Vec<u8>> {
    let mut writer = Writer { origin, metrics: Message::default(), done: Vec::new() };
    let calls = || snapshot.calls.iter().map(|(labels, figures)| (call(labels), figures));
    let durations = calls().map(|(labels, figures)| spread(origin, &labels, &DURATIONS, &figures.duration));
    writer.histogram(names::OPERATION_DURATION, durations);
    let tokens = calls().flat_map(|(labels, figures)| {
        [("input", &figures.input), ("output", &figures.output)].map(|(kind, histogram)| {
            let mut labels = labels.clone();
            labels.push((names::TOKEN_TYPE, kind));
            spread(origin, &labels, &TOKENS, histogram)
        })
    });
    writer.histogram(names::TOKEN_USAGE, tokens);
    writer.sum(names::CACHED_TOKENS, calls().map(|(labels, figures)| number(origin, &labels, figures.cached)));
    writer.sum(names::COST, calls().map(|(labels, figures)| number(origin, &labels, figures.cost)));
    let tools = snapshot.tools.iter();
    let tools = tools.map(|(labels, histogram)| spread(origin, &tool(labels), &DURATIONS, histogram));
    writer.histogram(names::TOOL_DURATION, tools);
    writer.sum(names::REFUSED, snapshot.refused.iter().map(|(labels, count)| number(origin, &refused(labels), *count)));
    writer.close();
    writer.done
}

/// What a collector's answer says that it did not take; `None` when it took everything.
#[must_use]
pub fn rejected(answer: &[u8]) -> Option<Rejected> {
    // ExportMetricsServiceResponse.partial_success = 1.
    let partial = fields(answer).find_map(|(field, value)| match (field, value) {
        (1, Read::Bytes(partial)) => Some(partial),
        _ => None,
    })?;
    let mut rejected = Rejected { points: 0, why: String::new() };
    for field in fields(partial) {
        match field {
            (1, Read::Number(points)) => rejected.points = points,
            (2, Read::Bytes(why)) => {
                let why = String::from_utf8_lossy(why);
                rejected.why = why.chars().filter(|c| !c.is_control()).take(200).collect();
            }
            _ => {}
        }
    }
    (rejected.points > 0 || !rejected.why.is_empty()).then_some(rejected)
}

/// Puts points together to metrics, and these to requests.
struct Writer<'a> {
    origin: &'a Origin<'a>,
    /// Of the request that is being written: fields `metrics` of its `ScopeMetrics`.
    metrics: Message,
    done: Vec<Vec<u8>>,
}

impl Writer<'_> {
    fn histogram(&mut self, of: Instrument, points: impl Iterator<Item = Message>) {
        // Metric.histogram = 9.
        self.metric(of, 9, &Message::default(), points);
    }

    fn sum(&mut self, of: Instrument, points: impl Iterator<Item = Message>) {
        let mut monotonic = Message::default();
        // Sum.is_monotonic = 3; Metric.sum = 7.
        monotonic.uint(3, 1);
        self.metric(of, 7, &monotonic, points);
    }

    fn metric(&mut self, of: Instrument, kind: u64, besides: &Message, points: impl Iterator<Item = Message>) {
        let mut data = Message::default();
        for point in points {
            data.message(1, &point);
            if self.metrics.len() + data.len() >= MOST {
                self.put(of, kind, besides, std::mem::take(&mut data));
                self.close();
            }
        }
        self.put(of, kind, besides, data);
    }

    fn put(&mut self, of: Instrument, kind: u64, besides: &Message, mut data: Message) {
        if data.is_empty() {
            return;
        }
        data.uint(2, CUMULATIVE);
        data.append(besides);
        let mut metric = Message::default();
        metric.text(1, of.name);
        metric.text(2, of.about);
        metric.text(3, of.unit);
        metric.message(kind, &data);
        self.metrics.message(2, &metric);
    }

    /// Ends the request that is being written.
    fn close(&mut self) {
        let metrics = std::mem::take(&mut self.metrics);
        if metrics.is_empty() {
            return;
        }
        let mut scope = Message::default();
        scope.text(1, "tenantry");
        scope.text(2, self.origin.version);
        let mut of_scope = Message::default();
        of_scope.message(1, &scope);
        of_scope.append(&metrics);
        let mut resource = Message::default();
        for (name, value) in self.origin.resource {
            resource.message(1, &attribute(name, value));
        }
        let mut of_resource = Message::default();
        of_resource.message(1, &resource);
        of_resource.message(2, &of_scope);
        let mut request = Message::default();
        request.message(1, &of_resource);
        self.done.push(request.into_bytes());
    }
}

fn attribute(name: &str, value: &str) -> Message {
    let mut text = Message::default();
    text.text(1, value);
    let mut attribute = Message::default();
    attribute.text(1, name);
    attribute.message(2, &text);
    attribute
}

fn labelled(message: &mut Message, field: u64, labels: &[Label<'_>]) {
    for (name, value) in labels.iter().filter(|(_, value)| !value.is_empty()) {
        message.message(field, &attribute(name, value));
    }
}

/// A `NumberDataPoint`.
fn number(origin: &Origin<'_>, labels: &[Label<'_>], value: u64) -> Message {
    let mut point = Message::default();
    point.fixed(2, origin.since_nanos);
    point.fixed(3, origin.now_nanos);
    // as_int is signed.
    point.fixed(6, value.min(i64::MAX.unsigned_abs()));
    labelled(&mut point, 7, labels);
    point
}

/// A `HistogramDataPoint`.
fn spread(origin: &Origin<'_>, labels: &[Label<'_>], bounds: &[f64; 14], histogram: &Histogram) -> Message {
    let mut point = Message::default();
    point.fixed(2, origin.since_nanos);
    point.fixed(3, origin.now_nanos);
    point.fixed(4, histogram.count());
    point.double(5, histogram.sum);
    point.packed(6, histogram.counts);
    point.packed(7, bounds.map(f64::to_bits));
    labelled(&mut point, 9, labels);
    point
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{CallLabels, Metrics, RefusedLabels};
    use super::*;

    fn origin(resource: &[(String, String)]) -> Origin<'_> {
        Origin { resource, version: "1.2.3", since_nanos: 5, now_nanos: 9 }
    }

    fn within(message: &[u8], field: u64) -> Vec<&[u8]> {
        let found = fields(message).filter_map(move |(known, value)| match value {
            Read::Bytes(bytes) if known == field => Some(bytes),
            _ => None,
        });
        found.collect()
    }

    #[test]
    fn nothing_is_sent_of_nothing() {
        assert!(requests(&Snapshot::default(), &origin(&[])).is_empty());
    }

    #[test]
    fn many_figures_are_sent_in_several_requests_and_each_once() {
        let metrics = Metrics::default();
        for number in 0..6_000_u32 {
            metrics.call(
                CallLabels {
                    account: number.to_string().into(),
                    workspace: "".into(),
                    model: "small".into(),
                    operation: "chat",
                    provider: "openai",
                    error: "",
                },
                Duration::from_millis(1),
                u64::MAX,
                0,
                1,
                u64::MAX,
            );
        }
        metrics.refused(RefusedLabels {
            account: "acme".into(),
            workspace: "".into(),
            model: "".into(),
            level: "user",
            limit: "requests",
        });
        let sent = requests(&metrics.snapshot(), &origin(&[("service.name".to_owned(), "x".to_owned())]));
        assert!(sent.len() > 5 && sent.iter().all(|one| one.len() < MOST + 4_096), "{}", sent.len());
        let mut points = std::collections::BTreeMap::<String, usize>::new();
        for request in &sent {
            for of_scope in within(within(request, 1)[0], 2) {
                for metric in within(of_scope, 2) {
                    let name = String::from_utf8(within(metric, 1)[0].to_vec()).unwrap();
                    let data = within(metric, 9).into_iter().chain(within(metric, 7)).next().unwrap();
                    *points.entry(name).or_default() += within(data, 1).len();
                }
            }
        }
        let expected = [
            (names::OPERATION_DURATION, 6_000),
            (names::TOKEN_USAGE, 12_000),
            (names::CACHED_TOKENS, 6_000),
            (names::COST, 6_000),
            (names::REFUSED, 1),
        ];
        let expected = expected.map(|(of, many)| (of.name.to_owned(), many));
        assert_eq!(points, expected.into());
    }

    #[test]
    fn what_a_collector_did_not_take_is_read() {
        let mut partial = Message::default();
        partial.uint(1, 3);
        partial.text(2, "too\nold");
        let mut answer = Message::default();
        answer.message(1, &partial);
        let answer = answer.into_bytes();
        assert_eq!(rejected(&answer), Some(Rejected { points: 3, why: "tooold".to_owned() }));
        for fine in [&b""[..], b"\x0a\x00", b"<html>"] {
            assert_eq!(rejected(fine), None);
        }
    }
}
