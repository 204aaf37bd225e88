//! Where a source is.

use std::fmt;
use std::path::PathBuf;

use tenantry_tls::Address;

use crate::error::SourceError;

/// Where a source is: `sqlite:PATH` or `postgres://USER:PASSWORD@HOST:PORT/DATABASE?…`.
///
/// Neither `Debug` nor `Display` shows the password.
#[derive(Clone)]
pub struct SourceUrl {
    target: Target,
    shown: String,
}

#[derive(Clone)]
pub(crate) enum Target {
    Sqlite(PathBuf),
    Postgres(Box<Address>),
}

impl SourceUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`SourceError::Url`], without the password, when it is not one of ours.
    pub fn parse(text: &str) -> Result<SourceUrl, SourceError> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            // SQLite would take an empty name and `:memory:` for a database of each connection's
            // own, and `file:` for a name with parameters.
            if path.is_empty() || path == ":memory:" || path.starts_with("file:") || path.contains('\0') {
                return Err(SourceError::Url("`sqlite:` wants the path of a file".to_owned()));
            }
            return Ok(SourceUrl { target: Target::Sqlite(PathBuf::from(path)), shown: ["sqlite:", path].concat() });
        }
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(SourceError::Url("it begins with neither `sqlite:` nor `postgres://`".to_owned()));
        }
        let shown = without_password(text)
            .ok_or_else(|| SourceError::Url("the part after `postgres://` cannot be read".to_owned()))?;
        // Nothing of the address: a parameter that nobody knows may hold a password too.
        let address = Address::parse(text).map_err(|error| SourceError::Url(error.to_string()))?;
        Ok(SourceUrl { target: Target::Postgres(Box::new(address)), shown })
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// Is it a SQLite file, and which one?
    #[must_use]
    pub fn sqlite_path(&self) -> Option<&std::path::Path> {
        match &self.target {
            Target::Sqlite(path) => Some(path),
            Target::Postgres(_) => None,
        }
    }

    /// PostgreSQL: the role that it logs in as, and the password when the URL holds one.
    #[must_use]
    pub fn login(&self) -> Option<(&str, Option<&[u8]>)> {
        match &self.target {
            Target::Sqlite(_) => None,
            Target::Postgres(address) => {
                let config = address.config();
                Some((config.get_user()?, config.get_password()))
            }
        }
    }
}

/// The URL with its password replaced, also one that stands in the parameters.
fn without_password(text: &str) -> Option<String> {
    let mut url = url::Url::parse(text).ok()?;
    if url.password().is_some() {
        url.set_password(Some("***")).ok()?;
    }
    if url.query().is_some() {
        let pairs: Vec<(String, String)> = url
            .query_pairs()
            .filter(|(name, _)| name != "password")
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        if pairs.is_empty() {
            url.set_query(None);
        } else {
            url.query_pairs_mut().clear().extend_pairs(pairs);
        }
    }
    Some(url.to_string())
}

impl fmt::Debug for SourceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceUrl({})", self.shown)
    }
}

impl fmt::Display for SourceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_shows_the_password() {
        for (text, shown) in [
            ("postgres://app:s3cret@db.example:5432/shop", "postgres://app:***@db.example:5432/shop"),
            (
                "postgresql://app@db/shop?password=s3cret&connect_timeout=3",
                "postgresql://app@db/shop?connect_timeout=3",
            ),
            ("postgres://app@db/shop?password=s3cret", "postgres://app@db/shop"),
            ("sqlite:data/shop.db", "sqlite:data/shop.db"),
            ("sqlite:///srv/shop.db", "sqlite:/srv/shop.db"),
        ] {
            let url = SourceUrl::parse(text).unwrap();
            assert_eq!(url.to_string(), shown);
            assert!(!format!("{url:?}").contains("s3cret"));
        }
        for text in [
            "postgres://app:s3cret@db:notaport/x",
            "postgres://app:s3cret@db/x?nonsense=s3cret",
            "postgres://app:s3cret@db/x?sslmode=s3cret",
            "postgres://app:s3cret@db/x?sslmode=require&sslpassword=s3cret",
            "mysql://a:s3cret@b/c",
        ] {
            let error = SourceUrl::parse(text).unwrap_err();
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn sqlite_names_a_file() {
        for text in ["sqlite:", "sqlite::memory:", "sqlite:file:x?mode=rw", "sqlite://", "shop.db", ""] {
            assert!(matches!(SourceUrl::parse(text), Err(SourceError::Url(_))), "{text}");
        }
        assert_eq!(SourceUrl::parse("sqlite:a b.db").unwrap().sqlite_path().unwrap().to_str(), Some("a b.db"));
    }
}
