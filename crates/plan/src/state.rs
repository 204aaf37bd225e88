//! What the store keeps of former applies: which things the file manages, and what was applied to each target.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use tenantry_store::{AppliedFile, Managed, Store, StoreError};

use crate::resource::{Resource, Target};

/// The name under which the key file keeps the key of the fingerprints.
const KEY: &str = "plan-fingerprint";

/// What is known of former applies.
#[derive(Debug)]
pub struct State {
    managed: BTreeMap<(String, String), Managed>,
    applied: BTreeMap<String, AppliedFile>,
    key: hmac::Key,
}

impl State {
    /// Reads it all, in two statements.
    ///
    /// # Errors
    /// The store's.
    pub async fn read(store: &Store) -> Result<State, StoreError> {
        let key = store.secret(KEY, 32)?;
        let managed = store.managed().await?.into_iter();
        let applied = store.applied().await?.into_iter();
        Ok(State {
            managed: managed.map(|row| ((row.target.clone(), row.address.clone()), row)).collect(),
            applied: applied.map(|file| (file.target.clone(), file)).collect(),
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
        })
    }

    /// What the file manages at a target, ordered by address.
    pub fn managed<'a>(&'a self, target: &'a Target) -> impl Iterator<Item = &'a Managed> {
        let from = (target.name().to_owned(), String::new());
        self.managed.range(from..).map(|(_, row)| row).take_while(|row| row.target == target.name())
    }

    /// The thing behind an address, when the file manages it.
    #[must_use]
    pub fn find(&self, target: &Target, address: &str) -> Option<&Managed> {
        self.managed.get(&(target.name().to_owned(), address.to_owned()))
    }

    /// What the thing behind an address is called where it lives, when the file manages it and it was made.
    #[must_use]
    pub fn id(&self, target: &Target, address: &str) -> Option<&str> {
        self.find(target, address)?.id.as_deref()
    }

    /// The file as it was last applied to a target.
    #[must_use]
    pub fn applied(&self, target: &Target) -> Option<&AppliedFile> {
        self.applied.get(target.name())
    }

    /// The targets that something was applied to.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        self.applied.keys().map(String::as_str)
    }

    /// As if a thing were managed under that id, for `import`.
    #[must_use]
    pub fn with(mut self, target: &Target, wanted: &Resource, id: &str) -> State {
        let row = Managed {
            target: target.name().to_owned(),
            address: wanted.address.to_string(),
            kind: wanted.kind.name().to_owned(),
            id: Some(id.to_owned()),
            hash: String::new(),
            prints: String::new(),
            applied_micros: 0,
        };
        self.managed.insert((row.target.clone(), row.address.clone()), row);
        self
    }

    /// A secret's fingerprint: tells whether it is the same one, to whoever has this installation's key.
    #[must_use]
    pub fn fingerprint(&self, address: &str, field: &str, secret: &[u8]) -> String {
        let mut context = hmac::Context::with_key(&self.key);
        for part in [address.as_bytes(), field.as_bytes(), secret] {
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            context.update(part);
        }
        crate::hex(context.sign().as_ref())
    }

    /// The fingerprints noted when a thing's secrets were last set.
    #[must_use]
    pub fn prints(&self, target: &Target, address: &str) -> BTreeMap<String, String> {
        let noted = self.find(target, address).map(|row| row.prints.as_str()).unwrap_or_default();
        serde_json::from_str(noted).unwrap_or_default()
    }
}
