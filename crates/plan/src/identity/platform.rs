//! The platform's settings. Only those that the file says are its business; one that it says no more goes back to
//! its usual value.

use serde_json::{Map, Value, json};
use tenantry_file::Loaded;
use tenantry_file::model::{Charset, SessionCookie};
use tenantry_identity::Refusal;

use crate::identity::doing::Doing;
use crate::identity::value::{duration, object, read_seconds, seconds, text};
use crate::identity::{Ground, Sought};
use crate::resource::{Kind, Resource, Target};
use crate::state::State;
use crate::step::Action;
use crate::work::Done;

const ADDRESS: &str = "platform";

/// Lifetimes: durations in the file, hours in the store.
const LIFETIMES: [&str; 4] =
    ["session_lifetime", "idle_session_lifetime", "ephemeral_session_lifetime", "idle_ephemeral_session_lifetime"];

/// What stands under `[platform]` and is a setting of the store.
const SETTINGS: [&str; 22] = [
    "friendly_name",
    "support_email",
    "support_url",
    "picture_url",
    "error_page",
    "change_password",
    "guardian_mfa_page",
    "device_flow",
    "flags",
    "session_lifetime",
    "idle_session_lifetime",
    "ephemeral_session_lifetime",
    "idle_ephemeral_session_lifetime",
    "session_cookie",
    "enabled_locales",
    "default_audience",
    "default_directory",
    "default_redirection_uri",
    "allowed_logout_urls",
    "acr_values_supported",
    "allow_organization_name_in_authentication_api",
    "pushed_authorization_requests_supported",
];

/// One that the list above has no place for.
const LAST: &str = "authorization_response_iss_parameter_supported";

fn settings() -> impl Iterator<Item = &'static str> {
    SETTINGS.into_iter().chain([LAST])
}

/// Has the file a word for the setting?
pub(super) fn is_said(name: &str) -> bool {
    settings().any(|known| known == name)
}

/// What the file wants.
pub(super) fn desired(loaded: &Loaded, state: &State) -> Option<Resource> {
    let platform = loaded.document().platform.clone().unwrap_or_default();
    let url = |url: &Option<tenantry_file::words::WebUrl>| text(url.as_ref().map(|url| url.as_str()));
    let flag = |flag: Option<bool>| flag.map_or(Value::Null, Value::Bool);
    let list = |list: &Option<Vec<String>>| list.as_ref().map_or(Value::Null, |list| json!(list));
    let page = |page: &Option<tenantry_file::model::OwnPage>| {
        page.as_ref()
            .map_or(Value::Null, |page| object([("enabled", flag(page.enabled)), ("html", text(page.html.as_deref()))]))
    };
    let all: [(&str, Value); 23] = [
        ("friendly_name", text(platform.friendly_name.as_deref())),
        ("support_email", text(platform.support_email.as_deref())),
        ("support_url", url(&platform.support_url)),
        ("picture_url", url(&platform.picture_url)),
        (
            "error_page",
            platform.error_page.as_ref().map_or(Value::Null, |page| {
                object([
                    ("html", text(page.html.as_deref())),
                    ("url", url(&page.url)),
                    ("show_log_link", flag(page.show_log_link)),
                ])
            }),
        ),
        ("change_password", page(&platform.change_password)),
        ("guardian_mfa_page", page(&platform.guardian_mfa_page)),
        (
            "device_flow",
            platform.device_flow.as_ref().map_or(Value::Null, |flow| {
                let charset = flow.charset.map(|charset| match charset {
                    Charset::Base20 => "base20",
                    Charset::Digits => "digits",
                });
                object([("charset", text(charset)), ("mask", text(flow.mask.as_deref()))])
            }),
        ),
        ("flags", object(platform.flags.iter().map(|(name, on)| (name, Value::Bool(*on))))),
        ("session_lifetime", text(platform.session_lifetime.as_ref().map(duration).as_deref())),
        ("idle_session_lifetime", text(platform.idle_session_lifetime.as_ref().map(duration).as_deref())),
        ("ephemeral_session_lifetime", text(platform.ephemeral_session_lifetime.as_ref().map(duration).as_deref())),
        (
            "idle_ephemeral_session_lifetime",
            text(platform.idle_ephemeral_session_lifetime.as_ref().map(duration).as_deref()),
        ),
        (
            "session_cookie",
            text(platform.session_cookie.map(|cookie| match cookie {
                SessionCookie::Persistent => "persistent",
                SessionCookie::NonPersistent => "non-persistent",
            })),
        ),
        ("enabled_locales", list(&platform.enabled_locales)),
        ("default_audience", text(platform.default_audience.as_deref())),
        ("default_directory", text(platform.default_directory.as_deref())),
        ("default_redirection_uri", url(&platform.default_redirection_uri)),
        ("allowed_logout_urls", list(&platform.allowed_logout_urls)),
        ("acr_values_supported", list(&platform.acr_values_supported)),
        ("allow_organization_name_in_authentication_api", flag(platform.allow_organization_name_in_authentication_api)),
        ("pushed_authorization_requests_supported", flag(platform.pushed_authorization_requests_supported)),
        (LAST, flag(platform.authorization_response_iss_parameter_supported)),
    ];
    let before = said_before(state);
    let mut thing =
        Resource::new(Kind::Platform, Target::Identity, ADDRESS).at(loaded.located(&["platform"])).called(ADDRESS);
    for (name, value) in all {
        if !value.is_null() || before.contains_key(name) {
            thing = thing.with(name, value);
        }
    }
    thing.fields.values().any(|value| !value.is_null()).then_some(thing)
}

