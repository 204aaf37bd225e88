//! The file of this run: where it is, what it says, and the databases that it names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use tenantry_file::words::{SecretRef, SourceLocation, SourceUrl as DeclaredUrl};
use tenantry_file::{Compiled, Diagnostic, Loaded, Severity, SourceText, Style};
use tenantry_policy::catalog::Catalog;
use tenantry_source::SourceUrl;
use tenantry_store::{Store, StoreUrl};

use crate::ambient::{OsEntropy, SystemClock};
use crate::args::Global;
use crate::environment::Environment;
use crate::output::{Failure, Output, Paint};

/// The file that is read when nothing is said.
pub const DEFAULT_FILE: &str = "tenantry.toml";
/// The folder that is read when there is no such file.
pub const DEFAULT_FOLDER: &str = "tenantry";
/// The longest input that is read at all; the file room refuses with a better word a little below.
const MAX_BYTES: u64 = 17 * 1024 * 1024;

/// Where the texts come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// JSON on standard input.
    Stdin,
    /// One file.
    File(PathBuf),
    /// A folder of `*.toml`.
    Folder(PathBuf),
}

/// The file of this run.
#[derive(Debug, Clone)]
pub struct Project<'a> {
    environment: &'a Environment,
    output: &'a Output,
    origin: Origin,
    state: PathBuf,
}

