//! docs/tools.md: every call on the page is made, and what it shows of an answer is what comes back.

use std::path::Path;

use serde_json::Value;

use crate::support::{Home, Server};

/// A call on the page, with what must come back: `None` any success.
struct Example {
    line: usize,
    tool: String,
    who: String,
    body: String,
    expected: Option<(bool, String)>,
}

fn page() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/tools.md")).unwrap()
}

fn examples(page: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        let Some(kind) = line.strip_prefix("```json ") else { continue };
        let text: String = lines
            .by_ref()
            .map(|(_, line)| line)
            .take_while(|line| *line != "```")
            .flat_map(|line| [line, "\n"])
            .collect();
        match kind.split(' ').collect::<Vec<_>>()[..] {
            ["call", tool, who] => examples.push(Example {
                line: at + 1,
                tool: tool.to_owned(),
                who: who.to_owned(),
                body: text,
                expected: None,
            }),
            [what @ ("answer" | "refusal")] => examples.last_mut().unwrap().expected = Some((what == "answer", text)),
            _ => panic!("line {}: what is `{kind}`?", at + 1),
        }
    }
    examples
}

/// Does the text fit, where `…` stands for any?
fn fits(wanted: &str, found: &str) -> bool {
    let mut parts = wanted.trim().split('…');
    let Some(mut rest) = found.strip_prefix(parts.next().unwrap()) else { return false };
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    true
}

#[test]
fn every_call_on_the_page_is_answered_as_it_says() {
    let home = Home::desk();
    let server = Server::start(&home);
    let examples = examples(&page());
    assert!(examples.len() >= 15, "{}", examples.len());
    for Example { line, tool, who, body, expected } in &examples {
        let (account, user) = who.split_once('/').unwrap();
        let token = home.token(account, user);
        let answer = server.call(&token, tool, body);
        let good = expected.as_ref().is_none_or(|(good, _)| *good);
        assert_eq!(answer.json()["success"], good, "line {line}: {}", answer.text());
        if let Some((_, wanted)) = expected {
            let shown = tenantry_guard::pretty::pretty(&answer.text(), 100);
            assert!(fits(wanted, &shown), "line {line}: {wanted}\n{shown}");
        }
        // The same on the command line, but for what changed in between.
        let ran = home.run(&["ask", who, tool, body, "--json"]);
        let again = ran.envelope();
        if good && !["create", "delete"].contains(&tool.as_str()) {
            assert_eq!(ran.code, 0, "line {line}: {again}");
        } else if !good {
            assert_eq!(again["error"]["code"], answer.json()["error"]["code"], "line {line}");
        }
    }
    for tool in
        ["describe_schema", "query", "get", "aggregate", "create", "bulk_create", "update", "bulk_update", "delete"]
    {
        assert!(examples.iter().any(|example| example.tool == tool), "the page has no example of {tool}");
    }
}

#[test]
fn the_page_has_every_code() {
    let page = page();
    let home = Home::empty();
    let all = home.run(&["explain", "--all", "--json"]).envelope();
    let tools = all["data"].as_array().unwrap().iter().filter(|code| code["name"] == Value::Null);
    let mut count = 0;
    for code in tools {
        let name = code["code"].as_str().unwrap();
        assert!(page.contains(&format!("| {name} |")), "docs/tools.md does not have {name}");
        count += 1;
    }
    assert_eq!(count, 18);
}
