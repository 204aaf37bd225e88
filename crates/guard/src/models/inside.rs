//! What stands inside a request's messages and matters before they are sent on: ids of what upstreams keep, and
//! pictures and documents.

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::body::Key;
use super::surface::Surface;

/// Members that name what an upstream keeps.
pub(super) const KEPT: [&str; 5] = ["file_id", "file_ids", "vector_store_ids", "container", "container_id"];

/// What stands in a body that has to be looked into: an escape, which may hide anything; pictures and documents; the
/// id of an answer that was spoken.
pub(super) const TELLING: [&str; 6] = ["\\u", "_url", "base64", "\"url\"", "input_audio", "\"audio\""];

/// More tokens than a picture is to any model known, however few bytes it has.
const PICTURE: u64 = 50_000;

/// As much as models read at once: a document or a recording is no more.
const READ_AT_ONCE: u64 = 200_000;

/// What was seen.
#[derive(Debug)]
pub(super) struct Inside {
    surface: Surface,
    /// A member that names what an upstream keeps.
    pub(super) kept: Option<&'static str>,
    /// Would the upstream fetch something?
    pub(super) fetches: bool,
    pictures: u64,
    documents: u64,
}

impl Inside {
    pub(super) fn of(surface: Surface) -> Inside {
        Inside { surface, kept: None, fetches: false, pictures: 0, documents: 0 }
    }

    /// The tokens that pictures and documents may be.
    pub(super) fn tokens(&self) -> u64 {
        self.pictures.saturating_mul(PICTURE).saturating_add(self.documents.saturating_mul(READ_AT_ONCE))
    }

    /// Takes in what an object is: `item`, where it is one of a list of items.
    fn is(&mut self, said: &Said, item: bool) {
        match said.kind.as_deref() {
            Some("image_url" | "input_image" | "image") => self.pictures = self.pictures.saturating_add(1),
            Some("document" | "file" | "input_file" | "input_audio" | "audio_url" | "video_url" | "input_video") => {
                self.documents = self.documents.saturating_add(1);
            }
            _ => {}
        }
        // An item that says only which one it is, is one that the upstream keeps; without a type it is a reference.
        let named = match said.kind.as_deref() {
            Some("item_reference") => true,
            None
            | Some(
                "reasoning"
                | "image_generation_call"
                | "file_search_call"
                | "web_search_call"
                | "code_interpreter_call",
            ) => said.id && !said.whole,
            // Of tools that are not offered: whatever it goes on from is not the caller's.
            Some(kind) if kind.starts_with("mcp_") => true,
            Some(_) => said.id && !said.whole && !said.call,
        };
        if item && named {
            self.kept = Some("item_reference");
        }
    }
}

/// What an object said that only means something together.
#[derive(Default)]
struct Said {
    kind: Option<String>,
    id: bool,
    /// Has it what it is about, rather than only a name for it?
    whole: bool,
    /// Has it what was called with?
    call: bool,
}

/// What a value is to the object that it stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum As {
    Kept(&'static str),
    Kind,
    Id,
    Whole,
    Call,
    Address,
    Spoken,
    Else,
}

impl As {
    fn named(name: &str) -> As {
        if let Some(kept) = KEPT.iter().find(|kept| **kept == name) {
            return As::Kept(kept);
        }
        match name {
            "type" => As::Kind,
            "id" => As::Id,
            "role" | "content" | "encrypted_content" | "output" | "result" => As::Whole,
            "arguments" | "input" | "action" | "operation" => As::Call,
            "image_url" | "video_url" | "audio_url" | "file_url" | "url" => As::Address,
            "audio" => As::Spoken,
            _ => As::Else,
        }
    }
}

/// Looks at a value and everything in it.
pub(super) struct Look<'a> {
    seen: &'a mut Inside,
    /// The object that it stands in.
    around: Said,
    to: As,
    /// Is it a list of items, or (2) one of them?
    items: u8,
}

