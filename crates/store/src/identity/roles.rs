//! Roles, what they permit, who holds them where, and what somebody may in all.

use crate::backend::{Param, Piece, Row};
use crate::identity::Window;
use crate::{Batch, Place, Store, StoreError};

/// A role's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// `rol_` and 16 letters and digits.
    pub id: String,
    /// The account whose own it is; empty for one that the platform offers to all.
    pub account_id: String,
    /// Its name, unique in its account or among those of the platform.
    pub name: String,
    /// The name in lower case, for filters.
    pub folded: String,
    /// `platform`, `account` or `workspace`.
    pub level: String,
    /// For people.
    pub description: Option<String>,
    /// Counts the changes.
    pub version: i64,
    /// Microseconds since 1970 UTC.
    pub created_micros: i64,
    /// Microseconds since 1970 UTC.
    pub updated_micros: i64,
}

/// A permission of an API, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionRow {
    /// The API's id.
    pub api_id: String,
    /// The API's identifier.
    pub identifier: String,
    /// The API's name.
    pub api_name: Option<String>,
    /// The permission.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
}

/// A permission that a user holds, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionHeld {
    /// The permission.
    pub permission: PermissionRow,
    /// The role (id and name) that gives it; `None` when it was given to the user itself.
    pub role: Option<(String, String)>,
}

/// A holder of a role, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The user.
    pub user: super::users::User,
    /// Since when, in microseconds since 1970 UTC.
    pub since_micros: i64,
}

/// A line of what somebody may: a role, or a permission given to the user itself, and one thing it permits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Right {
    /// The role: id, name, level.
    pub role: Option<(String, String, String)>,
    /// Is the role an account's own, rather than one that the platform offers?
    pub own: bool,
    /// The API (id, identifier) and the permission.
    pub permission: Option<(String, String, String)>,
}

/// Where a role is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldAt<'a> {
    /// The account's id; empty for the platform.
    pub account: &'a str,
    /// The workspace's id; empty for the account as a whole.
    pub workspace: &'a str,
}

impl HeldAt<'static> {
    /// On the platform, in no account.
    pub const PLATFORM: HeldAt<'static> = HeldAt { account: "", workspace: "" };
}

pub(super) const COLUMNS: &str = "r.id, r.account_id, r.name, r.folded, r.level, r.description, r.version, r.created_micros, \
    r.updated_micros";

pub(super) fn read(row: &Row<'_>) -> Role {
    let text = |place| row.text(place).unwrap_or_default();
    let int = |place| row.int(place).unwrap_or_default();
    Role {
        id: text(0),
        account_id: text(1),
        name: text(2),
        folded: text(3),
        level: text(4),
        description: row.text(5),
        version: int(6),
        created_micros: int(7),
        updated_micros: int(8),
    }
}

pub(super) fn read_permission(row: &Row<'_>) -> PermissionRow {
    let text = |place| row.text(place).unwrap_or_default();
    PermissionRow {
        api_id: text(0),
        identifier: text(1),
        api_name: row.text(2),
        name: text(3),
        description: row.text(4),
    }
}

fn one_count(found: Vec<Option<i64>>) -> i64 {
    found.into_iter().flatten().next().unwrap_or_default()
}

