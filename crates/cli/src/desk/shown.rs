//! How accounts, users and the rest are shown: JSON for programs, lines for people.

use serde_json::{Map, Value, json};
use tenantry_identity::accounts::Account;
use tenantry_identity::roles::Role;
use tenantry_identity::text::time;
use tenantry_identity::users::User;
use tenantry_identity::workspaces::Workspace;

use crate::output::{Outcome, Paint};

/// An account.
#[must_use]
pub fn account(account: &Account) -> Value {
    let mut body = json!({
        "id": account.id,
        "name": account.name,
        "tenant_id": account.tenant_id,
        "display_name": account.display_name,
        "parent_id": account.parent_id,
        "status": account.status.name(),
    });
    rest(&mut body, &account.fields, account.created_micros, account.updated_micros);
    body
}

/// A workspace.
#[must_use]
pub fn workspace(workspace: &Workspace) -> Value {
    let mut body = json!({
        "id": workspace.id,
        "account_id": workspace.account_id,
        "name": workspace.name,
        "display_name": workspace.display_name,
        "status": workspace.status.name(),
    });
    rest(&mut body, &workspace.fields, workspace.created_micros, workspace.updated_micros);
    body
}

/// A user.
#[must_use]
pub fn user(user: &User) -> Value {
    let identities: Vec<Value> = user
        .identities
        .iter()
        .map(|one| json!({ "provider": one.provider, "subject": one.subject, "connection": one.connection }))
        .collect();
    let mut body = json!({
        "id": user.id,
        "email": user.email,
        "username": user.username,
        "phone": user.phone,
        "connection": user.connection,
        "email_verified": user.email_verified,
        "blocked": user.blocked,
        "platform": user.platform,
        "logins": user.logins,
        "last_login": user.last_login_micros.map(time),
        "identities": identities,
    });
    rest(&mut body, &user.fields, user.created_micros, user.updated_micros);
    body
}

/// A role.
#[must_use]
pub fn role(role: &Role) -> Value {
    let mut body = json!({
        "id": role.id,
        "name": role.name,
        "level": role.level.name(),
        "account_id": role.account,
        "description": role.description,
    });
    rest(&mut body, &Map::new(), role.created_micros, role.updated_micros);
    body
}

/// Adds the remaining members, and when it was made and changed.
fn rest(body: &mut Value, fields: &Map<String, Value>, created: i64, updated: i64) {
    let Some(body) = body.as_object_mut() else { return };
    for (name, value) in fields {
        body.entry(name.clone()).or_insert_with(|| value.clone());
    }
    body.insert("created_at".to_owned(), json!(time(created)));
    body.insert("updated_at".to_owned(), json!(time(updated)));
}

/// One thing, a member a line.
#[must_use]
pub fn card(body: Value) -> Outcome {
    let mut text = String::new();
    for (name, value) in body.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        text.push_str(&format!("{}  {}\n", Paint::FAINT.on(&format!("{name:16}")), plain(value)));
    }
    Outcome::new(body, text)
}

/// A list.
#[derive(Debug)]
pub struct Listing<'a> {
    /// The name of the list for programs: `accounts`.
    pub name: &'a str,
    /// The items.
    pub items: Vec<Value>,
    /// Where the next part begins.
    pub next: Option<String>,
    /// The members that people see, in this order.
    pub columns: &'a [&'a str],
}

impl Listing<'_> {
    /// A line an item, in columns.
    #[must_use]
    pub fn outcome(self) -> Outcome {
        let rows: Vec<Vec<String>> = self
            .items
            .iter()
            .map(|item| self.columns.iter().map(|name| item.get(name).map(plain).unwrap_or_default()).collect())
            .collect();
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|place| {
                rows.iter().filter_map(|row| row.get(place)).map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        let mut text = String::new();
        for row in &rows {
            let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            text.push_str(cells.join("  ").trim_end());
            text.push('\n');
        }
        if rows.is_empty() {
            text.push_str(&format!("no {}\n", self.name));
        }
        if let Some(next) = &self.next {
            text.push_str(&format!("more: --from {next}\n"));
        }
        Outcome::new(json!({ self.name: self.items, "next": self.next }), text)
    }
}

/// A value for people.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}
