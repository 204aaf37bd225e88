//! Where the store is.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::StoreError;

/// The address of a store.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// A SQLite file. Created with its folder when absent.
    Sqlite(PathBuf),
    /// A SQLite database in memory that ends with the [`Store`](crate::Store). For tests and dry runs.
    Memory,
    /// A PostgreSQL connection string.
    Postgres(String),
}

impl StoreUrl {
    /// Reads `sqlite:PATH`, `sqlite::memory:`, `postgres://…` or `postgresql://…`.
    ///
    /// # Errors
    /// [`StoreError::Address`] for anything else.
    pub fn parse(text: &str) -> Result<StoreUrl, StoreError> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(StoreUrl::Postgres(text.to_owned()));
        }
        match text.strip_prefix("sqlite:") {
            Some(":memory:") => Ok(StoreUrl::Memory),
            Some(path) => {
                // `sqlite:///var/lib/x` and `sqlite:/var/lib/x` mean the same file.
                let path = path.strip_prefix("//").unwrap_or(path);
                if path.is_empty() || path.contains('\0') || path.contains('?') {
                    return Err(StoreError::Address { what: "sqlite:".to_owned() });
                }
                Ok(StoreUrl::Sqlite(PathBuf::from(path)))
            }
            None => {
                let what = text.split_once(':').map_or("(no scheme)", |(scheme, _)| scheme);
                Err(StoreError::Address { what: what.chars().take(32).collect() })
            }
        }
    }

    /// Where the keys of a SQLite store lie unless said otherwise: beside the database.
    pub(crate) fn default_key_file(&self) -> Option<PathBuf> {
        match self {
            StoreUrl::Sqlite(path) => Some(beside(path, ".keys.json")),
            StoreUrl::Memory | StoreUrl::Postgres(_) => None,
        }
    }
}

/// The path with more text at the end of its file name.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

impl fmt::Debug for StoreUrl {
    /// Never shows a PostgreSQL address, since it may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreUrl::Sqlite(path) => f.debug_tuple("Sqlite").field(path).finish(),
            StoreUrl::Memory => f.write_str("Memory"),
            StoreUrl::Postgres(_) => f.write_str("Postgres(…)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        assert_eq!(StoreUrl::parse("sqlite:a.db").unwrap(), StoreUrl::Sqlite("a.db".into()));
        assert_eq!(StoreUrl::parse("sqlite:///a/b.db").unwrap(), StoreUrl::Sqlite("/a/b.db".into()));
        assert_eq!(StoreUrl::parse("sqlite::memory:").unwrap(), StoreUrl::Memory);
        let address = StoreUrl::parse("postgres://u:secret@h/d").unwrap();
        assert_eq!(format!("{address:?}"), "Postgres(…)");
        for wrong in ["", "a.db", "sqlite:", "mysql://u:secret@h/d", "sqlite:a?b"] {
            let error = StoreUrl::parse(wrong).unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