impl<'a> Project<'a> {
    /// Finds the file; does not read it yet.
    ///
    /// # Errors
    /// `NO_FILE` when there is none.
    pub fn find(environment: &'a Environment, output: &'a Output, global: &Global) -> Result<Project<'a>, Failure> {
        let origin = match &global.file {
            Some(path) if path.as_os_str() == "-" => Origin::Stdin,
            Some(path) => {
                let metadata = std::fs::metadata(environment.path(path)).map_err(|error| {
                    Failure::invalid("NO_FILE", format!("`{}` cannot be read: {}", path.display(), error.kind()))
                })?;
                if metadata.is_dir() { Origin::Folder(path.clone()) } else { Origin::File(path.clone()) }
            }
            None if environment.path(Path::new(DEFAULT_FILE)).is_file() => Origin::File(PathBuf::from(DEFAULT_FILE)),
            None if environment.path(Path::new(DEFAULT_FOLDER)).is_dir() => {
                Origin::Folder(PathBuf::from(DEFAULT_FOLDER))
            }
            None => {
                return Err(Failure::invalid(
                    "NO_FILE",
                    format!("there is neither `{DEFAULT_FILE}` nor a folder `{DEFAULT_FOLDER}` here"),
                )
                .hint("tenantry init --from sqlite:PATH writes a first file")
                .hint("--file PATH names another one"));
            }
        };
        Ok(Project { environment, output, origin, state: environment.path(&global.state) })
    }

    /// Where the texts come from.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The folder for what Tenantry itself keeps.
    #[must_use]
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// The database for what Tenantry itself keeps, inside [`Project::state`].
    #[must_use]
    pub fn store_path(&self) -> PathBuf {
        self.state.join("store.sqlite")
    }

    /// The certificate of the development authority, where this installation has made one.
    #[must_use]
    pub fn authority(&self) -> Option<String> {
        std::fs::read_to_string(self.state.join(crate::wire::FILE)).ok()
    }

    /// Opens what Tenantry itself keeps; makes it when it is not there yet.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` when it cannot be opened, or its keys are not the ones that it was made with.
    pub async fn open_store(&self) -> Result<Store, Failure> {
        let options = tenantry_store::Options {
            clock: Arc::new(SystemClock::new()),
            entropy: Arc::new(OsEntropy),
            key_file: None,
        };
        Store::open(&StoreUrl::Sqlite(self.store_path()), options).await.map_err(|error| {
            Failure::failed("STORE_UNAVAILABLE", format!("the store in `{}`: {error}", self.state.display()))
                .hint("the folder holds the database and its keys; both must be the ones that were made together")
        })
    }

    /// Keeps a text in the state folder, which is made for its owner alone when it is not there yet.
    ///
    /// # Errors
    /// `NOT_WRITTEN`.
    pub fn keep(&self, name: &str, text: &str) -> Result<PathBuf, Failure> {
        let path = self.state.join(name);
        if std::fs::read_to_string(&path).is_ok_and(|known| known == text) {
            return Ok(path);
        }
        let mut folder = std::fs::DirBuilder::new();
        folder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
        // Written beside and moved: whoever reads it meanwhile sees one whole.
        let next = self.state.join([name, ".next"].concat());
        let written = folder
            .create(&self.state)
            .and_then(|()| std::fs::write(&next, text))
            .and_then(|()| std::fs::rename(&next, &path));
        written.map_err(|error| {
            Failure::failed("NOT_WRITTEN", format!("`{}` cannot be written: {}", path.display(), error.kind()))
        })?;
        Ok(path)
    }

    /// The texts, named as the user named them.
    ///
    /// # Errors
    /// `NO_FILE` when one cannot be read.
    pub fn texts(&self) -> Result<Vec<SourceText>, Failure> {
        match &self.origin {
            Origin::Stdin => {
                let text = self
                    .environment
                    .read_stdin(MAX_BYTES)
                    .map_err(|error| Failure::invalid("NO_FILE", format!("standard input cannot be read: {error}")))?;
                Ok(vec![SourceText::new("<stdin>", text)])
            }
            Origin::File(path) => Ok(vec![self.read(path)?]),
            Origin::Folder(folder) => {
                let unreadable = |error: std::io::Error| {
                    Failure::invalid("NO_FILE", format!("`{}` cannot be read: {}", folder.display(), error.kind()))
                };
                let mut texts = Vec::new();
                for entry in std::fs::read_dir(self.environment.path(folder)).map_err(unreadable)? {
                    let name = entry.map_err(unreadable)?.file_name();
                    let path = folder.join(&name);
                    if path.extension().is_some_and(|extension| extension == "toml") {
                        texts.push(self.read(&path)?);
                    }
                }
                texts.sort_by(|one, other| one.name.cmp(&other.name));
                Ok(texts)
            }
        }
    }

    fn read(&self, path: &Path) -> Result<SourceText, Failure> {
        let unreadable =
            |problem: String| Failure::invalid("NO_FILE", format!("`{}` cannot be read: {problem}", path.display()));
        let full = self.environment.path(path);
        let length = std::fs::metadata(&full).map_err(|error| unreadable(error.kind().to_string()))?.len();
        if length > MAX_BYTES {
            return Err(unreadable("it is longer than 16 MiB".to_owned()));
        }
        let bytes = std::fs::read(&full).map_err(|error| unreadable(error.kind().to_string()))?;
        let text = String::from_utf8(bytes).map_err(|error| {
            unreadable(format!("it is not UTF-8 (byte {})", error.utf8_error().valid_up_to().saturating_add(1)))
        })?;
        Ok(SourceText::new(path.display().to_string(), text))
    }

    /// The file, checked as far as it can be without a database.
    ///
    /// # Errors
    /// `FILE_INVALID` with every finding.
    pub fn load(&self) -> Result<Loaded, Failure> {
        tenantry_file::load(self.texts()?).map_err(|found| invalid_file(&found, self.output))
    }

    /// The address of a source as declared, with its secret looked up.
    ///
    /// # Errors
    /// `SECRET_MISSING` or `BAD_SOURCE_URL`; neither holds the address.
    pub fn resolve(&self, source: &str, declared: &DeclaredUrl) -> Result<SourceUrl, Failure> {
        resolve(self.environment, source, declared)
    }

    /// A secret of the file that belongs to no source: `what` names it for people.
    ///
    /// # Errors
    /// `SECRET_MISSING`, without the secret.
    pub fn secret_of(&self, what: &str, reference: &str) -> Result<String, Failure> {
        self.environment
            .secret(reference)
            .map_err(|error| Failure::invalid("SECRET_MISSING", format!("{what}: {error}")))
    }

    /// A variable of the surroundings; an empty one counts as absent.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.environment.variable(name)
    }

    /// The address of the store as declared, with its secret looked up. Relative SQLite paths start at
    /// the current folder.
    ///
    /// # Errors
    /// `SECRET_MISSING`, without the address.
    pub fn store_address(&self, declared: &DeclaredUrl) -> Result<String, Failure> {
        let text = match declared.parse() {
            Some(SourceLocation::Sqlite(path)) => ["sqlite:", &path].concat(),
            Some(SourceLocation::Postgres(url)) => url,
            Some(SourceLocation::Secret(SecretRef::Env(name))) => self.secret(&["env:", &name].concat())?,
            Some(SourceLocation::Secret(SecretRef::File(path))) => self.secret(&["file:", &path].concat())?,
            Some(SourceLocation::Secret(SecretRef::Generate)) | None => {
                return Err(Failure::invalid("STORE_ADDRESS", "`platform.store` is not an address"));
            }
        };
        Ok(match text.strip_prefix("sqlite:") {
            Some(path) if !path.starts_with('/') && !path.starts_with(':') => {
                ["sqlite:", &self.path(Path::new(path)).to_string_lossy()].concat()
            }
            _ => text,
        })
    }

    fn secret(&self, reference: &str) -> Result<String, Failure> {
        self.environment.secret(reference).map_err(|error| {
            Failure::invalid("SECRET_MISSING", format!("the address of the store: {error}"))
                .detail("reference", reference)
        })
    }

    /// A path of the file; relative ones start at the current folder.
    #[must_use]
    pub fn path(&self, path: &Path) -> PathBuf {
        self.environment.path(path)
    }

    /// What each source's database says of its tables.
    ///
    /// # Errors
    /// `SOURCE_UNAVAILABLE` when one cannot be reached or read.
    pub async fn catalogs(&self, loaded: &Loaded) -> Result<BTreeMap<String, Catalog>, Failure> {
        let mut catalogs = BTreeMap::new();
        for source in loaded.sources() {
            // The owner sees the tables before the runtime role even exists; a server that is not given
            // the owner's address sees them as the runtime role does.
            let owner = source.admin_url.as_ref().and_then(|url| self.resolve(&source.name, url).ok());
            let url = match owner {
                Some(url) => url,
                None => self.resolve(&source.name, &source.url)?,
            };
            let catalog =
                tenantry_source::read_catalog(&url).await.map_err(|error| unavailable(&source.name, &error))?;
            catalogs.insert(source.name, catalog);
        }
        Ok(catalogs)
    }

    /// The law in force: the file, compiled against the catalogs. Warnings are told.
    ///
    /// # Errors
    /// `FILE_INVALID` with every finding, and what [`Project::catalogs`] says.
    pub async fn compile(&self, loaded: &Loaded) -> Result<(Compiled, BTreeMap<String, Catalog>), Failure> {
        let catalogs = self.catalogs(loaded).await?;
        let compiled = tenantry_file::compile(loaded, &catalogs).map_err(|found| invalid_file(&found, self.output))?;
        self.tell(&compiled.warnings);
        Ok((compiled, catalogs))
    }

    /// Shows warnings to people. With `--json` the command that wants them puts them in its data.
    pub fn tell(&self, warnings: &[Diagnostic]) {
        if !warnings.is_empty() {
            self.output.note(&tenantry_file::render(warnings, Style::Ansi));
        }
    }
}

