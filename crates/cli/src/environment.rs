//! What the program finds around it: variables, the current folder, its streams. The only place
//! that reads them, so that a secret has one way in and a test can hand in all of it.

use std::collections::BTreeMap;
use std::io::{BufRead, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

/// The largest file that may hold a secret: 64 KiB.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// The surroundings of one run.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Variables by name; only valid Unicode ones.
    variables: BTreeMap<String, String>,
    /// The folder that relative paths start from.
    cwd: PathBuf,
    /// Where data goes.
    pub stdout: Stream,
    /// Where talk goes.
    pub stderr: Stream,
    /// What `-` reads.
    stdin: Input,
}

/// Where output goes.
#[derive(Debug, Clone)]
pub enum Stream {
    /// The process's standard output.
    Stdout,
    /// The process's standard error.
    Stderr,
    /// Kept in memory, for tests.
    Buffer(Arc<Mutex<Vec<u8>>>),
}

impl Stream {
    /// A stream that keeps what it gets.
    #[must_use]
    pub fn buffer() -> Stream {
        Stream::Buffer(Arc::default())
    }

    /// Does a person look at it?
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        match self {
            Stream::Stdout => std::io::stdout().is_terminal(),
            Stream::Stderr => std::io::stderr().is_terminal(),
            Stream::Buffer(_) => false,
        }
    }

    /// Writes all of `bytes` and flushes.
    ///
    /// # Errors
    /// What the operating system says; a reader that went away is `BrokenPipe`.
    pub fn write(&self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Stream::Stdout => {
                let mut lock = std::io::stdout().lock();
                lock.write_all(bytes)?;
                lock.flush()
            }
            Stream::Stderr => {
                let mut lock = std::io::stderr().lock();
                lock.write_all(bytes)?;
                lock.flush()
            }
            Stream::Buffer(buffer) => {
                buffer.lock().extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    /// What a buffer got so far, as text; empty for the process's own streams.
    #[must_use]
    pub fn contents(&self) -> String {
        match self {
            Stream::Buffer(buffer) => String::from_utf8_lossy(&buffer.lock()).into_owned(),
            Stream::Stdout | Stream::Stderr => String::new(),
        }
    }
}

#[derive(Debug, Clone)]
enum Input {
    Process,
    Given(Arc<str>),
}

/// A secret could not be had. Names where it was looked for, never what was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Neither `env:NAME` nor `file:PATH`.
    #[error("a secret stands as a literal; write `env:NAME` or `file:PATH` instead")]
    Literal,
    /// The variable is not set, or not text.
    #[error("the environment variable `{name}` is not set")]
    NoVariable {
        /// Its name.
        name: String,
    },
    /// The variable or file holds nothing.
    #[error("`{place}` is empty")]
    Empty {
        /// `env:NAME` or `file:PATH`.
        place: String,
    },
    /// The file cannot be read.
    #[error("the secret file `{path}` cannot be read: {problem}")]
    Unreadable {
        /// Its path.
        path: String,
        /// The operating system's reason.
        problem: String,
    },
}

