//! Who holds a role on the platform, in no account.

use tenantry_store::identity::Window;
use tenantry_store::identity::roles::{HeldAt, Holder as Row};

use crate::caller::Target;
use crate::text::fields;
use crate::{Caller, Identity, Kind, Listed, Part, Refusal};

/// Somebody who holds a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The user's id.
    pub user_id: String,
    /// Its address.
    pub email: Option<String>,
    /// Its whole name.
    pub name: Option<String>,
    /// The address of its picture.
    pub picture: Option<String>,
    /// Since when, in microseconds since 1970 UTC.
    pub since_micros: i64,
}

impl Holder {
    fn from_row(row: Row) -> Holder {
        let doc = fields(&row.user.doc);
        let text = |name: &str| doc.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
        Holder {
            name: text("name"),
            picture: text("picture"),
            user_id: row.user.id,
            email: row.user.email,
            since_micros: row.since_micros,
        }
    }
}

impl Identity {
    /// Who holds a role on the platform, in the order in which it was given.
    ///
    /// # Errors
    /// [`Refusal::Missing`]; [`Refusal::Invalid`] for a `from` that this list did not answer.
    pub async fn role_users(&self, caller: &Caller, id: &str, part: &Part) -> Result<Listed<Holder>, Refusal> {
        caller.may(&["read:users", "read:roles", "read:role_members"], Target::Platform)?;
        self.known_role(id).await?;
        let after = part.after()?;
        let after = after.as_ref().map(|(micros, user)| (*micros, user.as_str()));
        let (offset, count) = match part {
            Part::Page { offset, total, .. } => (*offset, *total),
            Part::From { .. } => (0, false),
        };
        let window = Window { offset, limit: part.fetch() };
        let rows = self.store.role_holders(id, HeldAt::PLATFORM, after, window).await?;
        let total = if count { Some(self.store.count_role_holders(id, HeldAt::PLATFORM).await?) } else { None };
        let listed = part.listed(rows, |row| (row.since_micros, row.user.id.clone()), Holder::from_row);
        Ok(Listed { total, ..listed })
    }

    /// Gives a role to users on the platform, in no account.
    ///
    /// # Errors
    /// [`Refusal::Missing`] for the role or a user; [`Refusal::Invalid`] for a role that is not held on the
    /// platform.
    pub async fn add_role_users(&self, caller: &Caller, id: &str, users: &[String]) -> Result<(), Refusal> {
        caller.may(&["update:roles", "create:role_members"], Target::Platform)?;
        self.known_role(id).await?;
        if users.iter().any(|user| !crate::users::is_id(user)) {
            return Err(Refusal::Missing(Kind::User));
        }
        self.give_platform_roles(caller, users, &[id.to_owned()]).await
    }
}
