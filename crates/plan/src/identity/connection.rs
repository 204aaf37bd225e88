//! Connections. Of their options only those that the file says are its business.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tenantry_file::Loaded;
use tenantry_identity::Refusal;
use tenantry_identity::connections::{Connection, NewConnection};
use tenantry_identity::text::Fields;

use crate::identity::address::address;
use crate::identity::doing::Doing;
use crate::identity::ground::texts;
use crate::identity::value::{as_far_as, object, set, text};
use crate::identity::{Ground, Sought};
use crate::resource::{Kind, Resource, Target};
use crate::step::Action;
use crate::work::Done;

/// The connection that every platform has. It is never removed.
pub(super) const DEFAULT_ADDRESS: &str = "connection.Username-Password-Authentication";

/// The secret options, by their fields.
const SECRETS: &str = "secret_options.";

/// What the file wants.
pub(super) fn desired(loaded: &Loaded) -> impl Iterator<Item = Resource> {
    loaded.document().connection.iter().map(|(name, declared)| {
        let path = ["connection", name.as_str()];
        let mut thing = Resource::new(Kind::Connection, Target::Identity, address(&path))
            .with("strategy", declared.strategy.as_str())
            .with("display_name", text(declared.display_name.as_deref()))
            .with("clients", set(&declared.clients))
            .at(loaded.located(&path));
        if !declared.options.is_empty() {
            thing = thing.with("options", object(declared.options.clone()));
        }
        thing = thing.maybe("show_as_button", declared.show_as_button);
        for (option, given) in &declared.secret_options {
            thing = thing.secret(&[SECRETS, option].concat(), given.as_str());
        }
        thing.fixed = &["strategy"];
        thing
    })
}

/// What is there.
pub(super) fn found(ground: &Ground, sought: &Sought<'_>) -> Option<Resource> {
    let connection = ground.there.connections.get(sought.key(1))?;
    let mut thing = shown(ground, connection, sought.thing(Kind::Connection, &connection.id));
    let wanted = sought.wanted.map(|wanted| &wanted.fields);
    if let Some(options) = thing.fields.remove("options") {
        let said = wanted.and_then(|wanted| wanted.get("options"));
        thing = thing.with("options", said.map_or(Value::Null, |said| as_far_as(&options, Some(said))));
    }
    thing.fields.retain(|name, _| wanted.is_none_or(|wanted| wanted.contains_key(name)));
    Some(thing)
}

/// A connection as the file writes it. Secret options are not among what the store tells.
pub(super) fn shown(ground: &Ground, connection: &Connection, thing: Resource) -> Resource {
    let field = |name: &str| connection.fields.get(name);
    let options = match field("options") {
        Some(Value::Object(options)) => object(options.clone()),
        _ => Value::Null,
    };
    thing
        .with("strategy", connection.strategy.as_str())
        .with("display_name", text(field("display_name").and_then(Value::as_str)))
        .with("options", options)
        .with("show_as_button", field("show_as_button").cloned().unwrap_or(Value::Null))
        .with("clients", set(connection.enabled_clients.iter().map(|id| ground.client_name(id))))
}

/// Does a step.
pub(super) fn apply(doing: &mut Doing<'_, '_>) -> Result<Done, Refusal> {
    let name = doing.key(1).to_owned();
    if doing.removes()
        && doing.step.address.as_str() != DEFAULT_ADDRESS
        && let Some(connection) = doing.ground.there.connections.remove(&name)
    {
        doing.draft.delete_connection(&connection);
    }
    if doing.step.action == Action::Delete {
        return doing.gone();
    }
    let wanted = doing.field("clients");
    let clients = texts(Some(&wanted)).into_iter().map(|client| match doing.ground.client(client) {
        Ok(found) => Ok(found.id.clone()),
        Err(refusal) => Err(refusal),
    });
    let clients = clients.collect::<Result<Vec<String>, Refusal>>()?;
    let mut options: Map<String, Value> = match doing.field("options") {
        Value::Object(options) => options,
        _ => Map::new(),
    };
    let secrets = doing.step.wanted.iter().flat_map(|wanted| wanted.secrets.keys());
    for field in secrets {
        if let (Some(option), Some(secret)) = (field.strip_prefix(SECRETS), doing.secret(field)) {
            options.insert(option.to_owned(), json!(secret.as_str()));
        }
    }
    let mut given = Fields::new();
    for field in ["display_name", "show_as_button"] {
        if doing.says(field) {
            given.insert(field.to_owned(), doing.field(field));
        }
    }
    let connection = if doing.makes() {
        given.retain(|_, value| !value.is_null());
        given.insert("options".to_owned(), Value::Object(options));
        let strategy = doing.text("strategy").unwrap_or_default();
        doing.draft.create_connection(NewConnection {
            name: name.clone(),
            strategy,
            enabled_clients: clients,
            fields: given,
        })?
    } else {
        if !options.is_empty() {
            given.insert("options".to_owned(), Value::Object(options));
        }
        let before = doing.ground.connection(&name)?.clone();
        doing.draft.update_connection(&before, given, &clients)?
    };
    let id = connection.id.clone();
    doing.ground.there.connections.insert(name, connection);
    doing.done(id)
}

/// The options that a connection of Tenantry's own passwords begins with.
pub(super) fn usual_options(strategy: &str) -> BTreeMap<&'static str, Value> {
    match strategy {
        "auth0" => BTreeMap::from([
            ("mfa", json!({ "active": true, "return_enroll_settings": true })),
            ("passwordPolicy", json!("good")),
            ("strategy_version", json!(2)),
            ("brute_force_protection", json!(true)),
        ]),
        "email" | "sms" => BTreeMap::from([("brute_force_protection", json!(true)), ("disable_signup", json!(false))]),
        _ => BTreeMap::new(),
    }
}
