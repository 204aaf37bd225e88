//! The identity target: what the file says of the platform, APIs, roles, clients, connections, accounts, users and
//! where they are members; what the store has of it; and the steps that make one the other. Each kind has its file.
//!
//! ```text
//! desired(file) ┐
//! current(store)┴> difference -> steps of one kind -> Draft (one transaction, on record) -> store
//! ```
//! Steps are done by a draft of the identity room, so that validation, record and the end of old tokens come
//! with it, and a chunk of steps happens whole or not at all.

mod account;
mod account_connection;
pub(crate) mod address;
mod api;
mod client;
mod connection;
mod doing;
mod grant;
mod ground;
mod member;
mod platform;
mod principal;
mod pull;
mod role;
mod user;
mod value;
mod workspace;

use std::collections::{BTreeMap, BTreeSet};

use tenantry_file::Loaded;
use tenantry_identity::{Caller, Identity, Refusal};

use crate::danger::Danger;
use crate::error::PlanError;
use crate::identity::address::path;
use crate::identity::doing::Doing;
use crate::plan::Finding;
use crate::resource::{Kind, Resource, Target};
use crate::state::State;
use crate::step::{Action, Step};
use crate::work::{Done, Work};

pub(crate) use ground::Ground;
pub use pull::{Pulled, pull};

/// What the file wants.
///
/// # Errors
/// [`PlanError::Invalid`] for what cannot be.
pub fn desired(loaded: &Loaded, state: &State) -> Result<Vec<Resource>, PlanError> {
    let mut all = Vec::new();
    all.extend(platform::desired(loaded, state));
    all.extend(api::desired(loaded));
    all.extend(role::desired(loaded));
    client::desired(loaded, &mut all)?;
    all.extend(connection::desired(loaded));
    account::desired(loaded, &mut all)?;
    all.extend(workspace::desired(loaded)?);
    user::desired(loaded, state, &mut all)?;
    all.extend(account_connection::desired(loaded));
    all.extend(grant::desired(loaded));
    member::desired(loaded, &mut all)?;
    principal::desired(loaded, &mut all)?;
    Ok(all)
}

/// What to look at beside the steps.
///
/// # Errors
/// The store's.
pub async fn findings(identity: &Identity, caller: &Caller, loaded: &Loaded) -> Result<Vec<Finding>, PlanError> {
    role::same_names(identity, caller, loaded).await
}

/// What is there: of everything that the state names as managed what is left of it, and whatever stands where
/// the file wants something. Reads whole tables, never thing by thing.
///
/// # Errors
/// The store's.
pub async fn current(
    identity: &Identity,
    caller: &Caller,
    state: &State,
    desired: &[Resource],
) -> Result<Vec<Resource>, PlanError> {
    let ground = Ground::read(identity, caller, state, desired).await?;
    let wanted: BTreeMap<&str, &Resource> = desired.iter().map(|thing| (thing.address.as_str(), thing)).collect();
    let mut addresses: BTreeMap<&str, Kind> =
        desired.iter().map(|thing| (thing.address.as_str(), thing.kind)).collect();
    for row in state.managed(&Target::Identity) {
        if let Some(kind) = KINDS.into_iter().find(|kind| kind.name() == row.kind) {
            addresses.entry(row.address.as_str()).or_insert(kind);
        }
    }
    let mut found = Vec::new();
    for (address, kind) in addresses {
        let Some(keys) = path(address) else { continue };
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let sought = Sought {
            address,
            keys: &keys,
            id: state.id(&Target::Identity, address),
            wanted: wanted.get(address).copied(),
            state,
        };
        let thing = match kind {
            Kind::Platform => platform::found(&ground, &sought),
            Kind::Api => api::found(&ground, &sought),
            Kind::Role => role::found(&ground, &sought),
            Kind::Client => client::found(&ground, &sought),
            Kind::Connection => connection::found(&ground, &sought),
            Kind::Account => account::found(&ground, &sought),
            Kind::Workspace => workspace::found(&ground, &sought),
            Kind::User => user::found(&ground, &sought),
            Kind::AccountConnection => account_connection::found(&ground, &sought),
            Kind::ClientGrant => grant::found(&ground, &sought),
            Kind::Member => member::found(&ground, &sought),
            Kind::Principal => principal::found(&ground, &sought),
            _ => None,
        };
        found.extend(thing);
    }
    leave_with_what_is_replaced(&wanted, &mut found);
    Ok(found)
}

