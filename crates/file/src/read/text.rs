//! From a place inside a decoded text back to the place in the literal that it was written as.

/// Which byte of the literal `raw` (quotes included, TOML or JSON) the byte `at` of its decoded text
/// came from. A place past the end is the closing quote.
pub(crate) fn byte_in_literal(raw: &str, at: usize) -> usize {
    let (quotes, escapes) = if raw.starts_with("\"\"\"") {
        (3, true)
    } else if raw.starts_with("'''") {
        (3, false)
    } else if raw.starts_with('"') {
        (1, true)
    } else if raw.starts_with('\'') {
        (1, false)
    } else {
        // A bare key.
        return at.min(raw.len());
    };
    let end = raw.len().saturating_sub(quotes);
    let mut from = quotes;
    if quotes == 3 {
        // A line end right after the opening quotes is not part of the text.
        let rest = raw.get(from..).unwrap_or("");
        from += if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with('\n')) };
    }
    let mut decoded = 0;
    while from < end {
        let Some(rest) = raw.get(from..end) else { break };
        let Some(first) = rest.chars().next() else { break };
        let (written, meant) =
            if first == '\\' && escapes { escape(rest) } else { (first.len_utf8(), first.len_utf8()) };
        if meant > 0 && at < decoded + meant {
            return from;
        }
        decoded += meant;
        from += written;
    }
    end
}

/// The length of an escape as written, and of what it means, in bytes.
fn escape(rest: &str) -> (usize, usize) {
    let Some(kind) = rest.chars().nth(1) else { return (1, 1) };
    let digits = match kind {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        c if c.is_whitespace() => {
            // A backslash at the end of a line swallows all white space that follows.
            let tail = rest.get(1..).unwrap_or("");
            return (1 + (tail.len() - tail.trim_start().len()), 0);
        }
        c => return (1 + c.len_utf8(), 1),
    };
    let code = rest.get(2..2 + digits).and_then(|hex| u32::from_str_radix(hex, 16).ok());
    match code {
        // A JSON pair of surrogates stands for one character of four bytes.
        Some(0xD800..=0xDBFF) if rest.get(6..8) == Some("\\u") => (12, 4),
        Some(code) => (2 + digits, char::from_u32(code).map_or(3, char::len_utf8)),
        None => (2, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_bytes_through_escapes() {
        for (raw, at, expected) in [
            ("\"abc\"", 1, "bc\""),
            ("'abc'", 2, "c'"),
            ("\"a\\\"bc\"", 2, "bc\""),
            ("\"\\u00e9x\"", 2, "x\""),
            ("\"\\uD83D\\uDE00x\"", 4, "x\""),
            ("\"\"\"\na \\\n   bc\"\"\"", 2, "bc\"\"\""),
            ("'''\r\nabc'''", 1, "bc'''"),
            ("\"ab\"", 9, "\""),
            ("bare", 2, "re"),
            ("\"\"", 0, "\""),
        ] {
            assert_eq!(raw.get(byte_in_literal(raw, at)..), Some(expected), "{raw} at {at}");
        }
    }
}
