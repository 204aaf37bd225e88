//! What some readers of JSON break on, though it is JSON: levels without end, numbers beyond any that a machine counts
//! with, and halves of characters. An upstream that breaks on one is not to be asked, nor the next, nor again. One look
//! at the bytes; what stands in texts is jumped over.

use super::refusal::Refusal;

/// How many levels a body may have. Readers go no deeper than 127, and some requests go on a few levels deeper.
const DEEPEST: usize = 100;

/// How many digits are no question.
const DIGITS: usize = 18;

/// Looks at a text that is known to be JSON.
pub(super) fn check(text: &str) -> Result<(), Refusal> {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(byte) = bytes.get(at) {
        at += match byte {
            b'"' => 1 + string(bytes.get(at + 1..).unwrap_or_default())?,
            b'-' | b'0'..=b'9' => number(bytes.get(at..).unwrap_or_default())?,
            b'{' | b'[' => {
                depth += 1;
                if depth > DEEPEST {
                    return Err(Refusal::invalid(format!("The body is nested deeper than {DEEPEST} levels.")));
                }
                1
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                1
            }
            _ => 1,
        };
    }
    Ok(())
}

/// The length of a number that others read too.
fn number(rest: &[u8]) -> Result<usize, Refusal> {
    let part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    let digits = rest.iter().take_while(|byte| part(byte)).count();
    let text = rest.get(..digits).unwrap_or_default();
    if digits > DIGITS || text.iter().any(|byte| matches!(byte, b'e' | b'E')) {
        let read = std::str::from_utf8(text).ok().and_then(|text| text.parse::<f64>().ok());
        if !read.is_some_and(f64::is_finite) {
            return Err(Refusal::invalid("The body holds a number that is too large."));
        }
    }
    Ok(digits.max(1))
}

/// The length of a text, with the quote that ends it.
fn string(rest: &[u8]) -> Result<usize, Refusal> {
    let mut at = 0;
    while let Some(found) = memchr::memchr2(b'"', b'\\', rest.get(at..).unwrap_or_default()) {
        at += found;
        if rest.get(at) == Some(&b'"') {
            return Ok(at + 1);
        }
        at += match unit(rest, at) {
            None => 2,
            Some(0xd800..=0xdbff) if matches!(unit(rest, at + 6), Some(0xdc00..=0xdfff)) => 12,
            Some(0xd800..=0xdfff) => {
                return Err(Refusal::invalid("The body holds half a character: a surrogate without its other one."));
            }
            Some(_) => 6,
        };
    }
    Ok(rest.len())
}

/// The unit of UTF-16 that an escape at this place stands for.
fn unit(rest: &[u8], at: usize) -> Option<u16> {
    let digits = rest.get(at..)?.strip_prefix(b"\\u")?.get(..4)?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_readers_break_on_is_refused_and_nothing_else() {
        let deep = |levels: usize| ["[".repeat(levels), "]".repeat(levels)].concat();
        for text in [
            r#"{"a":[1,-2.5e3,0,"x",true,null],"b":{"c":"\u00e9 \ud83d\ude00 \\ \" [{"}}"#,
            r#"{"a":"[[[[\\","b":"1e999"}"#,
            "[123456789012345678901234567890,1e308,-1e-999]",
            r#"["\\ud800"]"#,
            "[]",
            "",
            &deep(100),
            &format!("[{}]", vec!["[]"; 500].join(",")),
        ] {
            assert!(check(text).is_ok(), "{text}");
        }
        for text in [
            "[1e999]",
            "[-1E999]",
            &format!("[{}]", "9".repeat(400)),
            r#"["\ud800"]"#,
            r#"{"\uDC00":1}"#,
            r#"["\ud83d\u0041"]"#,
            r#"["\ud83d\\ude00"]"#,
            r#"["\\\ud800"]"#,
            &deep(101),
            &format!(r#"{{"a":{}}}"#, r#"{"a":"#.repeat(100_000)),
        ] {
            assert!(check(text).is_err(), "{text}");
        }
    }

    proptest! {
        /// What passes is read by a reader that goes to 127 levels and has no numbers without end.
        #[test]
        fn what_passes_can_be_read(parts in proptest::collection::vec(prop_oneof![
            Just("\\"), Just("\""), Just("\\u"), Just("\\ud83d"), Just("\\ude00"), Just("d800"), Just("["), Just("]"),
            Just("{\"a\":"), Just("}"), Just(","), Just("1"), Just("e"), Just("999"), Just("-"), Just("."), Just("\\\\"),
            Just("\"x\""), Just("1e999"), Just("[\"\\ud800\"]"), Just("é"),
        ], 0..12)) {
            let text = ["[", &parts.concat(), "]"].concat();
            if serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok() {
                prop_assert_eq!(check(&text).is_ok(), serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{}", text);
            }
        }
    }
}