/// The kinds of this target.
const KINDS: [Kind; 12] = [
    Kind::Platform,
    Kind::Api,
    Kind::Role,
    Kind::Client,
    Kind::Connection,
    Kind::Account,
    Kind::Workspace,
    Kind::User,
    Kind::AccountConnection,
    Kind::ClientGrant,
    Kind::Member,
    Kind::Principal,
];

/// What is looked for behind an address.
pub(crate) struct Sought<'a> {
    pub(crate) address: &'a str,
    /// The address's keys.
    pub(crate) keys: &'a [&'a str],
    /// What the state says that it is called in the store.
    pub(crate) id: Option<&'a str>,
    /// What the file wants there.
    pub(crate) wanted: Option<&'a Resource>,
    pub(crate) state: &'a State,
}

impl<'a> Sought<'a> {
    /// The key at a place.
    pub(crate) fn key(&self, at: usize) -> &'a str {
        self.keys.get(at).copied().unwrap_or_default()
    }

    /// The thing that was found there.
    pub(crate) fn thing(&self, kind: Kind, id: &str) -> Resource {
        Resource::new(kind, Target::Identity, self.address).called(id)
    }
}

/// When a thing is made anew because a fixed field is another one, what leans on it goes with the old one: it is
/// as good as not there, and made again.
fn leave_with_what_is_replaced(wanted: &BTreeMap<&str, &Resource>, found: &mut Vec<Resource>) {
    let replaced: BTreeSet<String> = found
        .iter()
        .filter(|thing| {
            let Some(wanted) = wanted.get(thing.address.as_str()) else { return false };
            wanted.fixed.iter().any(|name| wanted.fields.get(*name) != thing.fields.get(*name))
        })
        .map(|thing| thing.address.to_string())
        .collect();
    if replaced.is_empty() {
        return;
    }
    found.retain(|thing| {
        let Some(keys) = path(thing.address.as_str()) else { return true };
        let last = keys.last().map(String::as_str).unwrap_or_default();
        let leans_on = match thing.kind {
            Kind::Member | Kind::Principal => address::address(&["user", last]),
            Kind::AccountConnection => address::address(&["connection", last]),
            _ => return true,
        };
        !replaced.contains(&leans_on)
    });
    // Users of a connection that is made anew go with it.
    found.retain(|thing| {
        let connection = thing.fields.get("connection").and_then(serde_json::Value::as_str).unwrap_or_default();
        thing.kind != Kind::User || !replaced.contains(&address::address(&["connection", connection]))
    });
}