impl Environment {
    /// The surroundings of this process.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn of_process() -> Environment {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Environment {
            variables,
            cwd: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
            stdout: Stream::Stdout,
            stderr: Stream::Stderr,
            stdin: Input::Process,
        }
    }

    /// Surroundings made up for a test: no variables, output kept in memory, empty input.
    #[must_use]
    pub fn for_test(cwd: &Path) -> Environment {
        Environment {
            variables: BTreeMap::new(),
            cwd: cwd.to_owned(),
            stdout: Stream::buffer(),
            stderr: Stream::buffer(),
            stdin: Input::Given(Arc::from("")),
        }
    }

    /// With a variable set.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: &str) -> Environment {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// With this text on standard input.
    #[must_use]
    pub fn with_stdin(mut self, text: &str) -> Environment {
        self.stdin = Input::Given(Arc::from(text));
        self
    }

    /// The same in another folder.
    #[must_use]
    pub fn in_folder(mut self, folder: &Path) -> Environment {
        self.cwd = folder.to_owned();
        self
    }

    /// A variable; an empty one counts as absent.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The folder that relative paths start from.
    #[must_use]
    pub fn cwd(&self) -> &Path {
        &self.cwd
    }

    /// Where passing files go: TMPDIR, or the system's folder for them.
    #[must_use]
    pub fn temporary_folder(&self) -> PathBuf {
        self.variable("TMPDIR").map_or_else(|| PathBuf::from("/tmp"), |folder| self.path(Path::new(folder)))
    }

    /// A path as the user meant it: relative ones start at the current folder.
    #[must_use]
    pub fn path(&self, path: &Path) -> PathBuf {
        self.cwd.join(path)
    }

    /// Standard input to its end, at most `limit` bytes.
    ///
    /// # Errors
    /// What the operating system says; `InvalidData` when it is too long or not UTF-8.
    pub fn read_stdin(&self, limit: u64) -> std::io::Result<String> {
        let text = match &self.stdin {
            Input::Given(text) => text.to_string(),
            Input::Process => {
                let mut bytes = Vec::new();
                std::io::stdin().lock().take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
                String::from_utf8(bytes)
                    .map_err(|_| std::io::Error::new(std::io::ErrorKind::InvalidData, "the input is not UTF-8"))?
            }
        };
        if u64::try_from(text.len()).unwrap_or(u64::MAX) > limit {
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "the input is too long"));
        }
        Ok(text)
    }

    /// Standard input line by line, as it comes; an item that is too long (more than `limit` bytes) or cannot be
    /// read is an error. Ends with the input.
    #[must_use]
    pub fn lines(&self, limit: usize) -> tokio::sync::mpsc::Receiver<std::io::Result<Vec<u8>>> {
        let (sender, receiver) = tokio::sync::mpsc::channel(LINES_WAITING);
        let given = match &self.stdin {
            Input::Given(text) => Some(Arc::clone(text)),
            Input::Process => None,
        };
        // A thread of its own: whoever waits for a person's input must not hold up a runtime that ends.
        std::thread::spawn(move || match given {
            Some(text) => read_lines(text.as_bytes(), limit, &sender),
            None => read_lines(std::io::stdin().lock(), limit, &sender),
        });
        receiver
    }

    /// The secret that `env:NAME` or `file:PATH` points at, without a trailing line break.
    ///
    /// # Errors
    /// [`SecretError`], which names the variable or file and never holds a value.
    pub fn secret(&self, reference: &str) -> Result<String, SecretError> {
        if let Some(name) = reference.strip_prefix("env:") {
            let value = self
                .variables
                .get(name)
                .ok_or_else(|| SecretError::NoVariable { name: name.to_owned() })?
                .trim_end_matches(['\r', '\n']);
            return if value.is_empty() {
                Err(SecretError::Empty { place: reference.to_owned() })
            } else {
                Ok(value.to_owned())
            };
        }
        let Some(path) = reference.strip_prefix("file:") else { return Err(SecretError::Literal) };
        let unreadable = |problem: String| SecretError::Unreadable { path: path.to_owned(), problem };
        let file =
            std::fs::File::open(self.path(Path::new(path))).map_err(|error| unreadable(error.kind().to_string()))?;
        let mut text = String::new();
        file.take(MAX_SECRET_BYTES.saturating_add(1))
            .read_to_string(&mut text)
            .map_err(|error| unreadable(error.kind().to_string()))?;
        if u64::try_from(text.len()).unwrap_or(u64::MAX) > MAX_SECRET_BYTES {
            return Err(unreadable("longer than 64 KiB".to_owned()));
        }
        let value = text.trim_end_matches(['\r', '\n']);
        if value.is_empty() {
            return Err(SecretError::Empty { place: reference.to_owned() });
        }
        Ok(value.to_owned())
    }
}

/// Lines read ahead.
const LINES_WAITING: usize = 16;

type Lines = tokio::sync::mpsc::Sender<std::io::Result<Vec<u8>>>;

fn read_lines(mut input: impl BufRead, limit: usize, lines: &Lines) {
    loop {
        let mut line = Vec::new();
        let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        let read = Read::by_ref(&mut input).take(most).read_until(b'\n', &mut line);
        let item = match read {
            Ok(0) => return,
            Ok(_) if line.last() == Some(&b'\n') || line.len() <= limit => Ok(line),
            Ok(_) => match input.skip_until(b'\n') {
                Ok(_) => Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "the line is too long")),
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        };
        let broken = matches!(&item, Err(error) if error.kind() != std::io::ErrorKind::InvalidData);
        if lines.blocking_send(item).is_err() || broken {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_one_by_one_and_one_that_is_too_long_is_left_out() {
        let env = Environment::for_test(Path::new(".")).with_stdin("one\ntwolong\n\nthree\nlast");
        let mut lines = env.lines(5);
        let mut seen = Vec::new();
        while let Some(line) = lines.blocking_recv() {
            seen.push(line.map(|line| String::from_utf8(line).unwrap()).map_err(|error| error.to_string()));
        }
        let told = |text: &str| Ok(text.to_owned());
        assert_eq!(
            seen,
            [told("one\n"), Err("the line is too long".to_owned()), told("\n"), told("three\n"), told("last")]
        );
    }

    #[test]
    fn secrets_come_from_variables_and_files_and_errors_never_hold_them() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("key"), "from-a-file\n").unwrap();
        std::fs::write(dir.path().join("empty"), "\n").unwrap();
        let env = Environment::for_test(dir.path()).with_variable("KEY", "from-a-variable").with_variable("NIL", "");
        assert_eq!(env.secret("env:KEY").unwrap(), "from-a-variable");
        assert_eq!(env.secret("file:key").unwrap(), "from-a-file");
        for (reference, says) in [
            ("env:OTHER", "`OTHER` is not set"),
            ("env:NIL", "`env:NIL` is empty"),
            ("file:empty", "`file:empty` is empty"),
            ("file:absent", "`absent` cannot be read"),
            ("hunter2", "literal"),
        ] {
            let error = env.secret(reference).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
            assert!(!error.contains("hunter2") && !error.contains("from-a"), "{error}");
        }
    }
}
