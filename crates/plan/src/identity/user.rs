//! Users: everybody whom the file names, under `[user.ID]`, as a member, or as a principal of the platform.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tenantry_file::Loaded;
use tenantry_file::model::{DEFAULT_CONNECTION, Document, User as Declared};
use tenantry_identity::draft::UserChange;
use tenantry_identity::text::Fields;
use tenantry_identity::users::{self, NewUser, User};
use tenantry_identity::{Kind as Thing, Refusal};

use crate::error::PlanError;
use crate::identity::address::address;
use crate::identity::doing::{Doing, change};
use crate::identity::value::{as_far_as, object, text};
use crate::identity::{Ground, Sought};
use crate::resource::{Kind, Resource, Target};
use crate::state::State;
use crate::step::Action;
use crate::work::Done;

/// The file's words and the store's, for texts that are only the file's business where it says them.
const TEXTS: [(&str, &str); 5] = [
    ("display_name", "name"),
    ("nickname", "nickname"),
    ("given_name", "given_name"),
    ("family_name", "family_name"),
    ("picture", "picture"),
];

/// Somebody whom the file names.
struct Person {
    declared: Declared,
    /// Where the file says who that is.
    path: Vec<String>,
    platform: bool,
}

/// The id of a user in the store.
pub(super) fn id(loaded: &Loaded, key: &str) -> Result<String, PlanError> {
    let document = loaded.document();
    let connection = document.user.get(key).and_then(|user| user.connection.as_deref());
    let subject = users::kept_subject(key).map_err(|_| {
        PlanError::invalid("USER_ID", format!("`{key}` cannot be a user's id"))
            .about(&address(&["user", key]), loaded.located(&["user", key]))
            .hinted("an id holds no blanks, no `%` and nothing that is not seen")
    })?;
    Ok([strategy(document, connection.unwrap_or(DEFAULT_CONNECTION)), "|", &subject].concat())
}

fn strategy<'a>(document: &'a Document, connection: &str) -> &'a str {
    document.connection.get(connection).map_or("auth0", |declared| declared.strategy.as_str())
}

/// What the file wants.
pub(super) fn desired(loaded: &Loaded, state: &State, all: &mut Vec<Resource>) -> Result<(), PlanError> {
    for (key, person) in people(loaded)? {
        let at = address(&["user", &key]);
        let path: Vec<&str> = person.path.iter().map(String::as_str).collect();
        let place = loaded.located(&path);
        let wrong =
            |refusal: Refusal| PlanError::invalid("USER", format!("`{key}`: {refusal}")).about(&at, place.clone());
        let declared = &person.declared;
        let is_address = key.contains('@');
        let email = declared.email.clone().or_else(|| is_address.then(|| key.clone()));
        let named = declared.username.is_some() || email.is_some() || declared.phone.is_some();
        let username = declared.username.clone().or_else(|| (!named).then(|| key.clone()));
        let kept = |given: Option<String>, keep: fn(&str) -> Result<String, Refusal>| {
            given.map(|given| keep(&given)).transpose().map_err(wrong)
        };
        let mut thing = Resource::new(Kind::User, Target::Identity, &at)
            .with("connection", declared.connection.as_deref().unwrap_or(DEFAULT_CONNECTION))
            .with("email", text(kept(email, users::kept_email)?.as_deref()))
            .with("username", text(kept(username, users::kept_username)?.as_deref()))
            .with("phone", text(kept(declared.phone.clone(), users::kept_phone)?.as_deref()))
            .with("email_verified", declared.email_verified)
            .with("blocked", declared.blocked)
            .with("app_metadata", object(declared.app_metadata.clone()))
            .called(id(loaded, &key)?)
            .at(place.clone());
        // Who acts for the platform without the file having said so is not the file's business.
        let was = state.find(&Target::Identity, &address(&["principal", &key])).is_some();
        if person.platform || was {
            thing = thing.with("platform", person.platform);
        }
        let texts = [
            declared.display_name.as_deref(),
            declared.nickname.as_deref(),
            declared.given_name.as_deref(),
            declared.family_name.as_deref(),
            declared.picture.as_ref().map(|url| url.as_str()),
        ];
        for ((name, _), said) in TEXTS.into_iter().zip(texts) {
            thing = thing.maybe(name, said);
        }
        if !declared.user_metadata.is_empty() {
            thing = thing.with("user_metadata", object(declared.user_metadata.clone()));
        }
        if let Some(password) = &declared.password {
            thing = thing.secret("password", password.as_str());
        }
        thing.fixed = &["connection"];
        all.push(thing);
    }
    Ok(())
}

