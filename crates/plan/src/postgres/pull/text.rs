//! Names and texts as TOML writes them. What stands in a database was put there by anybody who may make a role or a
//! policy, and is read by whoever reviews the file: nothing of it breaks out of its quotes or its comment, and
//! nothing of it shows otherwise than it is.

use std::fmt::Write as _;

/// A key: bare where it may be.
pub(super) fn key(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !name.is_empty() && name.chars().all(plain) { name.to_owned() } else { quoted(name) }
}

/// A text in double quotes.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len().saturating_add(2));
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if is_hidden(c) => {
                // Writing to a text cannot fail.
                let _ = match u32::from(c) {
                    short @ ..=0xffff => write!(out, "\\u{short:04X}"),
                    long => write!(out, "\\U{long:08X}"),
                };
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// An expression: over several lines where it has them.
pub(super) fn block(text: &str) -> String {
    let fits = text.contains('\n')
        && !text.contains("''")
        && !text.ends_with('\'')
        && !text.chars().any(|c| !matches!(c, '\n' | '\t') && is_hidden(c));
    if fits { ["'''\n", text, "'''"].concat() } else { quoted(text) }
}

/// A text inside a comment's one line.
pub(super) fn told(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// What nobody sees, or what changes how the rest is seen: control characters, marks of direction, joiners, blanks
/// of no width, line ends that are no line feed.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_and_nothing_hides() {
        assert_eq!(key("app-1_x"), "app-1_x");
        assert_eq!(key("Ü"), "\"Ü\"");
        assert_eq!(key(""), "\"\"");
        assert_eq!(quoted("a\"\\\n\u{202e}\u{e0041}"), "\"a\\\"\\\\\\n\\u202E\\U000E0041\"");
        assert_eq!(block("a\nb"), "'''\na\nb'''");
        assert_eq!(block("a\nb = ''"), "\"a\\nb = ''\"");
        assert_eq!(block("a"), "\"a\"");
        assert_eq!(told("a\nb\u{200b}"), "a\\u{a}b\\u{200b}");
    }
}
