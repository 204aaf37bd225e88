//! How a caller stands with its limits, in the headers that each protocol's clients know.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use tenantry_guard::limits::Standing;
use tenantry_policy::Clock;
use tenantry_policy::value::format_timestamp;

use super::failure::Form;

struct Names {
    limit: &'static str,
    remaining: &'static str,
    reset: &'static str,
}

const OPENAI: [Names; 2] = [
    Names {
        limit: "x-ratelimit-limit-requests",
        remaining: "x-ratelimit-remaining-requests",
        reset: "x-ratelimit-reset-requests",
    },
    Names {
        limit: "x-ratelimit-limit-tokens",
        remaining: "x-ratelimit-remaining-tokens",
        reset: "x-ratelimit-reset-tokens",
    },
];

const ANTHROPIC: [Names; 2] = [
    Names {
        limit: "anthropic-ratelimit-requests-limit",
        remaining: "anthropic-ratelimit-requests-remaining",
        reset: "anthropic-ratelimit-requests-reset",
    },
    Names {
        limit: "anthropic-ratelimit-tokens-limit",
        remaining: "anthropic-ratelimit-tokens-remaining",
        reset: "anthropic-ratelimit-tokens-reset",
    },
];

/// The draft standard's (draft-ietf-httpapi-ratelimit-headers): what is left, and the policy.
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Tells how a caller stands: with calls, and with tokens.
pub(crate) fn tell(
    form: Form,
    (requests, tokens): (Option<Standing>, Option<Standing>),
    clock: &dyn Clock,
    headers: &mut HeaderMap,
) {
    let names = match form {
        Form::OpenAi => &OPENAI,
        Form::Anthropic => &ANTHROPIC,
    };
    let (mut left, mut policies) = (Vec::new(), Vec::new());
    for (names, (what, standing)) in names.iter().zip([("requests", requests), ("tokens", tokens)]) {
        let Some(standing) = standing else { continue };
        let seconds = standing.reset.as_secs() + u64::from(standing.reset.subsec_nanos() > 0);
        let reset = match form {
            Form::OpenAi => span(standing.reset),
            Form::Anthropic => {
                let wait = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000);
                let whole = clock.now_micros().saturating_add(wait).div_euclid(1_000_000).saturating_mul(1_000_000);
                format_timestamp(whole).unwrap_or_default()
            }
        };
        let told = [
            (names.limit, standing.limit.to_string()),
            (names.remaining, standing.remaining.to_string()),
            (names.reset, reset),
        ];
        for (name, value) in told {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        left.push(format!("\"{what}\";r={};t={seconds}", standing.remaining));
        policies.push(format!("\"{what}\";q={};w={}", standing.limit, standing.within.as_secs()));
    }
    for (name, list) in [(RATE_LIMIT, left), (POLICY, policies)] {
        if let (false, Ok(value)) = (list.is_empty(), HeaderValue::from_str(&list.join(", "))) {
            headers.insert(name, value);
        }
    }
}

/// A span as OpenAI writes it: `1m30s`, `250ms`.
fn span(time: Duration) -> String {
    let (seconds, millis) = (time.as_secs(), time.subsec_millis());
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0) => format!("{millis}ms"),
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds}s"),
        (hours, minutes, seconds) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_written_as_clients_read_them() {
        for (millis, written) in [(250, "250ms"), (1_000, "1s"), (90_000, "1m30s"), (86_400_000, "24h0m0s"), (0, "0ms")]
        {
            assert_eq!(span(Duration::from_millis(millis)), written);
        }
    }
}
