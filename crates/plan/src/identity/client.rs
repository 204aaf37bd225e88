//! Clients.

use serde_json::{Map, Value, json};
use tenantry_file::Loaded;
use tenantry_file::model::{Client as Declared, ClientAuthentication, ClientKind, KeyAlgorithm, RefreshTokens};
use tenantry_identity::Refusal;
use tenantry_identity::clients::credentials::Credential;
use tenantry_identity::clients::{Client, NewClient, key_name};
use tenantry_identity::draft::NewKey;
use tenantry_identity::text::Fields;

use crate::error::PlanError;
use crate::identity::address::address;
use crate::identity::doing::{Doing, change};
use crate::identity::value::{duration, object, read_seconds, seconds, set, stored_seconds, text};
use crate::identity::{Ground, Sought};
use crate::resource::{Kind, Resource, Target};
use crate::step::Action;
use crate::work::Done;

/// The file's words and the store's, for lists of addresses.
const LISTS: [(&str, &str); 4] = [
    ("callbacks", "callbacks"),
    ("logout_urls", "allowed_logout_urls"),
    ("web_origins", "web_origins"),
    ("allowed_origins", "allowed_origins"),
];

/// The same for texts.
const TEXTS: [(&str, &str); 4] = [
    ("description", "description"),
    ("logo_url", "logo_uri"),
    ("initiate_login_url", "initiate_login_uri"),
    ("organization_usage", "organization_usage"),
];

/// What an ID token is good for when nobody said, in seconds.
const ID_TOKEN: u64 = 36_000;

/// How a client may ask for tokens when the file does not say.
fn usual_grants(kind: ClientKind) -> &'static [&'static str] {
    match kind {
        ClientKind::Machine => &["client_credentials"],
        ClientKind::Web | ClientKind::Spa | ClientKind::Native => &["authorization_code", "refresh_token"],
    }
}

fn is_public(kind: ClientKind) -> bool {
    matches!(kind, ClientKind::Spa | ClientKind::Native)
}

/// What the file wants.
pub(super) fn desired(loaded: &Loaded, all: &mut Vec<Resource>) -> Result<(), PlanError> {
    for (name, declared) in &loaded.document().client {
        let path = ["client", name.as_str()];
        let mut thing = Resource::new(Kind::Client, Target::Identity, address(&path)).at(loaded.located(&path));
        let mut keys = Vec::new();
        for (key, given) in &declared.keys {
            let path = ["client", name.as_str(), "keys", key];
            let kid = key_name(&given.pem).map_err(|refusal| {
                PlanError::invalid("CLIENT_KEY", format!("the key `{key}` of client `{name}`: {refusal}"))
                    .about(&address(&path), loaded.located(&path))
                    .hinted("give a public key, or a certificate with one, as PEM: RSA of 2,048 bits or more")
            })?;
            let algorithm = given.algorithm.map_or("RS256", KeyAlgorithm::name);
            keys.push((key.clone(), json!({ "kid": kid, "algorithm": algorithm, "pem": given.pem.trim() })));
        }
        thing.fields.extend(fields(name.as_str(), declared));
        thing = thing.with("keys", object(keys));
        if !is_public(declared.kind) && declared.keys.is_empty() {
            thing = thing.secret("secret", declared.secret.as_ref().map_or("generate", |secret| secret.as_str()));
        }
        all.push(thing);
    }
    Ok(())
}

