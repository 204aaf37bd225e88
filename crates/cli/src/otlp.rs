//! The collector of OpenTelemetry that figures are sent to: the file's, or else the one that the environment's
//! variables name (<https://opentelemetry.io/docs/specs/otel/protocol/exporter/>).

use std::time::Duration;

use percent_encoding::percent_decode_str;
use tenantry_file::Loaded;
use tenantry_file::words::Millis;
use tenantry_guard::metrics::names;
use tenantry_upstream::{BadCollector, Collector, Exporting};
use url::{Host, Url};

use crate::limits::Present;
use crate::output::{Failure, Output};
use crate::project::Project;
use crate::runtime::Runtime;

/// How often figures are sent, where nobody says.
const EVERY: Duration = Duration::from_mins(1);

/// How long a collector may take to answer, where nobody says.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Sends figures from now on, where the file or the environment names a collector.
///
/// # Errors
/// `OTLP` for what cannot be used as it is said; `SECRET_MISSING` for a header's value.
pub fn begin(
    project: &Project<'_>,
    runtime: &Runtime,
    present: &Present,
    output: &Output,
) -> Result<Option<Exporting>, Failure> {
    let Some(collector) = collector(project, &runtime.loaded, present.id(), output)? else { return Ok(None) };
    let (metrics, clock) = (runtime.limiter.metrics().clone(), runtime.ambient.clock.clone());
    let begun = Exporting::begin(collector, metrics, clock).map_err(|bad| match bad {
        BadCollector::Endpoint => invalid("the collector's address is none".to_owned()),
        BadCollector::Header(name) => invalid(format!("the collector's header `{name}` cannot be sent")),
    });
    begun.map(Some)
}

fn invalid(message: String) -> Failure {
    Failure::invalid("OTLP", message).hint("docs/limits.md says which variables are read")
}

