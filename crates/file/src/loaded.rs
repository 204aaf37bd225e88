//! A file that was read, merged and checked as far as it can be without a database.

use sha2::{Digest, Sha256};

use crate::code::FileCode;
use crate::database;
use crate::diagnostic::{Diagnostic, Findings};
use crate::directory::{Directory, PrincipalSpec};
use crate::identity;
use crate::limits;
use crate::model::{Document, Level};
use crate::read;
use crate::refer;
use crate::schema::SCHEMA;
use crate::shape;
use crate::span::{Files, Place, SourceText, Span};
use crate::tree::Node;
use crate::words::SourceUrl;

/// A file that holds together on its own. [`crate::compile`] checks it against the databases.
#[derive(Debug, Clone)]
pub struct Loaded {
    pub(crate) files: Files,
    pub(crate) root: Node,
    document: Document,
    directory: Directory,
    warnings: Vec<Diagnostic>,
}

/// A source as the file declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceDecl {
    /// Its name.
    pub name: String,
    /// How the running server reaches it.
    pub url: SourceUrl,
    /// How its owner reaches it.
    pub admin_url: Option<SourceUrl>,
}

/// Reads texts (one file, the files of a folder, or JSON from standard input) as one document.
///
/// # Errors
/// Every finding at once, warnings included, in the order of the texts.
pub fn load(mut inputs: Vec<SourceText>) -> Result<Loaded, Vec<Diagnostic>> {
    inputs.sort_by(|a, b| a.name.cmp(&b.name));
    let mut files = Files::new(inputs);
    let mut findings = Findings::default();
    let root = read::read(&files, &mut findings);
    hide_broken_secrets(&mut files, &findings);
    if findings.spans_of(FileCode::Syntax).next().is_some() {
        // What follows a syntax error is mostly an echo of it; only its secrets are looked for.
        shape::check(&root, &SCHEMA, &mut files, &mut Findings::default());
        return Err(findings.finish(&files));
    }
    shape::check(&root, &SCHEMA, &mut files, &mut findings);
    if findings.any_error() {
        return Err(findings.finish(&files));
    }
    let document: Document = match serde_json::from_value(root.to_json()) {
        Ok(document) => document,
        Err(_) => {
            // The shape was checked against the schema of the very same types; this is a gap in that check.
            findings.error(FileCode::WrongType, root.span, "the document does not have the expected shape");
            return Err(findings.finish(&files));
        }
    };
    refer::check(&document, &root, &mut findings);
    database::check(&document, &root, &mut findings);
    identity::check(&document, &root, &mut files, &mut findings);
    limits::check(&document, &root, &mut findings);
    if findings.any_error() {
        return Err(findings.finish(&files));
    }
    let directory = Directory::new(&document, &root);
    let warnings = findings.finish(&files);
    Ok(Loaded { files, root, document, directory, warnings })
}

impl Loaded {
    /// The typed model.
    #[must_use]
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// What probably does not say what was meant.
    #[must_use]
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// The limits and budgets. Clients stand in them by their names here.
    #[must_use]
    pub fn limits(&self) -> tenantry_policy::limits::LimitLaw {
        limits::law(&self.document)
    }

    /// The sources, ordered by name.
    #[must_use]
    pub fn sources(&self) -> Vec<SourceDecl> {
        let declared = self.document.source.iter();
        declared
            .map(|(name, source)| SourceDecl {
                name: name.as_str().to_owned(),
                url: source.url.clone(),
                admin_url: source.admin_url.clone(),
            })
            .collect()
    }

    /// The people.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// See [`Directory::find_user`].
    #[must_use]
    pub fn find_user(&self, account: &str, workspace: Option<&str>, user: &str) -> Option<PrincipalSpec> {
        self.directory.find_user(account, workspace, user)
    }

    /// See [`Directory::find_principal`].
    #[must_use]
    pub fn find_principal(&self, name: &str) -> Option<PrincipalSpec> {
        self.directory.find_principal(name)
    }

    /// Where a role is held.
    #[must_use]
    pub fn level(&self, role: &str) -> Level {
        identity::level(&self.document, role)
    }

    /// The place of the key that a path of keys ends with, for messages of other rooms.
    #[must_use]
    pub fn span(&self, path: &[&str]) -> Option<Place> {
        self.root.at(path)?;
        self.files.place(self.root.key_span_of(path))
    }

    /// The file and line of the key that a path of keys ends with: `tenantry.toml:12`. `None` when it is not there.
    #[must_use]
    pub fn located(&self, path: &[&str]) -> Option<String> {
        self.root.at(path)?;
        let (file, line) = self.files.line(self.root.key_span_of(path))?;
        Some(format!("{file}:{line}"))
    }

    /// The whole document as JSON. Secrets stand in it as references.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        self.root.to_json()
    }

    /// The whole document's canonical form, JSON: it can be loaded again. Secrets stand in it as references.
    #[must_use]
    pub fn canonical(&self) -> String {
        let mut text = String::new();
        self.root.canonical(&mut text);
        text
    }

    /// SHA-256 of the whole document's canonical form: layout, comments, order, the split into files and
    /// the choice of TOML or JSON do not change it.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.canonical().as_bytes()).into()
    }
}

/// A text that cannot be read may break right inside a secret, where no shape tells so: whatever
/// follows a key that sounds like one is not shown.
fn hide_broken_secrets(files: &mut Files, findings: &Findings) {
    let mut hidden = Vec::new();
    for span in findings.spans_of(FileCode::Syntax) {
        let Some(text) = files.texts().get(span.file).map(|source| source.text.as_str()) else { continue };
        let start = text.get(..span.start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
        let line = text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or("");
        let Some(at) = line.find(['=', ':']) else { continue };
        let words = line.to_lowercase();
        if ["pass", "pwd", "secret", "token", "key", "url", "credential"].iter().any(|word| words.contains(word)) {
            let value = line.get(at + 1..).unwrap_or("");
            let blanks = value.len() - value.trim_start().len();
            hidden.push(Span::new(span.file, start + at + 1 + blanks..start + line.len()));
        }
    }
    hidden.into_iter().for_each(|span| files.hide(span));
}
