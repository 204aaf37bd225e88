//! JSON laid out for people: members stay in the order in which they were written, numbers keep their
//! digits, and what is short stands on one line.

/// Lays out a JSON document. What fits into `width` columns stands on one line; nothing but white space
/// is added or taken away. The text is taken to be JSON; of any other every visible character is still there.
#[must_use]
pub fn pretty(json: &str, width: usize) -> String {
    let tokens = tokens(json);
    let lengths = lengths(&tokens);
    let mut out = String::with_capacity(json.len().saturating_mul(2));
    // Per open bracket: does its content stand on lines of its own?
    let mut open: Vec<bool> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match *token {
            "{" | "[" => {
                out.push_str(token);
                let empty = matches!(tokens.get(at + 1), Some(&"}" | &"]"));
                let room = width.saturating_sub(open.len().saturating_mul(INDENT));
                // The outermost object always opens, so that every answer looks alike.
                let breaks = !empty && (open.is_empty() || lengths.get(at).is_none_or(|length| *length > room));
                open.push(breaks);
                if breaks {
                    line(&mut out, open.len());
                }
            }
            "}" | "]" => {
                if open.pop() == Some(true) {
                    line(&mut out, open.len());
                }
                out.push_str(token);
            }
            "," => {
                out.push(',');
                match open.last() {
                    Some(true) => line(&mut out, open.len()),
                    _ => out.push(' '),
                }
            }
            ":" => out.push_str(": "),
            other => out.push_str(other),
        }
    }
    out
}

/// Columns per level.
const INDENT: usize = 2;

fn line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', depth.saturating_mul(INDENT)));
}

/// Brackets, commas, colons, and what stands between them.
fn tokens(json: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = json.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '{' | '}' | '[' | ']' | ',' | ':' => 1,
            '"' => text_length(rest),
            _ => rest
                .find(|c: char| c.is_ascii_whitespace() || "{}[],:\"".contains(c))
                .unwrap_or(rest.len())
                .max(first.len_utf8()),
        };
        let Some((token, after)) = rest.split_at_checked(length) else { break };
        tokens.push(token);
        rest = after.trim_start();
    }
    tokens
}

/// The bytes of the string literal that `text` begins with.
fn text_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// For each opening bracket, how long it is with all that it holds, on one line.
fn lengths(tokens: &[&str]) -> Vec<usize> {
    let mut lengths = vec![0; tokens.len()];
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut column = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        let spaces = usize::from(matches!(*token, "," | ":"));
        column = column.saturating_add(token.chars().count()).saturating_add(spaces);
        match *token {
            "{" | "[" => open.push((at, column.saturating_sub(1))),
            "}" | "]" => {
                if let Some((began, from)) = open.pop()
                    && let Some(length) = lengths.get_mut(began)
                {
                    *length = column.saturating_sub(from);
                }
            }
            _ => {}
        }
    }
    lengths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_digits_stay_and_short_things_share_a_line() {
        let json = r#"{"success":true,"data":[{"id":12345678901234567890.10,"b":"x, {\"y\"}: \\"},{"id":2,"b":null}],"next_cursor":null,"has_more":false,"none":[],"no":{}}"#;
        assert_eq!(
            pretty(json, 60),
            r#"{
  "success": true,
  "data": [
    {"id": 12345678901234567890.10, "b": "x, {\"y\"}: \\"},
    {"id": 2, "b": null}
  ],
  "next_cursor": null,
  "has_more": false,
  "none": [],
  "no": {}
}"#
        );
        assert_eq!(pretty("[ 1 ,\n 2]", 60), "[\n  1,\n  2\n]");
        assert_eq!(pretty("{}", 60), "{}");
    }

    #[test]
    fn nothing_visible_is_lost_of_any_text() {
        let visible = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        for text in ["", "\"", "}{][", "{\"a", "äöü,\u{a0}x", "\"\\", "1 2 : , ]", "[[[[", "\u{0}"] {
            assert_eq!(visible(&pretty(text, 10)), visible(text), "{text:?}");
        }
    }
}