fn collector(
    project: &Project<'_>,
    loaded: &Loaded,
    instance: &str,
    output: &Output,
) -> Result<Option<Collector>, Failure> {
    let platform = loaded.document().platform.as_ref();
    let declared = platform.and_then(|platform| platform.metrics.otlp.as_ref());
    let disabled = of(project, "OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let (endpoint, headers) = match declared {
        Some(otlp) => {
            let headers = otlp.headers.iter().map(|(name, value)| {
                let what = format!("the collector's header `{name}`");
                Ok((name.clone(), project.secret_of(&what, value.as_str())?))
            });
            (below(otlp.endpoint.as_str()), headers.collect::<Result<Vec<_>, Failure>>()?)
        }
        None if disabled => return Ok(None),
        None => {
            let exporter = of(project, "OTEL_METRICS_EXPORTER").unwrap_or("otlp");
            if !exporter.split(',').any(|one| one.trim() == "otlp") {
                return Ok(None);
            }
            let whole = of(project, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT").map(str::to_owned);
            let Some(endpoint) = whole.or_else(|| of(project, "OTEL_EXPORTER_OTLP_ENDPOINT").map(below)) else {
                return Ok(None);
            };
            let protocol = either(project, "PROTOCOL").unwrap_or("http/protobuf");
            if protocol != "http/protobuf" {
                return Err(invalid(format!("the environment asks for OTLP by `{}`", shown(protocol))).hint(
                    "figures are sent by http/protobuf alone: set OTEL_EXPORTER_OTLP_METRICS_PROTOCOL=http/protobuf and \
                     OTEL_EXPORTER_OTLP_METRICS_ENDPOINT, or OTEL_METRICS_EXPORTER=none",
                ));
            }
            if in_the_clear(&endpoint) {
                output.warn("figures are sent to the collector without TLS: whoever is on the way reads them");
            }
            (endpoint, listed(either(project, "HEADERS").unwrap_or_default()))
        }
    };
    let said = |said: Option<&Millis>| said.and_then(Millis::duration);
    let millis = |value: Option<&str>, name: &str| match value {
        None => Ok(None),
        Some(text) => match text.trim().parse() {
            Ok(millis) => Ok(Some(Duration::from_millis(millis))),
            Err(_) => Err(invalid(format!("the variable `{name}` is no number of milliseconds"))),
        },
    };
    let every = match said(declared.and_then(|otlp| otlp.every.as_ref())) {
        Some(every) => every,
        None => millis(of(project, "OTEL_METRIC_EXPORT_INTERVAL"), "OTEL_METRIC_EXPORT_INTERVAL")?.unwrap_or(EVERY),
    };
    let timeout = match said(declared.and_then(|otlp| otlp.timeout.as_ref())) {
        Some(timeout) => timeout,
        None => millis(either(project, "TIMEOUT"), "OTEL_EXPORTER_OTLP_TIMEOUT")?.unwrap_or(TIMEOUT),
    };
    let least = Duration::from_millis(1);
    Ok(Some(Collector {
        endpoint,
        headers,
        every: every.max(least),
        timeout: timeout.max(least),
        resource: resource(project, instance),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }))
}

/// A variable; an empty one counts as absent.
fn of<'p>(project: &'p Project<'_>, name: &str) -> Option<&'p str> {
    project.variable(name).map(str::trim).filter(|value| !value.is_empty())
}

/// A variable for metrics alone, or else the one for all signals.
fn either<'p>(project: &'p Project<'_>, what: &str) -> Option<&'p str> {
    of(project, &["OTEL_EXPORTER_OTLP_METRICS_", what].concat())
        .or_else(|| of(project, &["OTEL_EXPORTER_OTLP_", what].concat()))
}

/// Where metrics are taken below a collector's address.
fn below(endpoint: &str) -> String {
    [endpoint.trim_end_matches('/'), "/v1/metrics"].concat()
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}

fn in_the_clear(endpoint: &str) -> bool {
    let Ok(url) = Url::parse(endpoint) else { return false };
    let here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "http" && !here
}

/// `a=1,b=two%20words`, as the variables write lists.
fn listed(text: &str) -> Vec<(String, String)> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    let decoded = |text: &str| percent_decode_str(text.trim()).decode_utf8_lossy().into_owned();
    pairs.map(|(name, value)| (decoded(name), decoded(value))).filter(|(name, _)| !name.is_empty()).collect()
}

