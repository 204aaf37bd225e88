//! Connections that people of an account may log in by.

use serde_json::{Value, json};
use tenantry_file::Loaded;
use tenantry_file::model::AccountConnection as Declared;
use tenantry_identity::Refusal;
use tenantry_identity::account_connections::AccountConnection;

use crate::identity::address::address;
use crate::identity::doing::{Doing, change};
use crate::identity::{Ground, Sought};
use crate::resource::{Kind, Resource, Target};
use crate::step::Action;
use crate::work::Done;

/// The file's words, the store's, and what is so when nobody said.
const FLAGS: [(&str, &str, bool); 3] = [
    ("assign_membership", "assign_membership_on_login", false),
    ("show_as_button", "show_as_button", true),
    ("signup", "is_signup_enabled", false),
];

/// What the file wants.
pub(super) fn desired(loaded: &Loaded) -> Vec<Resource> {
    let accounts = loaded.document().account.iter();
    accounts
        .flat_map(|(account, declared)| declared.connection.iter().map(move |(name, given)| (account, name, given)))
        .map(|(account, name, given)| {
            let path = ["account", account, "connection", name];
            let Declared { enabled, assign_membership, show_as_button, signup } = given;
            Resource::new(Kind::AccountConnection, Target::Identity, address(&path))
                .with("enabled", *enabled)
                .with("assign_membership", *assign_membership)
                .with("show_as_button", *show_as_button)
                .with("signup", *signup)
                .at(loaded.located(&path))
        })
        .collect()
}

/// What is there.
pub(super) fn found(ground: &Ground, sought: &Sought<'_>) -> Option<Resource> {
    let account = ground.account(sought.key(1)).ok()?;
    let found = ground.there.connections_of(&account.id).find(|found| found.name == sought.key(3))?;
    Some(shown(&found, sought.thing(Kind::AccountConnection, &found.connection_id)))
}

/// A connection of an account as the file writes it.
pub(super) fn shown(found: &AccountConnection, mut thing: Resource) -> Resource {
    thing = thing.with("enabled", found.enabled);
    for (name, stored, usual) in FLAGS {
        let value = found.fields.get(stored).and_then(Value::as_bool).unwrap_or(usual);
        thing = thing.with(name, value);
    }
    thing
}

/// Does a step.
pub(super) fn apply(doing: &mut Doing<'_, '_>) -> Result<Done, Refusal> {
    let (tenant, name) = (doing.key(1).to_owned(), doing.key(3).to_owned());
    if doing.step.action == Action::Delete {
        if let (Ok(account), Ok(connection)) = (doing.ground.account(&tenant), doing.ground.connection(&name)) {
            doing.draft.remove_account_connection(account, &connection.id);
        }
        return doing.gone();
    }
    let account = doing.ground.account(&tenant)?;
    let connection = doing.ground.connection(&name)?;
    let mut given = change([("is_enabled", doing.field("enabled"))]);
    given.extend(FLAGS.iter().map(|(name, stored, _)| ((*stored).to_owned(), doing.field(name))));
    if doing.makes() {
        doing.draft.add_account_connection(account, connection, given);
    } else {
        doing.draft.update_account_connection(&doing.ground.there, account, &name, given)?;
    }
    let id = connection.id.clone();
    doing.done(id)
}

/// What is so when the file says nothing more.
pub(super) fn usual() -> Vec<(&'static str, Value)> {
    let mut usual = vec![("enabled", json!(true))];
    usual.extend(FLAGS.map(|(name, _, value)| (name, json!(value))));
    usual
}
