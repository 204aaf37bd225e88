//! Who gains or loses what by a plan: rows, columns, tools, models, permissions, rights in databases. Computed from
//! the file as it was last applied and from the new one, never guessed: rows by the prover, with a principal and
//! a row that show each difference; the rest as differences of sets.

mod columns;
mod database;
mod held;
mod rows;

use std::collections::BTreeMap;

use tenantry_file::{Loaded, SourceText};
use tenantry_policy::Policy;

use crate::engine::Wish;
use crate::plan::{Effect, Finding, Plan};
use crate::resource::Target;
use crate::state::State;

/// What came of comparing.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    pub(crate) effects: Vec<Effect>,
    pub(crate) findings: Vec<Finding>,
}

/// A file with its rules; nothing when there is none, or none any more.
#[derive(Debug, Default)]
struct Side {
    loaded: Option<Loaded>,
    policy: Policy,
}

/// The effects of a plan on access.
pub(crate) fn of(plan: &Plan, wish: &Wish<'_>, state: &State, removal: bool) -> Compared {
    let mut compared = Compared::default();
    let is_planned = |target: &Target| plan.targets.iter().any(|name| name == target.name());
    let before = |target: &Target| state.applied(target).and_then(|file| load(&file.doc));
    // What is not planned stays as it was applied.
    let after = |target: &Target, before: &Option<Loaded>| match (is_planned(target), removal) {
        (true, true) => None,
        (true, false) => Some(wish.loaded.clone()),
        (false, _) => before.clone(),
    };
    let (old_law, old_people) = (before(&Target::Law), before(&Target::Identity));
    let (new_law, new_people) = (after(&Target::Law, &old_law), after(&Target::Identity, &old_people));
    let same = |old: &Option<Loaded>, new: &Option<Loaded>| match (old, new) {
        (Some(old), Some(new)) => old.digest() == new.digest(),
        (None, None) => true,
        _ => false,
    };
    if !same(&old_law, &new_law) || !same(&old_people, &new_people) {
        let old = Side { policy: compiled(old_law.as_ref(), wish, &mut compared), loaded: old_law };
        let policy = match (is_planned(&Target::Law), removal) {
            (true, false) => wish.policy.clone(),
            (true, true) => Policy::default(),
            (false, _) => old.policy.clone(),
        };
        let new = Side { loaded: new_law, policy };
        if is_planned(&Target::Law) {
            rows::compare(&old, &new, wish.loaded, &mut compared.effects);
            columns::compare(&old, &new, &mut compared.effects);
        }
        held::compare(&old, &new, old_people.as_ref(), new_people.as_ref(), &mut compared.effects);
    }
    database::compare(plan, &mut compared.effects);
    compared
}

fn load(doc: &str) -> Option<Loaded> {
    tenantry_file::load(vec![SourceText::new("applied.json", doc)]).ok()
}

/// The rules of the file as it was applied, against the databases as they are now.
fn compiled(old: Option<&Loaded>, wish: &Wish<'_>, compared: &mut Compared) -> Policy {
    let Some(old) = old else { return Policy::default() };
    // Catalogs are read only where rules are planned.
    if wish.catalogs.is_empty() && !old.document().table.is_empty() {
        return Policy::default();
    }
    match tenantry_file::compile(old, wish.catalogs) {
        Ok(compiled) => compiled.policy,
        Err(found) => {
            let why = found.iter().find(|one| one.is_error()).map_or("", |one| one.message.as_str());
            compared.findings.push(Finding {
                code: "no-comparison",
                address: "law".to_owned(),
                what: format!(
                    "the rules applied before do not fit the databases any more ({why}), so all access by the new rules \
                     is told as gained"
                ),
                place: None,
            });
            Policy::default()
        }
    }
}

/// What a role's holders, or users, gain and lose, told once for everybody for whom it is the same.
fn tell(
    effects: &mut Vec<Effect>,
    who: impl Fn(&[String]) -> String,
    changes: BTreeMap<(Vec<String>, Vec<String>), Vec<String>>,
    noun: &str,
) {
    for ((gained, lost), whom) in changes {
        for (way, things) in [("gains", gained), ("loses", lost)] {
            if things.is_empty() {
                continue;
            }
            let what = format!("{noun}{} {}", if things.len() == 1 { "" } else { "s" }, things.join(", "));
            effects.push(Effect { way, who: who(&whom), what, whom: whom.clone(), shown_by: None });
        }
    }
}

/// `acme/ann`, `acme/ann and acme/bob`, `acme/ann, acme/bob and 998 more`.
fn counted(whom: &[String]) -> String {
    match whom {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        [one, two, rest @ ..] => format!("{one}, {two} and {} more", rest.len()),
    }
}
