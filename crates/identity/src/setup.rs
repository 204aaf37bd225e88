//! The first owner. A platform that nobody owns gives whoever has the keys a link, good once and for a
//! day, to become its owner with an address and a password.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::json;
use tenantry_store::BatchError;
use tenantry_store::identity::roles::HeldAt;
use tenantry_store::identity::tickets::Ticket;
use zeroize::Zeroizing;

use crate::act::Act;
use crate::caller::Target;
use crate::users::{NewUser, User};
use crate::{Caller, FIRST_CONNECTION, Identity, Kind, Refusal, ids};

/// The role of the platform's owner.
pub const OWNER_ROLE: &str = "rol_PlatformOwner000";

/// The kind of its tickets.
const KIND: &str = "setup";

/// How long a link is good, in microseconds: a day.
const LIFE: i64 = 24 * 3600 * 1_000_000;

impl Identity {
    /// Has the platform an owner?
    ///
    /// # Errors
    /// The store's.
    pub async fn has_owner(&self) -> Result<bool, Refusal> {
        Ok(self.store.count_role_holders(OWNER_ROLE, HeldAt::PLATFORM).await? > 0)
    }

    /// A ticket for the set-up link; `None` when the platform has an owner. It is answered this once, and
    /// only its hash is kept.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] for anybody but the operator; the store's.
    pub async fn setup_ticket(&self, caller: &Caller) -> Result<Option<Zeroizing<String>>, Refusal> {
        caller.may(&["create:users"], Target::Platform)?;
        if self.has_owner().await? {
            return Ok(None);
        }
        // 43 letters and digits: 256 bits.
        let ticket = Zeroizing::new(ids::letters(self.entropy.as_ref(), "", 43)?);
        let now = self.now();
        let row = Ticket {
            hash: hash(&ticket),
            kind: KIND.to_owned(),
            user_id: None,
            doc: "{}".to_owned(),
            created_micros: now,
            expires_micros: now.saturating_add(LIFE),
            used_micros: None,
        };
        let act = Act { name: "platform.setup.link", tenant: "", workspace: None, inputs: json!({}) };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            batch.insert_ticket(&row);
            self.store.commit(batch).await?;
            Ok(())
        })
        .await?;
        Ok(Some(ticket))
    }

    /// Passes for a ticket that can still be used.
    ///
    /// # Errors
    /// [`Refusal::Missing`], the same for one that never was, has ended or was used, and for every one once
    /// the platform has an owner.
    pub async fn setup_open(&self, ticket: &str) -> Result<(), Refusal> {
        let row = self.store.ticket(&hash(ticket)).await?;
        let now = self.now();
        let good = row.is_some_and(|row| row.kind == KIND && row.used_micros.is_none() && row.expires_micros > now);
        if good && !self.has_owner().await? { Ok(()) } else { Err(Refusal::Missing(Kind::Ticket)) }
    }

    /// Makes the platform's owner. The ticket is used up by that, and not by a refusal.
    ///
    /// # Errors
    /// [`Refusal::Missing`] as [`Identity::setup_open`]; [`Refusal::Password`], [`Refusal::Exists`] and
    /// [`Refusal::Invalid`] for what the user is to be made from.
    pub async fn set_up(
        &self,
        caller: &Caller,
        ticket: &str,
        email: String,
        password: Zeroizing<String>,
    ) -> Result<User, Refusal> {
        self.setup_open(ticket).await?;
        let new = NewUser {
            connection: FIRST_CONNECTION.to_owned(),
            email: Some(email),
            password: Some(password),
            platform: true,
            ..NewUser::default()
        };
        let ready = self.ready_user(new).await?;
        let user = ready.user.id.clone();
        let act = Act { name: "platform.setup", tenant: "", workspace: None, inputs: json!({ "user": user }) };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            let used = batch.use_ticket(&hash(ticket), self.now());
            let places = ready.write(&mut batch);
            batch.insert_role_holder(&user, HeldAt::PLATFORM, OWNER_ROLE);
            batch.affects(tenantry_store::Subject::User(user.clone()));
            match self.store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(BatchError::Untouched(place)) if place == used => Err(Refusal::Missing(Kind::Ticket)),
                Err(BatchError::Duplicate(place)) if places.contains(&place) => Err(Refusal::Exists(Kind::User)),
                Err(error) => Err(error.into()),
            }
        })
        .await?;
        Ok(ready.user)
    }
}

fn hash(ticket: &str) -> Vec<u8> {
    digest(&SHA256, ticket.as_bytes()).as_ref().to_vec()
}