/// What the file said when it was last applied.
fn said_before(state: &State) -> Map<String, Value> {
    let doc = state.applied(&Target::Identity).and_then(|file| serde_json::from_str::<Value>(&file.doc).ok());
    match doc.as_ref().and_then(|doc| doc.get("platform")) {
        Some(Value::Object(said)) => said
            .iter()
            .filter(|(name, _)| settings().any(|known| known == *name))
            .map(|(a, b)| (a.clone(), b.clone()))
            .collect(),
        _ => Map::new(),
    }
}

/// What is there of what the file says or said.
pub(super) fn found(ground: &Ground, sought: &Sought<'_>) -> Option<Resource> {
    let before = said_before(sought.state);
    let mut thing = sought.thing(Kind::Platform, ADDRESS);
    for name in settings() {
        let wanted = sought.wanted.and_then(|wanted| wanted.fields.get(name));
        if wanted.is_none() && !before.contains_key(name) {
            continue;
        }
        let value = shown(ground, name).unwrap_or(Value::Null);
        // In an object only the members that the file says, or said, are its business.
        let value =
            match (value, wanted, before.get(name)) {
                (Value::Object(members), wanted, said) => object(members.into_iter().filter(|(member, _)| {
                    [wanted, said].into_iter().flatten().any(|known| known.get(member).is_some())
                })),
                (value, ..) => value,
            };
        thing = thing.with(name, value);
    }
    // Nothing is said in the store either: then it is as good as not there.
    let there = thing.fields.values().any(|value| !value.is_null());
    (there || sought.id.is_some()).then_some(thing)
}

/// A setting as the file writes it, where somebody said it.
pub(super) fn shown(ground: &Ground, name: &str) -> Option<Value> {
    let value = ground.there.said_settings.get(name)?;
    Some(match name {
        "session_cookie" => value.get("mode").cloned().unwrap_or(Value::Null),
        "default_audience" => text(value.as_str().map(|audience| ground.api_name(audience))),
        name if LIFETIMES.contains(&name) => {
            let minutes = value.as_f64().map(|hours| (hours * 60.0).round());
            let minutes = minutes.and_then(|minutes| format!("{minutes:.0}").parse::<u64>().ok());
            text(minutes.map(|minutes| seconds(minutes.saturating_mul(60))).as_deref())
        }
        _ => value.clone(),
    })
}

/// Does a step.
pub(super) fn apply(doing: &mut Doing<'_, '_>) -> Result<Done, Refusal> {
    let mut given = tenantry_identity::text::Fields::new();
    // What is taken back first, so that a change that merges keeps nothing of what is gone.
    let mut taken = Vec::new();
    for name in settings().filter(|name| doing.changes(name)) {
        let value = if doing.step.action == Action::Delete { Value::Null } else { doing.field(name) };
        match (name, value) {
            (name, Value::Null) => {
                let said = doing.ground.there.said_settings.get(name).and_then(Value::as_object).cloned();
                let gone = |member: &String| {
                    let field = [name, ".", member].concat();
                    doing.step.changes.iter().any(|change| change.field == field)
                };
                let rest = object(said.unwrap_or_default().into_iter().filter(|(member, _)| !gone(member)));
                taken.push(name.to_owned());
                if !rest.is_null() && name != "session_cookie" {
                    given.insert(name.to_owned(), rest);
                }
            }
            ("session_cookie", Value::String(mode)) => drop(given.insert(name.to_owned(), json!({ "mode": mode }))),
            ("default_audience", Value::String(audience)) => {
                given.insert(name.to_owned(), json!(doing.ground.audience(&audience)));
            }
            (name, Value::String(text)) if LIFETIMES.contains(&name) => {
                let minutes = read_seconds(&text).unwrap_or_default() / 60;
                given.insert([name, "_in_minutes"].concat(), json!(minutes));
            }
            (name, Value::Object(members)) => {
                let said = doing.ground.there.said_settings.get(name).and_then(Value::as_object).cloned();
                let mut whole = said.unwrap_or_default();
                for change in doing.step.changes.iter().filter(|change| change.after.is_none()) {
                    if let Some(member) = change.field.strip_prefix(name).and_then(|rest| rest.strip_prefix('.')) {
                        whole.remove(member);
                    }
                }
                whole.extend(members);
                taken.push(name.to_owned());
                given.insert(name.to_owned(), Value::Object(whole));
            }
            (name, value) => drop(given.insert(name.to_owned(), value)),
        }
    }
    doing.draft.update_settings(&mut doing.ground.there, given, &taken)?;
    if doing.step.action == Action::Delete { doing.gone() } else { doing.done(ADDRESS) }
}
