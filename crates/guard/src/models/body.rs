//! A request's body: read as far as needed and no further, and sent on byte for byte but for the fields that
//! are ours to set.
//!
//! The whole text is checked to be JSON, so that no upstream reads another request in it than we did: a
//! member that stands twice at the top is refused, since readers disagree on which of them counts.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::catalog::{CapField, Partition, Target};
use super::inside::{Inside, KEPT, Look, TELLING};
use super::refusal::Refusal;
use super::surface::Surface;

/// The longest name of a model.
const LONGEST_NAME: usize = 256;

/// What other servers call the cap of an answer: it would count beside ours, or before it.
const OTHER_CAPS: [&str; 4] = ["n_predict", "num_predict", "max_new_tokens", "max_length"];

/// The most tokens that an upstream adds to a prompt where there are tools.
const TOLD_OF_TOOLS: u64 = 1_000;

/// How the types of tools begin whose calls the caller answers; whatever else there is, the upstream runs itself.
const RUN_BY_CALLERS: [&str; 8] =
    ["function", "custom", "local_shell", "apply_patch", "computer", "bash_", "text_editor_", "memory_"];

fn hosted(kind: &str) -> Refusal {
    let kind: String = kind.chars().filter(|c| !c.is_control()).take(64).collect();
    Refusal::invalid(format!("`{kind}` would be run by the upstream, and is not offered."))
}

/// What is read of a body.
#[derive(Debug)]
pub(crate) struct Parsed<'b> {
    text: &'b str,
    /// Where the object begins.
    open: usize,
    members: Vec<Member<'b>>,
    surface: Surface,
    /// What the caller calls the model.
    pub(crate) model: String,
    /// Are events asked for?
    pub(crate) stream: bool,
    /// Is the usage asked for in a stream's events?
    pub(crate) include_usage: bool,
    /// The most output tokens asked for, for each of the choices.
    pub(crate) max_tokens: Option<u64>,
    /// How many answers are asked for.
    pub(crate) choices: u64,
    /// The answer that this one follows, kept by the upstream.
    pub(crate) previous: Option<String>,
    /// Tokens of the prompt that no byte of it shows: of pictures and documents, and what upstreams say of tools.
    pub(crate) beyond: u64,
    /// Does it name pictures or documents by an address, which the upstream would fetch?
    pub(crate) fetches: bool,
}

#[derive(Debug)]
struct Member<'b> {
    name: Cow<'b, str>,
    value: &'b RawValue,
    at: usize,
}

/// A member's name, borrowed where it holds no escape.
pub(super) struct Key<'b>(pub(super) Cow<'b, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

struct Members<'b>(Vec<(Cow<'b, str>, &'b RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::with_capacity(16);
                while let Some(Key(name)) = map.next_key()? {
                    members.push((name, map.next_value()?));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// Is a name the same for readers that do not look at the size of letters? Two letters outside of ASCII fold into it.
fn written_small(name: &str) -> bool {
    !name.chars().any(|letter| letter.is_ascii_uppercase() || matches!(letter, '\u{17f}' | '\u{212a}'))
}

fn members<'b>(text: &'b str) -> Result<Vec<Member<'b>>, Refusal> {
    let Members(found) = serde_json::from_str(text).map_err(|error| {
        // The place, and not the text there.
        Refusal::invalid(format!("The body is not a JSON object (line {}, column {}).", error.line(), error.column()))
    })?;
    let start = text.as_ptr().addr();
    let mut members: Vec<Member<'b>> = Vec::with_capacity(found.len());
    for (name, value) in found {
        let shown = || name.chars().filter(|c| !c.is_control()).take(64).collect::<String>();
        // Some readers take `Model` for `model` (Go's, and with it Ollama): to them it would stand there twice.
        if !written_small(&name) {
            let shown = shown();
            return Err(Refusal::invalid(format!("The body has `{shown}`: names are in small letters.")).param(shown));
        }
        if members.iter().any(|known| known.name == name) {
            let shown = shown();
            return Err(Refusal::invalid(format!("The body has `{shown}` twice.")).param(shown));
        }
        let at = value.get().as_ptr().addr().saturating_sub(start);
        members.push(Member { name, value, at });
    }
    Ok(members)
}

