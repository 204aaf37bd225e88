//! Accounts.

use crate::backend::{Param, Row};
use crate::identity::Window;
use crate::{Batch, Place, Store, StoreError};

/// An account's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// `org_` and 16 letters and digits.
    pub id: String,
    /// Its name in addresses and tokens: lower case, unique.
    pub name: String,
    /// What its rows carry in the sources. Never changes, and is never given to another account.
    pub tenant_id: String,
    /// Its name for people.
    pub display_name: Option<String>,
    /// The account above it.
    pub parent_id: Option<String>,
    /// `active`, `suspended` or `closed`.
    pub status: String,
    /// The remaining fields, a JSON object.
    pub doc: String,
    /// Counts the changes.
    pub version: i64,
    /// Microseconds since 1970 UTC.
    pub created_micros: i64,
    /// Microseconds since 1970 UTC.
    pub updated_micros: i64,
}

const COLUMNS: &str =
    "id, name, tenant_id, display_name, parent_id, status, doc, version, created_micros, updated_micros";

/// The same of a table that is called `a`.
pub(super) const COLUMNS_OF_A: &str = "a.id, a.name, a.tenant_id, a.display_name, a.parent_id, a.status, a.doc, \
     a.version, a.created_micros, a.updated_micros";

/// What a list of accounts is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortBy {
    /// When they were made.
    Created,
    /// Their names.
    Name,
    /// Their names for people.
    DisplayName,
}

pub(super) fn read(row: &Row<'_>) -> Account {
    let text = |place| row.text(place).unwrap_or_default();
    let int = |place| row.int(place).unwrap_or_default();
    Account {
        id: text(0),
        name: text(1),
        tenant_id: text(2),
        display_name: row.text(3),
        parent_id: row.text(4),
        status: text(5),
        doc: text(6),
        version: int(7),
        created_micros: int(8),
        updated_micros: int(9),
    }
}

impl Batch {
    /// Makes an account. A duplicate of the first place answered is a tenant id that was given before,
    /// of the second a name that is taken.
    pub fn insert_account(&mut self, account: &Account) -> (Place, Place) {
        self.count("accounts", 1);
        let tenant = self.run(
            "INSERT INTO tenantry_tenant (tenant_id, account_id) VALUES ($1, $2)",
            vec![Param::text(&account.tenant_id), Param::text(&account.id)],
        );
        let row = self.run(
            "INSERT INTO tenantry_account (id, name, tenant_id, display_name, parent_id, status, doc, version, \
             created_micros, updated_micros) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            vec![
                Param::text(&account.id),
                Param::text(&account.name),
                Param::text(&account.tenant_id),
                Param::maybe(account.display_name.as_deref()),
                Param::maybe(account.parent_id.as_deref()),
                Param::text(&account.status),
                Param::text(&account.doc),
                Param::int(account.version),
                Param::int(account.created_micros),
                Param::int(account.updated_micros),
            ],
        );
        (tenant, row)
    }

    /// Writes an account that was read at `account.version`; untouched when somebody was faster. The
    /// tenant id is not among what changes.
    pub fn update_account(&mut self, account: &Account) -> Place {
        self.must(
            "UPDATE tenantry_account SET name = $1, display_name = $2, parent_id = $3, status = $4, doc = $5, \
             version = version + 1, updated_micros = $6 WHERE id = $7 AND version = $8",
            vec![
                Param::text(&account.name),
                Param::maybe(account.display_name.as_deref()),
                Param::maybe(account.parent_id.as_deref()),
                Param::text(&account.status),
                Param::text(&account.doc),
                Param::int(account.updated_micros),
                Param::text(&account.id),
                Param::int(account.version),
            ],
        )
    }

    /// Passes when no account would lie below itself if `parent` came above `id`; untouched otherwise. Stands
    /// before [`Batch::update_account`] in a batch that changes a parent.
    ///
    /// INVARIANT: changes of parents take turns from the first statement here to the end of the batch, so
    /// two of them cannot make a ring together.
    pub fn hold_account_tree(&mut self, id: &str, parent: &str) -> Place {
        self.run(
            "INSERT INTO tenantry_setting (name, doc, version, updated_micros) VALUES ('account_tree', '{}', 1, $1) \
             ON CONFLICT (name) DO UPDATE SET version = tenantry_setting.version + 1",
            vec![Param::int(self.now)],
        );
        self.must(
            "UPDATE tenantry_setting SET updated_micros = $1 WHERE name = 'account_tree' AND $2 NOT IN ( \
             WITH RECURSIVE above (id) AS (SELECT id FROM tenantry_account WHERE id = $3 UNION \
             SELECT a.parent_id FROM tenantry_account a JOIN above ON a.id = above.id WHERE a.parent_id IS NOT NULL) \
             SELECT id FROM above)",
            vec![Param::int(self.now), Param::text(id), Param::text(parent)],
        )
    }

    /// Removes an account with its workspaces, memberships, invitations and what its members held there.
    pub fn delete_account(&mut self, id: &str) -> Place {
        self.run("DELETE FROM tenantry_role_holder WHERE account_id = $1", vec![Param::text(id)]);
        self.run("DELETE FROM tenantry_role WHERE account_id = $1", vec![Param::text(id)]);
        self.run("DELETE FROM tenantry_refresh_token WHERE account_id = $1", vec![Param::text(id)]);
        self.count("accounts", -1);
        self.must("DELETE FROM tenantry_account WHERE id = $1", vec![Param::text(id)])
    }
}

