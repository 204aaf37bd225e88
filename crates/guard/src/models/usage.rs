//! What a call used, as answers report it in each form.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::catalog::Price;
use super::refusal::harmless;
use super::surface::Surface;

/// Tokens of a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the prompt, with those that the upstream had kept.
    pub input: u64,
    /// Tokens of the prompt that the upstream had kept.
    pub cached_input: u64,
    /// Tokens of the prompt that the upstream was told to keep.
    pub written_input: u64,
    /// Tokens of the answer.
    pub output: u64,
    /// Did the upstream report it? Otherwise it is estimated from what was delivered.
    pub reported: bool,
}

/// More tokens than any call has. What is reported beyond is a fault of the upstream's, and must not overflow the sums
/// of everybody's.
pub(crate) const MOST_TOKENS: u64 = 1_000_000_000;

/// More than any call costs, in micro-units.
const MOST_COST: u64 = 1_000_000_000_000_000;

/// The one divisor of prices, which are per million tokens.
const MILLION: u128 = 1_000_000;

impl Usage {
    /// What it costs in micro-units, rounded up; never more than 10^15, however absurd price and tokens are.
    #[must_use]
    pub fn cost(&self, price: &Price) -> u64 {
        let cached = self.cached_input.min(self.input);
        let written = self.written_input.min(self.input.saturating_sub(cached));
        let part = |tokens: u64, price: u64| u128::from(tokens) * u128::from(price);
        let sum = part(self.input.saturating_sub(cached).saturating_sub(written), price.input)
            .saturating_add(part(cached, price.cached_input))
            .saturating_add(part(written, price.cache_write))
            .saturating_add(part(self.output, price.output));
        u64::try_from(sum.div_ceil(MILLION)).unwrap_or(u64::MAX).min(MOST_COST)
    }

    /// With the prompt as it was estimated, where none was reported: no prompt is nothing.
    pub(crate) fn with_prompt(self, estimated: u64) -> Usage {
        if self.input > 0 || estimated == 0 {
            return self;
        }
        Usage { input: estimated, reported: false, ..self }
    }
}

/// Every protocol's names for the same few numbers.
#[derive(Debug, Default, Deserialize)]
struct Reported {
    #[serde(default)]
    prompt_tokens: Option<u64>,
    #[serde(default)]
    completion_tokens: Option<u64>,
    #[serde(default)]
    total_tokens: Option<u64>,
    #[serde(default)]
    input_tokens: Option<u64>,
    #[serde(default)]
    output_tokens: Option<u64>,
    #[serde(default)]
    prompt_tokens_details: Option<Details>,
    #[serde(default)]
    input_tokens_details: Option<Details>,
    #[serde(default)]
    cache_read_input_tokens: Option<u64>,
    #[serde(default)]
    cache_creation_input_tokens: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
struct Details {
    #[serde(default)]
    cached_tokens: Option<u64>,
}

/// What is read of an answer's JSON. Its usage is read by itself: numbers that are none (below nothing, broken) are no
/// report, and everything else still counts.
#[derive(Debug, Deserialize)]
struct Whole<'d> {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    error: Option<Fault>,
    #[serde(default, borrow)]
    usage: Option<&'d RawValue>,
}

/// What is read of a failure: a sentence, or an object that has one.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Fault {
    Object {
        #[serde(default)]
        message: Option<String>,
    },
    Text(String),
    Other(serde::de::IgnoredAny),
}

impl Fault {
    fn is_harmless(&self) -> bool {
        match self {
            Fault::Object { message } => message.as_deref().is_none_or(harmless),
            Fault::Text(text) => harmless(text),
            Fault::Other(_) => false,
        }
    }
}

/// What is read of a stream's event.
#[derive(Debug, Deserialize)]
struct Event<'d> {
    #[serde(default, borrow)]
    usage: Option<&'d RawValue>,
    #[serde(default)]
    choices: Option<Vec<serde::de::IgnoredAny>>,
    #[serde(default, borrow)]
    response: Option<Whole<'d>>,
    #[serde(default, borrow)]
    message: Option<Whole<'d>>,
}

fn reported(usage: Option<&RawValue>) -> Option<Reported> {
    serde_json::from_str(usage?.get()).ok()
}

/// What an answer's JSON tells.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Its id.
    pub(crate) id: Option<String>,
    /// Its usage.
    pub(crate) usage: Option<Usage>,
    /// Does it tell of the upstream's failure, in words that are not for callers?
    pub(crate) failed: bool,
}