impl<'a> Look<'a> {
    /// At a member of the body: `items`, where it is a list of them.
    pub(super) fn at(seen: &'a mut Inside, items: bool) -> Look<'a> {
        let items = u8::from(items && seen.surface == Surface::Responses);
        Look { seen, around: Said::default(), to: As::Else, items }
    }
}

impl<'de> DeserializeSeed<'de> for Look<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let Look { seen, mut around, to, items } = self;
        deserializer.deserialize_any(At { seen, around: &mut around, to, items })
    }
}

/// A value, and the object that it stands in.
struct At<'a> {
    seen: &'a mut Inside,
    around: &'a mut Said,
    to: As,
    items: u8,
}

impl<'de> DeserializeSeed<'de> for At<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl At<'_> {
    fn something(self) {
        self.around.whole |= self.to == As::Whole;
        self.around.call |= self.to == As::Call;
    }
}

impl<'de> Visitor<'de> for At<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any value")
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.something();
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.something();
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        self.something();
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.something();
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        match self.to {
            As::Kept(name) => self.seen.kept = Some(name),
            As::Kind => self.around.kind = Some(text.to_owned()),
            As::Id => self.around.id = true,
            // Only what is carried along is not fetched.
            As::Address => {
                self.seen.fetches |= !text.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"));
            }
            As::Whole | As::Call | As::Spoken | As::Else => self.something(),
        }
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        if let As::Kept(name) = self.to {
            self.seen.kept = Some(name);
        }
        let items = if self.items == 1 { 2 } else { 0 };
        loop {
            let next = At { seen: &mut *self.seen, around: &mut Said::default(), to: As::Else, items };
            if seq.next_element_seed(next)?.is_none() {
                break;
            }
        }
        self.something();
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut said = Said::default();
        while let Some(Key(name)) = map.next_key()? {
            // What a call was given is the caller's own, whatever it is called.
            if name == "input" && self.seen.surface == Surface::Messages {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let to = As::named(&name);
            map.next_value_seed(At { seen: &mut *self.seen, around: &mut said, to, items: 0 })?;
        }
        if self.to == As::Spoken && said.id {
            self.seen.kept = Some("audio");
        }
        self.seen.is(&said, self.items == 2);
        self.something();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::body::Parsed;
    use super::*;

    #[test]
    fn an_item_that_only_says_which_one_it_is_is_nobodys() {
        let read = |item: &str| {
            let body = format!(r#"{{"model":"m","input":[{{"role":"user","content":"x"}},{item}]}}"#);
            Parsed::read(Surface::Responses, body.as_bytes()).map(|_| ())
        };
        for item in [
            r#"{"type":"function_call","id":"fc_1"}"#,
            r#"{"id":"fc_1","type":"function_call","status":"completed","call_id":"c"}"#,
            r#"{"type":"custom_tool_call","id":"ctc_1","input":null}"#,
            r#"{"type":"computer_call","id":"cu_1","call_id":"c"}"#,
            r#"{"type":"web_search_call","id":"ws_1","status":"completed","action":{}}"#,
            r#"{"type":"code_interpreter_call","id":"ci_1","code":"1"}"#,
            r#"{"type":"message","id":"msg_1","status":"completed"}"#,
            r#"{"type":"mcp_approval_response","approval_request_id":"mcpr_1","approve":true}"#,
            r#"{"type":"whatever comes","id":"x_1"}"#,
        ] {
            assert!(read(item).is_err(), "{item}");
        }
        for item in [
            r#"{"type":"function_call","id":"fc_1","call_id":"c","name":"f","arguments":"{}"}"#,
            r#"{"type":"function_call_output","id":"fco_1","call_id":"c","output":"x"}"#,
            r#"{"type":"custom_tool_call","id":"ctc_1","call_id":"c","name":"f","input":""}"#,
            r#"{"type":"computer_call","id":"cu_1","call_id":"c","action":{"type":"click"}}"#,
            r#"{"type":"apply_patch_call","id":"ap_1","call_id":"c","operation":{"type":"update_file"}}"#,
            r#"{"type":"message","id":"msg_1","role":"assistant","status":"completed","content":[{"type":"output_text","text":"x"}]}"#,
        ] {
            assert!(read(item).is_ok(), "{item}");
        }
    }
}