impl Store {
    /// The account of that id.
    ///
    /// # Errors
    /// The store's.
    pub async fn account(&self, id: &str) -> Result<Option<Account>, StoreError> {
        let sql = ["SELECT ", COLUMNS, " FROM tenantry_account WHERE id = $1"].concat();
        Ok(self.backend.find(sql, vec![Param::text(id)], read).await?.pop())
    }

    /// The account of that name.
    ///
    /// # Errors
    /// The store's.
    pub async fn account_named(&self, name: &str) -> Result<Option<Account>, StoreError> {
        let sql = ["SELECT ", COLUMNS, " FROM tenantry_account WHERE name = $1"].concat();
        Ok(self.backend.find(sql, vec![Param::text(name)], read).await?.pop())
    }

    /// The account whose rows carry that tenant id.
    ///
    /// # Errors
    /// The store's.
    pub async fn account_of_tenant(&self, tenant_id: &str) -> Result<Option<Account>, StoreError> {
        let sql = ["SELECT ", COLUMNS, " FROM tenantry_account WHERE tenant_id = $1"].concat();
        Ok(self.backend.find(sql, vec![Param::text(tenant_id)], read).await?.pop())
    }

    /// An account and those below it, each after the one above it; at most `limit`.
    ///
    /// # Errors
    /// The store's.
    pub async fn account_tree(&self, id: &str, limit: i64) -> Result<Vec<Account>, StoreError> {
        // The depth ends what two changes at the same time could have tied into a circle.
        const SQL: &str = "WITH RECURSIVE below (below_id, depth) AS (SELECT id, 0 FROM tenantry_account \
            WHERE id = $1 UNION SELECT a.id, b.depth + 1 FROM tenantry_account a JOIN below b \
            ON a.parent_id = b.below_id WHERE b.depth < 64) SELECT id, name, tenant_id, display_name, parent_id, \
            status, doc, version, created_micros, updated_micros FROM tenantry_account JOIN below ON below_id = id \
            ORDER BY depth, created_micros, id LIMIT $2";
        self.backend.search(SQL, vec![Param::text(id), Param::int(limit)], read).await
    }

    /// Accounts, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn accounts(&self, window: Window) -> Result<Vec<Account>, StoreError> {
        self.accounts_sorted(SortBy::Created, false, window).await
    }

    /// Accounts in an order.
    ///
    /// # Errors
    /// The store's.
    pub async fn accounts_sorted(
        &self,
        by: SortBy,
        descending: bool,
        window: Window,
    ) -> Result<Vec<Account>, StoreError> {
        let order = match (by, descending) {
            (SortBy::Created, false) => "created_micros, id",
            (SortBy::Created, true) => "created_micros DESC, id DESC",
            (SortBy::Name, false) => "name",
            (SortBy::Name, true) => "name DESC",
            (SortBy::DisplayName, false) => "coalesce(display_name, ''), id",
            (SortBy::DisplayName, true) => "coalesce(display_name, '') DESC, id DESC",
        };
        let sql = ["SELECT ", COLUMNS, " FROM tenantry_account ORDER BY ", order, " LIMIT $1 OFFSET $2"].concat();
        self.backend.find(sql, vec![Param::int(window.limit), Param::int(window.offset)], read).await
    }

    /// Accounts made after the one of that place (its time and id), oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn accounts_after(&self, after: Option<(i64, &str)>, limit: i64) -> Result<Vec<Account>, StoreError> {
        let (micros, id) = after.unwrap_or((i64::MIN, ""));
        let sql = [
            "SELECT ",
            COLUMNS,
            " FROM tenantry_account WHERE (created_micros, id) > ($1, $2) ORDER BY created_micros, id LIMIT $3",
        ]
        .concat();
        self.backend.find(sql, vec![Param::int(micros), Param::text(id), Param::int(limit)], read).await
    }

    /// How many accounts there are.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_accounts(&self) -> Result<i64, StoreError> {
        let sql = "SELECT count FROM tenantry_total WHERE name = 'accounts'";
        let found = self.backend.find(sql, vec![], |row| row.int(0)).await?;
        Ok(found.into_iter().flatten().next().unwrap_or_default())
    }
}
