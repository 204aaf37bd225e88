//! API keys, as whoever stands behind an API reads them.

use tenantry_policy::Principal;
use tenantry_store::Subject as Affected;

use crate::admission::Admitted;
use crate::admission::token::unsettled;
use crate::api_keys::{Doc, hash, is_active};
use crate::{Identity, Refusal, TokenError};

/// The longest key that is looked at.
const LONGEST: usize = 128;

impl Identity {
    pub(super) async fn admit_key(&self, key: &str) -> Result<Admitted, TokenError> {
        if key.len() > LONGEST {
            return Err(TokenError::TooLong);
        }
        // Before anything is read: a change that comes in between then counts against it.
        let known = self.issuer.settled().ok_or(TokenError::Unsettled)?;
        let failed = |error| unsettled(&Refusal::from(error));
        let row = self.store.api_key_by_hash(&hash(key)).await.map_err(failed)?.ok_or(TokenError::Key)?;
        if !is_active(&row) {
            return Err(TokenError::Revoked);
        }
        if self.now() >= row.expires_micros {
            return Err(TokenError::Expired);
        }
        let mut rests_on = vec![Affected::Token(row.id.clone()), Affected::Account(row.account_id.clone())];
        let tenant = self.active_tenant(&row.account_id).await?;
        if let Some(workspace) = &row.workspace_id {
            rests_on.push(Affected::Workspace(workspace.clone()));
            let found = self.store.workspace(workspace).await.map_err(failed)?;
            found.filter(|found| found.status == "active").ok_or(TokenError::Revoked)?;
        }
        let doc = Doc::read(&row.doc);
        let mut grants: Vec<(String, Vec<String>)> = Vec::new();
        for permission in doc.permissions {
            match grants.iter_mut().find(|(api, _)| *api == permission.api) {
                Some((_, names)) => names.push(permission.name),
                None => grants.push((permission.api, vec![permission.name])),
            }
        }
        for (api, names) in &mut grants {
            // What the API knows no more, nobody may.
            let found = self.kept_api(api, self.stamp()).await.map_err(|error| unsettled(&error))?;
            names.retain(|name| found.as_ref().is_some_and(|api| api.permissions.contains(name)));
            rests_on.push(Affected::Api(api.clone()));
        }
        // INVARIANT: a key in a user's name never may more than the user; one that a member made for the account never
        // more than this member still may in it.
        let bounds = [
            row.user_id.as_deref().map(|user| (user, row.workspace_id.as_deref())),
            doc.maker.as_deref().map(|maker| (maker, None)),
        ];
        for (user, workspace) in bounds.into_iter().flatten() {
            rests_on.push(Affected::User(user.to_owned()));
            rests_on.push(Affected::Member { account: row.account_id.clone(), user: user.to_owned() });
            let held = self.rights(user, Some(&row.account_id), workspace).await;
            let held = held.map_err(|error| unsettled(&error))?;
            if !held.enabled {
                return Err(TokenError::Revoked);
            }
            for (api, names) in &mut grants {
                names.retain(|name| held.on(api).any(|known| known == name));
            }
            rests_on.extend(held.roles.into_iter().map(|role| Affected::Role(role.id)));
        }
        let mut batch = self.store.batch();
        batch.notes_only();
        batch.use_api_key(&row.id, self.now());
        if let Err(error) = self.store.commit(batch).await {
            tracing::warn!(%error, "the use of a key is not noted");
        }
        Ok(Admitted {
            principal: Principal {
                tenant_id: Some(tenant),
                workspace_id: row.workspace_id,
                client_id: row.user_id.is_none().then(|| row.id.clone()),
                user_id: row.user_id,
                ..Principal::default()
            },
            grants,
            models: doc.models,
            key: Some(row.id),
            expires_micros: row.expires_micros,
            fresh_until: self.fresh_until(),
            rests_on,
            known,
        })
    }
}
