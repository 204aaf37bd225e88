//! Users who are blocked after too many failed logins: seeing and lifting it.

use serde_json::json;
use tenantry_store::Batch;
use tenantry_store::identity::users::{User, UserIdentity};

use crate::act::Act;
use crate::caller::Target;
use crate::login::limits::{factor_subject, user_subject};
use crate::login::login_names;
use crate::{Caller, Identity, Kind, Refusal};

/// A user is blocked from an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The user's address, name or number.
    pub identifier: String,
    /// From where.
    pub ip: Option<String>,
    /// The connection's name.
    pub connection: Option<String>,
}

/// No name belongs to more users than are worth looking at.
const MOST_USERS: i64 = 50;

impl Identity {
    /// From where the users with that address, name or number are blocked.
    ///
    /// # Errors
    /// The store's.
    pub async fn blocks_of_identifier(&self, caller: &Caller, identifier: &str) -> Result<Vec<Block>, Refusal> {
        caller.may(&["read:users"], Target::Platform)?;
        let users = self.users_named(identifier).await?;
        let subjects: Vec<String> = users.iter().map(|(id, _)| user_subject(id)).collect();
        let blocked = self.live_blocks(&subjects).await?;
        let blocks = blocked.into_iter().map(|(subject, ip)| Block {
            identifier: identifier.to_owned(),
            ip,
            connection: users.iter().find(|(id, _)| user_subject(id) == subject).map(|(_, name)| name.clone()),
        });
        Ok(blocks.collect())
    }

    /// From where a user is blocked.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn blocks_of_user(&self, caller: &Caller, id: &str) -> Result<Vec<Block>, Refusal> {
        caller.may(&["read:users"], Target::Platform)?;
        let user = self.store.user(id).await?.ok_or(Refusal::Missing(Kind::User))?;
        let blocked = self.live_blocks(&[user_subject(id)]).await?;
        let names: Vec<String> = shown_names(&user);
        let mut blocks = Vec::new();
        for (_, ip) in blocked {
            for name in &names {
                let connection = Some(user.connection.clone());
                blocks.push(Block { identifier: name.clone(), ip: ip.clone(), connection });
            }
        }
        Ok(blocks)
    }

    /// Lifts the blocks of the users with that address, name or number.
    ///
    /// # Errors
    /// The store's.
    pub async fn unblock_identifier(&self, caller: &Caller, identifier: &str) -> Result<(), Refusal> {
        caller.may(&["update:users"], Target::Platform)?;
        let users = self.users_named(identifier).await?;
        let ids: Vec<String> = users.into_iter().map(|(id, _)| id).collect();
        self.unblock(caller, &ids).await
    }

    /// Lifts the blocks of a user.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn unblock_user(&self, caller: &Caller, id: &str) -> Result<(), Refusal> {
        caller.may(&["update:users"], Target::Platform)?;
        self.store.user(id).await?.ok_or(Refusal::Missing(Kind::User))?;
        self.unblock(caller, &[id.to_owned()]).await
    }

    async fn unblock(&self, caller: &Caller, ids: &[String]) -> Result<(), Refusal> {
        if ids.is_empty() {
            return Ok(());
        }
        let act = Act { name: "users.unblock", tenant: "", workspace: None, inputs: json!({ "users": ids }) };
        self.act(caller, act, async {
            let mut batch: Batch = self.store.batch();
            for id in ids {
                batch.forget_attempts_of(&user_subject(id));
                batch.forget_attempts_of(&factor_subject(id));
            }
            self.store.commit(batch).await?;
            Ok(())
        })
        .await
    }

    /// The blocked counts and from where, without those that ended.
    async fn live_blocks(&self, subjects: &[String]) -> Result<Vec<(String, Option<String>)>, Refusal> {
        let since = self.now().saturating_sub(30 * 86_400_000_000);
        let rows = self.store.blocked_attempts(subjects).await?;
        let live = rows.into_iter().filter(|row| row.since_micros >= since);
        Ok(live.map(|row| (row.subject, Some(row.address).filter(|ip| !ip.is_empty()))).collect())
    }

    /// The users with that address, name or number in any connection, each with the connection's name.
    async fn users_named(&self, identifier: &str) -> Result<Vec<(String, String)>, Refusal> {
        let names = login_names(identifier);
        let mut users: Vec<(String, String)> = Vec::new();
        for way in names.ways() {
            let found: Vec<UserIdentity> = self.store.identities_named(way, MOST_USERS).await?;
            for identity in found {
                if !users.iter().any(|(id, _)| *id == identity.user_id) {
                    users.push((identity.user_id, identity.connection));
                }
            }
        }
        Ok(users)
    }
}

/// What a user logs in by, as far as it has it.
fn shown_names(user: &User) -> Vec<String> {
    let names = [&user.email, &user.username, &user.phone];
    let names: Vec<String> = names.into_iter().flatten().cloned().collect();
    if names.is_empty() { vec![user.id.clone()] } else { names }
}
