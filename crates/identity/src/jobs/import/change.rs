//! Changing users that exist to what a file says of them, many at a time.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use tenantry_store::identity::passwords::Password;
use tenantry_store::identity::users::{Term, User as UserRow, UserIdentity as IdentityRow};
use tenantry_store::{Batch, BatchError, Subject};

use super::check::{Good, failed, wrong};
use super::write::{Progress, TRIES};
use crate::caller::Target;
use crate::jobs::Patience;
use crate::users::{User, metadata, terms};
use crate::{Caller, Identity, Refusal};

/// Members that a change does not take over as they are: login names are the identity's, the others are secrets.
const APART: [&str; 6] = ["email", "username", "phone_number", "user_id", "password_hash", "custom_password_hash"];

/// Places in a chunk of users that exist, with their ids.
type Changes = Vec<(usize, String)>;

/// The users of some changes as they are.
struct There {
    users: HashMap<String, User>,
    /// The first identity of each.
    logins: HashMap<String, IdentityRow>,
    /// Those whom the caller may not become.
    above: HashSet<String>,
}

/// What is to be written.
#[derive(Default)]
struct Writing {
    users: Vec<UserRow>,
    ids: Vec<String>,
    terms: Vec<(String, Term)>,
    logins: Vec<IdentityRow>,
    passwords: Vec<Password>,
    affected: Vec<Subject>,
}

impl Writing {
    fn fill(&self, batch: &mut Batch) {
        // No server keeps users in memory.
        batch.notes_only();
        batch.update_users(&self.users);
        batch.delete_terms_of_users(&self.ids);
        let terms: Vec<(&str, Term)> = self.terms.iter().map(|(id, term)| (id.as_str(), term.clone())).collect();
        batch.insert_terms_of_users(&terms);
        batch.update_login_names(&self.logins);
        batch.put_passwords(&self.passwords);
        self.affected.iter().cloned().for_each(|subject| batch.affects(subject));
    }
}

impl Identity {
    /// Changes users that exist: a number of statements that does not grow with each of them. Where others change one
    /// of them at the same time, or a name is taken, the others must not suffer for it: they are changed in halves.
    pub(super) async fn change_imported(
        &self,
        caller: &Caller,
        good: &[Good],
        changes: Changes,
        progress: &mut Progress,
    ) -> Result<(), Refusal> {
        // What a file says twice of one user happens one after another.
        let (mut parts, mut rest): (Vec<Changes>, Changes) = (Vec::new(), changes);
        while !rest.is_empty() {
            let mut seen = HashSet::new();
            let (once, again) = rest.into_iter().partition(|(_, id)| seen.insert(id.clone()));
            parts.insert(0, once);
            rest = again;
        }
        while let Some(mut part) = parts.pop() {
            let Some(error) = self.change_part(caller, good, &part, progress).await? else { continue };
            if part.len() > 1 {
                let second = part.split_off(part.len() / 2);
                parts.extend([second, part]);
            } else if let Some(user) = part.pop().and_then(|(place, _)| good.get(place)) {
                progress.fail(failed(&Value::Object(user.said.clone()), vec![error]));
            }
        }
        Ok(())
    }

    /// Changes users, all or none; answers why none was, where that is for one of them.
    async fn change_part(
        &self,
        caller: &Caller,
        good: &[Good],
        part: &[(usize, String)],
        progress: &mut Progress,
    ) -> Result<Option<Value>, Refusal> {
        let contended = || wrong("CONFLICT", "Others changed the same user at the same time", "");
        let ids: Vec<String> = part.iter().map(|(_, id)| id.clone()).collect();
        let mut patience = Patience::default();
        let mut races = 0..TRIES;
        loop {
            let there = match self.there(caller, &ids).await {
                Ok(there) => there,
                Err(Refusal::Store(error)) => {
                    patience.wait(error).await?;
                    continue;
                }
                Err(refusal) => return Err(refusal),
            };
            let (mut writing, mut errors) = (Writing::default(), Vec::new());
            for (place, id) in part {
                let Some(from) = good.get(*place) else { continue };
                let done = match there.users.get(id) {
                    Some(_) if there.above.contains(id) => Err(wrong(
                        "FORBIDDEN",
                        "It takes the right to give roles of the platform to change who acts for it",
                        "",
                    )),
                    Some(before) => self.changed(before, there.logins.get(id), from, &mut writing),
                    // Removed since it was looked for.
                    None => Err(contended()),
                };
                if let Err(error) = done {
                    errors.push(failed(&Value::Object(from.said.clone()), vec![error]));
                }
            }
            if !writing.users.is_empty() {
                let mut batch = self.store.batch();
                writing.fill(&mut batch);
                match self.store.commit(batch).await {
                    Ok(_) => {}
                    // Somebody changed one of them, or one of its identities, meanwhile.
                    Err(BatchError::Untouched(_) | BatchError::Dangling(_)) => match races.next() {
                        Some(_) => continue,
                        None => return Ok(Some(contended())),
                    },
                    Err(BatchError::Duplicate(_)) => {
                        return Ok(Some(wrong("DUPLICATED_USER", "The address, name or number is taken.", "")));
                    }
                    // The same once more does no harm.
                    Err(BatchError::Store(error)) => {
                        patience.wait(error).await?;
                        continue;
                    }
                }
            }
            progress.updated += u64::try_from(writing.users.len()).unwrap_or_default();
            errors.into_iter().for_each(|error| progress.fail(error));
            return Ok(None);
        }
    }

