//! What is offered of the Management API, as a document made from the router.

use std::fmt::Write;

use crate::management::FAMILIES;
use crate::management::route::Route;
use crate::management::surface::{OPERATIONS, Operation};

/// Why operations are not offered, by what their paths begin with.
const NOT_OFFERED: &[(&str, &str)] = &[
    ("/clients/cimd/", "the server would have to fetch documents from wherever a caller says"),
    (
        "/connections/{id}/directory-provisioning",
        "reads directories of providers that nobody logs in through here yet; imports and the API bring users in",
    ),
    ("/connections/{id}/keys", "signs requests to providers that nobody logs in through here yet"),
    (
        "/connections/{id}/scim-configuration",
        "belongs to providers that nobody logs in through here yet; imports and the API bring users in",
    ),
];

fn why_not(operation: &Operation) -> &'static str {
    NOT_OFFERED.iter().find(|(start, _)| operation.path.starts_with(start)).map_or("", |(_, why)| why)
}

/// An operation of the Management API, for documents and tests.
#[derive(Debug, Clone)]
pub struct OperationFacts {
    /// The method.
    pub method: &'static str,
    /// The whole path, with `{parameters}`.
    pub path: String,
    /// Any of these is needed; none means that any token for this API will do.
    pub scopes: &'static [String],
    /// Does a route answer it?
    pub offered: bool,
    /// The form of the query's parameters by their names.
    pub query: &'static serde_json::Map<String, serde_json::Value>,
    /// The form of the body.
    pub body: Option<&'static serde_json::Value>,
    /// What the body is.
    pub content: Option<&'static str>,
    /// The statuses of success.
    pub ok: &'static [u16],
}

/// Every operation that clients of the Management API know, offered or not.
pub fn operations() -> impl Iterator<Item = OperationFacts> {
    OPERATIONS.iter().map(|operation| OperationFacts {
        method: &operation.method,
        path: ["/api/v2", &operation.path].concat(),
        scopes: &operation.scopes,
        offered: route(operation).is_some(),
        query: &operation.query,
        body: operation.body.as_ref(),
        content: operation.content.as_deref(),
        ok: &operation.ok,
    })
}

fn route(operation: &Operation) -> Option<&'static Route> {
    let name = operation.name();
    FAMILIES.iter().flat_map(|family| family.iter()).find(|route| route.operation == name)
}

/// `docs/auth0-compatibility.md`.
#[must_use]
pub fn compatibility() -> String {
    let mut text = include_str!("compatibility.md").to_owned();
    let answered: Vec<Option<&Route>> = OPERATIONS.iter().map(route).collect();
    let whole = answered.iter().filter(|route| route.is_some_and(|route| route.partly.is_none())).count();
    let partly = answered.iter().filter(|route| route.is_some_and(|route| route.partly.is_some())).count();
    let _ = write!(
        text,
        "\n## Operations\n\nOf {} operations {whole} are offered, {partly} partly, and {} not.\n",
        OPERATIONS.len(),
        OPERATIONS.len() - whole - partly
    );
    let mut family = "";
    for (operation, route) in OPERATIONS.iter().zip(answered) {
        let own = operation.path.split('/').nth(1).unwrap_or_default();
        if own != family {
            family = own;
            let _ = write!(text, "\n### {own}\n\n| operation | offered | scopes |\n| --- | --- | --- |\n");
        }
        let offered = match route.map(|route| route.partly) {
            None => ["no: ", why_not(operation)].concat(),
            Some(None) => "yes".to_owned(),
            Some(Some(note)) => ["partly: ", note].concat(),
        };
        let scopes: Vec<String> = operation.scopes.iter().map(|scope| ["`", scope, "`"].concat()).collect();
        let _ = writeln!(text, "| `{} {}` | {offered} | {} |", operation.method, operation.path, scopes.join(" "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_an_operation_and_stands_once() {
        let mut names: Vec<&str> = FAMILIES.iter().flat_map(|family| family.iter()).map(|one| one.operation).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all, "an operation has two routes");
        for name in names {
            assert!(OPERATIONS.iter().any(|operation| operation.name() == name), "{name} is no operation");
        }
    }

    #[test]
    fn what_is_not_offered_has_a_reason_and_nothing_else_has() {
        for operation in OPERATIONS.iter() {
            assert_eq!(route(operation).is_none(), !why_not(operation).is_empty(), "{}", operation.name());
        }
    }

    #[test]
    fn the_document_says_what_the_router_does() {
        let text = compatibility();
        assert!(text.contains("| `GET /organizations` | yes |"), "{text}");
        assert_eq!(text.lines().filter(|line| line.starts_with("| `")).count(), OPERATIONS.len());
    }
}