fn fields(name: &str, declared: &Declared) -> Vec<(String, Value)> {
    let url = |url: &Option<tenantry_file::words::WebUrl>| text(url.as_ref().map(|url| url.as_str()));
    let authentication = if !declared.keys.is_empty() {
        "keys"
    } else if let Some(said) = declared.authentication {
        said.name()
    } else if is_public(declared.kind) {
        ClientAuthentication::None.name()
    } else {
        ClientAuthentication::Post.name()
    };
    let grants = match &declared.grant_types {
        Some(grants) => set(grants),
        None => set(usual_grants(declared.kind)),
    };
    [
        ("display_name", json!(declared.display_name.as_deref().unwrap_or(name))),
        ("description", text(declared.description.as_deref())),
        ("kind", json!(kind_word(declared.kind))),
        ("logo_url", url(&declared.logo_url)),
        ("callbacks", set(&declared.callbacks)),
        ("logout_urls", set(&declared.logout_urls)),
        ("web_origins", set(&declared.web_origins)),
        ("allowed_origins", set(&declared.allowed_origins)),
        ("initiate_login_url", url(&declared.initiate_login_url)),
        ("grant_types", grants),
        ("third_party", json!(declared.third_party)),
        ("authentication", json!(authentication_word(authentication))),
        ("organization_usage", text(declared.organization_usage.map(|usage| usage.name()))),
        ("id_token_lifetime", json!(declared.id_token_lifetime.as_ref().map_or_else(|| seconds(ID_TOKEN), duration))),
        ("refresh_token", refresh(declared.refresh_token.as_ref())),
        ("metadata", object(declared.metadata.iter().map(|(name, value)| (name, json!(value))))),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

fn refresh(declared: Option<&RefreshTokens>) -> Value {
    match declared {
        None => json!({ "rotation": "non-rotating" }),
        Some(declared) => object([
            ("rotation", json!(declared.rotation.name())),
            ("lifetime", text(declared.lifetime.as_ref().map(duration).as_deref())),
            ("idle_lifetime", text(declared.idle_lifetime.as_ref().map(duration).as_deref())),
        ]),
    }
}

fn kind_word(kind: ClientKind) -> &'static str {
    match kind {
        ClientKind::Machine => "machine",
        ClientKind::Web => "web",
        ClientKind::Spa => "spa",
        ClientKind::Native => "native",
    }
}

const KINDS: [ClientKind; 4] = [ClientKind::Machine, ClientKind::Web, ClientKind::Spa, ClientKind::Native];

/// The store's word for how a client shows who it is, as the file's.
fn authentication_word(stored: &str) -> &str {
    match ClientAuthentication::named(stored) {
        Some(ClientAuthentication::Post) => "post",
        Some(ClientAuthentication::Basic) => "basic",
        Some(ClientAuthentication::None) => "none",
        None => stored,
    }
}

/// What is there.
pub(super) fn found(ground: &Ground, sought: &Sought<'_>) -> Option<Resource> {
    let client = ground.client(sought.key(1)).ok()?;
    let mut thing = shown(ground, client, sought.thing(Kind::Client, &client.id));
    // A key that is the same is the same however its PEM is wrapped.
    if let (Some(Value::Object(keys)), Some(wanted)) =
        (thing.fields.get_mut("keys"), sought.wanted.and_then(|wanted| wanted.fields.get("keys")))
    {
        for (name, key) in keys.iter_mut() {
            if let Some(wanted) = wanted.get(name).filter(|wanted| wanted.get("kid") == key.get("kid")) {
                key["pem"] = wanted.get("pem").cloned().unwrap_or(Value::Null);
            }
        }
    }
    Some(thing)
}

/// A client as the file writes it.
pub(super) fn shown(ground: &Ground, client: &Client, mut thing: Resource) -> Resource {
    let field = |name: &str| client.fields.get(name);
    let list = |name: &str| {
        let items = field(name).and_then(Value::as_array).into_iter().flatten();
        set(items.filter_map(Value::as_str))
    };
    let kind = client.app_type.as_deref().and_then(ClientKind::named);
    let signs = field("client_authentication_methods").is_some_and(|methods| !methods.is_null());
    let method = match field("token_endpoint_auth_method").and_then(Value::as_str) {
        _ if signs => "keys",
        Some(method) => authentication_word(method),
        None => "post",
    };
    thing = thing
        .with("display_name", client.name.as_str())
        // A kind that the file has no word for is told as the Management API tells it.
        .with(
            "kind",
            kind.map_or_else(
                || client.app_type.clone().unwrap_or_else(|| "machine".to_owned()),
                |kind| kind_word(kind).to_owned(),
            ),
        )
        .with("grant_types", list("grant_types"))
        .with("third_party", !client.is_first_party)
        .with("authentication", method);
    for (name, stored) in TEXTS {
        thing = thing.with(name, text(field(stored).and_then(Value::as_str)));
    }
    for (name, stored) in LISTS {
        thing = thing.with(name, list(stored));
    }
    let lifetime = field("jwt_configuration").and_then(|jwt| stored_seconds(jwt.get("lifetime_in_seconds")));
    thing = thing.with("id_token_lifetime", seconds(lifetime.unwrap_or(ID_TOKEN)));
    let rules = field("refresh_token");
    let rule = |name: &str| rules.and_then(|rules| rules.get(name));
    let endless = |name: &str| rule(name).is_none_or(|is| *is == Value::Bool(true));
    let span = |never: &str, name: &str| match endless(never) {
        true => Value::Null,
        false => text(stored_seconds(rule(name)).map(seconds).as_deref()),
    };
    thing = thing.with(
        "refresh_token",
        object([
            ("rotation", json!(rule("rotation_type").and_then(Value::as_str).unwrap_or("non-rotating"))),
            ("lifetime", span("infinite_token_lifetime", "token_lifetime")),
            ("idle_lifetime", span("infinite_idle_token_lifetime", "idle_token_lifetime")),
        ]),
    );
    let metadata = field("client_metadata").and_then(Value::as_object).cloned().unwrap_or_default();
    thing = thing.with("metadata", object(metadata));
    let keys = credentials(ground, &client.id).iter().filter(|one| one.kind == "public_key" && signs).map(|one| {
        let text = |name: &str| one.fields.get(name).and_then(Value::as_str).unwrap_or_default();
        let name = if text("name").is_empty() { one.id.as_str() } else { text("name") };
        (name.to_owned(), json!({ "kid": one.kid, "algorithm": text("alg"), "pem": text("pem").trim() }))
    });
    thing.with("keys", object(keys.collect::<Vec<_>>()))
}

fn credentials<'a>(ground: &'a Ground, client: &str) -> &'a [Credential] {
    ground.there.credentials.get(client).map(Vec::as_slice).unwrap_or_default()
}