/// What is said of the whole server.
fn resource(project: &Project<'_>, instance: &str) -> Vec<(String, String)> {
    let mut resource = listed(of(project, "OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default());
    let mut put = |name: &str, value: &str, anew: bool| match resource.iter_mut().find(|(known, _)| known == name) {
        Some(known) if anew => value.clone_into(&mut known.1),
        Some(_) => {}
        None => resource.push((name.to_owned(), value.to_owned())),
    };
    put(names::SERVICE_VERSION, env!("CARGO_PKG_VERSION"), false);
    put(names::SERVICE_INSTANCE, instance, false);
    match of(project, "OTEL_SERVICE_NAME") {
        Some(name) => put(names::SERVICE, name, true),
        None => put(names::SERVICE, "tenantry", false),
    }
    resource
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::args::Global;
    use crate::environment::Environment;
    use crate::output::ColorChoice;

    /// What becomes of a file and variables.
    fn found(file: &str, variables: &[(&str, &str)]) -> (Result<Option<Collector>, Failure>, String) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("tenantry.toml"), file).unwrap();
        let environment = variables
            .iter()
            .fold(Environment::for_test(folder.path()), |known, (name, value)| known.with_variable(name, value));
        let output = Output::new(&environment, false, false, ColorChoice::Never);
        let global = Global {
            file: None,
            state: Path::new(".tenantry").to_owned(),
            json: false,
            quiet: false,
            color: ColorChoice::Never,
        };
        let project = Project::find(&environment, &output, &global).unwrap();
        let loaded = project.load().unwrap();
        (collector(&project, &loaded, "server_1", &output), environment.stderr.contents())
    }

    fn good(file: &str, variables: &[(&str, &str)]) -> Option<Collector> {
        found(file, variables).0.unwrap()
    }

    #[test]
    fn nobody_is_told_unless_somebody_is_named() {
        assert!(good("", &[]).is_none());
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318");
        assert!(good("", &[endpoint]).is_some());
        for off in
            [("OTEL_SDK_DISABLED", "true"), ("OTEL_METRICS_EXPORTER", "none"), ("OTEL_METRICS_EXPORTER", "console")]
        {
            assert!(good("", &[endpoint, off]).is_none(), "{off:?}");
        }
        assert!(good("", &[endpoint, ("OTEL_METRICS_EXPORTER", "console, otlp")]).is_some());
        assert!(good("", &[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")]).is_none());
    }

    #[test]
    fn variables_are_read_as_elsewhere() {
        let told = good(
            "",
            &[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318/"),
                ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20abc, x-tenant = acme"),
                ("OTEL_EXPORTER_OTLP_TIMEOUT", "2500"),
                ("OTEL_METRIC_EXPORT_INTERVAL", "15000"),
                ("OTEL_RESOURCE_ATTRIBUTES", "service.name=other,deployment.environment.name=prod"),
                ("OTEL_SERVICE_NAME", "door"),
            ],
        )
        .unwrap();
        assert_eq!(told.endpoint, "http://localhost:4318/v1/metrics");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(told.headers, [pair("authorization", "Bearer abc"), pair("x-tenant", "acme")]);
        assert_eq!((told.timeout, told.every), (Duration::from_millis(2_500), Duration::from_secs(15)));
        assert_eq!(
            told.resource,
            [
                pair("service.name", "door"),
                pair("deployment.environment.name", "prod"),
                pair("service.version", env!("CARGO_PKG_VERSION")),
                pair("service.instance.id", "server_1"),
            ]
        );
        // Those for metrics alone go before those for everything, and their address is whole.
        let told = good(
            "",
            &[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318"),
                ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://127.0.0.1:9090/api/v1/otlp/v1/metrics"),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
                ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/protobuf"),
            ],
        )
        .unwrap();
        assert_eq!(told.endpoint, "http://127.0.0.1:9090/api/v1/otlp/v1/metrics");
        assert_eq!((told.timeout, told.every), (TIMEOUT, EVERY));
    }

    #[test]
    fn what_cannot_be_used_is_refused_and_tells_no_secret() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4317");
        for (wrong, says) in [
            (("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), "`grpc`"),
            (("OTEL_METRIC_EXPORT_INTERVAL", "soon"), "OTEL_METRIC_EXPORT_INTERVAL"),
        ] {
            let (told, _) = found("", &[endpoint, wrong, ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=hunter2")]);
            let told = format!("{:?}", told.unwrap_err());
            assert!(told.contains(says) && !told.contains("hunter2"), "{told}");
        }
        let (_, said) = found("", &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector.example:4318")]);
        assert!(said.contains("without TLS"), "{said}");
    }

    #[test]
    fn the_file_goes_before_the_environment() {
        let file = "[platform.metrics.otlp]\nendpoint = \"https://collector.example/otlp/\"\nevery = \"5s\"\n\
                    headers = { authorization = \"env:COLLECTOR\" }\n";
        let told = good(
            file,
            &[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://elsewhere.example"),
                ("OTEL_SDK_DISABLED", "true"),
                ("OTEL_METRIC_EXPORT_INTERVAL", "1"),
                ("COLLECTOR", "Bearer abc"),
            ],
        )
        .unwrap();
        assert_eq!(told.endpoint, "https://collector.example/otlp/v1/metrics");
        assert_eq!(told.headers, [("authorization".to_owned(), "Bearer abc".to_owned())]);
        assert_eq!(told.every, Duration::from_secs(5));
        assert_eq!(found(file, &[]).0.unwrap_err().code, "SECRET_MISSING");
    }
}