/// Reads an answer's JSON.
pub(crate) fn of_whole(surface: Surface, body: &[u8]) -> Report {
    let Ok(whole) = serde_json::from_slice::<Whole<'_>>(body) else { return Report::default() };
    let mut sum = Usage::default();
    let usage = reported(whole.usage).and_then(|reported| {
        merge(surface, &mut sum, &reported);
        sum.reported.then_some(sum)
    });
    let failed = whole.error.is_some_and(|error| surface != Surface::Responses || !error.is_harmless());
    Report { id: whole.id, usage, failed }
}

fn merge(surface: Surface, into: &mut Usage, reported: &Reported) {
    match surface {
        Surface::Messages => {
            // Events repeat and add: `message_start` has the prompt's, `message_delta` the answer's.
            let (read, made) = (reported.cache_read_input_tokens, reported.cache_creation_input_tokens);
            if let Some(input) = reported.input_tokens.filter(|input| *input > 0 || read.is_some() || made.is_some()) {
                let (read, made) = (read.unwrap_or_default(), made.unwrap_or_default());
                (into.cached_input, into.written_input) = (read, made);
                into.input = input.saturating_add(read).saturating_add(made);
            }
            if let Some(output) = reported.output_tokens {
                into.output = into.output.max(output);
            }
        }
        _ => {
            let input = reported.prompt_tokens.or(reported.input_tokens).unwrap_or_default();
            let output = reported.completion_tokens.or(reported.output_tokens);
            let output = output.or_else(|| Some(reported.total_tokens?.saturating_sub(input))).unwrap_or_default();
            let details = reported.prompt_tokens_details.as_ref().or(reported.input_tokens_details.as_ref());
            into.input = input;
            into.output = output;
            into.cached_input = details.and_then(|details| details.cached_tokens).unwrap_or_default().min(input);
        }
    }
    for tokens in [&mut into.input, &mut into.cached_input, &mut into.output] {
        *tokens = (*tokens).min(MOST_TOKENS);
    }
    // Nothing but zeros is no report: so it is written where an upstream tells none, by itself or by its translator.
    into.reported |= into.input > 0 || into.output > 0;
}

/// What is gathered while events pass.
#[derive(Debug)]
pub(crate) struct Gathered {
    surface: Surface,
    usage: Usage,
    /// The answer's id, where the upstream keeps it.
    pub(crate) id: Option<String>,
    /// Has the answer come to its own end?
    pub(crate) ended: bool,
    /// Events with content.
    pub(crate) events: u64,
    /// Bytes of content.
    bytes: u64,
}

/// What to do with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Let it pass.
    Pass,
    /// It holds the usage and nothing else.
    UsageOnly,
    /// It tells of the upstream's failure, in words that are not for callers.
    Fault,
}

impl Gathered {
    pub(crate) fn new(surface: Surface) -> Gathered {
        Gathered { surface, usage: Usage::default(), id: None, ended: false, events: 0, bytes: 0 }
    }

    /// Looks at an event's data.
    pub(crate) fn see(&mut self, data: &[u8]) -> Seen {
        match self.surface {
            Surface::Chat => self.see_chat(data),
            Surface::Responses => self.see_response(data),
            Surface::Messages => self.see_message(data),
            Surface::Embeddings => Seen::Pass,
        }
    }

    fn see_chat(&mut self, data: &[u8]) -> Seen {
        if data == b"[DONE]" {
            self.ended = true;
            return Seen::Pass;
        }
        if after(data, b"\"error\":").is_some_and(|rest| rest.trim_ascii_start().starts_with(b"{"))
            || after(data, b"\"choices\"").is_none() && after(data, b"\"error\"").is_some()
        {
            return Seen::Fault;
        }
        if let Some(rest) = after(data, b"\"finish_reason\":")
            && rest.trim_ascii_start().starts_with(b"\"")
        {
            self.ended = true;
        }
        let content = text_bytes(data, b"\"content\":")
            + text_bytes(data, b"\"arguments\":")
            + text_bytes(data, b"\"reasoning_content\":")
            + text_bytes(data, b"\"refusal\":");
        self.content(content);
        let has_usage = after(data, b"\"usage\":").is_some_and(|rest| rest.trim_ascii_start().starts_with(b"{"));
        if has_usage
            && let Ok(event) = serde_json::from_slice::<Event<'_>>(data)
            && event.usage.is_some()
        {
            if let Some(usage) = reported(event.usage) {
                merge(self.surface, &mut self.usage, &usage);
            }
            if event.choices.as_ref().is_none_or(Vec::is_empty) {
                return Seen::UsageOnly;
            }
        }
        Seen::Pass
    }

