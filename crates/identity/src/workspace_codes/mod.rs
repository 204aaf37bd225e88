//! Codes by which people join a workspace by themselves: shown once, kept as a hash.

mod create;
mod delete;
mod list;
mod redeem;
mod update;

use aws_lc_rs::digest::{SHA256, digest};
use tenantry_store::identity::workspace_codes::WorkspaceCode as Row;

use crate::{Audience, Identity, Refusal};

pub use create::NewWorkspaceCode;
pub use redeem::Redeemed;
pub use update::WorkspaceCodeChange;

/// The most uses that a code may have.
pub const MOST_USES: i64 = 1_000_000;

/// The longest that a code may live, in seconds: a year.
pub const LONGEST: i64 = 365 * 86_400;

/// A workspace code, without the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceCode {
    /// `wsc_` and 16 letters and digits.
    pub id: String,
    /// The account of the workspace.
    pub account_id: String,
    /// The workspace it leads into.
    pub workspace_id: String,
    /// The role of the workspace's level that it gives there.
    pub role_id: Option<String>,
    /// The context that it is for: the app, or the dashboard.
    pub context: Audience,
    /// How often it may be used.
    pub max_uses: i64,
    /// How often it was used.
    pub uses: i64,
    /// Is it in force? One that is used up or out of time is not used all the same.
    pub enabled: bool,
    /// Microseconds since 1970 UTC.
    pub created_micros: i64,
    /// Microseconds since 1970 UTC.
    pub expires_micros: i64,
}

impl WorkspaceCode {
    fn from_row(row: Row) -> WorkspaceCode {
        WorkspaceCode {
            context: context(&row.context).unwrap_or(Audience::App),
            enabled: row.status == ACTIVE,
            id: row.id,
            account_id: row.account_id,
            workspace_id: row.workspace_id,
            role_id: row.role_id,
            max_uses: row.max_uses,
            uses: row.uses,
            created_micros: row.created_micros,
            expires_micros: row.expires_micros,
        }
    }

    /// In one word, at that time (microseconds since 1970 UTC): `active`, `disabled`, `expired` or `used_up`.
    #[must_use]
    pub fn status(&self, now: i64) -> &'static str {
        if !self.enabled {
            DISABLED
        } else if self.expires_micros <= now {
            "expired"
        } else if self.uses >= self.max_uses {
            "used_up"
        } else {
            ACTIVE
        }
    }
}

const ACTIVE: &str = "active";
const DISABLED: &str = "disabled";

/// The contexts that a code may be for; the portal is for principals of the platform.
fn context(name: &str) -> Option<Audience> {
    [Audience::App, Audience::Dashboard].into_iter().find(|context| context.name() == name)
}

/// 32 signs that are not mistaken for one another.
const SIGNS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The hash of a code as somebody typed it: case, spaces and dashes do not count, nor whether O or 0,
/// I, L or 1 was meant.
fn hash(typed: &str) -> Vec<u8> {
    let signs = typed.chars().filter(|sign| !sign.is_whitespace() && *sign != '-').map(|sign| {
        match sign.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            sign => sign,
        }
    });
    digest(&SHA256, signs.collect::<String>().as_bytes()).as_ref().to_vec()
}

fn check_uses(uses: i64) -> Result<(), Refusal> {
    if (1..=MOST_USES).contains(&uses) {
        return Ok(());
    }
    Err(Refusal::invalid(format!("max_uses is between 1 and {MOST_USES}")))
}

fn check_lifetime(seconds: i64) -> Result<(), Refusal> {
    if (1..=LONGEST).contains(&seconds) {
        return Ok(());
    }
    Err(Refusal::invalid(format!("a code lives between 1 and {LONGEST} seconds")))
}

impl Identity {
    /// May a code for that context give that role? One for the app lets nobody manage anything: it is handed to
    /// many, and more lightly.
    async fn fits_context(&self, context: Audience, role: Option<&str>) -> Result<bool, Refusal> {
        Ok(match (context, role) {
            (Audience::App, Some(role)) => !self.store.role_permits_on(role, Audience::Dashboard.name()).await?,
            _ => true,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_known_however_it_is_typed() {
        assert_eq!(hash("AB0CD-EF1GH"), hash(" ab0cd efLgh"));
        assert_eq!(hash("AB0CD"), hash("aBocd"));
        assert_ne!(hash("AB0CD"), hash("AB1CD"));
    }
}
