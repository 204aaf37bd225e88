//! Arguments that the commands on identity share.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::Value;
use tenantry_identity::Part;
use tenantry_identity::text::Fields;
use tenantry_policy::Entropy as _;

use crate::ambient::OsEntropy;
use crate::commands::Run;
use crate::output::Failure;

/// Which part of a list.
#[derive(Debug, Clone, Args)]
pub struct PartArgs {
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=100))]
    pub take: i64,
    /// From where the part before ended
    #[arg(long, value_name = "NEXT")]
    pub from: Option<String>,
}

impl PartArgs {
    /// As the operations take it.
    #[must_use]
    pub fn part(&self) -> Part {
        Part::From { from: self.from.clone(), take: self.take }
    }
}

impl PartArgs {
    /// For lists that are asked for by numbers of items: the part, and where the next one would begin.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` for a `--from` that is no number.
    pub fn page(&self) -> Result<(Part, i64), Failure> {
        let offset = match &self.from {
            Some(from) => {
                from.parse().map_err(|_| Failure::invalid("VALIDATION_ERROR", "--from is no place of this list"))?
            }
            None => 0_i64,
        };
        Ok((Part::Page { offset, limit: self.take, total: false }, offset.saturating_add(self.take)))
    }
}

/// All of a list that is asked for by numbers of items.
pub const WHOLE_PAGE: i64 = 1_000;

/// Members to set, as the Management API calls them.
#[derive(Debug, Clone, Args)]
pub struct SetArgs {
    /// Set a member: JSON, or text where it is not JSON; `null` takes it away. May come many times
    #[arg(long, value_name = "NAME=VALUE", value_parser = member)]
    pub set: Vec<(String, Value)>,
}

impl SetArgs {
    /// The members.
    #[must_use]
    pub fn fields(&self) -> Fields {
        let members: BTreeMap<_, _> = self.set.iter().cloned().collect();
        members.into_iter().collect()
    }
}

fn member(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    if name.is_empty() {
        return Err("a name comes before the `=`".to_owned());
    }
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
    Ok((name.to_owned(), value))
}

/// The longest secret on standard input.
const LONGEST: u64 = 64 * 1024;

/// A new secret: what `env:NAME`, `file:PATH` or `-` (standard input) holds, or one that is made. `true` says
/// that it was made, and is to be shown this once.
///
/// # Errors
/// `SECRET_MISSING`; `NO_ENTROPY`.
pub fn secret(run: &Run<'_>, reference: Option<&str>) -> Result<(String, bool), Failure> {
    let missing = |why: String| Failure::invalid("SECRET_MISSING", why);
    match reference {
        Some("-") => {
            let text = run.environment.read_stdin(LONGEST).map_err(|error| missing(error.to_string()))?;
            Ok((text.trim_end_matches(['\r', '\n']).to_owned(), false))
        }
        Some(reference) => {
            let found = run.environment.secret(reference).map_err(|error| missing(error.to_string()))?;
            Ok((found, false))
        }
        None => {
            let mut drawn = [0_u8; 16];
            OsEntropy.fill(&mut drawn).map_err(|error| Failure::failed("NO_ENTROPY", error.to_string()))?;
            // Letters of both kinds, digits and a sign, as most policies want.
            Ok((["Aa1-", &tenantry_identity::text::hex(&drawn)].concat(), true))
        }
    }
}