impl Batch {
    /// Makes a role; a duplicate is a name that is taken.
    pub fn insert_role(&mut self, role: &Role) -> Place {
        self.run(
            "INSERT INTO tenantry_role (id, account_id, name, folded, level, description, version, created_micros, \
             updated_micros) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            vec![
                Param::text(&role.id),
                Param::text(&role.account_id),
                Param::text(&role.name),
                Param::text(&role.folded),
                Param::text(&role.level),
                Param::maybe(role.description.as_deref()),
                Param::int(role.version),
                Param::int(role.created_micros),
                Param::int(role.updated_micros),
            ],
        )
    }

    /// Writes a role that was read at `role.version`; untouched when somebody was faster, a duplicate when the
    /// name is taken. Its account and level are not among what changes.
    pub fn update_role(&mut self, role: &Role) -> Place {
        self.must(
            "UPDATE tenantry_role SET name = $1, folded = $2, description = $3, version = version + 1, \
             updated_micros = $4 WHERE id = $5 AND version = $6",
            vec![
                Param::text(&role.name),
                Param::text(&role.folded),
                Param::maybe(role.description.as_deref()),
                Param::int(role.updated_micros),
                Param::text(&role.id),
                Param::int(role.version),
            ],
        )
    }

    /// Removes a role from everybody who holds it, and the role; untouched when there is none.
    pub fn delete_role(&mut self, id: &str) -> Place {
        self.must("DELETE FROM tenantry_role WHERE id = $1", vec![Param::text(id)])
    }

    /// Lets a role permit something; nothing new when it does already. Dangling when there is no such role or
    /// permission.
    pub fn insert_role_permission(&mut self, role: &str, api: &str, permission: &str) -> Place {
        let now = self.now;
        self.run(
            "INSERT INTO tenantry_role_permission (role_id, api_id, permission, created_micros) \
             VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            vec![Param::text(role), Param::text(api), Param::text(permission), Param::int(now)],
        )
    }

    /// Lets a role no longer permit something.
    pub fn delete_role_permission(&mut self, role: &str, api: &str, permission: &str) -> Place {
        self.run(
            "DELETE FROM tenantry_role_permission WHERE role_id = $1 AND api_id = $2 AND permission = $3",
            vec![Param::text(role), Param::text(api), Param::text(permission)],
        )
    }

    /// Gives a permission to a user itself; nothing new when it has it. Dangling when there is no such user or
    /// permission.
    pub fn insert_user_permission(&mut self, user: &str, api: &str, permission: &str) -> Place {
        let now = self.now;
        self.run(
            "INSERT INTO tenantry_user_permission (user_id, api_id, permission, created_micros) \
             VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            vec![Param::text(user), Param::text(api), Param::text(permission), Param::int(now)],
        )
    }

    /// Takes a permission from a user itself.
    pub fn delete_user_permission(&mut self, user: &str, api: &str, permission: &str) -> Place {
        self.run(
            "DELETE FROM tenantry_user_permission WHERE user_id = $1 AND api_id = $2 AND permission = $3",
            vec![Param::text(user), Param::text(api), Param::text(permission)],
        )
    }

    /// Gives a user a role at a place; nothing new when it holds it there. Dangling when there is no such user
    /// or role. That the role may be held at that place is the caller's to check.
    pub fn insert_role_holder(&mut self, user: &str, at: HeldAt<'_>, role: &str) -> Place {
        let now = self.now;
        self.run(
            "INSERT INTO tenantry_role_holder (user_id, account_id, workspace_id, role_id, created_micros) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            vec![
                Param::text(user),
                Param::text(at.account),
                Param::text(at.workspace),
                Param::text(role),
                Param::int(now),
            ],
        )
    }

    /// Takes a role from a user at a place.
    pub fn delete_role_holder(&mut self, user: &str, at: HeldAt<'_>, role: &str) -> Place {
        self.run(
            "DELETE FROM tenantry_role_holder WHERE user_id = $1 AND account_id = $2 AND workspace_id = $3 \
             AND role_id = $4",
            vec![Param::text(user), Param::text(at.account), Param::text(at.workspace), Param::text(role)],
        )
    }
}

impl Store {
    /// The role of that id.
    ///
    /// # Errors
    /// The store's.
    pub async fn role(&self, id: &str) -> Result<Option<Role>, StoreError> {
        let sql = ["SELECT ", COLUMNS, " FROM tenantry_role r WHERE r.id = $1"].concat();
        Ok(self.backend.find(sql, vec![Param::text(id)], read).await?.pop())
    }