/// Does a step.
pub(super) async fn apply(doing: &mut Doing<'_, '_>) -> Result<Done, Refusal> {
    let name = doing.key(1).to_owned();
    if doing.step.action == Action::Delete {
        let id = doing.id().to_owned();
        if let Some(client) = doing.ground.there.clients.remove(&id) {
            doing.draft.delete_client(&client);
        }
        return doing.gone();
    }
    let keys = keys(doing);
    let secret = doing.secret("secret").cloned();
    let display_name = doing.text("display_name").unwrap_or_else(|| name.clone());
    let mut given = stored(doing, !keys.is_empty());
    let client = if doing.makes() {
        given.retain(|_, value| !value.is_null());
        let new =
            NewClient { name: display_name, id: None, secret: secret.map(|secret| secret.to_string()), fields: given };
        doing.draft.create_client(new, &keys).await?
    } else {
        given.insert("name".to_owned(), json!(display_name));
        // Of metadata that is merged, what the file does not name goes.
        let before = doing.ground.client(&name)?.clone();
        let had = before.fields.get("client_metadata").and_then(Value::as_object);
        let mut metadata: Map<String, Value> = Map::new();
        for gone in had.into_iter().flat_map(Map::keys) {
            metadata.insert(gone.clone(), Value::Null);
        }
        if let Value::Object(members) = doing.field("metadata") {
            metadata.extend(members);
        }
        given.insert("client_metadata".to_owned(), Value::Object(metadata));
        let known = credentials(doing.ground, &before.id).to_vec();
        let keys = doing.changes("keys").then_some(keys.as_slice());
        if keys.is_none() {
            given.shift_remove("client_authentication_methods");
        }
        doing.draft.update_client(&before, given, secret.as_ref(), keys, &known).await?
    };
    let id = client.id.clone();
    doing.ground.clients.insert(name, id.clone());
    doing.ground.there.clients.insert(id.clone(), client);
    doing.done(id)
}

