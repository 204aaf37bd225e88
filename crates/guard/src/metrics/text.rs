//! Figures as Prometheus reads them (text format 0.0.4).

use std::fmt::Write as _;

use super::names::{self, Instrument};
use super::{DURATIONS, Histogram, Label, Snapshot, TOKENS, call, refused, tool};

/// All figures as text.
#[must_use]
pub fn prometheus(snapshot: &Snapshot) -> String {
    let mut out = Page::default();
    out.head(names::OPERATION_DURATION, "histogram");
    for (labels, figures) in &snapshot.calls {
        let labels = call(labels);
        out.histogram(names::OPERATION_DURATION, &labels, &DURATIONS, &figures.duration);
    }
    out.head(names::TOKEN_USAGE, "histogram");
    for (labels, figures) in &snapshot.calls {
        for (kind, histogram) in [("input", &figures.input), ("output", &figures.output)] {
            let mut labels = call(labels);
            labels.push((names::TOKEN_TYPE, kind));
            out.histogram(names::TOKEN_USAGE, &labels, &TOKENS, histogram);
        }
    }
    out.head(names::CACHED_TOKENS, "counter");
    for (labels, figures) in &snapshot.calls {
        out.line(names::CACHED_TOKENS, &call(labels), &figures.cached.to_string());
    }
    out.head(names::COST, "counter");
    for (labels, figures) in &snapshot.calls {
        out.line(names::COST, &call(labels), &figures.cost.to_string());
    }
    out.head(names::TOOL_DURATION, "histogram");
    for (labels, histogram) in &snapshot.tools {
        out.histogram(names::TOOL_DURATION, &tool(labels), &DURATIONS, histogram);
    }
    out.head(names::REFUSED, "counter");
    for (labels, count) in &snapshot.refused {
        out.line(names::REFUSED, &refused(labels), &count.to_string());
    }
    out.text
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn name(&mut self, name: &str, suffix: &str) {
        self.text.extend(name.chars().map(|letter| if letter == '.' { '_' } else { letter }));
        self.text.push_str(suffix);
    }

    fn head(&mut self, of: Instrument, kind: &str) {
        self.text.push_str("# HELP ");
        self.name(of.name, of.suffix);
        let _ = writeln!(self.text, " {}", of.about);
        self.text.push_str("# TYPE ");
        self.name(of.name, of.suffix);
        let _ = writeln!(self.text, " {kind}");
    }

    fn line(&mut self, of: Instrument, labels: &[Label<'_>], value: &str) {
        self.name(of.name, of.suffix);
        self.labels(labels, None);
        let _ = writeln!(self.text, " {value}");
    }

    fn histogram(&mut self, of: Instrument, labels: &[Label<'_>], bounds: &[f64; 14], histogram: &Histogram) {
        let mut sum = 0_u64;
        for (place, count) in histogram.counts.iter().enumerate() {
            sum = sum.saturating_add(*count);
            self.name(of.name, of.suffix);
            self.text.push_str("_bucket");
            let bound = bounds.get(place).map_or_else(|| "+Inf".to_owned(), ToString::to_string);
            self.labels(labels, Some(&bound));
            let _ = writeln!(self.text, " {sum}");
        }
        let figures = [("_sum", histogram.sum.to_string()), ("_count", histogram.count().to_string())];
        for (what, value) in figures {
            self.name(of.name, of.suffix);
            self.text.push_str(what);
            self.labels(labels, None);
            let _ = writeln!(self.text, " {value}");
        }
    }

    fn labels(&mut self, labels: &[Label<'_>], bound: Option<&str>) {
        let said =
            labels.iter().copied().filter(|(_, value)| !value.is_empty()).chain(bound.map(|bound| ("le", bound)));
        let mut open = false;
        for (label, value) in said {
            self.text.push(if open { ',' } else { '{' });
            open = true;
            self.name(label, "=\"");
            for letter in value.chars() {
                match letter {
                    '\\' => self.text.push_str("\\\\"),
                    '"' => self.text.push_str("\\\""),
                    '\n' => self.text.push_str("\\n"),
                    letter => self.text.push(letter),
                }
            }
            self.text.push('"');
        }
        if open {
            self.text.push('}');
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{CallLabels, Metrics, OTHERS, RefusedLabels, ToolLabels};
    use super::*;

    #[test]
    fn figures_are_told_as_prometheus_reads_them() {
        let metrics = Metrics::default();
        let labels = CallLabels {
            account: "ac\"me\\\n".into(),
            workspace: "".into(),
            model: "small".into(),
            operation: "chat",
            provider: "openai",
            error: "",
        };
        metrics.call(labels.clone(), Duration::from_millis(15), 5, 2, 7, 42);
        metrics.call(labels, Duration::from_secs(100), 0, 0, 100_000_000, 1);
        metrics
            .tool(ToolLabels { account: "acme".into(), tool: "query", error: "NOT_FOUND" }, Duration::from_millis(1));
        metrics.refused(RefusedLabels {
            account: "acme".into(),
            workspace: "prod".into(),
            model: "small".into(),
            level: "user",
            limit: "budget",
        });
        let text = prometheus(&metrics.snapshot());
        let account = r#"tenantry_account="ac\"me\\\n",gen_ai_request_model="small",gen_ai_operation_name="chat",gen_ai_provider_name="openai""#;
        for line in [
            "# TYPE gen_ai_client_operation_duration_seconds histogram".to_owned(),
            format!(r#"gen_ai_client_operation_duration_seconds_bucket{{{account},le="0.01"}} 0"#),
            format!(r#"gen_ai_client_operation_duration_seconds_bucket{{{account},le="0.02"}} 1"#),
            format!(r#"gen_ai_client_operation_duration_seconds_bucket{{{account},le="+Inf"}} 2"#),
            format!(r#"gen_ai_client_token_usage_sum{{{account},gen_ai_token_type="input"}} 5"#),
            format!(r#"gen_ai_client_token_usage_count{{{account},gen_ai_token_type="output"}} 2"#),
            format!("tenantry_gen_ai_cached_tokens_total{{{account}}} 2"),
            format!("tenantry_gen_ai_cost_micros_total{{{account}}} 43"),
            r#"tenantry_tool_duration_seconds_count{tenantry_account="acme",gen_ai_tool_name="query",error_type="NOT_FOUND"} 1"#.to_owned(),
            r#"tenantry_limit_refused_total{tenantry_account="acme",tenantry_workspace="prod",gen_ai_request_model="small",tenantry_limit_level="user",tenantry_limit_kind="budget"} 1"#.to_owned(),
        ] {
            assert!(text.lines().any(|one| one == line), "{line}\nis not in\n{text}");
        }
    }

    #[test]
    fn there_is_an_end_of_series() {
        let metrics = Metrics::default();
        for number in 0..10_100_u32 {
            metrics.refused(RefusedLabels {
                account: number.to_string().into(),
                workspace: "".into(),
                model: "".into(),
                level: "user",
                limit: "requests",
            });
        }
        let refused = metrics.snapshot().refused;
        assert_eq!(refused.len(), 10_001);
        assert_eq!(refused.iter().find(|(labels, _)| &*labels.account == OTHERS).unwrap().1, &100);
    }
}
