//! Accounts.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tenantry_file::Loaded;
use tenantry_file::model::{Account as Declared, Limits};
use tenantry_identity::Refusal;
use tenantry_identity::accounts::{Account, NewAccount};

use crate::error::PlanError;
use crate::identity::address::address;
use crate::identity::doing::{Doing, change};
use crate::identity::value::{object, text};
use crate::identity::{Ground, Sought};
use crate::resource::{Kind, Resource, Target};
use crate::step::Action;
use crate::work::Done;

/// What the file wants.
pub(super) fn desired(loaded: &Loaded, all: &mut Vec<Resource>) -> Result<(), PlanError> {
    let accounts = &loaded.document().account;
    for (id, declared) in accounts {
        let place = loaded.located(&["account", id]);
        let at = address(&["account", id]);
        let name = declared.name.as_deref().unwrap_or(id);
        if !fit_name(name) {
            return Err(PlanError::invalid("ACCOUNT_NAME", format!("`{id}` cannot be an account's name in addresses"))
                .about(&at, place)
                .hinted("give it one: name = \"…\" of a-z, 0-9, `-` and `_`"));
        }
        let mut thing = Resource::new(Kind::Account, Target::Identity, &at).at(place);
        thing.rank = depth(accounts, id);
        thing.fields.extend(fields(name, declared));
        all.push(thing);
    }
    Ok(())
}

/// How many accounts stand above it.
fn depth(accounts: &BTreeMap<String, Declared>, id: &str) -> u32 {
    let mut depth = 0;
    let mut here = id;
    // Loading has refused circles; the bound is against what it might have missed.
    while let Some(parent) = accounts.get(here).and_then(|account| account.parent.as_deref()).filter(|_| depth < 1_000)
    {
        depth += 1;
        here = parent;
    }
    depth
}

fn fields(name: &str, declared: &Declared) -> Vec<(String, Value)> {
    let branding = declared.branding.as_ref().map_or(Value::Null, |branding| {
        let colors = object([
            ("primary", text(branding.colors.primary.as_deref())),
            ("page_background", text(branding.colors.page_background.as_deref())),
        ]);
        object([("logo_url", text(branding.logo_url.as_ref().map(|url| url.as_str()))), ("colors", colors)])
    });
    [
        ("name", json!(name)),
        ("display_name", text(declared.display_name.as_deref())),
        ("parent", text(declared.parent.as_deref())),
        ("branding", branding),
        ("metadata", object(declared.metadata.clone())),
        ("status", json!(declared.status.name())),
        ("isolation", json!(declared.isolation.name())),
        ("limits", limits(&declared.limits)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

/// Limits as they are kept.
pub(super) fn limits(declared: &Limits) -> Value {
    let budget = declared.budget.as_ref().map_or(Value::Null, |budget| {
        object([
            ("amount", json!(budget.amount)),
            ("per", json!(budget.per.law().name())),
            ("tolerance", budget.tolerance.map_or(Value::Null, Value::from)),
        ])
    });
    object([
        ("requests", text(declared.requests.as_ref().map(|rate| rate.as_str()))),
        ("tokens", text(declared.tokens.as_ref().map(|rate| rate.as_str()))),
        ("concurrent", declared.concurrent.map_or(Value::Null, Value::from)),
        ("budget", budget),
    ])
}

fn fit_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.len() <= 50
        && name.bytes().next().is_some_and(fits)
        && name.bytes().all(|byte| fits(byte) || matches!(byte, b'-' | b'_'))
}

/// What is there.
pub(super) fn found(ground: &Ground, sought: &Sought<'_>) -> Option<Resource> {
    let account = ground.there.accounts.get(sought.key(1))?;
    let mut thing = shown(ground, account, sought.thing(Kind::Account, &account.id));
    thing.rank = above(ground, account);
    Some(thing)
}

/// How many accounts stand above it.
fn above(ground: &Ground, account: &Account) -> u32 {
    let mut depth = 0;
    let mut here = account;
    while let Some(parent) = here
        .parent_id
        .as_deref()
        .filter(|_| depth < 1_000)
        .and_then(|id| ground.there.accounts.values().find(|account| account.id == id))
    {
        depth += 1;
        here = parent;
    }
    depth
}

/// An account as the file writes it.
pub(super) fn shown(ground: &Ground, account: &Account, thing: Resource) -> Resource {
    let field = |name: &str| match account.fields.get(name) {
        Some(Value::Object(members)) => object(members.clone()),
        _ => Value::Null,
    };
    let parent = account.parent_id.as_deref().map(|id| ground.tenant(id).unwrap_or(id));
    thing
        .with("name", account.name.as_str())
        .with("display_name", text(account.display_name.as_deref()))
        .with("parent", text(parent))
        .with("branding", field("branding"))
        .with("metadata", field("metadata"))
        .with("status", account.status.name())
        .with("isolation", account.fields.get("isolation").and_then(Value::as_str).unwrap_or("pool"))
        .with("limits", field("limits"))
}

/// Does a step.
pub(super) fn apply(doing: &mut Doing<'_, '_>) -> Result<Done, Refusal> {
    let tenant = doing.key(1).to_owned();
    if doing.step.action == Action::Delete {
        if let Some(account) = doing.ground.there.accounts.remove(&tenant) {
            doing.draft.delete_account(&account);
        }
        return doing.gone();
    }
    let parent = match doing.text("parent") {
        Some(parent) => Some(doing.ground.account(&parent)?.id.clone()),
        None => None,
    };
    let doc = [
        ("branding", doing.field("branding")),
        ("metadata", doing.field("metadata")),
        ("isolation", doing.field("isolation")),
        ("limits", doing.field("limits")),
    ];
    let status = doing.text("status").unwrap_or_default();
    let account = if doing.makes() {
        let mut given = change(doc);
        given.retain(|_, value| !value.is_null());
        let made = doing.draft.create_account(NewAccount {
            name: doing.text("name").unwrap_or_default(),
            display_name: doing.text("display_name"),
            tenant_id: Some(tenant.clone()),
            parent_id: parent,
            connections: Vec::new(),
            fields: given,
        })?;
        if status == made.status.name() {
            made
        } else {
            doing.draft.update_account(&made, change([("status", json!(status))]))?
        }
    } else {
        let before = doing.ground.account(&tenant)?.clone();
        let mut given = change(doc);
        given.extend(change([
            ("name", doing.field("name")),
            ("display_name", doing.field("display_name")),
            ("parent_id", text(parent.as_deref())),
            ("status", json!(status)),
        ]));
        doing.draft.update_account(&before, given)?
    };
    let id = account.id.clone();
    doing.ground.there.accounts.insert(tenant, account);
    doing.done(id)
}

/// What an account is when the file says nothing more.
pub(super) fn usual(tenant: &str) -> Vec<(&'static str, Value)> {
    vec![("name", json!(tenant)), ("status", json!("active")), ("isolation", json!("pool"))]
}