    fn see_response(&mut self, data: &[u8]) -> Seen {
        self.content(text_bytes(data, b"\"delta\":"));
        let Some(kind) = after(data, b"\"type\":").map(<[u8]>::trim_ascii_start) else { return Seen::Pass };
        let last = [&b"\"response.completed\""[..], b"\"response.incomplete\"", b"\"response.failed\""];
        let is_last = last.iter().any(|name| kind.starts_with(name));
        if (is_last || kind.starts_with(b"\"response.created\""))
            && let Ok(event) = serde_json::from_slice::<Event<'_>>(data)
            && let Some(response) = event.response
        {
            let fault = response.error.as_ref().is_some_and(|error| !error.is_harmless());
            if let Some(usage) = reported(response.usage) {
                merge(self.surface, &mut self.usage, &usage);
            }
            self.id = response.id.or(self.id.take());
            if fault {
                self.ended = true;
                return Seen::Fault;
            }
        }
        if kind.starts_with(b"\"error\"") {
            return Seen::Fault;
        }
        self.ended |= is_last;
        Seen::Pass
    }

    fn see_message(&mut self, data: &[u8]) -> Seen {
        let Some(kind) = after(data, b"\"type\":").map(<[u8]>::trim_ascii_start) else { return Seen::Pass };
        if kind.starts_with(b"\"content_block_delta\"") {
            self.content(
                text_bytes(data, b"\"text\":")
                    + text_bytes(data, b"\"partial_json\":")
                    + text_bytes(data, b"\"thinking\":"),
            );
        } else if (kind.starts_with(b"\"message_start\"") || kind.starts_with(b"\"message_delta\""))
            && let Ok(event) = serde_json::from_slice::<Event<'_>>(data)
        {
            if let Some(usage) = reported(event.usage.or(event.message.and_then(|message| message.usage))) {
                merge(self.surface, &mut self.usage, &usage);
            }
        } else if kind.starts_with(b"\"message_stop\"") {
            self.ended = true;
        } else if kind.starts_with(b"\"error\"") {
            return Seen::Fault;
        }
        Seen::Pass
    }

    fn content(&mut self, bytes: u64) {
        if bytes > 0 {
            self.events = self.events.saturating_add(1);
            self.bytes = self.bytes.saturating_add(bytes);
        }
    }

    /// What was used: as reported, or else what was delivered, and the prompt as it was estimated.
    pub(crate) fn usage(&self, estimated_input: u64) -> Usage {
        let delivered = self.events.max(self.bytes.div_ceil(4));
        if self.usage.reported && self.ended && (self.usage.output > 0 || delivered == 0) {
            return self.usage.with_prompt(estimated_input);
        }
        // Broken off: what was reported of it so far counts, and no less than was delivered.
        Usage {
            input: if self.usage.input > 0 { self.usage.input } else { estimated_input },
            cached_input: self.usage.cached_input,
            written_input: self.usage.written_input,
            output: self.usage.output.max(delivered),
            reported: false,
        }
    }
}

/// What follows the first occurrence of a needle.
fn after<'d>(data: &'d [u8], needle: &[u8]) -> Option<&'d [u8]> {
    let at = memchr::memmem::find(data, needle)?;
    data.get(at + needle.len()..)
}

