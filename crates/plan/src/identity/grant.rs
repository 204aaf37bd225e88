//! What clients may ask of APIs.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tenantry_file::Loaded;
use tenantry_identity::Refusal;
use tenantry_identity::client_grants::{ClientGrant, NewClientGrant};
use tenantry_identity::text::Fields;

use crate::identity::address::address;
use crate::identity::doing::{Doing, change};
use crate::identity::value::{set, text};
use crate::identity::{Ground, Sought};
use crate::resource::{Kind, Resource, Target};
use crate::step::Action;
use crate::work::Done;

/// All accounts.
const ALL: &str = "*";

/// What the file wants.
pub(super) fn desired(loaded: &Loaded) -> Vec<Resource> {
    let clients = loaded.document().client.iter();
    clients
        .flat_map(|(client, declared)| declared.grant.iter().map(move |(api, grant)| (client.as_str(), api, grant)))
        .map(|(client, api, grant)| {
            let path = ["client", client, "grant", api];
            let mut thing = Resource::new(Kind::ClientGrant, Target::Identity, address(&path))
                .with("permissions", set(&grant.permissions))
                .with("subject", grant.subject.name())
                .with("organization_usage", text(grant.organization_usage.map(|usage| usage.name())))
                .with("accounts", set(&grant.accounts))
                .at(loaded.located(&path));
            thing.fixed = &["subject"];
            thing
        })
        .collect()
}

/// What is there.
pub(super) fn found(ground: &Ground, sought: &Sought<'_>) -> Option<Resource> {
    let client = ground.client(sought.key(1)).ok()?;
    let audience = ground.audience(sought.key(3));
    let by_id = sought.id.and_then(|id| ground.there.grants.get(id));
    let subject = sought.wanted.and_then(|wanted| wanted.fields.get("subject")).and_then(Value::as_str);
    let grant = by_id.or_else(|| {
        ground.there.grants.values().find(|grant| {
            grant.client_id == client.id
                && grant.audience == audience
                && subject.is_none_or(|subject| subject == grant.subject_type)
        })
    })?;
    Some(shown(ground, grant, sought.thing(Kind::ClientGrant, &grant.id)))
}

/// A grant as the file writes it.
pub(super) fn shown(ground: &Ground, grant: &ClientGrant, thing: Resource) -> Resource {
    let scope = grant.fields.get("scope").and_then(Value::as_array).into_iter().flatten();
    let accounts = if grant.any_account == Some(true) {
        set([ALL])
    } else {
        let granted = ground.there.granted.get(&grant.id).into_iter().flatten();
        set(granted.map(|id| ground.tenant(id).unwrap_or(id)))
    };
    let permissions = match grant.fields.get("allow_all_scopes") {
        Some(Value::Bool(true)) => set([ALL]),
        _ => set(scope.filter_map(Value::as_str)),
    };
    thing
        .with("permissions", permissions)
        .with("subject", grant.subject_type.as_str())
        .with("organization_usage", text(grant.fields.get("organization_usage").and_then(Value::as_str)))
        .with("accounts", accounts)
}

/// Does a step.
pub(super) fn apply(doing: &mut Doing<'_, '_>) -> Result<Done, Refusal> {
    let known = doing.id().to_owned();
    if doing.removes()
        && let Some(grant) = doing.ground.there.grants.remove(&known)
    {
        doing.draft.delete_client_grant(&grant)?;
    }
    if doing.step.action == Action::Delete {
        return doing.gone();
    }
    let accounts = doing.list("accounts");
    let any = accounts.iter().any(|account| account == ALL);
    let named = accounts.iter().filter(|account| *account != ALL);
    let named: BTreeSet<String> = named
        .map(|account| Ok(doing.ground.account(account)?.id.clone()))
        .collect::<Result<BTreeSet<String>, Refusal>>()?;
    let usage = match (doing.field("organization_usage"), accounts.is_empty()) {
        // Accounts are only told for grants that are for accounts.
        (Value::Null, false) => json!("allow"),
        (usage, _) => usage,
    };
    let mut given = change([
        ("scope", json!(doing.list("permissions"))),
        ("allow_any_organization", if accounts.is_empty() { Value::Null } else { json!(any) }),
    ]);
    if !doing.field("organization_usage").is_null() {
        given.insert("organization_usage".to_owned(), usage);
    } else {
        given.insert("organization_usage".to_owned(), Value::Null);
    }
    let grant = if doing.makes() {
        let client = doing.ground.client(doing.key(1))?.id.clone();
        let api = doing.ground.api(doing.key(3))?.clone();
        let new = NewClientGrant {
            client_id: client.clone(),
            audience: api.identifier.clone(),
            subject_type: doing.text("subject"),
            any_account: (!accounts.is_empty()).then_some(any),
            fields: without_nulls(given),
        };
        doing.draft.create_client_grant(&client, &api, new, &named)?
    } else {
        let before = doing.ground.there.grants.get(doing.id()).cloned();
        let before = before.ok_or(Refusal::Missing(tenantry_identity::Kind::ClientGrant))?;
        let none = BTreeSet::new();
        let known = doing.ground.there.granted.get(doing.id()).unwrap_or(&none).clone();
        doing.draft.update_client_grant(&before, given, &named, &known)?
    };
    let id = grant.id.clone();
    doing.ground.there.granted.insert(id.clone(), named);
    doing.ground.there.grants.insert(id.clone(), grant);
    doing.done(id)
}

fn without_nulls(mut fields: Fields) -> Fields {
    fields.retain(|name, value| !value.is_null() && name != "allow_any_organization");
    fields
}

/// What a grant is when the file says nothing more.
pub(super) fn usual() -> Vec<(&'static str, Value)> {
    vec![("subject", json!("client"))]
}
