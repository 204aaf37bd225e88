//! Evaluation suites: calls as named people, and what must come of them. Read like the file itself: with
//! spans, stable codes, and unknown keys refused.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Deserialize;
use serde_json::{Map, Value};
use tenantry_policy::Code;

use crate::code::FileCode;
use crate::diagnostic::{Diagnostic, Findings};
use crate::read;
use crate::shape;
use crate::span::{Files, Place, SourceText};
use crate::tree::{Node, Tree};
use crate::words::{Secret, SecretRef, suggest};

/// A suite as it is written.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SuiteDocument {
    /// About the whole.
    pub suite: About,
    /// Who calls, by the names that the calls use.
    pub principal: BTreeMap<String, Player>,
    /// The calls, in order.
    pub call: Vec<SuiteCall>,
}

/// About a suite as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct About {
    /// For people.
    pub description: Option<String>,
    /// How often each call that only reads is made again; every answer must be the same.
    #[schemars(range(min = 0, max = 100))]
    pub replays: u32,
}

impl Default for About {
    fn default() -> Self {
        About { description: None, replays: 1 }
    }
}

/// Somebody who calls. Exactly one of the two.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Player {
    /// `ACCOUNT/USER`, `ACCOUNT/WORKSPACE/USER`, or a platform principal: somebody of the file or of the store.
    #[serde(rename = "as")]
    pub who: Option<String>,
    /// Where the token is found: `env:NAME` or `file:PATH`.
    pub token: Option<Secret>,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuiteCall {
    /// For people.
    pub name: Option<String>,
    /// Who calls.
    #[serde(rename = "as")]
    pub who: String,
    /// The tool.
    pub tool: String,
    /// Its arguments.
    #[serde(default)]
    pub arguments: Map<String, Value>,
    /// What must come of it. Without, only what must hold after every call.
    pub expect: Option<Expect>,
    /// The answer must be the one to these arguments: of a row that is not there, say.
    pub same_as: Option<Map<String, Value>>,
}

/// What must come of a call. Without `code` it must be done.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// It is refused with this code: `FIELD_NOT_ALLOWED`.
    pub code: Option<String>,
    /// How many rows (or groups) the answer holds.
    pub rows: Option<u64>,
    /// At least so many.
    pub at_least: Option<u64>,
    /// At most so many.
    pub at_most: Option<u64>,
    /// What `get` says.
    pub found: Option<bool>,
    /// The value of an aggregate that answers a single group.
    pub value: Option<Value>,
    /// The fields of every row, exactly.
    pub fields: Option<Vec<String>>,
    /// Every row has these values.
    pub every: Map<String, Value>,
    /// Texts that stand in the answer.
    pub has: Vec<String>,
    /// Texts that do not.
    pub lacks: Vec<String>,
    /// The whole `data` of the answer.
    pub data: Option<Value>,
}

impl Expect {
    /// Does it say something about rows?
    fn about_rows(&self) -> bool {
        self.rows.is_some()
            || self.at_least.is_some()
            || self.at_most.is_some()
            || self.found.is_some()
            || self.value.is_some()
            || self.fields.is_some()
            || !self.every.is_empty()
            || self.data.is_some()
    }
}

/// A suite that holds together on its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Suite {
    /// The name of its text.
    pub name: String,
    /// As it is written.
    pub document: SuiteDocument,
    /// Where each call stands.
    pub places: Vec<Option<Place>>,
}

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<SuiteDocument>();
    schema.insert("title".to_owned(), Value::from("an evaluation suite"));
    schema.to_value()
});

/// The JSON Schema (draft 2020-12) of suites, as text that ends with a line end.
#[must_use]
pub fn suite_schema() -> String {
    let mut text = serde_json::to_string_pretty(&*SCHEMA).unwrap_or_default();
    text.push('\n');
    text
}

/// Reads a suite.
///
/// # Errors
/// Every finding at once, in the order of the text.
pub fn load_suite(text: SourceText) -> Result<Suite, Vec<Diagnostic>> {
    let name = text.name.clone();
    let mut files = Files::new(vec![text]);
    let mut findings = Findings::default();
    let root = read::read(&files, &mut findings);
    if !findings.any_error() {
        shape::check(&root, &SCHEMA, &mut files, &mut findings);
    }
    if findings.any_error() {
        return Err(findings.finish(&files));
    }
    let document: SuiteDocument = match serde_json::from_value(root.to_json()) {
        Ok(document) => document,
        Err(_) => {
            // The shape was checked against the schema of the very same types; this is a gap in that check.
            findings.error(FileCode::WrongType, root.span, "the suite does not have the expected shape");
            return Err(findings.finish(&files));
        }
    };
    check(&document, &root, &mut findings);
    if findings.any_error() {
        return Err(findings.finish(&files));
    }
    let places = calls(&root).iter().map(|call| files.place(call.span)).collect();
    Ok(Suite { name, document, places })
}