/// Everybody whom the file names, by id.
fn people(loaded: &Loaded) -> Result<BTreeMap<String, Person>, PlanError> {
    let document = loaded.document();
    let mut people: BTreeMap<String, Person> = BTreeMap::new();
    for (key, declared) in &document.user {
        let path = vec!["user".to_owned(), key.clone()];
        people.insert(key.clone(), Person { declared: declared.clone(), path, platform: false });
    }
    for (account, declared) in &document.account {
        let here = declared.user.iter().map(|(key, member)| (vec!["account", account, "user", key], key, member));
        let inside = declared.workspace.iter().flat_map(|(workspace, inside)| {
            inside
                .user
                .iter()
                .map(move |(key, member)| (vec!["account", account, "workspace", workspace, "user", key], key, member))
        });
        for (path, key, member) in here.chain(inside) {
            if document.user.contains_key(key) {
                continue;
            }
            let said = Declared {
                display_name: member.display_name.clone(),
                user_metadata: member.user_metadata.clone(),
                app_metadata: member.app_metadata.clone(),
                ..Declared::default()
            };
            match people.get(key) {
                Some(known) if known.declared != said => {
                    let place = known.path.iter().map(String::as_str).collect::<Vec<_>>();
                    return Err(PlanError::invalid(
                        "USER_SAID_TWICE",
                        format!("`{key}` is said to be two different people, here and at {}", address(&place)),
                    )
                    .about(&address(&path), loaded.located(&path))
                    .hinted(format!("say once who that is: [user.{}]", crate::identity::address::quoted(key))));
                }
                Some(_) => {}
                None => {
                    let path = path.into_iter().map(str::to_owned).collect();
                    people.insert(key.clone(), Person { declared: said, path, platform: false });
                }
            }
        }
    }
    for (key, principal) in &document.principal {
        let person = people.entry(key.clone()).or_insert_with(|| Person {
            declared: Declared::default(),
            path: vec!["principal".to_owned(), key.clone()],
            platform: true,
        });
        person.platform = true;
        if person.declared.display_name.is_none() {
            person.declared.display_name.clone_from(&principal.display_name);
        }
        if person.declared.app_metadata.is_empty() {
            person.declared.app_metadata.clone_from(&principal.metadata);
        }
    }
    Ok(people)
}

/// What is there.
pub(super) fn found(ground: &Ground, sought: &Sought<'_>) -> Option<Resource> {
    let assumed = ["auth0|", sought.key(1)].concat();
    // One that is made anew in another connection has another id: the state knows the one that is there.
    let ids = [sought.id, sought.wanted.and_then(|wanted| wanted.id.as_deref()), Some(&assumed)];
    let user = ids.into_iter().flatten().find_map(|id| ground.there.users.get(id))?;
    let mut thing = shown(user, sought.thing(Kind::User, &user.id));
    let wanted = sought.wanted.map(|wanted| &wanted.fields);
    // What the file does not say of these is the user's own.
    if let Some(value) = thing.fields.remove("user_metadata") {
        let said = wanted.and_then(|wanted| wanted.get("user_metadata"));
        let value = said.map_or(Value::Null, |said| as_far_as(&value, Some(said)));
        thing = thing.with("user_metadata", value);
    }
    thing.fields.retain(|name, _| wanted.is_none_or(|wanted| wanted.contains_key(name)));
    Some(thing)
}

