//! What every platform begins with: the Management API and the contexts of our own APIs as APIs, their
//! roles, and a connection for passwords.

use std::collections::HashSet;

use serde_json::json;
use tenantry_store::identity::apis::{Api, Permission};
use tenantry_store::identity::connections::Connection;

use crate::act::Act;
use crate::{Audience, Caller, Identity, Refusal, contexts};

/// The name by which clients of the Management API know it apart from others: some leave it out of what
/// they export, and some change no more than two of its fields.
const MANAGEMENT_NAME: &str = "Auth0 Management API";

/// The connection that exists from the start.
pub const FIRST_CONNECTION: &str = "Username-Password-Authentication";
const FIRST_CONNECTION_ID: &str = "con_UsernamePassword";

/// An API that every platform has. Its id follows from its name: it stays when its identifier does not.
struct Seed {
    id: String,
    identifier: String,
    name: &'static str,
    permissions: Vec<(String, String)>,
}

impl Identity {
    /// Makes what every platform begins with, as far as it is missing: also what a newer version adds.
    /// `management` are the scopes of the Management API. Safe when several servers start at once.
    ///
    /// # Errors
    /// The store's.
    pub async fn prepare(&self, management: &[&str]) -> Result<(), Refusal> {
        let seeds = self.seeds(management);
        let known = self.store.permissions_of(seeds.iter().map(|seed| &seed.id)).await?;
        let known: HashSet<(&str, &str)> =
            known.iter().map(|permission| (permission.api_id.as_str(), permission.name.as_str())).collect();
        let apis = self.store.apis_identified(seeds.iter().map(|seed| &seed.identifier)).await?;
        let there = |seed: &Seed| {
            apis.iter().any(|api| api.id == seed.id)
                && seed.permissions.iter().all(|(name, _)| known.contains(&(seed.id.as_str(), name.as_str())))
        };
        let roles = self.store.existing_roles(contexts::ROLES.iter().map(|role| role.id)).await?;
        let connection = self.store.connection(FIRST_CONNECTION_ID).await?.is_some();
        if seeds.iter().all(there) && roles.len() == contexts::ROLES.len() && connection {
            return Ok(());
        }
        let caller = Caller::operator("prepare");
        let inputs = json!({ "apis": seeds.iter().map(|seed| seed.name).collect::<Vec<_>>() });
        let act = Act { name: "platform.prepare", tenant: "", workspace: None, inputs };
        self.act(&caller, act, async {
            let now = self.now();
            let mut batch = self.store.batch();
            for (place, seed) in (0_i64..).zip(&seeds) {
                // Listed in this order, oldest first.
                batch.insert_api_once(&api(seed, now.saturating_add(place)));
                batch.move_api(&seed.id, &seed.identifier);
                for (ordinal, (name, description)) in (0_i64..).zip(&seed.permissions) {
                    if !known.contains(&(seed.id.as_str(), name.as_str())) {
                        batch.put_permission(&Permission {
                            api_id: seed.id.clone(),
                            name: name.clone(),
                            description: Some(description.clone()),
                            ordinal,
                        });
                    }
                }
            }
            for role in contexts::ROLES.iter().filter(|role| !roles.iter().any(|known| known == role.id)) {
                let permissions: Vec<&str> = role.permissions().collect();
                let api = seed_id(role.context.name());
                batch.insert_role_once(role.id, role.name, role.level, role.description, &api, &permissions);
            }
            if !connection {
                batch.insert_connection_once(&first_connection(now));
            }
            self.store.commit(batch).await?;
            Ok(())
        })
        .await
    }

    fn seeds(&self, management: &[&str]) -> Vec<Seed> {
        let mut seeds = vec![Seed {
            id: seed_id("management"),
            identifier: self.issuer.management_audience(),
            name: MANAGEMENT_NAME,
            permissions: management.iter().map(|scope| ((*scope).to_owned(), spoken(scope))).collect(),
        }];
        let contexts = [
            (Audience::App, "Tenantry App API"),
            (Audience::Dashboard, "Tenantry Dashboard API"),
            (Audience::Portal, "Tenantry Portal API"),
        ];
        for (context, name) in contexts {
            let permissions = contexts::permissions(context);
            seeds.push(Seed {
                id: seed_id(context.name()),
                identifier: context.name().to_owned(),
                name,
                permissions: permissions.iter().map(|(name, what)| ((*name).to_owned(), (*what).to_owned())).collect(),
            });
        }
        seeds
    }
}

/// The ids of the APIs that Tenantry itself answers for.
pub(crate) fn own_api_ids() -> [String; 4] {
    ["management", "app", "dashboard", "portal"].map(seed_id)
}

/// 24 hexadecimal digits that tell the name.
fn seed_id(name: &str) -> String {
    format!("{:0<24}", crate::text::hex(name.as_bytes()))
}

fn api(seed: &Seed, now: i64) -> Api {
    let is_management = seed.name == MANAGEMENT_NAME;
    let (lifetime, for_web) = if is_management { (86_400, 7_200) } else { (300, 300) };
    let doc = json!({
        "signing_alg": if is_management { "RS256" } else { "ES256" },
        "allow_offline_access": !is_management,
        "token_lifetime": lifetime,
        "token_lifetime_for_web": for_web,
        "skip_consent_for_verifiable_first_party_clients": !is_management,
        "enforce_policies": !is_management,
        "subject_type_authorization": {
            "user": { "policy": "allow_all" },
            "client": { "policy": "require_client_grant" },
        },
    });
    Api {
        id: seed.id.clone(),
        identifier: seed.identifier.clone(),
        name: Some(seed.name.to_owned()),
        is_system: true,
        secret: None,
        doc: doc.to_string(),
        version: 1,
        created_micros: now,
        updated_micros: now,
    }
}

fn first_connection(now: i64) -> Connection {
    let doc = json!({
        "options": {
            "mfa": { "active": true, "return_enroll_settings": true },
            "passwordPolicy": "good",
            "strategy_version": 2,
            "brute_force_protection": true,
        },
        "is_domain_connection": false,
        "realms": [FIRST_CONNECTION],
    });
    Connection {
        id: FIRST_CONNECTION_ID.to_owned(),
        name: FIRST_CONNECTION.to_owned(),
        strategy: "auth0".to_owned(),
        secret: None,
        doc: doc.to_string(),
        version: 1,
        created_micros: now,
        updated_micros: now,
    }
}

/// `read:client_grants` as `Read Client Grants`.
fn spoken(scope: &str) -> String {
    let words = scope.split([':', '_']).map(|word| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    });
    words.collect::<Vec<String>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_descriptions_follow_from_names() {
        assert_eq!(seed_id("app"), "617070000000000000000000");
        assert_eq!(seed_id("management").len(), 24);
        assert_eq!(FIRST_CONNECTION_ID.len(), 20);
        assert_eq!(spoken("read:client_grants"), "Read Client Grants");
    }
}