    /// The roles with these ids that exist, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn roles_of_ids(&self, ids: &[String]) -> Result<Vec<Role>, StoreError> {
        let among = self.backend.among("r.id", 1);
        let sql =
            ["SELECT ", COLUMNS, " FROM tenantry_role r WHERE ", &among, " ORDER BY r.created_micros, r.id"].concat();
        self.backend.find(sql, vec![Param::texts(ids)], read).await
    }

    /// The role of an account (or, with an empty text, of the platform) with that name.
    ///
    /// # Errors
    /// The store's.
    pub async fn role_named(&self, account: &str, name: &str) -> Result<Option<Role>, StoreError> {
        let sql = ["SELECT ", COLUMNS, " FROM tenantry_role r WHERE r.account_id = $1 AND r.name = $2"].concat();
        Ok(self.backend.find(sql, vec![Param::text(account), Param::text(name)], read).await?.pop())
    }

    /// An account's own roles (or, with an empty text, the platform's) whose names hold a text (in lower case),
    /// oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn roles(&self, account: &str, holds: Option<&str>, window: Window) -> Result<Vec<Role>, StoreError> {
        let like = self.backend.like("r.folded", 2);
        let sql = [
            "SELECT ",
            COLUMNS,
            " FROM tenantry_role r WHERE r.account_id = $1 AND ",
            &like,
            " ORDER BY r.created_micros, r.id LIMIT $3 OFFSET $4",
        ]
        .concat();
        let params = vec![
            Param::text(account),
            Param::Text(Some(self.holding(holds))),
            Param::int(window.limit),
            Param::int(window.offset),
        ];
        self.backend.find(sql, params, read).await
    }

    /// How many of them there are.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_roles(&self, account: &str, holds: Option<&str>) -> Result<i64, StoreError> {
        let like = self.backend.like("r.folded", 2);
        let sql = ["SELECT count(*) FROM tenantry_role r WHERE r.account_id = $1 AND ", &like].concat();
        let params = vec![Param::text(account), Param::Text(Some(self.holding(holds)))];
        Ok(one_count(self.backend.find(sql, params, |row| row.int(0)).await?))
    }

    fn holding(&self, text: Option<&str>) -> String {
        match text {
            Some(text) => self.backend.pattern(&[Piece::Many, Piece::Text(text.to_owned()), Piece::Many]),
            None => self.backend.pattern(&[Piece::Many]),
        }
    }

    /// What a role permits, in the order of the APIs' identifiers and the permissions' names.
    ///
    /// # Errors
    /// The store's.
    pub async fn role_permissions(&self, role: &str, window: Window) -> Result<Vec<PermissionRow>, StoreError> {
        let sql = "SELECT a.id, a.identifier, a.name, p.name, p.description FROM tenantry_role_permission h \
            JOIN tenantry_permission p ON p.api_id = h.api_id AND p.name = h.permission \
            JOIN tenantry_api a ON a.id = h.api_id WHERE h.role_id = $1 \
            ORDER BY a.identifier, p.name LIMIT $2 OFFSET $3";
        let params = vec![Param::text(role), Param::int(window.limit), Param::int(window.offset)];
        self.backend.find(sql, params, read_permission).await
    }

    /// Does a role permit anything on the API of that identifier?
    ///
    /// # Errors
    /// The store's.
    pub async fn role_permits_on(&self, role: &str, identifier: &str) -> Result<bool, StoreError> {
        let sql = "SELECT count(*) FROM tenantry_role_permission h JOIN tenantry_api a ON a.id = h.api_id \
            WHERE h.role_id = $1 AND a.identifier = $2";
        let params = vec![Param::text(role), Param::text(identifier)];
        Ok(one_count(self.backend.find(sql, params, |row| row.int(0)).await?) > 0)
    }

    /// How many things a role permits.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_role_permissions(&self, role: &str) -> Result<i64, StoreError> {
        let sql = "SELECT count(*) FROM tenantry_role_permission WHERE role_id = $1";
        Ok(one_count(self.backend.find(sql, vec![Param::text(role)], |row| row.int(0)).await?))
    }

    /// The permissions of the APIs with these identifiers that have one of these names.
    ///
    /// # Errors
    /// The store's.
    pub async fn permissions_among(
        &self,
        identifiers: &[&str],
        names: &[&str],
    ) -> Result<Vec<PermissionRow>, StoreError> {
        let (apis, permissions) = (self.backend.among("a.identifier", 1), self.backend.among("p.name", 2));
        let sql = [
            "SELECT a.id, a.identifier, a.name, p.name, p.description FROM tenantry_api a \
             JOIN tenantry_permission p ON p.api_id = a.id WHERE ",
            &apis,
            " AND ",
            &permissions,
        ]
        .concat();
        self.backend.find(sql, vec![Param::texts(identifiers), Param::texts(names)], read_permission).await
    }

    /// Who holds a role at a place, in the order in which it was given: those after `after` (a time and a user),
    /// and of them a window.
    ///
    /// # Errors
    /// The store's.
    pub async fn role_holders(
        &self,
        role: &str,
        at: HeldAt<'_>,
        after: Option<(i64, &str)>,
        window: Window,
    ) -> Result<Vec<Holder>, StoreError> {
        let (micros, user) = after.unwrap_or((i64::MIN, ""));
        let sql = [
            "SELECT ",
            super::users::COLUMNS,
            ", h.created_micros FROM tenantry_role_holder h JOIN tenantry_user u ON u.id = h.user_id \
             WHERE h.role_id = $1 AND h.account_id = $2 AND h.workspace_id = $3 \
             AND (h.created_micros, h.user_id) > ($4, $5) ORDER BY h.created_micros, h.user_id LIMIT $6 OFFSET $7",
        ]
        .concat();
        let params = vec![
            Param::text(role),
            Param::text(at.account),
            Param::text(at.workspace),
            Param::int(micros),
            Param::text(user),
            Param::int(window.limit),
            Param::int(window.offset),
        ];
        let read =
            |row: &Row<'_>| Holder { user: super::users::read(row), since_micros: row.int(21).unwrap_or_default() };
        self.backend.find(sql, params, read).await
    }

    /// How many hold a role at a place.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_role_holders(&self, role: &str, at: HeldAt<'_>) -> Result<i64, StoreError> {
        let sql = "SELECT count(*) FROM tenantry_role_holder WHERE role_id = $1 AND account_id = $2 \
            AND workspace_id = $3";
        let params = vec![Param::text(role), Param::text(at.account), Param::text(at.workspace)];
        Ok(one_count(self.backend.find(sql, params, |row| row.int(0)).await?))
    }

    /// The roles that a user holds at a place, in the order in which they were given.
    ///
    /// # Errors
    /// The store's.
    pub async fn held_roles(&self, user: &str, at: HeldAt<'_>, window: Window) -> Result<Vec<Role>, StoreError> {
        let sql = [
            "SELECT ",
            COLUMNS,
            " FROM tenantry_role_holder h JOIN tenantry_role r ON r.id = h.role_id \
             WHERE h.user_id = $1 AND h.account_id = $2 AND h.workspace_id = $3 \
             ORDER BY h.created_micros, r.id LIMIT $4 OFFSET $5",
        ]
        .concat();
        let params = vec![
            Param::text(user),
            Param::text(at.account),
            Param::text(at.workspace),
            Param::int(window.limit),
            Param::int(window.offset),
        ];
        self.backend.find(sql, params, read).await
    }

    /// How many roles a user holds at a place.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_held_roles(&self, user: &str, at: HeldAt<'_>) -> Result<i64, StoreError> {
        let sql = "SELECT count(*) FROM tenantry_role_holder WHERE user_id = $1 AND account_id = $2 \
            AND workspace_id = $3";
        let params = vec![Param::text(user), Param::text(at.account), Param::text(at.workspace)];
        Ok(one_count(self.backend.find(sql, params, |row| row.int(0)).await?))
    }

    /// The permissions that a user holds on the platform, in no account, with where each comes from: a window of
    /// the permissions, in the order of identifiers and names; one line per source.
    ///
    /// # Errors
    /// The store's.
    pub async fn held_permissions(&self, user: &str, window: Window) -> Result<Vec<PermissionHeld>, StoreError> {
        let sql = [
            HELD,
            ", part AS (SELECT DISTINCT a.identifier, held.api_id, held.permission FROM held \
             JOIN tenantry_api a ON a.id = held.api_id ORDER BY a.identifier, held.permission LIMIT $2 OFFSET $3) \
             SELECT a.id, a.identifier, a.name, p.name, p.description, r.id, r.name FROM part \
             JOIN held ON held.api_id = part.api_id AND held.permission = part.permission \
             JOIN tenantry_api a ON a.id = part.api_id \
             JOIN tenantry_permission p ON p.api_id = part.api_id AND p.name = part.permission \
             LEFT JOIN tenantry_role r ON r.id = held.role_id \
             ORDER BY a.identifier, p.name, coalesce(r.name, '')",
        ]
        .concat();
        let params = vec![Param::text(user), Param::int(window.limit), Param::int(window.offset)];
        let read = |row: &Row<'_>| PermissionHeld {
            permission: read_permission(row),
            role: row.text(5).map(|id| (id, row.text(6).unwrap_or_default())),
        };
        self.backend.find(sql, params, read).await
    }

    /// How many permissions a user holds on the platform, in no account.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_held_permissions(&self, user: &str) -> Result<i64, StoreError> {
        let sql = [HELD, " SELECT count(*) FROM (SELECT DISTINCT api_id, permission FROM held) AS distinct_held"];
        Ok(one_count(self.backend.find(sql.concat(), vec![Param::text(user)], |row| row.int(0)).await?))
    }

    /// What a user may at a place: nothing (no line at all) when the user is blocked, the account or the
    /// workspace is not active, or the user is not a member of the account or of the workspace. One line at
    /// least otherwise.
    ///
    /// # Errors
    /// The store's.
    pub async fn rights(&self, user: &str, at: HeldAt<'_>) -> Result<Vec<Right>, StoreError> {
        let params = vec![Param::text(user), Param::text(at.account), Param::text(at.workspace)];
        let read = |row: &Row<'_>| {
            let three = |first: usize| {
                let next = |place| row.text(place).unwrap_or_default();
                row.text(first).map(|one| (one, next(first + 1), next(first + 2)))
            };
            let own = row.text(6).is_some_and(|account| !account.is_empty());
            Right { role: three(0), permission: three(3), own }
        };
        self.backend.find(RIGHTS, params, read).await
    }
}

