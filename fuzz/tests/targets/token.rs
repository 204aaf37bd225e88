//! Tokens: whatever is made of good ones, only the good ones are believed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tenantry_identity::{Audience, Issuer, Subject};
use tenantry_policy::ambient::NoEntropy;
use tenantry_policy::{Clock, Entropy};
use tenantry_store::{Options, Store, StoreUrl};

use crate::answer;

pub(crate) const WORDS: &[&str] = &[
    ".",
    "..",
    "eyJhbGciOiJub25lIn0",
    "eyJhbGciOiJIUzI1NiJ9",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
    "e30",
    "=",
    "==",
    "AAAA",
    "-_",
    "+/",
    " ",
    "\n",
    "Bearer ",
    "eyJhbGciOiJSUzI1NiIsImtpZCI6Ii4uLy4uIn0",
    "bnVsbA",
    "W10",
];

const NOW: i64 = 1_767_225_600_000_000;

pub(crate) struct Still;

impl Clock for Still {
    fn now_micros(&self) -> i64 {
        NOW
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

/// Bytes that differ: nothing here is a secret.
pub(crate) struct Counting(pub(crate) AtomicU64);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        for chunk in bytes.chunks_mut(8) {
            let next = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst).to_be_bytes();
            chunk.copy_from_slice(&next[..chunk.len()]);
        }
        Ok(())
    }
}

pub(crate) struct Target {
    issuer: Issuer,
    good: BTreeSet<String>,
    _folder: tempfile::TempDir,
    _runtime: tokio::runtime::Runtime,
}

impl Target {
    pub(crate) fn new() -> Target {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let url = StoreUrl::parse(&format!("sqlite:{}", folder.path().join("store.db").display())).unwrap();
        let (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>) =
            (Arc::new(Still), Arc::new(Counting(AtomicU64::new(1))));
        let issuer = runtime.block_on(async {
            let options = Options { clock: Arc::clone(&clock), entropy: Arc::clone(&entropy), key_file: None };
            let store = Arc::new(Store::open(&url, options).await.expect("a store"));
            Issuer::open(&store, "https://fuzz.localhost/", clock, entropy).await.expect("an issuer")
        });
        let mut good = BTreeSet::new();
        for (user, lifetime) in [("ann", 60), ("bob", 3_600)] {
            let subject = Subject {
                account: Some("acme".to_owned()),
                user: Some(user.to_owned()),
                roles: vec!["admin".to_owned()],
                ..Subject::default()
            };
            good.insert(issuer.issue(&subject, Duration::from_secs(lifetime), Audience::App).expect("a token"));
        }
        assert!(good.iter().all(|token| issuer.verify(token, NOW).is_ok()));
        Target { issuer, good, _folder: folder, _runtime: runtime }
    }

    pub(crate) fn seeds(&self) -> Vec<Vec<u8>> {
        self.good.iter().map(|token| token.clone().into_bytes()).collect()
    }

    pub(crate) fn run(&self, input: &[u8]) -> u64 {
        let token = String::from_utf8_lossy(input);
        let found = self.issuer.verify(&token, NOW);
        assert!(found.is_err() || self.good.contains(token.as_ref()), "a token that nobody issued is believed");
        for audience in [Audience::App, Audience::Portal] {
            let found = self.issuer.verify_for(&token, audience, NOW);
            assert!(found.is_err() || self.good.contains(token.as_ref()), "a token that nobody issued is believed");
        }
        answer(found.err().map(|error| format!("{error:?}")))
    }
}