impl<'b> Parsed<'b> {
    /// Reads a body.
    pub(crate) fn read(surface: Surface, body: &'b [u8]) -> Result<Parsed<'b>, Refusal> {
        let text = std::str::from_utf8(body).map_err(|_| Refusal::invalid("The body is not UTF-8."))?;
        let found = members(text)?;
        super::sound::check(text)?;
        let open = text.find('{').unwrap_or_default();
        let mut parsed = Parsed {
            text,
            open,
            members: found,
            surface,
            model: String::new(),
            stream: false,
            include_usage: false,
            max_tokens: None,
            choices: 1,
            previous: None,
            beyond: 0,
            fetches: false,
        };
        parsed.model = parsed
            .value::<String>("model")?
            .filter(|name| !name.is_empty() && name.len() <= LONGEST_NAME)
            .ok_or_else(|| Refusal::invalid("The body needs `model`, a text.").param("model"))?;
        if surface.streams() {
            parsed.stream = parsed.value("stream")?.unwrap_or(false);
        }
        match surface {
            Surface::Chat => {
                let completion: Option<u64> = parsed.value("max_completion_tokens")?;
                let tokens: Option<u64> = parsed.value("max_tokens")?;
                parsed.max_tokens = completion.max(tokens);
                // Upstreams that choose the best of several make them all.
                let best: Option<u64> = parsed.value("best_of")?;
                parsed.choices = parsed.value::<u64>("n")?.max(best).unwrap_or(1).max(1);
                if parsed.raw("web_search_options").is_some() {
                    return Err(hosted("web_search").param("web_search_options"));
                }
                if parsed.stream {
                    // As strictly as the body: whether there is a usage must not be read in two ways.
                    parsed.raw("stream_options").map(|options| members(options.get())).transpose()?;
                    let options: Option<StreamOptions> = parsed.value("stream_options")?;
                    parsed.include_usage = options.and_then(|options| options.include_usage).unwrap_or(false);
                }
            }
            Surface::Responses => {
                parsed.max_tokens = parsed.value("max_output_tokens")?;
                parsed.previous = parsed.value("previous_response_id")?;
                if parsed.value("background")?.unwrap_or(false) {
                    return Err(Refusal::invalid("Answers in the background are not offered.").param("background"));
                }
                for name in ["conversation", "prompt"] {
                    if parsed.raw(name).is_some() {
                        return Err(
                            Refusal::invalid(format!("`{name}` is kept by the upstream and not offered.")).param(name)
                        );
                    }
                }
            }
            Surface::Messages => parsed.max_tokens = parsed.value("max_tokens")?,
            Surface::Embeddings => {}
        }
        if parsed.max_tokens == Some(0) {
            // To some upstreams 0 is no limit at all.
            return Err(Refusal::invalid("An answer has at least one token.").param("max_tokens"));
        }
        for name in OTHER_CAPS {
            if parsed.raw(name).is_some() {
                let said = format!("`{name}` is not taken: say how long an answer may be as the protocol does.");
                return Err(Refusal::invalid(said).param(name));
            }
        }
        let tier: Option<String> = parsed.value("service_tier")?;
        if tier.is_some_and(|tier| !matches!(tier.as_str(), "auto" | "default" | "standard_only")) {
            return Err(Refusal::invalid("Only the usual service tier is offered.").param("service_tier"));
        }
        if parsed.raw("tools").is_some() {
            parsed.beyond = TOLD_OF_TOOLS;
        }
        parsed.refuse_hosted_tools()?;
        parsed.look_inside()?;
        Ok(parsed)
    }

    /// A member's value, unless it is absent or null.
    fn raw(&self, name: &str) -> Option<&'b RawValue> {
        let found = self.members.iter().find(|member| member.name == name)?.value;
        (found.get() != "null").then_some(found)
    }

