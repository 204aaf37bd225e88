//! Listing and searching users.

use tenantry_store::identity::Window;
use tenantry_store::identity::user_search::{IdentityField, TextTest, UserTest};

use crate::caller::Target;
use crate::users::{User, query};
use crate::{Caller, Identity, Listed, Part, Refusal};

/// Which users, and in which order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// A query, see [`crate::users`].
    pub query: Option<String>,
    /// Only those who have an identity of this connection.
    pub connection: Option<String>,
    /// `name:1` (least first) or `name:-1`; the oldest first when nothing is said.
    pub sort: Option<String>,
}

impl Identity {
    /// Users.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for a query or an order that cannot be read.
    pub async fn users(&self, caller: &Caller, filter: &UserFilter, part: &Part) -> Result<Listed<User>, Refusal> {
        caller.may(&["read:users", "read:user_idp_tokens"], Target::Platform)?;
        let mut test = match &filter.query {
            Some(query) => query::parse(query)?,
            None => UserTest::Always,
        };
        if let Some(connection) = filter.connection.as_ref().filter(|name| !name.contains('\0')) {
            let in_connection = UserTest::Identity(IdentityField::Connection, TextTest::Is(connection.clone()));
            test = match test {
                UserTest::Always => in_connection,
                test => UserTest::All(vec![test, in_connection]),
            };
        }
        let order = match filter.sort.as_deref().and_then(|sort| sort.rsplit_once(':')) {
            Some((name, direction)) => {
                let order = query::order(name, direction == "-1");
                Some(order.ok_or_else(|| Refusal::Invalid {
                    code: "invalid_query_string",
                    message: format!("Query validation error: 'Users cannot be sorted by {name}' on property sort."),
                })?)
            }
            None => None,
        };
        match part {
            Part::Page { offset, limit, total } => {
                let window = Window { offset: *offset, limit: *limit };
                let rows = self.store.find_users(&test, order, window).await?;
                let length = i64::try_from(rows.len()).unwrap_or(i64::MAX);
                let total = match total {
                    false => None,
                    // A page that is not full tells how many there are.
                    true if length < *limit && (length > 0 || *offset == 0) => Some(offset + length),
                    true => Some(self.store.count_found_users(&test).await?),
                };
                Ok(Listed { items: self.with_identities(rows).await?, total, next: None })
            }
            Part::From { .. } => {
                if let Some((micros, id)) = part.after()? {
                    test = UserTest::All(vec![UserTest::After(micros, id), test]);
                }
                let rows = self.store.find_users(&test, None, Window { offset: 0, limit: part.fetch() }).await?;
                let users = self.with_identities(rows).await?;
                Ok(part.listed(users, |user| (user.created_micros, user.id.clone()), |user| user))
            }
        }
    }
}