fn calls(root: &Node) -> &[Node] {
    match root.at(&["call"]).map(|node| &node.value) {
        Some(Tree::List(items)) => items,
        _ => &[],
    }
}

/// What the shape does not say.
fn check(document: &SuiteDocument, root: &Node, findings: &mut Findings) {
    if document.call.is_empty() {
        findings.error(FileCode::NothingToPlay, root.span, "the suite makes no call").hint("write [[call]]");
    }
    for (name, player) in &document.principal {
        if player.who.is_some() == player.token.is_some() {
            let span = root.key_span_of(&["principal", name]);
            findings
                .error(FileCode::UnclearPlayer, span, format!("`{name}` takes either `as` or `token`"))
                .hint("as = \"ACCOUNT/USER\", or token = \"env:NAME\"");
        }
        if player.token.as_ref().and_then(Secret::parse) == Some(SecretRef::Generate) {
            let span = root.span_of(&["principal", name, "token"]);
            findings
                .error(FileCode::LiteralSecret, span, "a token cannot be generated")
                .hint("write `env:NAME` or `file:PATH`");
        }
    }
    for (call, node) in document.call.iter().zip(calls(root)) {
        if !document.principal.contains_key(&call.who) {
            let known = document.principal.keys().map(String::as_str);
            findings
                .error(FileCode::UnknownPlayer, node.span_of(&["as"]), format!("the suite has nobody `{}`", call.who))
                .maybe_hint(suggest(&call.who, known));
        }
        let Some(expect) = &call.expect else { continue };
        if let Some(code) = &expect.code {
            let span = node.span_of(&["expect", "code"]);
            if Code::parse(code).is_none() {
                findings
                    .error(FileCode::UnknownWord, span, format!("`{code}` is no code of a tool"))
                    .maybe_hint(suggest(code, Code::ALL.iter().map(|code| code.name())));
            }
            if expect.about_rows() {
                findings
                    .error(FileCode::BadExpectation, span, "a call that is refused answers no rows")
                    .hint("leave out `code`, or what is said about rows");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
[suite]
description = "what it holds"

[principal.ana]
as = "northwind/ana@northwind.example"
[principal.far]
token = "env:FAR"

[[call]]
name = "her tickets"
as = "ana"
tool = "query"
arguments = { model = "tickets", take = 2, where = { field = "id", op = "in", value = [1, 2] } }
expect = { at_most = 2, every = { assigned_to = "ana" } }

[[call]]
as = "far"
tool = "get"
arguments = { model = "orders", id = 1 }
same_as = { model = "orders", id = 999 }
"#;

    #[test]
    fn a_suite_is_read_with_its_places() {
        let suite = load_suite(SourceText::new("s.toml", GOOD)).unwrap();
        assert_eq!(suite.document.call.len(), 2);
        assert_eq!(suite.document.suite.replays, 1);
        assert_eq!(suite.name, "s.toml");
        assert_eq!(suite.document.call[0].arguments["where"]["value"], serde_json::json!([1, 2]));
        let lines: Vec<usize> = suite.places.iter().map(|place| place.as_ref().unwrap().line).collect();
        assert_eq!(lines, [10, 17]);
    }

    #[test]
    fn what_is_wrong_has_a_code_and_a_place() {
        let base = "[principal.a]\nas = \"x/y\"\n";
        for (text, code, line) in [
            (base.to_owned(), "F163", 1),
            (format!("{base}[[call]]\nas = \"b\"\ntool = \"get\"\n"), "F160", 4),
            (format!("{base}[[call]]\nas = \"a\"\n"), "F012", 3),
            (format!("{base}[[call]]\nas = \"a\"\ntool = \"get\"\nexpext = {{}}\n"), "F010", 6),
            (format!("{base}[[call]]\nas = \"a\"\ntool = \"get\"\nexpect = {{ code = \"NO\" }}\n"), "F013", 6),
            (
                format!("{base}[[call]]\nas = \"a\"\ntool = \"get\"\nexpect = {{ code = \"NOT_FOUND\", rows = 1 }}\n"),
                "F162",
                6,
            ),
            ("[principal.a]\n[[call]]\nas = \"a\"\ntool = \"get\"\n".to_owned(), "F161", 1),
            ("[principal.a]\ntoken = \"eyJhbGciOi\"\n".to_owned(), "F018", 2),
            ("[principal.a]\ntoken = \"generate\"\n[[call]]\nas = \"a\"\ntool = \"get\"\n".to_owned(), "F018", 2),
            ("[[call]\n".to_owned(), "F001", 1),
        ] {
            let found = load_suite(SourceText::new("s.toml", text.clone())).unwrap_err();
            let first =
                found.iter().find(|one| one.code.name() == code).unwrap_or_else(|| panic!("{text}\n{found:#?}"));
            assert_eq!(first.place.as_ref().unwrap().line, line, "{text}\n{found:#?}");
            assert!(!format!("{found:?}").contains("eyJhbGciOi"), "a token in a message");
        }
    }
}
