//! Two accounts, people with and without a role, and models.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tenantry_guard::models::{
    Catalog, Kind, Model, Models, ModelsParts, Partition, Patience, Price, Target, TargetParts,
};
use tenantry_policy::Clock;

use crate::site::{Client, Site, for_users};
use crate::support::ambient::SeededEntropy;

/// What the models stand behind.
pub const API: &str = "https://models.example/";

pub struct Desk {
    pub site: Site,
    pub models: Arc<Models>,
    pub client: Client,
    pub acme: String,
    pub globex: String,
    /// In acme, with the role.
    pub ada: String,
    /// In acme, without.
    pub bob: String,
    /// In globex, with the role.
    pub gus: String,
    pub role: String,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Said {
    pub status: u16,
    pub headers: axum::http::HeaderMap,
    pub text: String,
}

impl Said {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The data of its events.
    pub fn events(&self) -> Vec<String> {
        self.text.lines().filter_map(|line| line.strip_prefix("data: ")).map(str::to_owned).collect()
    }
}

/// A model with these upstreams.
pub fn model(name: &str, requires: &str, targets: Vec<Target>) -> Model {
    Model {
        name: name.into(),
        api: API.into(),
        requires: requires.into(),
        description: None,
        max_tokens: None,
        price: Price { input: 1_000_000, cached_input: 500_000, cache_write: 1_000_000, output: 2_000_000 },
        cache: None,
        fetches: false,
        targets: targets.into_iter().map(Arc::new).collect(),
        turns: Default::default(),
    }
}

pub fn echo() -> Target {
    Target::new(Kind::Echo, 0, TargetParts { url: "builtin:echo".to_owned(), weight: 1, ..TargetParts::default() })
}

/// An upstream that listens somewhere.
pub fn at(place: usize, kind: Kind, address: std::net::SocketAddr, patience: Patience) -> Target {
    let parts = TargetParts {
        url: format!("http://{address}/v1"),
        key: Some("sk-upstream-canary".to_owned().into()),
        model: Some("real-name".to_owned()),
        weight: 1,
        patience,
        partition: vec![Partition::User, Partition::PromptCacheKey],
        ..TargetParts::default()
    };
    Target::new(kind, place, parts)
}

impl Desk {
    /// With the built-in upstream behind `small`, for the role, and behind `large`, for nobody.
    pub async fn echoing() -> Desk {
        Desk::with(vec![model("small", "use:small", vec![echo()]), model("large", "use:large", vec![echo()])]).await
    }

    pub async fn with(models: Vec<Model>) -> Desk {
        Desk::on(Site::small().await, models).await
    }

    pub async fn on(site: Site, models: Vec<Model>) -> Desk {
        let clock: Arc<dyn Clock> = site.clock.clone();
        let models = Models::new(ModelsParts {
            catalog: Catalog::new(models, "test"),
            store: Arc::clone(&site.store),
            clock,
            entropy: Arc::new(SeededEntropy::new(7)),
            upstream: Arc::new(tenantry_upstream::Wire::default()),
        });
        let models = Arc::new(models.unwrap());
        let site = site.offering(Arc::clone(&models));
        let settings = json!({ "enforce_policies": true, "token_dialect": "access_token_authz" });
        site.api(API, &["use:small", "use:large"], settings.clone()).await;
        site.api("https://other.example/", &["use:small"], settings).await;
        let client = site.client(for_users()).await;
        let (acme, globex) = (site.account("acme").await, site.account("globex").await);
        let role = site.role("caller", API, &["use:small"]).await;
        let mut people = Vec::new();
        for (email, account, holds) in [
            ("ada@acme.example", &acme, true),
            ("bob@acme.example", &acme, false),
            ("gus@globex.example", &globex, true),
        ] {
            let user = site.user(email, json!({ "email_verified": true })).await;
            site.member(account, &user).await;
            if holds {
                site.hold(account, &user, &role).await;
            }
            people.push(user);
        }
        let [ada, bob, gus] = <[String; 3]>::try_from(people).unwrap();
        Desk { site, models, client, acme, globex, ada, bob, gus, role }
    }

    /// A token of somebody for the models, in an account.
    pub async fn token(&self, email: &str, account: &str) -> String {
        self.token_for(API, email, account).await
    }

    pub async fn token_for(&self, audience: &str, email: &str, account: &str) -> String {
        let ask = json!({ "audience": audience, "organization": account });
        self.site.login(&self.client, email, ask).await.text("access_token")
    }

    pub async fn ada(&self) -> String {
        self.token("ada@acme.example", &self.acme).await
    }

    pub async fn bob(&self) -> String {
        self.token("bob@acme.example", &self.acme).await
    }

    pub async fn gus(&self) -> String {
        self.token("gus@globex.example", &self.globex).await
    }

    pub fn request(path: &str, token: &str, body: impl Into<Body>) -> Request<Body> {
        Request::post(path)
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {token}"))
            .body(body.into())
            .unwrap()
    }

    pub async fn say(&self, request: Request<Body>) -> Said {
        let response = self.site.begin(request).await;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        Said { status, headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    pub async fn post(&self, path: &str, token: &str, body: Value) -> Said {
        self.say(Desk::request(path, token, body.to_string())).await
    }

    /// A chat of one sentence.
    pub async fn chat(&self, token: &str, model: &str, said: &str) -> Said {
        let body = json!({ "model": model, "messages": [{ "role": "user", "content": said }] });
        self.post("/v1/chat/completions", token, body).await
    }

    /// What the store has of an account's calls.
    pub async fn usage(&self, account: &str) -> Vec<tenantry_store::usage::UsageRow> {
        self.models.flush().await;
        let tenant = self.site.store.account(account).await.unwrap().unwrap().tenant_id;
        self.site.store.usage_of(&tenant, 0, 10_000).await.unwrap()
    }

    /// The audit of an account's model calls: phase, model, error.
    pub async fn audit(&self, account: &str) -> Vec<(String, String, String)> {
        let tenant = self.site.store.account(account).await.unwrap().unwrap().tenant_id;
        let filter = tenantry_store::Filter { account: tenant, ..tenantry_store::Filter::default() };
        let listed = self.site.store.list(&filter).await.unwrap();
        let mut entries: Vec<_> = listed.into_iter().filter(|one| one.entry.tool.starts_with("models.")).collect();
        entries.sort_by_key(|one| one.seq);
        entries
            .into_iter()
            .map(|one| {
                let entry = one.entry;
                (entry.phase.name().to_owned(), entry.model.unwrap_or_default(), entry.error.unwrap_or_default())
            })
            .collect()
    }
}