/// Does steps of one kind and action, in their order: all of them, or none.
///
/// # Errors
/// Of the first step that keeps them from being done.
pub async fn apply(work: &Work<'_>, steps: &[Step], done: &mut Vec<Done>) -> Result<(), PlanError> {
    let mut kept = work.ground.lock().await;
    // Put back only when all went well: what was drafted in vain is not there.
    let mut ground = match kept.take() {
        Some(ground) => ground,
        None => Ground::read(work.identity, work.caller, work.state, work.wanted).await?,
    };
    let refused = |step: &Step, refusal: Refusal| match refusal {
        Refusal::Contended(_) => PlanError::Moved { what: format!("`{}`", step.address) },
        Refusal::Exists(_) => PlanError::invalid("CONFLICT", format!("`{}`: {refusal}, by another id", step.address))
            .about(step.address.as_str(), step.place.clone())
            .hinted(format!("`tenantry import '{}' ID` takes it over", step.address)),
        refusal => PlanError::refused(step.address.as_str(), refusal).about(step.address.as_str(), step.place.clone()),
    };
    let draft = work.identity.draft(work.caller);
    let mut draft = draft.map_err(|refusal| PlanError::refused("identity", refusal))?;
    let mut made = Vec::with_capacity(steps.len());
    let mut ends = Vec::with_capacity(steps.len());
    let mut stale = false;
    for step in steps {
        let Some(keys) = path(step.address.as_str()) else {
            return Err(PlanError::Internal("an address that cannot be read"));
        };
        let mut doing = Doing { draft: &mut draft, ground: &mut ground, work, step, keys: &keys };
        let one = if step.action == Action::Adopt {
            Ok(Done::new(step, step.id.clone().unwrap_or_default()))
        } else {
            match step.kind {
                Kind::Platform => platform::apply(&mut doing),
                Kind::Api => api::apply(&mut doing),
                Kind::Role => role::apply(&mut doing),
                Kind::Client => client::apply(&mut doing).await,
                Kind::Connection => connection::apply(&mut doing),
                Kind::Account => account::apply(&mut doing),
                Kind::Workspace => workspace::apply(&mut doing),
                Kind::User => user::apply(&mut doing).await,
                Kind::AccountConnection => account_connection::apply(&mut doing),
                Kind::ClientGrant => grant::apply(&mut doing),
                Kind::Member => member::apply(&mut doing),
                Kind::Principal => principal::apply(&mut doing),
                _ => return Err(PlanError::Internal("a kind that identity does not know")),
            }
        };
        made.push(one.map_err(|refusal| refused(step, refusal))?);
        ends.push(draft.len());
        // What changes more than itself: grants are narrowed, what leaned on it goes.
        stale |= step.action != Action::Create && !matches!(step.kind, Kind::Member | Kind::User | Kind::Workspace);
    }
    draft.commit().await.map_err(|failure| {
        let at = failure.change.and_then(|change| ends.iter().position(|end| change < *end));
        match at.and_then(|at| steps.get(at)) {
            Some(step) => refused(step, failure.refusal),
            None => PlanError::refused("identity", failure.refusal),
        }
    })?;
    if !stale {
        *kept = Some(ground);
    }
    done.extend(made);
    Ok(())
}

/// What is dangerous about a step.
#[must_use]
pub fn dangers(step: &Step) -> Vec<Danger> {
    match (step.action, step.kind) {
        (Action::Delete, Kind::Connection) if step.address.as_str() == connection::DEFAULT_ADDRESS => Vec::new(),
        (Action::Delete | Action::Replace, Kind::Connection) => {
            vec![Danger::new("delete-connection", "the users who log in by it go with it, and their tokens end")]
        }
        (Action::Delete | Action::Replace, Kind::Client) => {
            vec![Danger::new("delete-client", "whatever runs with it gets no more tokens")]
        }
        _ => Vec::new(),
    }
}

/// What a step means, where its fields do not say it.
#[must_use]
pub fn notes(step: &Step) -> Vec<String> {
    let changes = |field: &str| step.changes.iter().any(|change| change.field == field);
    match (step.action, step.kind) {
        (Action::Update, Kind::Role) if changes("level") => {
            vec!["whoever holds it where it is held no more loses it".to_owned()]
        }
        (Action::Update, Kind::Account | Kind::Workspace) if changes("status") => {
            vec!["its tokens end within a second while it is not active".to_owned()]
        }
        (Action::Delete, Kind::Connection) if step.address.as_str() == connection::DEFAULT_ADDRESS => {
            vec!["every platform has this connection: it stays as it is, and the file no longer says how".to_owned()]
        }
        _ => Vec::new(),
    }
}
