//! Figures as Prometheus reads them (text format 0.0.4).

use std::fmt::Write as _;

use super::{DURATIONS, Histogram, Snapshot, TOKENS, names};

/// All figures as text.
#[must_use]
pub fn prometheus(snapshot: &Snapshot) -> String {
    let mut out = Page::default();
    out.head(names::OPERATION_DURATION, "_seconds", "histogram", "Seconds that model calls took");
    for (labels, figures) in &snapshot.calls {
        let labels = call(labels);
        out.histogram(names::OPERATION_DURATION, "_seconds", &labels, &DURATIONS, &figures.duration);
    }
    out.head(names::TOKEN_USAGE, "", "histogram", "Tokens of model calls");
    for (labels, figures) in &snapshot.calls {
        for (kind, histogram) in [("input", &figures.input), ("output", &figures.output)] {
            let mut labels = call(labels);
            labels.push((names::TOKEN_TYPE, kind));
            out.histogram(names::TOKEN_USAGE, "", &labels, &TOKENS, histogram);
        }
    }
    out.head(names::CACHED_TOKENS, "_total", "counter", "Tokens of prompts that upstreams had kept");
    for (labels, figures) in &snapshot.calls {
        out.line(names::CACHED_TOKENS, "_total", &call(labels), &figures.cached.to_string());
    }
    out.head(names::COST, "_micros_total", "counter", "What model calls cost, in millionths of the unit of money");
    for (labels, figures) in &snapshot.calls {
        out.line(names::COST, "_micros_total", &call(labels), &figures.cost.to_string());
    }
    out.head(names::TOOL_DURATION, "_seconds", "histogram", "Seconds that calls of data tools took");
    for (labels, histogram) in &snapshot.tools {
        let labels =
            [(names::ACCOUNT, &*labels.account), (names::TOOL, labels.tool), (names::ERROR_TYPE, labels.error)];
        out.histogram(names::TOOL_DURATION, "_seconds", &labels, &DURATIONS, histogram);
    }
    out.head(names::REFUSED, "_total", "counter", "Calls that limits and budgets refused");
    for (labels, count) in &snapshot.refused {
        let labels = [(names::ACCOUNT, &*labels.account), (names::LEVEL, labels.level), (names::LIMIT, labels.limit)];
        out.line(names::REFUSED, "_total", &labels, &count.to_string());
    }
    out.text
}

type Labels<'a> = [(&'a str, &'a str)];

fn call(labels: &super::CallLabels) -> Vec<(&str, &str)> {
    vec![
        (names::ACCOUNT, &labels.account),
        (names::WORKSPACE, &labels.workspace),
        (names::REQUEST_MODEL, &labels.model),
        (names::OPERATION, labels.operation),
        (names::ERROR_TYPE, labels.error),
    ]
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

    fn head(&mut self, name: &str, suffix: &str, kind: &str, help: &str) {
        self.text.push_str("# HELP ");
        self.name(name, suffix);
        let _ = writeln!(self.text, " {help}");
        self.text.push_str("# TYPE ");
        self.name(name, suffix);
        let _ = writeln!(self.text, " {kind}");
    }

    fn line(&mut self, name: &str, suffix: &str, labels: &Labels<'_>, value: &str) {
        self.name(name, suffix);
        self.labels(labels, None);
        let _ = writeln!(self.text, " {value}");
    }

    fn histogram(&mut self, name: &str, unit: &str, labels: &Labels<'_>, bounds: &[f64; 14], histogram: &Histogram) {
        let mut sum = 0_u64;
        for (place, count) in histogram.counts.iter().enumerate() {
            sum = sum.saturating_add(*count);
            self.name(name, unit);
            self.text.push_str("_bucket");
            let bound = bounds.get(place).map_or_else(|| "+Inf".to_owned(), ToString::to_string);
            self.labels(labels, Some(&bound));
            let _ = writeln!(self.text, " {sum}");
        }
        let figures = [("_sum", histogram.sum.to_string()), ("_count", histogram.count().to_string())];
        for (what, value) in figures {
            self.name(name, unit);
            self.text.push_str(what);
            self.labels(labels, None);
            let _ = writeln!(self.text, " {value}");
        }
    }

    fn labels(&mut self, labels: &Labels<'_>, bound: Option<&str>) {
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
            error: "",
        };
        metrics.call(labels.clone(), Duration::from_millis(15), 5, 2, 7, 42);
        metrics.call(labels, Duration::from_secs(100), 0, 0, 100_000_000, 1);
        metrics
            .tool(ToolLabels { account: "acme".into(), tool: "query", error: "NOT_FOUND" }, Duration::from_millis(1));
        metrics.refused(RefusedLabels { account: "acme".into(), level: "user", limit: "budget" });
        let text = prometheus(&metrics.snapshot());
        let account = r#"tenantry_account="ac\"me\\\n",gen_ai_request_model="small",gen_ai_operation_name="chat""#;
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
            r#"tenantry_limit_refused_total{tenantry_account="acme",tenantry_limit_level="user",tenantry_limit_kind="budget"} 1"#.to_owned(),
        ] {
            assert!(text.lines().any(|one| one == line), "{line}\nis not in\n{text}");
        }
    }

    #[test]
    fn there_is_an_end_of_series() {
        let metrics = Metrics::default();
        for number in 0..10_100_u32 {
            metrics.refused(RefusedLabels { account: number.to_string().into(), level: "user", limit: "requests" });
        }
        let refused = metrics.snapshot().refused;
        assert_eq!(refused.len(), 10_001);
        assert_eq!(refused.iter().find(|(labels, _)| &*labels.account == OTHERS).unwrap().1, &100);
    }
}
