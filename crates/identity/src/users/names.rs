//! How addresses and names are compared, and which are refused because they look like others.

use unicode_normalization::UnicodeNormalization;
use unicode_security::{GeneralSecurityProfile, RestrictionLevel, RestrictionLevelDetection, skeleton};

use crate::Refusal;

/// The longest address, in bytes (RFC 3696, erratum 1690, allows 254; clients send up to this).
const LONGEST_EMAIL: usize = 320;

/// An address as it is kept and compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Email {
    pub(crate) whole: String,
    pub(crate) local: String,
    pub(crate) domain: String,
}

fn misfit(property: &str, what: &str) -> Refusal {
    Refusal::Invalid {
        code: "invalid_body",
        message: format!("Payload validation error: '{what}' on property {property}."),
    }
}

/// A text as it is compared: compatible forms alike, lower case.
pub(crate) fn folded(text: &str) -> String {
    let lower = text.nfkc().collect::<String>().to_lowercase();
    lower.nfkc().collect()
}

/// An address: normalised, in lower case, its domain in the form of the domain name system.
///
/// # Errors
/// [`Refusal::Invalid`] for what is no address, and for one that could be taken for another one.
pub(crate) fn email(text: &str) -> Result<Email, Refusal> {
    let wrong = || misfit("email", "Object didn't pass validation for format email");
    let whole = folded(text);
    let (local, domain) = whole.rsplit_once('@').ok_or_else(wrong)?;
    let is_bad = |letter: char| {
        letter.is_whitespace() || is_hidden(letter) || matches!(letter, '<' | '>' | ',' | ';' | '"' | '@' | '(' | ')')
    };
    if local.is_empty() || domain.is_empty() || local.contains(is_bad) || domain.contains(is_bad) {
        return Err(wrong());
    }
    let domain = ascii_domain(domain).ok_or_else(wrong)?;
    if looks_like_another(local) {
        return Err(misfit("email", "The address mixes letters of several scripts, or looks like another one"));
    }
    let whole = [local, "@", &domain].concat();
    if whole.len() > LONGEST_EMAIL {
        return Err(wrong());
    }
    Ok(Email { whole, local: local.to_owned(), domain })
}

/// How an address that somebody searches for is compared; one that nobody can have stays as it is.
pub(crate) fn sought_email(text: &str) -> String {
    email(text).map_or_else(|_| folded(text), |email| email.whole)
}

/// `bücher.example` as `xn--bcher-kva.example`.
fn ascii_domain(domain: &str) -> Option<String> {
    let ascii = if domain.is_ascii() && !domain.contains("xn--") {
        domain.to_owned()
    } else {
        idna::domain_to_ascii_strict(domain).ok()?
    };
    let fits = ascii.len() <= 253
        && ascii.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        });
    fits.then_some(ascii)
}

/// A name for logging in: normalised, in lower case.
///
/// # Errors
/// [`Refusal::Invalid`] for one that hides something, looks like another one, or like an address.
pub(crate) fn username(text: &str) -> Result<String, Refusal> {
    let name = folded(text);
    if name.is_empty() || name.chars().count() > 128 {
        return Err(misfit("username", "A username has 1 to 128 characters"));
    }
    if name.chars().any(|letter| letter.is_whitespace() || is_hidden(letter)) {
        return Err(misfit("username", "A username has no spaces and no control characters"));
    }
    // Whoever takes another's address for a username would be asked for where the other one is meant.
    if email(&name).is_ok() {
        return Err(misfit("username", "A username cannot be an address"));
    }
    if looks_like_another(&name) {
        return Err(misfit("username", "The username mixes letters of several scripts, or looks like another one"));
    }
    Ok(name)
}

