//! Requests with the burglar's own good token, or with none, that try to be taken for somebody else's.

use serde_json::Value;

use super::{Must, WireAttack, forge};
use crate::door::{Asked, encoded, tool_call};

/// What the burglar has in hand.
#[derive(Debug, Clone)]
pub struct Hand {
    /// Its own token for `/app/v1`.
    pub token: String,
    /// A tool that it may call, and arguments that find own rows.
    pub call: (String, Value),
    /// The tenant and the user that it would like to be.
    pub victim: (String, String),
    /// The public keys (JWK set), as the server publishes them.
    pub keys: Option<Value>,
    /// Tokens that are good elsewhere, or were good once: what they are, and the token.
    pub stale: Vec<(&'static str, String)>,
    /// An approval request that waits in the victim's account, and one of the burglar's own making.
    pub approvals: Vec<(&'static str, String)>,
}

const REFUSED: [u16; 1] = [401];
/// What a path that is none of ours, or is not understood, answers.
const NOWHERE: [u16; 8] = [400, 401, 403, 404, 405, 414, 415, 421];

/// Every attack on tokens, headers, paths, methods and content types. The same hand gives the same list.
#[must_use]
pub fn requests(hand: &Hand) -> Vec<WireAttack> {
    let mut list = Vec::new();
    tokens(hand, &mut list);
    headers(hand, &mut list);
    paths(hand, &mut list);
    forms(hand, &mut list);
    approvals(hand, &mut list);
    list
}

fn plain(hand: &Hand) -> Asked {
    tool_call(&hand.token, &hand.call.0, hand.call.1.to_string().into_bytes())
}

fn with_token(hand: &Hand, token: &str) -> Asked {
    tool_call(token, &hand.call.0, hand.call.1.to_string().into_bytes())
}

fn tokens(hand: &Hand, list: &mut Vec<WireAttack>) {
    let mut refused = |family, name: String, ask| {
        list.push(WireAttack { family, name, ask, must: Must::Answer(REFUSED.to_vec()) });
    };
    let mut bare = plain(hand);
    bare.headers.retain(|(name, _)| name != "authorization");
    refused("tokens", "no token".to_owned(), bare.clone());
    for (what, value) in [
        ("an empty bearer", "Bearer ".to_owned()),
        ("a word as bearer", "Bearer token".to_owned()),
        ("another scheme", ["Basic ", &hand.token].concat()),
        ("the token without a scheme", hand.token.clone()),
        ("two tokens in one header", ["Bearer ", &hand.token, ", Bearer ", &hand.token].concat()),
    ] {
        let mut ask = bare.clone();
        ask.headers.push(("authorization".to_owned(), value));
        refused("tokens", what.to_owned(), ask);
    }
    let mut twice = plain(hand);
    twice.headers.push(("authorization".to_owned(), ["Bearer ", &hand.token].concat()));
    refused("tokens", "the header twice".to_owned(), twice);
    let mut cookie = bare.clone();
    cookie.headers.push(("cookie".to_owned(), format!("access_token={0}; token={0}", hand.token)));
    refused("tokens", "the token as a cookie".to_owned(), cookie);
    let mut query = bare;
    query.path = format!("{}?access_token={}", query.path, hand.token);
    refused("tokens", "the token in the address".to_owned(), query);
    for (what, token) in forge::forged(&hand.token, &hand.victim.0, hand.keys.as_ref()) {
        refused("tokens", format!("a token {what}"), with_token(hand, &token));
    }
    for (what, token) in &hand.stale {
        refused("other audiences", format!("{what} at the data tools"), with_token(hand, token));
    }
    for path in ["/dashboard/v1/account", "/dashboard/v1/members", "/portal/v1/accounts", "/portal/v1/users"] {
        refused("other audiences", format!("the app's token at {path}"), get(path, &hand.token));
    }
    for path in ["/api/v2/users", "/api/v2/organizations", "/api/v2/clients", "/api/v2/logs"] {
        let ask = get(path, &hand.token);
        let must = Must::Answer(vec![401, 403]);
        let name = format!("the app's token at {path}");
        list.push(WireAttack { family: "other audiences", name, ask, must });
    }
}

fn get(path: &str, token: &str) -> Asked {
    Asked {
        method: "GET".to_owned(),
        path: path.to_owned(),
        headers: vec![("authorization".to_owned(), ["Bearer ", token].concat())],
        body: Vec::new(),
    }
}

/// Headers by which systems behind proxies take a tenant or a user. Here they change nothing.
fn headers(hand: &Hand, list: &mut Vec<WireAttack>) {
    let (tenant, user) = &hand.victim;
    let forged = [
        ("x-tenant-id", tenant),
        ("x-tenant", tenant),
        ("x-account-id", tenant),
        ("x-account", tenant),
        ("x-org-id", tenant),
        ("x-organization-id", tenant),
        ("x-workspace-id", tenant),
        ("tenantry-account", tenant),
        ("x-tenantry-tenant", tenant),
        ("x-user-id", user),
        ("x-user", user),
        ("x-forwarded-user", user),
        ("x-remote-user", user),
        ("remote-user", user),
        ("x-auth-request-user", user),
        ("x-impersonate-user", user),
        ("x-on-behalf-of", user),
        ("x-forwarded-host", tenant),
        ("forwarded", tenant),
    ];
    let words = [
        ("x-roles", "admin"),
        ("x-scope", "*"),
        ("x-bypass", "true"),
        ("x-original-url", "/portal/v1/accounts"),
        ("x-rewrite-url", "/portal/v1/accounts"),
        ("x-http-method-override", "DELETE"),
        ("x-forwarded-for", "127.0.0.1"),
    ];
    let all = forged.iter().map(|(name, value)| (*name, value.as_str())).chain(words);
    for (name, value) in all {
        let mut ask = plain(hand);
        ask.headers.push((name.to_owned(), value.to_owned()));
        let must = Must::BeAs(plain(hand), Vec::new());
        list.push(WireAttack { family: "headers", name: format!("the header `{name}: {value}`"), ask, must });
    }
    let mut cookie = plain(hand);
    cookie.headers.push(("cookie".to_owned(), format!("tenant={tenant}; tenant_id={tenant}; user={user}")));
    let must = Must::BeAs(plain(hand), Vec::new());
    list.push(WireAttack { family: "headers", name: "a cookie that names the tenant".to_owned(), ask: cookie, must });
}

fn paths(hand: &Hand, list: &mut Vec<WireAttack>) {
    let (tool, tenant) = (encoded(&hand.call.0), encoded(&hand.victim.0));
    let paths = [
        format!("/app/v1/tools/{tool}?tenant_id={tenant}"),
        format!("/app/v1/tools/{tool}?account={tenant}&tenant={tenant}&as={tenant}"),
        format!("/app/v1/tools/{tool}/"),
        format!("/app/v1/tools/{tool}/{tenant}"),
        format!("/app/v1/tools/{tool};tenant_id={tenant}"),
        format!("/app/v1//tools/{tool}"),
        format!("//app/v1/tools/{tool}"),
        format!("/app/v1/./tools/{tool}"),
        format!("/app/v1/x/../tools/{tool}"),
        format!("/app/v1/accounts/{tenant}/tools/{tool}"),
        format!("/app/v1/{tenant}/tools/{tool}"),
        format!("/{tenant}/app/v1/tools/{tool}"),
        format!("/APP/v1/tools/{tool}"),
        format!("/app/v2/tools/{tool}"),
        format!("/app/v1/tools/{tool}%00"),
        format!("/app/v1/tools/{tool}%2f..%2f..%2fportal"),
        "/app/v1/tools/..%2f..%2f..%2fportal%2fv1%2faccounts".to_owned(),
        "/app/v1/tools/%2e%2e/%2e%2e/portal/v1/accounts".to_owned(),
        "/app/v1/tools/%ff%fe".to_owned(),
    ];
    for path in paths {
        let mut ask = plain(hand);
        ask.path.clone_from(&path);
        let must = Must::AnswerOrBeAs(NOWHERE.to_vec(), plain(hand));
        list.push(WireAttack { family: "paths", name: format!("the path {path}"), ask, must });
    }
}

fn forms(hand: &Hand, list: &mut Vec<WireAttack>) {
    for method in ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"] {
        let mut ask = plain(hand);
        ask.method = method.to_owned();
        let must = Must::Answer(vec![400, 404, 405, 501]);
        list.push(WireAttack { family: "methods", name: format!("{method} on a tool"), ask, must });
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/xml", ""] {
        let mut ask = plain(hand);
        ask.headers.retain(|(name, _)| name != "content-type");
        if !kind.is_empty() {
            ask.headers.push(("content-type".to_owned(), kind.to_owned()));
        }
        let must = Must::Answer(vec![400, 415]);
        list.push(WireAttack { family: "content types", name: format!("a body of the type `{kind}`"), ask, must });
    }
}

/// Approvals: somebody else's request, and one's own, are as one that is not there.
fn approvals(hand: &Hand, list: &mut Vec<WireAttack>) {
    for (what, id) in &hand.approvals {
        // Of the same form: its digits the other way round.
        let digits: String = id.chars().skip(4).collect::<Vec<_>>().into_iter().rev().collect();
        let other: String = id.chars().take(4).chain(digits.chars()).collect();
        for verb in ["approve", "deny"] {
            let ask = |id: &str| Asked {
                method: "POST".to_owned(),
                path: format!("/app/v1/approvals/{}/{verb}", encoded(id)),
                ..get("", &hand.token)
            };
            let must = Must::BeAs(ask(&other), vec![(id.clone(), other.clone())]);
            list.push(WireAttack { family: "approvals", name: format!("{verb} {what}"), ask: ask(id), must });
        }
    }
}
