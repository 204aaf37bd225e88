//! Several texts as one: tables join, everything else may stand in one text only.

use crate::code::FileCode;
use crate::diagnostic::Findings;
use crate::span::Files;
use crate::tree::{Map, Node, Tree};

/// Adds the keys of `from` to `into`.
pub(crate) fn merge(into: &mut Node, from: Node, path: &mut Vec<String>, files: &Files, findings: &mut Findings) {
    let (Tree::Map(known), Tree::Map(added)) = (&mut into.value, from.value) else { return };
    for entry in added.into_entries() {
        let Some(existing) = known.get_mut(&entry.key) else {
            known.insert(entry);
            continue;
        };
        path.push(entry.key.clone());
        let both_tables = existing.node.map().is_some() && entry.node.map().is_some();
        if both_tables && !braced(&existing.node, files) && !braced(&entry.node, files) {
            merge(&mut existing.node, entry.node, path, files, findings);
        } else {
            let name = files.texts().get(existing.key_span.file).map_or("", |text| text.name.as_str()).to_owned();
            findings
                .error(FileCode::DefinedTwice, entry.key_span, format!("`{}` is defined in two files", path.join(".")))
                .label(existing.key_span, "first defined here")
                .hint(format!("keep it here or in {name}, not in both"));
        }
        path.pop();
    }
}

/// Is it an inline table of TOML? As inside one file, nothing can be added to it from elsewhere.
fn braced(node: &Node, files: &Files) -> bool {
    let json = files.texts().get(node.span.file).is_some_and(crate::span::SourceText::is_json);
    !json && files.slice(node.span).starts_with('{')
}

impl Map {
    fn into_entries(self) -> Vec<crate::tree::Entry> {
        self.iter().cloned().collect()
    }
}