    fn value<T: Deserialize<'b>>(&self, name: &'static str) -> Result<Option<T>, Refusal> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        serde_json::from_str(raw.get())
            .map(Some)
            .map_err(|_| Refusal::invalid(format!("`{name}` is not of the right type.")).param(name))
    }

    /// Refuses tools that the upstream would run itself: what they cost is in no count of tokens, and what they reach is
    /// not the caller's to say.
    fn refuse_hosted_tools(&self) -> Result<(), Refusal> {
        #[derive(Deserialize)]
        struct Tool<'t> {
            #[serde(borrow, default, rename = "type")]
            kind: Option<Cow<'t, str>>,
        }
        let Some(tools) = self.raw("tools").filter(|_| self.surface != Surface::Embeddings) else { return Ok(()) };
        let tools: Vec<Tool<'_>> = serde_json::from_str(tools.get())
            .map_err(|_| Refusal::invalid("`tools` is not of the right type.").param("tools"))?;
        for kind in tools.iter().filter_map(|tool| tool.kind.as_deref()) {
            if RUN_BY_CALLERS.iter().all(|known| !kind.starts_with(known)) {
                return Err(hosted(kind).param("tools"));
            }
        }
        Ok(())
    }

    /// Looks into messages, as far as something there may matter: ids of what an upstream keeps under our key, whoever
    /// put it there (nothing of the kind can be made through this door, so nothing of the kind is the caller's), and
    /// pictures and documents.
    fn look_inside(&mut self) -> Result<(), Refusal> {
        if self.surface == Surface::Embeddings {
            return Ok(());
        }
        // An escape may hide a name; only then, and where a name seems to stand, is it all read.
        let text = self.text.as_bytes();
        let stands = |name: &str| memchr::memmem::find(text, name.as_bytes()).is_some();
        let kept = KEPT.iter().any(|name| stands(name));
        let suspicious = kept || self.surface == Surface::Responses || TELLING.iter().any(|name| stands(name));
        if !suspicious {
            return Ok(());
        }
        let mut seen = Inside::of(self.surface);
        for member in &self.members {
            match member.name.as_ref() {
                "container" if member.value.get() != "null" => seen.kept = Some("container"),
                "messages" | "input" | "tools" => {
                    let mut reader = serde_json::Deserializer::from_str(member.value.get());
                    let look = Look::at(&mut seen, member.name == "input");
                    serde::de::DeserializeSeed::deserialize(look, &mut reader)
                        .map_err(|_| Refusal::invalid(format!("`{}` cannot be read.", member.name)))?;
                }
                _ => {}
            }
            if let Some(found) = seen.kept {
                let said = format!("`{found}` names nothing that this account has here.");
                return Err(Refusal::new(super::RefusalKind::NotFound, said).param(found));
            }
        }
        self.beyond = self.beyond.saturating_add(seen.tokens());
        self.fetches = seen.fetches;
        Ok(())
    }

    /// The body as it goes to an upstream: every byte as it came but for the model's name, the fields by
    /// which callers are kept apart, the cap of output tokens, and the usage of streams.
    pub(crate) fn outgoing(&self, target: &Target, cap: Option<u64>, partition: &str) -> Vec<u8> {
        let mut edits = Edits::default();
        let named = target.parts.model.as_deref();
        if let Some(name) = named
            && name != self.model
        {
            self.set(&mut edits, "model", quoted(name));
        }
        match self.surface {
            Surface::Messages => self.set(&mut edits, "metadata", ["{\"user_id\":", &quoted(partition), "}"].concat()),
            Surface::Embeddings => self.set(&mut edits, "user", quoted(partition)),
            Surface::Chat | Surface::Responses => {
                for (field, name) in [
                    (Partition::User, "user"),
                    (Partition::PromptCacheKey, "prompt_cache_key"),
                    (Partition::CacheSalt, "cache_salt"),
                ] {
                    if target.parts.partition.contains(&field) || self.raw(name).is_some() {
                        self.set(&mut edits, name, quoted(partition));
                    }
                }
                if self.raw("safety_identifier").is_some() {
                    self.set(&mut edits, "safety_identifier", quoted(partition));
                }
            }
        }
        self.cap(&mut edits, cap, target.parts.cap_field);
        if self.surface == Surface::Chat && self.stream && !self.include_usage {
            self.force_usage(&mut edits);
        }
        edits.apply(self.text, self.open)
    }

    /// Caps the output tokens; a request that asks for none is given the cap.
    fn cap(&self, edits: &mut Edits, cap: Option<u64>, field: CapField) {
        if (self.surface, field) == (Surface::Chat, CapField::MaxTokens) {
            let most = match (self.max_tokens, cap) {
                (Some(asked), Some(cap)) => Some(asked.min(cap)),
                (asked, cap) => asked.or(cap),
            };
            if let Some(most) = most {
                self.set(edits, "max_tokens", most.to_string());
            }
            return;
        }
        let Some(cap) = cap else { return };
        let names: &[&str] = match self.surface {
            Surface::Chat => &["max_completion_tokens", "max_tokens"],
            Surface::Responses => &["max_output_tokens"],
            Surface::Messages => &["max_tokens"],
            Surface::Embeddings => return,
        };
        let mut said = false;
        for name in names {
            if let Ok(Some(asked)) = self.raw(name).map(|raw| serde_json::from_str::<u64>(raw.get())).transpose() {
                said = true;
                if asked > cap {
                    self.set(edits, name, cap.to_string());
                }
            }
        }
        if let (false, Some(name)) = (said, names.first()) {
            self.set(edits, name, cap.to_string());
        }
    }

    fn force_usage(&self, edits: &mut Edits) {
        const FORCED: &str = "{\"include_usage\":true}";
        let Some(options) = self.raw("stream_options") else {
            return self.set(edits, "stream_options", FORCED.to_owned());
        };
        // The caller's other options stay as they are.
        let Ok(inside) = members(options.get()) else {
            return self.set(edits, "stream_options", FORCED.to_owned());
        };
        let mut text = String::from("{\"include_usage\":true");
        for member in inside.iter().filter(|member| member.name != "include_usage") {
            text.push(',');
            text.push_str(&quoted(&member.name));
            text.push(':');
            text.push_str(member.value.get());
        }
        text.push('}');
        self.set(edits, "stream_options", text);
    }

    fn set(&self, edits: &mut Edits, name: &str, value: String) {
        match self.members.iter().find(|member| member.name == name) {
            Some(member) => edits.replaced.push((member.at, member.value.get().len(), value)),
            None => edits.added.push([&quoted(name), ":", &value].concat()),
        }
    }
}