/// How many bytes of text stand after each occurrence of a name.
fn text_bytes(data: &[u8], name: &[u8]) -> u64 {
    let mut sum = 0_u64;
    let mut rest = data;
    while let Some(found) = after(rest, name) {
        rest = found;
        let Some(text) = found.trim_ascii_start().strip_prefix(b"\"") else { continue };
        let mut escaped = false;
        let length = text.iter().position(|byte| {
            let end = *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            end
        });
        let length = length.unwrap_or(text.len());
        sum = sum.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        rest = text.get(length..).unwrap_or_default();
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_read_in_every_form() {
        let usage = |input, cached_input, output| {
            Some(Usage { input, cached_input, output, reported: true, ..Usage::default() })
        };
        for (surface, body, expected) in [
            (
                Surface::Chat,
                r#"{"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10,"prompt_tokens_details":{"cached_tokens":5}}}"#,
                usage(7, 5, 3),
            ),
            (Surface::Chat, r#"{"usage":{"prompt_tokens":0,"completion_tokens":0}}"#, None),
            (Surface::Chat, r#"{"usage":{"prompt_tokens":0,"completion_tokens":3}}"#, usage(0, 0, 3)),
            (Surface::Messages, r#"{"usage":{"input_tokens":0,"output_tokens":0}}"#, None),
            (Surface::Embeddings, r#"{"usage":{"prompt_tokens":7,"total_tokens":7}}"#, usage(7, 0, 0)),
            (
                Surface::Responses,
                r#"{"usage":{"input_tokens":7,"input_tokens_details":{"cached_tokens":2},"output_tokens":3}}"#,
                usage(7, 2, 3),
            ),
            (
                Surface::Messages,
                r#"{"usage":{"input_tokens":7,"cache_read_input_tokens":4,"cache_creation_input_tokens":2,"output_tokens":3}}"#,
                usage(13, 4, 3).map(|usage| Usage { written_input: 2, ..usage }),
            ),
            (Surface::Chat, r#"{"usage":null}"#, None),
            // Below nothing, or no whole number: no report, rather than one that gives money back.
            (Surface::Chat, r#"{"usage":{"prompt_tokens":7,"completion_tokens":-3}}"#, None),
            (Surface::Chat, r#"{"usage":{"prompt_tokens":7.5,"completion_tokens":3}}"#, None),
            (Surface::Chat, r#"{"usage":{"prompt_tokens":99999999999999999999,"completion_tokens":3}}"#, None),
            (
                Surface::Chat,
                r#"{"usage":{"prompt_tokens":1000000000000000000,"completion_tokens":18446744073709551615}}"#,
                usage(MOST_TOKENS, 0, MOST_TOKENS),
            ),
            (Surface::Chat, "not json", None),
        ] {
            assert_eq!(of_whole(surface, body.as_bytes()).usage, expected, "{body}");
        }
    }

    #[test]
    fn streams_are_gathered_and_what_breaks_off_is_estimated() {
        let mut chat = Gathered::new(Surface::Chat);
        assert_eq!(
            chat.see(br#"{"choices":[{"delta":{"content":"a \"b\""},"finish_reason":null}],"usage":null}"#),
            Seen::Pass
        );
        assert!(!chat.ended);
        assert_eq!(chat.usage(9), Usage { input: 9, output: 2, reported: false, ..Usage::default() });
        assert_eq!(chat.see(br#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#), Seen::Pass);
        assert!(chat.ended);
        assert_eq!(chat.see(br#"{"choices":[],"usage":{"prompt_tokens":4,"completion_tokens":1}}"#), Seen::UsageOnly);
        assert_eq!(chat.usage(9), Usage { input: 4, output: 1, reported: true, ..Usage::default() });

        // An event that holds only usage holds only usage, though it cannot be read.
        let mut chat = Gathered::new(Surface::Chat);
        chat.see(br#"{"choices":[{"delta":{"content":"four"},"finish_reason":"stop"}]}"#);
        assert_eq!(chat.see(br#"{"choices":[],"usage":{"prompt_tokens":-4,"completion_tokens":1}}"#), Seen::UsageOnly);
        assert_eq!(chat.usage(9), Usage { input: 9, output: 1, ..Usage::default() });

        let mut messages = Gathered::new(Surface::Messages);
        messages.see(br#"{"type":"message_start","message":{"id":"m","usage":{"input_tokens":25,"output_tokens":1}}}"#);
        messages.see(br#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello there"}}"#);
        assert_eq!(messages.usage(9), Usage { input: 25, output: 3, reported: false, ..Usage::default() });
        messages.see(br#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":15}}"#);
        messages.see(br#"{"type":"message_stop"}"#);
        assert_eq!(messages.usage(9), Usage { input: 25, output: 15, reported: true, ..Usage::default() });

        let mut responses = Gathered::new(Surface::Responses);
        responses.see(br#"{"type":"response.created","response":{"id":"resp_1","usage":null}}"#);
        responses.see(br#"{"type":"response.output_text.delta","delta":"Hi"}"#);
        responses.see(
            br#"{"type":"response.completed","response":{"id":"resp_1","usage":{"input_tokens":3,"output_tokens":2}}}"#,
        );
        assert_eq!(responses.id.as_deref(), Some("resp_1"));
        assert_eq!(responses.usage(9), Usage { input: 3, output: 2, reported: true, ..Usage::default() });
    }

    #[test]
    fn cost_is_rounded_up_and_never_wraps() {
        let price = Price { input: 150_000, cached_input: 75_000, cache_write: 300_000, output: 600_000 };
        let usage = Usage { input: 10, cached_input: 4, output: 1, reported: true, ..Usage::default() };
        // 6 × 0.15 + 4 × 0.075 + 1 × 0.6 = 1.8
        assert_eq!(usage.cost(&price), 2);
        // 4 × 0.15 + 4 × 0.075 + 2 × 0.3 + 1 × 0.6 = 2.1
        assert_eq!(Usage { written_input: 2, ..usage }.cost(&price), 3);
        assert_eq!(Usage::default().cost(&price), 0);
        let huge = Usage { input: u64::MAX, output: u64::MAX, reported: true, ..Usage::default() };
        assert_eq!(huge.cost(&Price { input: u64::MAX, output: u64::MAX, ..Price::default() }), MOST_COST);
    }
}
