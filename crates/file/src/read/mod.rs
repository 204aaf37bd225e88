//! From texts to one tree.

mod json;
mod merge;
mod text;
mod toml;

use crate::code::FileCode;
use crate::diagnostic::Findings;
use crate::span::{Files, Span};
use crate::tree::{Map, Node, Tree};

pub(crate) use text::byte_in_literal;
pub(crate) use toml::read as toml;

/// The largest text that is read.
const LARGEST: usize = 16 * 1024 * 1024;

/// The deepest nesting that is read.
const DEEPEST: usize = 32;

/// Reads all texts, sorted by name, and merges them.
pub(crate) fn read(files: &Files, findings: &mut Findings) -> Node {
    let mut root: Option<Node> = None;
    if files.texts().is_empty() {
        findings
            .error(FileCode::NothingToRead, None, "there is no file to read")
            .hint("`tenantry init` writes a first tenantry.toml");
    }
    for (file, source) in files.texts().iter().enumerate() {
        if source.text.len() > LARGEST {
            findings.error(FileCode::TooLarge, Span::new(file, 0..0), "the file is longer than 16 MiB");
            continue;
        }
        let node = if source.is_json() {
            json::read(file, &source.text, findings)
        } else {
            Some(toml(file, &source.text, findings))
        };
        let Some(node) = node else { continue };
        match &mut root {
            None => root = Some(node),
            Some(root) => merge::merge(root, node, &mut Vec::new(), files, findings),
        }
    }
    root.unwrap_or_else(|| Node { span: Span::default(), value: Tree::Map(Map::default()) })
}