/// `stream_options` as far as it is read.
#[derive(Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: Option<bool>,
}

/// A JSON text.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    crate::json::write_text(text, &mut quoted);
    quoted
}

#[derive(Default)]
struct Edits {
    /// Where, how many bytes, by what.
    replaced: Vec<(usize, usize, String)>,
    added: Vec<String>,
}

impl Edits {
    fn apply(mut self, text: &str, open: usize) -> Vec<u8> {
        let bytes = text.as_bytes();
        self.replaced.sort_by_key(|(at, ..)| *at);
        let more: usize = self.replaced.iter().map(|(_, _, new)| new.len()).sum::<usize>()
            + self.added.iter().map(|new| new.len() + 1).sum::<usize>();
        let mut out = Vec::with_capacity(bytes.len() + more);
        let mut done = 0;
        let mut copy = |out: &mut Vec<u8>, until: usize, next: usize| {
            out.extend_from_slice(bytes.get(done..until).unwrap_or_default());
            done = next;
        };
        if !self.added.is_empty() {
            copy(&mut out, open + 1, open + 1);
            for added in &self.added {
                out.extend_from_slice(added.as_bytes());
                // There is a member after it: `model` at least.
                out.push(b',');
            }
        }
        for (at, length, new) in &self.replaced {
            copy(&mut out, *at, at + length);
            out.extend_from_slice(new.as_bytes());
        }
        copy(&mut out, bytes.len(), bytes.len());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::super::catalog::{Kind, TargetParts};
    use super::*;

    fn target(model: Option<&str>, partition: &[Partition]) -> Target {
        let parts =
            TargetParts { model: model.map(str::to_owned), partition: partition.to_vec(), ..TargetParts::default() };
        Target::new(Kind::OpenAi, 0, parts)
    }

    fn sent(surface: Surface, body: &str, target: &Target, cap: Option<u64>) -> String {
        let parsed = Parsed::read(surface, body.as_bytes()).unwrap();
        String::from_utf8(parsed.outgoing(target, cap, "k")).unwrap()
    }

    #[test]
    fn bytes_go_on_as_they_came_but_for_what_is_ours() {
        let plain = target(None, &[]);
        let body = "\n { \"model\" : \"m\",\t\"temperature\":1.0e0 ,\"messages\":[ {\"role\":\"user\",\"content\":\"h\\u00e9\"} ] }\n";
        assert_eq!(sent(Surface::Chat, body, &plain, None), body);
        for (surface, body, target, cap, expected) in [
            (Surface::Chat, r#"{"model":"m"}"#, target(Some("real"), &[]), None, r#"{"model":"real"}"#),
            (
                Surface::Chat,
                r#"{"user":"eve", "model":"m","cache_salt":"x"}"#,
                target(None, &[Partition::User, Partition::PromptCacheKey]),
                None,
                r#"{"prompt_cache_key":"k","user":"k", "model":"m","cache_salt":"k"}"#,
            ),
            (
                Surface::Chat,
                r#"{"model":"m","stream":true}"#,
                target(None, &[]),
                Some(7),
                r#"{"max_completion_tokens":7,"stream_options":{"include_usage":true},"model":"m","stream":true}"#,
            ),
            (
                Surface::Chat,
                r#"{"model":"m","stream":true,"max_tokens":9,"stream_options":{"include_usage":false,"x":[1]}}"#,
                target(None, &[]),
                Some(7),
                r#"{"model":"m","stream":true,"max_tokens":7,"stream_options":{"include_usage":true,"x":[1]}}"#,
            ),
            (
                Surface::Messages,
                r#"{"model":"m","max_tokens":5,"metadata":{"user_id":"eve"}}"#,
                target(None, &[]),
                Some(7),
                r#"{"model":"m","max_tokens":5,"metadata":{"user_id":"k"}}"#,
            ),
            (
                Surface::Responses,
                r#"{"model":"m"}"#,
                target(None, &[]),
                Some(7),
                r#"{"max_output_tokens":7,"model":"m"}"#,
            ),
            (Surface::Embeddings, r#"{"model":"m"}"#, target(None, &[]), Some(7), r#"{"user":"k","model":"m"}"#),
        ] {
            assert_eq!(sent(surface, body, &target, cap), expected);
        }
    }

    #[test]
    fn wrong_bodies_are_refused() {
        for (surface, body) in [
            (Surface::Chat, ""),
            (Surface::Chat, "[]"),
            (Surface::Chat, "{"),
            (Surface::Chat, r#"{"model":"m"} x"#),
            (Surface::Chat, r#"{"model":1}"#),
            (Surface::Chat, r#"{"model":""}"#),
            (Surface::Chat, r#"{}"#),
            (Surface::Chat, r#"{"model":"m","model":"n"}"#),
            (Surface::Chat, r#"{"model":"m","mod\u0065l":"n"}"#),
            (Surface::Chat, r#"{"model":"m","stream":"yes"}"#),
            (Surface::Chat, r#"{"model":"m","max_tokens":-1}"#),
            (Surface::Chat, r#"{"model":"m","service_tier":"priority"}"#),
            (Surface::Chat, r#"{"model":"m","messages":[{"content":[{"file":{"file_id":"file-1"}}]}]}"#),
            (Surface::Chat, r#"{"model":"m","messages":[{"content":[{"file":{"file\u005fid":"file-1"}}]}]}"#),
            (Surface::Responses, r#"{"model":"m","background":true}"#),
            (Surface::Responses, r#"{"model":"m","conversation":"conv_1"}"#),
            (Surface::Responses, r#"{"model":"m","tools":[{"type":"file_search","vector_store_ids":["vs_1"]}]}"#),
            (Surface::Messages, r#"{"model":"m","container":"c_1"}"#),
            // To a reader that does not look at the size of letters these stand there twice.
            (Surface::Chat, r#"{"model":"m","Model":"n"}"#),
            (Surface::Chat, r#"{"model":"m","MAX_TOKENS":9}"#),
            (Surface::Chat, r#"{"model":"m","me\u017fsages":[]}"#),
            (Surface::Chat, "{\"model\":\"m\",\"to\u{212a}en\":1}"),
            (
                Surface::Chat,
                r#"{"model":"m","stream":true,"stream_options":{"include_usage":true,"Include_usage":false}}"#,
            ),
            (Surface::Chat, r#"{"model":"m","stream":true,"stream_options":"x"}"#),
            // Caps that upstreams read otherwise, or besides.
            (Surface::Chat, r#"{"model":"m","max_tokens":0}"#),
            (Surface::Chat, r#"{"model":"m","max_tokens":1e3}"#),
            (Surface::Chat, r#"{"model":"m","max_tokens":99999999999999999999}"#),
            (Surface::Chat, r#"{"model":"m","max_tokens":1,"n_predict":-1}"#),
            (Surface::Responses, r#"{"model":"m","max_output_tokens":1,"max_new_tokens":9000}"#),
            (Surface::Messages, r#"{"model":"m","max_tokens":0}"#),
            // What the upstream would run, at a price that no count of tokens shows.
            (Surface::Chat, r#"{"model":"m","web_search_options":{}}"#),
            (Surface::Chat, r#"{"model":"m","tools":[{"type":"web_search"}]}"#),
            (
                Surface::Responses,
                r#"{"model":"m","tools":[{"type":"function"},{"type":"mcp","server_url":"http://10.0.0.1"}]}"#,
            ),
            (Surface::Responses, r#"{"model":"m","tools":[{"type":"image_generation"}]}"#),
            (Surface::Messages, r#"{"model":"m","tools":[{"t\u0079pe":"web_search_20250305"}]}"#),
            (Surface::Chat, r#"{"model":"m","tools":"x"}"#),
            // Ids of what others may have put there.
            (Surface::Responses, r#"{"model":"m","input":[{"type":"item_reference","id":"msg_1"}]}"#),
            (Surface::Responses, r#"{"model":"m","input":[{"id":"msg_1"}]}"#),
            (Surface::Responses, r#"{"model":"m","input":[{"type":null,"id":"msg_1"}]}"#),
            (Surface::Responses, r#"{"model":"m","input":[{"type":"reasoning","id":"rs_1","summary":[]}]}"#),
            (
                Surface::Responses,
                r#"{"model":"m","input":[{"type":"image_generation_call","id":"ig_1","result":null}]}"#,
            ),
            (Surface::Chat, r#"{"model":"m","messages":[{"role":"assistant","audio":{"id":"audio_1"}}]}"#),
        ] {
            assert!(Parsed::read(surface, body.as_bytes()).is_err(), "{body}");
        }
        for (surface, body) in [
            (Surface::Responses, r#"{"model":"m","input":[{"role":"user","id":"msg_1","content":"x"}]}"#),
            (Surface::Responses, r#"{"model":"m","input":[{"type":"reasoning","id":"rs_1","encrypted_content":"x"}]}"#),
            (
                Surface::Responses,
                r#"{"model":"m","input":[{"type":"function_call_output","call_id":"c","output":"x"}]}"#,
            ),
            (Surface::Responses, r#"{"model":"m","tools":[{"type":"function","parameters":{"default":{"id":"x"}}}]}"#),
            (Surface::Messages, r#"{"model":"m","tools":[{"name":"x","input_schema":{}},{"type":"bash_20250124"}]}"#),
            (Surface::Chat, r#"{"model":"m","audio":{"voice":"x"},"tools":[{"type":"function","function":{}}]}"#),
        ] {
            assert!(Parsed::read(surface, body.as_bytes()).is_ok(), "{body}");
        }
        assert!(Parsed::read(Surface::Chat, b"{\"model\":\"\xff\"}").is_err());
        // A function may have a parameter of that name.
        let schema =
            r#"{"model":"m","tools":[{"function":{"parameters":{"properties":{"file_id":{"type":"string"}}}}}]}"#;
        assert!(Parsed::read(Surface::Chat, schema.as_bytes()).is_ok());
    }

    /// Every level of a body is read once, by a reader that goes no deeper than it says.
    #[test]
    fn deep_bodies_are_refused_and_end_nothing() {
        for (open, close) in [(r#"{"file_id":"#, "}"), (r#"{"a":"#, "}"), ("[", "]")] {
            for (surface, member) in
                [(Surface::Chat, "messages"), (Surface::Responses, "input"), (Surface::Chat, "tools")]
            {
                let deep = [&open.repeat(200_000), "1", &close.repeat(200_000)].concat();
                let body = format!(r#"{{"model":"m","image_url":"","{member}":[{{"x":{deep}}}]}}"#);
                assert!(Parsed::read(surface, body.as_bytes()).is_err(), "{open} {member}");
            }
        }
    }

    #[test]
    fn pictures_and_documents_count_beyond_their_bytes_and_addresses_are_seen() {
        for (surface, body, beyond, fetches) in [
            (Surface::Chat, r#"{"model":"m","messages":[{"content":"https://x.example/?url=1"}]}"#, 0, false),
            (Surface::Chat, r#"{"model":"m","tools":[]}"#, 1_000, false),
            (
                Surface::Chat,
                r#"{"model":"m","messages":[{"content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}]}]}"#,
                50_000,
                false,
            ),
            (
                Surface::Chat,
                r#"{"model":"m","messages":[{"content":[{"type":"image_url","image_url":{"url":"http://169.254.169.254/"}}]}]}"#,
                50_000,
                true,
            ),
            (
                Surface::Chat,
                r#"{"model":"m","messages":[{"content":[{"t\u0079pe":"image_url","image_url":{"u\u0072l":"file:///etc/passwd"}}]}]}"#,
                50_000,
                true,
            ),
            (
                Surface::Chat,
                r#"{"model":"m","messages":[{"content":[{"type":"input_audio","input_audio":{"data":"AA"}}]}]}"#,
                200_000,
                false,
            ),
            (
                Surface::Responses,
                r#"{"model":"m","input":[{"role":"user","content":[{"type":"input_image","image_url":"https://x.example/"}]}]}"#,
                50_000,
                true,
            ),
            (
                Surface::Responses,
                r#"{"model":"m","input":[{"role":"user","content":[{"type":"input_file","file_url":"https://x.example/"}]}]}"#,
                200_000,
                true,
            ),
            (
                Surface::Messages,
                r#"{"model":"m","messages":[{"content":[{"type":"image","source":{"type":"url","url":"https://x.example/"}}]}]}"#,
                50_000,
                true,
            ),
            // What a tool was called with is no address for the upstream.
            (
                Surface::Messages,
                r#"{"model":"m","messages":[{"content":[{"type":"tool_use","input":{"url":"https://x.example/","file_id":"f"}}]}]}"#,
                0,
                false,
            ),
        ] {
            let parsed = Parsed::read(surface, body.as_bytes()).unwrap();
            assert_eq!((parsed.beyond, parsed.fetches), (beyond, fetches), "{body}");
        }
    }

    #[test]
    fn the_cap_goes_by_the_name_that_the_upstream_knows() {
        let mut old = target(None, &[]);
        old.parts.cap_field = CapField::MaxTokens;
        for (body, cap, expected) in [
            (r#"{"model":"m"}"#, None, r#"{"model":"m"}"#),
            (r#"{"model":"m"}"#, Some(7), r#"{"max_tokens":7,"model":"m"}"#),
            (
                r#"{"model":"m","max_completion_tokens":5}"#,
                None,
                r#"{"max_tokens":5,"model":"m","max_completion_tokens":5}"#,
            ),
            (r#"{"model":"m","max_tokens":9}"#, Some(7), r#"{"model":"m","max_tokens":7}"#),
        ] {
            assert_eq!(sent(Surface::Chat, body, &old, cap), expected);
        }
        let best = Parsed::read(Surface::Chat, br#"{"model":"m","n":2,"best_of":5}"#).unwrap();
        assert_eq!(best.choices, 5);
    }
}
