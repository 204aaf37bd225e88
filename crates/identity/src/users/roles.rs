//! The roles that a user holds on the platform, in no account.

use serde_json::json;
use tenantry_store::identity::Window;
use tenantry_store::identity::roles::HeldAt;
use tenantry_store::{BatchError, Subject};

use crate::act::Act;
use crate::caller::Target;
use crate::roles::Role;
use crate::{Caller, Identity, Kind, Listed, Part, Refusal};

impl Identity {
    /// The roles that a user holds on the platform, in the order in which they were given.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn user_roles(&self, caller: &Caller, user: &str, part: &Part) -> Result<Listed<Role>, Refusal> {
        caller.may(&["read:users", "read:roles", "read:role_members"], Target::Platform)?;
        self.must_exist(user).await?;
        let Part::Page { offset, limit, total } = part else {
            return Err(Refusal::Invalid {
                code: "invalid_query_string",
                message: "This list has pages only.".to_owned(),
            });
        };
        let window = Window { offset: *offset, limit: *limit };
        let rows = self.store.held_roles(user, HeldAt::PLATFORM, window).await?;
        let total = if *total { Some(self.store.count_held_roles(user, HeldAt::PLATFORM).await?) } else { None };
        Ok(Listed { items: rows.into_iter().map(Role::from_row).collect(), total, next: None })
    }

    /// Gives roles to users on the platform, in no account.
    ///
    /// # Errors
    /// [`Refusal::Missing`] for a user or role; [`Refusal::Invalid`] for a role that is not held on the platform.
    pub(crate) async fn give_platform_roles(
        &self,
        caller: &Caller,
        users: &[String],
        roles: &[String],
    ) -> Result<(), Refusal> {
        self.check_platform_roles(roles).await?;
        let inputs = json!({ "users": users, "roles": roles });
        let act = Act { name: "users.roles.add", tenant: "", workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            for user in users {
                for role in roles {
                    batch.insert_role_holder(user, HeldAt::PLATFORM, role);
                }
                batch.affects(Subject::User(user.clone()));
            }
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Dangling(_)) => Err(Refusal::Missing(Kind::User)),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    /// Gives roles to a user on the platform, in no account.
    ///
    /// # Errors
    /// [`Refusal::Missing`] for the user or a role; [`Refusal::Invalid`] for a role that is not held on the
    /// platform.
    pub async fn add_user_roles(&self, caller: &Caller, user: &str, roles: &[String]) -> Result<(), Refusal> {
        caller.may(&["update:users", "create:role_members"], Target::Platform)?;
        self.must_exist(user).await?;
        self.give_platform_roles(caller, &[user.to_owned()], roles).await
    }

    /// Takes roles from a user on the platform. Those that it does not hold are as good as taken.
    ///
    /// # Errors
    /// [`Refusal::Missing`] for the user.
    pub async fn remove_user_roles(&self, caller: &Caller, user: &str, roles: &[String]) -> Result<(), Refusal> {
        caller.may(&["update:users", "delete:role_members"], Target::Platform)?;
        self.must_exist(user).await?;
        let inputs = json!({ "users": [user], "roles": roles });
        let act = Act { name: "users.roles.remove", tenant: "", workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            for role in roles.iter().filter(|role| !role.contains('\0')) {
                batch.delete_role_holder(user, HeldAt::PLATFORM, role);
            }
            batch.affects(Subject::User(user.to_owned()));
            self.store.commit(batch).await?;
            Ok(())
        })
        .await
    }
}