/// A user as the file writes it.
pub(super) fn shown(user: &User, mut thing: Resource) -> Resource {
    let members = |name: &str| match user.fields.get(name) {
        Some(Value::Object(members)) => object(members.clone()),
        _ => Value::Null,
    };
    thing = thing
        .with("connection", user.connection.as_str())
        .with("email", text(user.email.as_deref()))
        .with("username", text(user.username.as_deref()))
        .with("phone", text(user.phone.as_deref()))
        .with("email_verified", user.email_verified)
        .with("blocked", user.blocked)
        .with("platform", user.platform)
        .with("user_metadata", members("user_metadata"))
        .with("app_metadata", members("app_metadata"));
    for (name, stored) in TEXTS {
        thing = thing.with(name, text(user.text(stored)));
    }
    thing
}

/// Does a step.
pub(super) async fn apply(doing: &mut Doing<'_, '_>) -> Result<Done, Refusal> {
    let key = doing.key(1).to_owned();
    let there = doing.id().to_owned();
    if doing.removes() && doing.ground.there.users.remove(&there).is_some() {
        doing.draft.delete_user(&there);
    }
    if doing.step.action == Action::Delete {
        return doing.gone();
    }
    let password = doing.secret("password").cloned();
    let platform = doing.says("platform").then(|| doing.flag("platform"));
    let mut fields = Fields::new();
    for (name, stored) in TEXTS {
        if doing.says(name) {
            fields.insert(stored.to_owned(), doing.field(name));
        }
    }
    fields.extend(change([("email_verified", doing.field("email_verified"))]));
    let user = if doing.makes() {
        for name in ["user_metadata", "app_metadata"] {
            if let Value::Object(members) = doing.field(name) {
                fields.insert(name.to_owned(), Value::Object(members));
            }
        }
        if doing.flag("blocked") {
            fields.insert("blocked".to_owned(), json!(true));
        }
        let new = NewUser {
            connection: doing.text("connection").unwrap_or_default(),
            user_id: Some(key),
            email: doing.text("email"),
            username: doing.text("username"),
            phone: doing.text("phone"),
            password,
            platform: platform.unwrap_or(false),
            fields,
            ..NewUser::default()
        };
        let connection = doing.ground.connection(&new.connection)?.clone();
        doing.draft.create_user(&connection, new).await?
    } else {
        let before = doing.ground.there.users.get(&there).ok_or(Refusal::Missing(Thing::User))?;
        fields.extend(change([
            ("email", doing.field("email")),
            ("username", doing.field("username")),
            ("phone_number", doing.field("phone")),
            ("blocked", doing.field("blocked")),
        ]));
        if doing.says("user_metadata") {
            fields.insert("user_metadata".to_owned(), doing.field("user_metadata"));
        }
        fields.insert(
            "app_metadata".to_owned(),
            replaced(before.fields.get("app_metadata"), doing.field("app_metadata")),
        );
        let change = UserChange { fields, platform, password };
        doing.draft.update_user(&doing.ground.there, &there, change).await?
    };
    let id = user.id.clone();
    doing.ground.there.users.insert(id.clone(), user);
    doing.ground.users.insert(doing.key(1).to_owned(), id.clone());
    doing.done(id)
}

/// The change that makes metadata what the file wants: members that it does not name go.
fn replaced(before: Option<&Value>, wanted: Value) -> Value {
    let Value::Object(wanted) = wanted else { return json!({}) };
    let mut change: Map<String, Value> = Map::new();
    for name in before.and_then(Value::as_object).into_iter().flat_map(Map::keys) {
        change.insert(name.clone(), Value::Null);
    }
    change.extend(wanted);
    Value::Object(change)
}

/// What a user is when the file says nothing more.
pub(super) fn usual(key: &str) -> Vec<(&'static str, Value)> {
    let named = if key.contains('@') { "email" } else { "username" };
    vec![
        ("connection", json!(DEFAULT_CONNECTION)),
        (named, json!(key)),
        ("email_verified", json!(false)),
        ("blocked", json!(false)),
    ]
}
