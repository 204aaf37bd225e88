//! APIs, their permissions and how their tokens are made.

use serde_json::{Value, json};
use tenantry_file::Loaded;
use tenantry_file::model::{Api as Declared, ApiAlgorithm, TokenDialect};
use tenantry_identity::Refusal;
use tenantry_identity::apis::{Api, NewApi};
use tenantry_identity::text::Fields;

use crate::identity::address::address;
use crate::identity::doing::{Doing, change};
use crate::identity::value::{duration, object, read_seconds, seconds, stored_seconds, text};
use crate::identity::{Ground, Sought};
use crate::resource::{Kind, Resource, Target};
use crate::step::Action;
use crate::work::Done;

/// A day, and two hours: what a token is good for when nobody said.
const USUAL: [(&str, u64); 2] = [("token_lifetime", 86_400), ("token_lifetime_for_web", 7_200)];

/// What the file wants.
pub(super) fn desired(loaded: &Loaded) -> impl Iterator<Item = Resource> {
    loaded.document().api.iter().map(|(identifier, declared)| {
        let mut thing = Resource::new(Kind::Api, Target::Identity, address(&["api", identifier]))
            .at(loaded.located(&["api", identifier]));
        thing.fields.extend(fields(declared));
        if declared.signing_algorithm == Some(ApiAlgorithm::HS256) {
            let given = declared.signing_secret.as_ref().map_or("generate", |secret| secret.as_str());
            thing = thing.secret("signing_secret", given);
        }
        thing
    })
}

fn fields(declared: &Declared) -> Vec<(String, Value)> {
    let lifetime = declared.token_lifetime.as_ref().map_or_else(|| seconds(86_400), duration);
    let for_web = declared.token_lifetime_for_web.as_ref().map_or_else(
        // No longer than others, when nobody said.
        || seconds(read_seconds(&lifetime).unwrap_or(7_200).min(7_200)),
        duration,
    );
    let permissions = declared.permissions.iter().map(|(name, what)| (name, json!(what)));
    [
        ("display_name", text(declared.display_name.as_deref())),
        ("permissions", object(permissions)),
        ("token_lifetime", json!(lifetime)),
        ("token_lifetime_for_web", json!(for_web)),
        ("signing_algorithm", json!(declared.signing_algorithm.map_or("RS256", ApiAlgorithm::name))),
        ("offline_access", json!(declared.offline_access)),
        ("enforce_policies", json!(declared.enforce_policies)),
        ("token_dialect", json!(declared.token_dialect.map_or("access_token", TokenDialect::name))),
        ("skip_consent", json!(declared.skip_consent)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

/// What is there.
pub(super) fn found(ground: &Ground, sought: &Sought<'_>) -> Option<Resource> {
    let api = ground.there.apis.get(sought.key(1)).filter(|api| !api.is_system)?;
    Some(shown(api, sought.thing(Kind::Api, &api.id)))
}

/// An API as the file writes it.
pub(super) fn shown(api: &Api, mut thing: Resource) -> Resource {
    let permissions =
        api.scopes.iter().map(|scope| (scope.value.clone(), json!(scope.description.as_deref().unwrap_or_default())));
    let flag = |name: &str| json!(api.fields.get(name) == Some(&Value::Bool(true)));
    let said = |name: &str, usual: &str| json!(api.fields.get(name).and_then(Value::as_str).unwrap_or(usual));
    thing = thing
        .with("display_name", text(api.name.as_deref()))
        .with("permissions", object(permissions))
        .with("signing_algorithm", said("signing_alg", "RS256"))
        .with("offline_access", flag("allow_offline_access"))
        .with("enforce_policies", flag("enforce_policies"))
        .with("token_dialect", said("token_dialect", "access_token"))
        .with("skip_consent", flag("skip_consent_for_verifiable_first_party_clients"));
    for (name, usual) in USUAL {
        thing = thing.with(name, seconds(stored_seconds(api.fields.get(name)).unwrap_or(usual)));
    }
    thing
}

/// What an API is when the file says nothing more.
pub(super) fn usual() -> Vec<(&'static str, Value)> {
    fields(&Declared::default())
        .into_iter()
        .filter_map(|(name, value)| {
            let names = ["token_lifetime", "token_lifetime_for_web", "signing_algorithm", "offline_access"];
            let more = ["enforce_policies", "token_dialect", "skip_consent"];
            Some((names.into_iter().chain(more).find(|known| *known == name)?, value))
        })
        .collect()
}

/// Does a step.
pub(super) fn apply(doing: &mut Doing<'_, '_>) -> Result<Done, Refusal> {
    let identifier = doing.key(1).to_owned();
    if doing.step.action == Action::Delete {
        if let Some(api) = doing.ground.there.apis.get(&identifier) {
            doing.draft.delete_api(api)?;
        }
        doing.ground.there.apis.remove(&identifier);
        return doing.gone();
    }
    let mut given = stored(doing);
    if let Some(secret) = doing.secret("signing_secret") {
        given.insert("signing_secret".to_owned(), json!(secret.as_str()));
    }
    let api = if doing.makes() {
        let name = doing.text("display_name");
        given.retain(|_, value| !value.is_null());
        given.shift_remove("name");
        doing.draft.create_api(NewApi { identifier: identifier.clone(), name, fields: given })?
    } else {
        let before = doing.ground.api(&identifier)?.clone();
        doing.draft.update_api(&doing.ground.there, &before, given)?
    };
    let id = api.id.clone();
    doing.ground.there.apis.insert(identifier, api);
    doing.done(id)
}

/// What the file wants, in the store's words.
fn stored(doing: &Doing<'_, '_>) -> Fields {
    let permissions = doing.field("permissions");
    let scopes: Vec<Value> = permissions
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, what)| match what.as_str() {
            Some("") | None => json!({ "value": name }),
            Some(what) => json!({ "value": name, "description": what }),
        })
        .collect();
    let lifetime = |name: &str| doing.text(name).and_then(|text| read_seconds(&text)).map_or(Value::Null, Value::from);
    let mut given = change([
        ("scopes", Value::Array(scopes)),
        ("token_lifetime", lifetime("token_lifetime")),
        ("token_lifetime_for_web", lifetime("token_lifetime_for_web")),
        ("signing_alg", doing.field("signing_algorithm")),
        ("allow_offline_access", doing.field("offline_access")),
        ("enforce_policies", doing.field("enforce_policies")),
        ("token_dialect", doing.field("token_dialect")),
        ("skip_consent_for_verifiable_first_party_clients", doing.field("skip_consent")),
    ]);
    // A name that was never said is left as it is: it cannot be taken away.
    if let Some(name) = doing.text("display_name") {
        given.insert("name".to_owned(), json!(name));
    }
    given
}