/// What a user holds on the platform: by itself, and by the roles that it holds there.
const HELD: &str = "WITH held AS (SELECT p.api_id, p.permission, '' AS role_id FROM tenantry_user_permission p \
    WHERE p.user_id = $1 UNION ALL SELECT rp.api_id, rp.permission, h.role_id FROM tenantry_role_holder h \
    JOIN tenantry_role_permission rp ON rp.role_id = h.role_id \
    WHERE h.user_id = $1 AND h.account_id = '' AND h.workspace_id = '')";

/// INVARIANT: a holding counts only where it was given. On the platform those without an account; in an account
/// those of it, and with a workspace those of that one too. What was given to the user itself counts on the
/// platform only.
const RIGHTS: &str = "WITH present AS (SELECT u.id FROM tenantry_user u WHERE u.id = $1 AND u.blocked = 0 \
    AND ($2 <> '' OR $3 = '') \
    AND ($2 = '' OR EXISTS (SELECT 1 FROM tenantry_member m JOIN tenantry_account c ON c.id = m.account_id \
        WHERE m.account_id = $2 AND m.user_id = u.id AND c.status = 'active')) \
    AND ($3 = '' OR EXISTS (SELECT 1 FROM tenantry_workspace w \
        JOIN tenantry_workspace_member wm ON wm.workspace_id = w.id AND wm.user_id = u.id \
        WHERE w.id = $3 AND w.account_id = $2 AND w.status = 'active'))) \
    SELECT r.id, r.name, r.level, a.id, a.identifier, rp.permission, r.account_id FROM present \
    LEFT JOIN tenantry_role_holder h ON h.user_id = present.id AND h.account_id = $2 \
        AND (h.workspace_id = '' OR h.workspace_id = $3) \
    LEFT JOIN tenantry_role r ON r.id = h.role_id AND (r.account_id = '' OR r.account_id = $2) \
        AND (r.level <> 'platform' OR h.account_id = '') AND (r.level <> 'workspace' OR h.workspace_id <> '') \
    LEFT JOIN tenantry_role_permission rp ON rp.role_id = r.id \
    LEFT JOIN tenantry_api a ON a.id = rp.api_id \
    UNION ALL SELECT NULL, NULL, NULL, a.id, a.identifier, up.permission, NULL FROM present \
    JOIN tenantry_user_permission up ON up.user_id = present.id JOIN tenantry_api a ON a.id = up.api_id \
    WHERE $2 = ''";
