//! Scopes: what is asked for and what is given.

/// Scopes that say something of the user or of the token, and belong to no API (OpenID Connect Core,
/// section 5.4, and 11).
pub(crate) const OPENID: [&str; 6] = ["openid", "profile", "email", "address", "phone", "offline_access"];

/// The scopes of a parameter, each once, in its order (RFC 6749, section 3.3).
pub(crate) fn asked(scope: Option<&str>) -> Vec<String> {
    let mut asked: Vec<String> = Vec::new();
    for one in scope.unwrap_or_default().split_ascii_whitespace() {
        if !asked.iter().any(|known| known == one) {
            asked.push(one.to_owned());
        }
    }
    asked
}

/// What is given of an API's permissions: those held, in their own order when nothing was asked for, and
/// otherwise those asked for, in the order of the asking. The scopes of OpenID are given as asked.
pub(crate) fn granted(asked: &[String], held: &[String], openid: bool) -> Vec<String> {
    let of_api = |scope: &String| !OPENID.contains(&scope.as_str());
    let mut granted: Vec<String> =
        asked.iter().filter(|scope| if of_api(scope) { held.contains(scope) } else { openid }).cloned().collect();
    if !asked.iter().any(of_api) {
        granted.extend(held.iter().cloned());
    }
    granted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<String> {
        asked(Some(text))
    }

    #[test]
    fn what_is_given_was_held() {
        let held = list("read:a write:a read:b");
        assert_eq!(granted(&[], &held, true), held);
        assert_eq!(granted(&list("read:b read:c read:a read:b"), &held, true), list("read:b read:a"));
        assert_eq!(granted(&list("read:c"), &held, true), Vec::<String>::new());
        assert_eq!(granted(&list("openid email"), &held, true), list("openid email read:a write:a read:b"));
        assert_eq!(granted(&list("openid read:a"), &held, false), list("read:a"));
        assert_eq!(list(" a  b a "), ["a", "b"]);
    }
}