/// The keys that the file wants.
fn keys(doing: &Doing<'_, '_>) -> Vec<NewKey> {
    let wanted = doing.field("keys");
    let keys = wanted.as_object().into_iter().flatten();
    keys.map(|(name, key)| {
        let text = |member: &str| key.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
        NewKey { name: name.clone(), pem: text("pem"), algorithm: text("algorithm") }
    })
    .collect()
}

/// What the file wants, in the store's words.
fn stored(doing: &Doing<'_, '_>, signs: bool) -> Fields {
    let list = |name: &str| match doing.field(name) {
        Value::Null => json!([]),
        list => list,
    };
    let kind = doing.text("kind").and_then(|word| KINDS.into_iter().find(|kind| kind_word(*kind) == word));
    let mut given = change([
        ("app_type", json!(kind.unwrap_or_default().name())),
        ("grant_types", list("grant_types")),
        ("is_first_party", json!(!doing.flag("third_party"))),
        ("client_metadata", doing.field("metadata")),
    ]);
    for (name, stored) in TEXTS {
        given.insert(stored.to_owned(), doing.field(name));
    }
    for (name, stored) in LISTS {
        given.insert(stored.to_owned(), list(name));
    }
    let method = match doing.text("authentication").as_deref() {
        Some("basic") => ClientAuthentication::Basic.name(),
        Some("none") => ClientAuthentication::None.name(),
        _ => ClientAuthentication::Post.name(),
    };
    if signs {
        given.insert("token_endpoint_auth_method".to_owned(), Value::Null);
    } else {
        given.insert("client_authentication_methods".to_owned(), Value::Null);
        given.insert("token_endpoint_auth_method".to_owned(), json!(method));
    }
    let lifetime = doing.text("id_token_lifetime").and_then(|text| read_seconds(&text)).unwrap_or(ID_TOKEN);
    given.insert("jwt_configuration".to_owned(), json!({ "lifetime_in_seconds": lifetime }));
    let wanted = doing.field("refresh_token");
    let span = |name: &str| wanted.get(name).and_then(Value::as_str).and_then(read_seconds);
    let (lifetime, idle) = (span("lifetime"), span("idle_lifetime"));
    let mut rules = Map::new();
    rules.insert("rotation_type".to_owned(), wanted.get("rotation").cloned().unwrap_or_else(|| json!("non-rotating")));
    let expiring = if lifetime.is_some() || idle.is_some() { "expiring" } else { "non-expiring" };
    rules.insert("expiration_type".to_owned(), json!(expiring));
    rules.insert("infinite_token_lifetime".to_owned(), json!(lifetime.is_none()));
    rules.insert("infinite_idle_token_lifetime".to_owned(), json!(idle.is_none()));
    for (name, span) in [("token_lifetime", lifetime), ("idle_token_lifetime", idle)] {
        if let Some(span) = span {
            rules.insert(name.to_owned(), json!(span));
        }
    }
    given.insert("refresh_token".to_owned(), Value::Object(rules));
    given
}

/// What a client is when the file says nothing more.
pub(super) fn usual(name: &str, kind: &str) -> Vec<(&'static str, Value)> {
    let kind = KINDS.into_iter().find(|known| kind_word(*known) == kind).unwrap_or_default();
    vec![
        ("display_name", json!(name)),
        ("kind", json!("machine")),
        ("grant_types", set(usual_grants(kind))),
        ("third_party", json!(false)),
        ("authentication", json!(if is_public(kind) { "none" } else { "post" })),
        ("id_token_lifetime", json!(seconds(ID_TOKEN))),
        ("refresh_token", refresh(None)),
    ]
}
