//! The named forms of texts in `surface.json`.

use url::Url;

/// Does the text have that form? A form that is not known here fits everything.
pub(crate) fn fits(format: &str, text: &str) -> bool {
    match format {
        "email" => is_email(text),
        "email-or-empty" => text.is_empty() || is_email(text),
        "organization-name" => {
            text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_'))
                && text.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
        }
        "html-color" => is_color(text),
        "strict-https-uri-or-null" => text.is_empty() || has_scheme(text, &["https"]),
        "absolute-https-uri-or-empty" => text.is_empty() || has_scheme(text, &["https"]),
        "absolute-https-uri-with-placeholders-or-empty" => text.is_empty() || text.starts_with("https://"),
        "absolute-uri-or-empty" => text.is_empty() || Url::parse(text).is_ok(),
        "url" | "strict-uri" => Url::parse(text).is_ok(),
        "url-or-null" => text.is_empty() || Url::parse(text).is_ok(),
        "callback-url" | "url-with-placeholders" => {
            !text.chars().any(|c| c.is_whitespace() || c.is_control()) && text.contains(':')
        }
        "date-time" => text.parse::<jiff::Timestamp>().is_ok(),
        "hostname" => {
            !text.is_empty()
                && text.len() <= 253
                && text.split('.').all(|label| {
                    !label.is_empty()
                        && label.len() <= 63
                        && !label.starts_with('-')
                        && !label.ends_with('-')
                        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                })
        }
        "user-id" => !text.is_empty() && text.len() <= 1024 && !text.chars().any(char::is_control),
        "user-id-with-max-length" => !text.is_empty() && text.len() <= 255 && !text.chars().any(char::is_control),
        _ => true,
    }
}

/// One `@` with a local part before it and a domain after it, nothing that ends or hides a header.
pub(crate) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    !local.is_empty()
        && text.len() <= 320
        && !text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | ';' | '"'))
        && !local.contains('@')
        && !domain.is_empty()
        && !domain.starts_with('.')
        && !domain.ends_with('.')
        && domain.split('.').all(|label| !label.is_empty())
}

fn is_color(text: &str) -> bool {
    text.strip_prefix('#')
        .is_some_and(|digits| matches!(digits.len(), 3 | 6) && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn has_scheme(text: &str, schemes: &[&str]) -> bool {
    Url::parse(text).is_ok_and(|url| schemes.contains(&url.scheme()) && url.has_host())
}
