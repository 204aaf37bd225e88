//! A client's request as it stands in an address, carried from step to step.

use tenantry_identity::authorize::Sent;
use tenantry_identity::oauth::{OAuthError, Params};
use url::form_urlencoded::{Serializer, parse};

/// The longest request, in bytes.
pub(super) const LONGEST: usize = 8 * 1024;

/// The request's parameters.
pub(super) fn params(query: &str) -> Result<Params, OAuthError> {
    let mut params = Params::new();
    for (name, value) in parse(query.as_bytes()) {
        params.add(&name, value.into_owned())?;
    }
    Ok(params)
}

fn changed(query: &str, change: impl Fn(&str, &str) -> Option<String>, more: &[(&str, &str)]) -> String {
    let mut text = Serializer::new(String::new());
    for (name, value) in parse(query.as_bytes()) {
        if let Some(value) = change(&name, &value) {
            text.append_pair(&name, &value);
        }
    }
    text.extend_pairs(more);
    text.finish()
}

/// The request once somebody has just logged in: what asked for that is done.
pub(super) fn logged_in(query: &str) -> String {
    let change = |name: &str, value: &str| match name {
        "max_age" => None,
        "prompt" => {
            let left = value.split_ascii_whitespace().filter(|one| !matches!(*one, "login" | "select_account"));
            let left = left.collect::<Vec<_>>().join(" ");
            (!left.is_empty()).then_some(left)
        }
        _ => Some(value.to_owned()),
    };
    changed(query, change, &[])
}

/// The request of somebody else.
pub(super) fn somebody_else(query: &str) -> String {
    let gone = ["prompt", "login_hint"];
    changed(query, |name, value| (!gone.contains(&name)).then(|| value.to_owned()), &[("prompt", "login")])
}

/// The request for a place.
pub(super) fn at(query: &str, account: &str, workspace: Option<&str>) -> String {
    let gone = ["organization", "workspace"];
    let mut more = vec![("organization", account)];
    more.extend(workspace.map(|workspace| ("workspace", workspace)));
    changed(query, |name, value| (!gone.contains(&name)).then(|| value.to_owned()), &more)
}

/// Where an answer goes.
pub(super) fn location(sent: &Sent) -> String {
    let mut text = Serializer::new(String::new());
    text.extend_pairs(&sent.params);
    let between = match sent.redirect_uri.split_once('?') {
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    [&sent.redirect_uri, between, &text.finish()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_added_to_what_is_there() {
        let at = |uri: &str| {
            let params = vec![("code", "a&b".to_owned()), ("iss", "https://x/".to_owned())];
            location(&Sent { redirect_uri: uri.to_owned(), params })
        };
        assert_eq!(at("https://a/cb"), "https://a/cb?code=a%26b&iss=https%3A%2F%2Fx%2F");
        assert_eq!(at("https://a/cb?x=1"), "https://a/cb?x=1&code=a%26b&iss=https%3A%2F%2Fx%2F");
        assert_eq!(at("app:/cb?"), "app:/cb?code=a%26b&iss=https%3A%2F%2Fx%2F");
    }

    #[test]
    fn what_was_asked_for_is_done_once() {
        assert_eq!(logged_in("a=%26&prompt=login+consent&max_age=0"), "a=%26&prompt=consent");
        assert_eq!(logged_in("prompt=login&b=1"), "b=1");
        assert_eq!(somebody_else("a=1&prompt=none&login_hint=x"), "a=1&prompt=login");
        assert_eq!(at("organization=o&a=1&workspace=w", "p", None), "a=1&organization=p");
        assert_eq!(at("a=1", "p", Some("v")), "a=1&organization=p&workspace=v");
    }
}
