//! The lists of permissions and the table of endpoints say the same; nothing is routed past the tables.

use std::collections::BTreeSet;
use std::time::Duration;

use tenantry_identity::{Audience, contexts};
use tenantry_server::endpoints;

use crate::world::{Who, on_each_store};

/// Where in the table a permission is not asked for by itself, and why it is a word all the same.
const BESIDE: &[(&str, &str)] = &[
    // Lists and changes of grants are the compatible API's so far.
    ("portal", "read:client_grants"),
];

/// Routes that ask for no token, and why.
const OPEN: &[(&str, &str)] = &[
    ("/healthz", "the process answers"),
    ("/readyz", "yes or no"),
    ("/openapi.json", "the same for everybody"),
    ("/setup/{ticket}", "the ticket in the link is what opens it, once"),
    ("/exports/{file}", "the name in the link is what opens it, for a while"),
    ("/.well-known/jwks.json", "public keys"),
    ("/.well-known/jwks-own.json", "public keys"),
    ("/authorize", "who is asked for is asked who it is; tests of its own (tests/oauth/authorize.rs)"),
    ("/u/login", "a form of ours, bound to its browser; tests of its own"),
    ("/u/factor", "the same"),
    ("/u/place", "the same"),
    ("/u/consent", "the same"),
    ("/v2/logout", "ends the browser's own session and leads back"),
    ("/oidc/logout", "ends the browser's own session and leads back"),
    ("/.well-known/openid-configuration", "where everything is"),
    ("/.well-known/oauth-authorization-server", "where everything is"),
    ("/oauth/token", "clients show who they are in the request itself; tests of their own"),
    ("/oidc/register", "clients register themselves, where the operator lets them; tests of its own"),
    ("/oauth/revoke", "clients show who they are in the request itself; tests of their own"),
    ("/metrics", "a token of the operator's own opens it, and without one it is not there; tests of its own"),
    ("/oauth/introspect", "clients show who they are in the request itself; tests of their own"),
];

/// Routes that take a token and stand in no table.
const BEARER: &[(&str, &str, Option<Audience>)] = &[
    ("POST", "/app/v1/tools/{tool}", Some(Audience::App)),
    ("GET", "/app/v1/approvals", Some(Audience::App)),
    ("POST", "/app/v1/approvals/{id}/approve", Some(Audience::App)),
    ("POST", "/app/v1/approvals/{id}/deny", Some(Audience::App)),
    ("GET", "/userinfo", None),
];

#[test]
fn the_words_are_those_of_the_table() {
    for context in [Audience::App, Audience::Dashboard, Audience::Portal] {
        let words: BTreeSet<&str> = contexts::permissions(context).iter().map(|(name, _)| *name).collect();
        let asked: BTreeSet<&str> = endpoints()
            .filter(|endpoint| endpoint.context == context)
            .flat_map(|endpoint| endpoint.any_of.iter().copied())
            .collect();
        let unknown: Vec<_> = asked.difference(&words).collect();
        assert!(unknown.is_empty(), "{} does not know {unknown:?}", context.name());
        let beside = |word: &&&str| !BESIDE.contains(&(context.name(), **word));
        let unused: Vec<_> = words.difference(&asked).filter(beside).collect();
        assert!(unused.is_empty(), "no endpoint of {} asks for {unused:?}", context.name());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i2_routes_beside_the_tables_are_known_and_ask_for_a_token() {
    let source = include_str!("../../src/app.rs");
    let routed: BTreeSet<&str> = source
        .split(".route(")
        .skip(1)
        .filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next())
        .collect();
    assert!(routed.len() > 5, "the routes are written otherwise now: {routed:?}");
    let known = |path: &&&str| {
        OPEN.iter().any(|(open, _)| open == *path) || BEARER.iter().any(|(_, bearer, _)| bearer == *path)
    };
    let unknown: Vec<_> = routed.iter().filter(|path| !known(path)).collect();
    assert!(unknown.is_empty(), "say of these routes whether they take a token: {unknown:?}");
    on_each_store(async |world| {
        let who = Who { account: Some("a"), ..Who::default() };
        let expired = world.token_for(Audience::App, &who, Duration::from_secs(1));
        world.clock.advance(Duration::from_secs(2));
        for (method, path, context) in BEARER.iter().filter(|(_, path, _)| routed.contains(path)) {
            let path = path.replace("{tool}", "query").replace("{id}", "x");
            let mut tokens = vec![None, Some("a.b.c".to_owned()), Some(expired.clone())];
            if context.is_some() {
                tokens.push(Some(world.token(Audience::Dashboard, &who)));
                tokens.push(Some(world.owner()));
            }
            for token in tokens {
                let body = (*method == "POST").then(|| "{}".to_owned());
                let (status, text) = world.raw(token.as_deref(), method, &path, body).await;
                assert_eq!(status, 401, "{method} {path}: {text}");
            }
        }
    })
    .await;
}