/// A telephone number: `+` and 1 to 15 digits.
///
/// # Errors
/// [`Refusal::Invalid`].
pub(crate) fn phone(text: &str) -> Result<String, Refusal> {
    let digits = text.strip_prefix('+').unwrap_or_default();
    if (1..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(text.to_owned());
    }
    Err(misfit("phone_number", "String does not match pattern ^\\+[0-9]{1,15}$"))
}

/// A text for people: composed, without what hides or turns around other letters.
///
/// # Errors
/// [`Refusal::Invalid`], also for one of more than `most` characters.
pub(crate) fn shown(property: &str, text: &str, most: usize) -> Result<String, Refusal> {
    let text: String = text.nfc().collect();
    if text.is_empty() || text.chars().count() > most {
        return Err(misfit(property, &format!("A text here has 1 to {most} characters")));
    }
    // Joiners stand in ordinary names of some languages.
    if text.chars().any(|letter| is_hidden(letter) && !matches!(letter, '\u{200c}' | '\u{200d}')) {
        return Err(misfit(property, "A text here has no control characters"));
    }
    Ok(text)
}

/// The part of an id that somebody chose.
///
/// # Errors
/// [`Refusal::Invalid`].
pub(crate) fn subject(text: &str) -> Result<String, Refusal> {
    let text: String = text.nfc().collect();
    let is_bad = |letter: char| letter.is_whitespace() || is_hidden(letter) || letter == '%';
    // `@clients` ends the subject of a client's token.
    if text.is_empty() || text.chars().count() > 255 || text.contains(is_bad) || text.ends_with("@clients") {
        return Err(misfit("user_id", "String does not match pattern ^\\S*$"));
    }
    Ok(text)
}

/// Control characters, and what is not seen or changes the direction of what is.
pub(crate) fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Letters of several scripts in one word, letters that no living language writes, or letters of another script
/// that look like ASCII ones from the first to the last.
fn looks_like_another(text: &str) -> bool {
    if text.is_ascii() {
        return false;
    }
    let letters: String = text.chars().filter(|letter| !letter.is_ascii() || letter.is_ascii_alphanumeric()).collect();
    letters.chars().any(|letter| !letter.is_ascii() && !letter.identifier_allowed())
        || letters.as_str().detect_restriction_level() > RestrictionLevel::HighlyRestrictive
        || skeleton(&letters).all(|letter| letter.is_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_has_one_form() {
        for (sent, kept) in [
            ("John.Smith@Example.COM", "john.smith@example.com"),
            ("ｊｏｈｎ＠example.com", "john@example.com"),
            ("jose\u{301}@example.com", "josé@example.com"),
            ("a@Bücher.example", "a@xn--bcher-kva.example"),
            ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
            ("иван@example.com", "иван@example.com"),
        ] {
            assert_eq!(email(sent).map(|email| email.whole).unwrap_or_default(), kept, "{sent}");
        }
    }

    #[test]
    fn look_alikes_and_hidden_letters_stay_out() {
        for sent in [
            "\u{430}dmin@example.com",
            "adm\u{456}n@example.com",
            "\u{440}\u{430}\u{443}@example.com",
            "admin\u{200b}@example.com",
            "admin\u{202e}@example.com",
            "a b@example.com",
            "a\u{0}@example.com",
            "a\n@example.com",
            "a@b@example.com",
            "@example.com",
            "a@",
            "a@exa mple.com",
            "a@.example.com",
        ] {
            assert!(email(sent).is_err(), "{sent:?}");
        }
        for sent in ["\u{430}dmin", "a\u{200d}b", "x@example.com", "a b", ""] {
            assert!(username(sent).is_err(), "{sent:?}");
        }
        assert_eq!(username("Chuck-892").unwrap_or_default(), "chuck-892");
        assert!(shown("name", "Zoë \u{200d} x", 300).is_ok());
        assert!(shown("name", "a\u{202e}b", 300).is_err());
        for sent in ["x@clients", "a%20", "a b", ""] {
            assert!(subject(sent).is_err(), "{sent:?}");
        }
    }
}
