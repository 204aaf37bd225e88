//! A request's body: read as far as needed and no further, and sent on byte for byte but for the fields that
//! are ours to set.
//!
//! The whole text is checked to be JSON, so that no upstream reads another request in it than we did: a
//! member that stands twice at the top is refused, since readers disagree on which of them counts.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::catalog::{Partition, Target};
use super::refusal::Refusal;
use super::surface::Surface;

/// The longest name of a model.
const LONGEST_NAME: usize = 256;

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
}

#[derive(Debug)]
struct Member<'b> {
    name: Cow<'b, str>,
    value: &'b RawValue,
    at: usize,
}

/// A member's name, borrowed where it holds no escape.
struct Key<'b>(Cow<'b, str>);

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

fn members<'b>(text: &'b str) -> Result<Vec<Member<'b>>, Refusal> {
    let Members(found) = serde_json::from_str(text).map_err(|error| {
        // The place, and not the text there.
        Refusal::invalid(format!("The body is not a JSON object (line {}, column {}).", error.line(), error.column()))
    })?;
    let start = text.as_ptr().addr();
    let mut members: Vec<Member<'b>> = Vec::with_capacity(found.len());
    for (name, value) in found {
        if members.iter().any(|known| known.name == name) {
            let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
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
        let members = members(text)?;
        let open = text.find('{').unwrap_or_default();
        let mut parsed = Parsed {
            text,
            open,
            members,
            surface,
            model: String::new(),
            stream: false,
            include_usage: false,
            max_tokens: None,
            choices: 1,
            previous: None,
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
                parsed.choices = parsed.value::<u64>("n")?.unwrap_or(1).max(1);
                if parsed.stream {
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
        let tier: Option<String> = parsed.value("service_tier")?;
        if tier.is_some_and(|tier| !matches!(tier.as_str(), "auto" | "default" | "standard_only")) {
            return Err(Refusal::invalid("Only the usual service tier is offered.").param("service_tier"));
        }
        parsed.refuse_kept_things()?;
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

    /// Refuses what an upstream keeps under our key, whoever put it there: files, containers, vector stores.
    /// Nothing of the kind can be made through this door, so nothing of the kind is the caller's.
    fn refuse_kept_things(&self) -> Result<(), Refusal> {
        const KEPT: [&str; 5] = ["file_id", "file_ids", "vector_store_ids", "container", "container_id"];
        if self.surface == Surface::Embeddings {
            return Ok(());
        }
        // An escape may hide a name; only then, and where a name seems to stand, is it all read.
        let suspicious = self.text.contains("\\u") || KEPT.iter().any(|name| self.text.contains(name));
        if !suspicious {
            return Ok(());
        }
        for member in &self.members {
            if member.name == "messages"
                || member.name == "input"
                || member.name == "tools"
                || member.name == "container"
            {
                let found = if KEPT.contains(&member.name.as_ref()) && member.value.get() != "null" {
                    Some(member.name.as_ref())
                } else {
                    let mut found = None;
                    let mut reader = serde_json::Deserializer::from_str(member.value.get());
                    let walked =
                        serde::de::DeserializeSeed::deserialize(Walk { kept: &KEPT, found: &mut found }, &mut reader);
                    walked.map_err(|_| Refusal::invalid(format!("`{}` is nested too deep.", member.name)))?;
                    found
                };
                if let Some(found) = found {
                    return Err(Refusal::new(
                        super::RefusalKind::NotFound,
                        format!("`{found}` names nothing that this account has here."),
                    )
                    .param(found));
                }
            }
        }
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
        if let Some(cap) = cap {
            self.cap(&mut edits, cap);
        }
        if self.surface == Surface::Chat && self.stream && !self.include_usage {
            self.force_usage(&mut edits);
        }
        edits.apply(self.text, self.open)
    }

    /// Caps the output tokens; a request that asks for none is given the cap.
    fn cap(&self, edits: &mut Edits, cap: u64) {
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

/// Looks for names anywhere in a value.
struct Walk<'a> {
    kept: &'a [&'static str],
    found: &'a mut Option<&'static str>,
}

impl<'de> serde::de::DeserializeSeed<'de> for Walk<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Walk { kept: self.kept, found: self.found })?.is_some() {}
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(name)) = map.next_key()? {
            match self.kept.iter().find(|kept| **kept == name) {
                // A schema of a function may describe a parameter of that name: an object is no id.
                Some(kept) => match map.next_value::<&RawValue>() {
                    Ok(value) if value.get().starts_with(['"', '[']) => *self.found = Some(kept),
                    Ok(value) => {
                        let mut reader = serde_json::Deserializer::from_str(value.get());
                        let walk = Walk { kept: self.kept, found: self.found };
                        let walked = serde::de::DeserializeSeed::deserialize(walk, &mut reader);
                        walked.map_err(serde::de::Error::custom)?;
                    }
                    Err(error) => return Err(error),
                },
                None => {
                    map.next_value_seed(Walk { kept: self.kept, found: self.found })?;
                }
            }
        }
        Ok(())
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
        ] {
            assert!(Parsed::read(surface, body.as_bytes()).is_err(), "{body}");
        }
        assert!(Parsed::read(Surface::Chat, b"{\"model\":\"\xff\"}").is_err());
        // A function may have a parameter of that name.
        let schema =
            r#"{"model":"m","tools":[{"function":{"parameters":{"properties":{"file_id":{"type":"string"}}}}}]}"#;
        assert!(Parsed::read(Surface::Chat, schema.as_bytes()).is_ok());
    }
}