    async fn there(&self, caller: &Caller, ids: &[String]) -> Result<There, Refusal> {
        let rows = self.store.users_of_ids(ids).await?;
        let mut logins: HashMap<String, Vec<IdentityRow>> = HashMap::new();
        for login in self.store.user_identities(ids).await? {
            logins.entry(login.user_id.clone()).or_default().push(login);
        }
        let above = match caller.may(&["create:role_members", "update:roles"], Target::Platform) {
            Ok(()) => HashSet::new(),
            Err(_) => self.store.platform_people(ids).await?.into_iter().collect(),
        };
        let users = rows.into_iter().map(|row| {
            let logins = logins.get(&row.id).cloned().unwrap_or_default();
            (row.id.clone(), User::from_rows(row, logins))
        });
        Ok(There {
            users: users.collect(),
            above,
            logins: logins
                .into_values()
                .flatten()
                .filter(|login| login.ordinal == 0)
                .map(|login| (login.user_id.clone(), login))
                .collect(),
        })
    }

    /// Adds to what is to be written what a file says of a user.
    fn changed(
        &self,
        before: &User,
        login: Option<&IdentityRow>,
        from: &Good,
        writing: &mut Writing,
    ) -> Result<(), Value> {
        let mut user = before.clone();
        for (name, value) in from.said.iter().filter(|(name, _)| !APART.contains(&name.as_str())) {
            metadata::apply(&mut user, name, value.clone())
                .map_err(|refusal| wrong("INVALID_FORMAT", refusal.to_string(), name))?;
        }
        let wanted = &from.ready.user;
        let mut login = login.filter(|row| row.connection == wanted.connection).cloned();
        if let Some(login) = &mut login {
            if wanted.email.is_some() && wanted.email != user.email {
                user.email.clone_from(&wanted.email);
                user.email_verified = wanted.email_verified;
                login.email.clone_from(&wanted.email);
            }
            if wanted.username.is_some() {
                user.username.clone_from(&wanted.username);
                login.username.clone_from(&wanted.username);
            }
            if wanted.phone.is_some() {
                user.phone.clone_from(&wanted.phone);
                login.phone.clone_from(&wanted.phone);
            }
        }
        metadata::fall_back(&mut user, Some(before));
        metadata::check_length(&user).map_err(|refusal| wrong("TOO_LONG", refusal.to_string(), ""))?;
        user.updated_micros = self.now();
        if let Some(login) = login {
            // A password that its user set stays.
            let hash = from.ready.password.as_ref().filter(|password| !password.hash.is_empty());
            if let (Some(password), 0) = (hash, user.logins) {
                writing.passwords.push(Password { user_id: login.own_id(), ..password.clone() });
            }
            writing.logins.push(login);
        }
        // Tokens carry what `app_metadata` says.
        if user.blocked != before.blocked || user.fields.get("app_metadata") != before.fields.get("app_metadata") {
            writing.affected.push(Subject::User(user.id.clone()));
        }
        writing.terms.extend(terms::terms(&user.fields).into_iter().map(|term| (user.id.clone(), term)));
        writing.ids.push(user.id.clone());
        writing.users.push(user.to_row());
        Ok(())
    }
}