/// The address of a source as declared, with its secret looked up. Relative SQLite paths start at the
/// current folder.
///
/// # Errors
/// `SECRET_MISSING` or `BAD_SOURCE_URL`; neither holds the address.
pub fn resolve(environment: &Environment, source: &str, declared: &DeclaredUrl) -> Result<SourceUrl, Failure> {
    let text = match declared.parse() {
        Some(SourceLocation::Sqlite(path)) => ["sqlite:", &path].concat(),
        Some(SourceLocation::Postgres(url)) => url,
        Some(SourceLocation::Secret(SecretRef::Env(name))) => secret(environment, source, &["env:", &name].concat())?,
        Some(SourceLocation::Secret(SecretRef::File(path))) => secret(environment, source, &["file:", &path].concat())?,
        Some(SourceLocation::Secret(SecretRef::Generate)) | None => {
            return Err(Failure::invalid("BAD_SOURCE_URL", format!("source `{source}` has no address")));
        }
    };
    parse_url(environment, source, &text)
}

/// Reads an address; relative SQLite paths start at the current folder.
///
/// # Errors
/// `BAD_SOURCE_URL`, without the address.
pub fn parse_url(environment: &Environment, source: &str, text: &str) -> Result<SourceUrl, Failure> {
    let text = match text.strip_prefix("sqlite:") {
        Some(path) if !path.is_empty() && !path.starts_with("//") && !path.starts_with(':') => {
            ["sqlite:", &environment.path(Path::new(path)).to_string_lossy()].concat()
        }
        _ => text.to_owned(),
    };
    SourceUrl::parse(&text).map_err(|error| {
        Failure::invalid("BAD_SOURCE_URL", format!("the address of source `{source}` is not one: {error}"))
            .hint("write sqlite:PATH or postgres://USER@HOST/DATABASE")
    })
}

fn secret(environment: &Environment, source: &str, reference: &str) -> Result<String, Failure> {
    environment.secret(reference).map_err(|error| {
        Failure::invalid("SECRET_MISSING", format!("the address of source `{source}`: {error}"))
            .detail("source", source)
            .detail("reference", reference)
    })
}

/// A source that does not answer is not the input's fault.
#[must_use]
pub fn unavailable(source: &str, error: &tenantry_source::SourceError) -> Failure {
    Failure::failed("SOURCE_UNAVAILABLE", format!("source `{source}`: {error}"))
        .hint(error.hint())
        .hint("tenantry doctor looks for the cause")
        .detail("source", source)
        .detail("reason", error.code())
}

/// Findings as a failure.
#[must_use]
pub fn invalid_file(found: &[Diagnostic], output: &Output) -> Failure {
    let errors = found.iter().filter(|diagnostic| diagnostic.is_error()).count();
    let message = match errors {
        1 => "the file has an error".to_owned(),
        count => format!("the file has {count} errors"),
    };
    let mut text = tenantry_file::render(found, if output.color_talk() { Style::Ansi } else { Style::Plain });
    text.push_str(&["\n", &Paint::BAD.on(&message), "; `tenantry explain CODE` says more\n"].concat());
    Failure::invalid("FILE_INVALID", message)
        .hint("tenantry explain CODE says more")
        .detail("diagnostics", diagnostics(found))
        .rendered(text)
}

/// Findings for programs.
#[must_use]
pub fn diagnostics(found: &[Diagnostic]) -> Value {
    let place = |place: &tenantry_file::Place| {
        json!({
            "file": &*place.file,
            "line": place.line,
            "column": place.column,
            "start": place.start,
            "end": place.end,
        })
    };
    found
        .iter()
        .map(|diagnostic| {
            json!({
                "code": diagnostic.code.name(),
                "name": diagnostic.code.slug(),
                "severity": match diagnostic.severity {
                    Severity::Error => "error",
                    Severity::Warning => "warning",
                },
                "message": diagnostic.message,
                "hint": diagnostic.hint,
                "place": diagnostic.place.as_ref().map(place),
                "labels": diagnostic
                    .labels
                    .iter()
                    .map(|label| json!({ "text": label.text, "place": place(&label.place) }))
                    .collect::<Vec<_>>(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::ColorChoice;

    fn global(file: Option<&str>) -> Global {
        Global {
            file: file.map(PathBuf::from),
            state: PathBuf::from(".tenantry"),
            json: false,
            quiet: false,
            color: ColorChoice::Never,
        }
    }

    #[test]
    fn the_file_is_found_where_people_expect_it() {
        let dir = tempfile::tempdir().unwrap();
        let env = Environment::for_test(dir.path()).with_stdin("{}");
        let output = Output::new(&env, false, false, ColorChoice::Never);
        let find =
            |file: Option<&str>| Project::find(&env, &output, &global(file)).map(|project| project.origin().clone());
        assert_eq!(find(None).unwrap_err().code, "NO_FILE");
        std::fs::create_dir(dir.path().join("tenantry")).unwrap();
        std::fs::write(dir.path().join("tenantry/b.toml"), "b").unwrap();
        std::fs::write(dir.path().join("tenantry/a.toml"), "a").unwrap();
        std::fs::write(dir.path().join("tenantry/notes.txt"), "x").unwrap();
        assert_eq!(find(None).unwrap(), Origin::Folder("tenantry".into()));
        let texts = Project::find(&env, &output, &global(None)).unwrap().texts().unwrap();
        let names: Vec<&str> = texts.iter().map(|text| text.name.as_str()).collect();
        assert_eq!(names, ["tenantry/a.toml", "tenantry/b.toml"]);
        std::fs::write(dir.path().join("tenantry.toml"), "x").unwrap();
        assert_eq!(find(None).unwrap(), Origin::File("tenantry.toml".into()));
        assert_eq!(find(Some("-")).unwrap(), Origin::Stdin);
        assert_eq!(find(Some("gone.toml")).unwrap_err().code, "NO_FILE");
    }

    #[test]
    fn an_address_in_a_variable_never_enters_a_message() {
        let env = Environment::for_test(Path::new("/")).with_variable("DB", "mysql://user:hunter2@host/db");
        let failure = parse_url(&env, "main", "mysql://user:hunter2@host/db").unwrap_err();
        assert!(!failure.message.contains("hunter2"), "{}", failure.message);
    }
}
