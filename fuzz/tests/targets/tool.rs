//! Arguments of tools: every call is answered in the one form, and never with a fault of ours.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use serde_json::Value as Json;
use tenantry_file::{SourceText, compile, load};
use tenantry_guard::{Guard, Parts};
use tenantry_policy::{Bound, Clock, Entropy};
use tenantry_source::{Options, Source, SourceUrl, read_catalog};
use tenantry_store::{Store, StoreUrl};

use crate::answer;
use crate::token::{Counting, Still};
use crate::world::{file, principal};

const TOOLS: &[&str] = &[
    "query",
    "get",
    "aggregate",
    "create",
    "update",
    "delete",
    "bulk_create",
    "bulk_update",
    "describe_schema",
    "nope",
];

pub(crate) const WORDS: &[&str] = &[
    "\"model\":\"orders\"",
    "\"model\":\"customers\"",
    "\"select\":[\"id\"]",
    "\"where\":{\"status\":\"zqx\"}",
    "\"where\":{\"amount\":{\"gt\":5}}",
    "\"and\":[",
    "\"or\":[",
    "\"not\":{",
    "\"in\":[1,2]",
    "\"between\":[1,2]",
    "\"contains\":\"zqx\"",
    "\"is_null\":true",
    "\"order_by\":[\"-id\"]",
    "\"take\":1",
    "\"after\":\"zqx\"",
    "\"include\":{\"customer\":{}}",
    "\"include\":[\"customer\"]",
    "\"group_by\":[\"status\"]",
    "\"operation\":\"sum\"",
    "\"field\":\"total\"",
    "\"having\":{\"gt\":1}",
    "\"data\":{\"status\":\"zqx\"}",
    "\"rows\":[{}]",
    "\"id\":1",
    "\"ids\":[1,2]",
    "\"reason\":\"zqx\"",
    "\"dry_run\":true",
    "\"distinct\":true",
    "secret",
    "tenant_id",
    "zqx' OR 1=1 --",
    "1e400",
    "\\u0000",
    "\\ud800",
    ",",
    ":",
    "{",
    "}",
    "[",
    "]",
];

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        r#"0{"model":"orders","select":["id","status"],"where":{"status":"zqx"},"order_by":["-id"],"take":5}"#,
        r#"0{"model":"orders","where":{"and":[{"amount":{"gt":1}},{"or":[{"status":{"in":["a","b"]}},{"not":{"open":true}}]}]}}"#,
        r#"0{"model":"orders","include":{"customer":{"select":["id"]}}}"#,
        r#"0{"model":"customers","include":[{"relation":"orders","take":2}]}"#,
        r#"1{"model":"orders","id":1}"#,
        r#"2{"model":"orders","operation":"sum","field":"total","group_by":["status"],"having":{"gt":"1.50"}}"#,
        r#"3{"model":"orders","data":{"status":"zqx","amount":1,"total":"1.50","made":"2026-01-01T00:00:00Z","customer_id":1}}"#,
        r#"4{"model":"orders","id":1,"data":{"status":"zqx"},"reason":"zqx"}"#,
        r#"5{"model":"orders","id":7}"#,
        r#"6{"model":"orders","rows":[{"status":"a"},{"status":"b"}],"dry_run":true}"#,
        r#"7{"model":"orders","ids":[1,2],"data":{"open":true}}"#,
        r#"7{"model":"orders","where":{"status":"zqx"},"data":{"open":true}}"#,
        r#"8{"model":"orders"}"#,
        r#"9{}"#,
    ];
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

pub(crate) struct Target {
    guard: Guard,
    bound: Arc<Bound>,
    runtime: tokio::runtime::Runtime,
    _folder: tempfile::TempDir,
}

impl Target {
    pub(crate) fn new() -> Target {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data.db");
        let columns = "(id INTEGER PRIMARY KEY, tenant_id TEXT NOT NULL, status TEXT, amount INTEGER, total NUMERIC(12,2), made TIMESTAMP, \
                       open BOOLEAN, batch UUID, customer_id INTEGER, secret TEXT)";
        let connection = rusqlite::Connection::open(&data).unwrap();
        connection
            .execute_batch(&format!(
                "CREATE TABLE customers {columns}; CREATE TABLE orders {columns};
                 INSERT INTO customers (id, tenant_id, status) VALUES (1, 'acme', 'a'), (2, 'globex', 'b');
                 INSERT INTO orders (id, tenant_id, status, amount, total, customer_id, secret) VALUES
                     (1, 'acme', 'zqx', 5, 1.5, 1, 'foreign? no'), (2, 'globex', 'b', 7, 2.5, 2, 'FOREIGN'), (3, 'acme', NULL, NULL, NULL, NULL, NULL);"
            ))
            .unwrap();
        drop(connection);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>) =
            (Arc::new(Still), Arc::new(Counting(AtomicU64::new(7))));
        let url = SourceUrl::parse(&format!("sqlite:{}", data.display())).unwrap();
        let store_url = StoreUrl::parse(&format!("sqlite:{}", folder.path().join("store.db").display())).unwrap();
        let (guard, bound) = runtime.block_on(async {
            let catalog = read_catalog(&url).await.expect("a catalog");
            let loaded = load(vec![SourceText::new("tenantry.toml", file(""))]).expect("the file loads");
            let compiled = compile(&loaded, &[("main".to_owned(), catalog)].into()).expect("the file compiles");
            let source = Source::open("main", &url, Options::default(), Arc::clone(&clock)).await.expect("opens");
            let options =
                tenantry_store::Options { clock: Arc::clone(&clock), entropy: Arc::clone(&entropy), key_file: None };
            let store = Arc::new(Store::open(&store_url, options).await.expect("a store"));
            let sources = HashMap::from([(Arc::from("main"), source)]);
            let parts = Parts { policy: Arc::new(compiled.policy), sources, store, clock, entropy };
            let guard = Guard::new(parts).await.expect("a guard");
            let bound = Arc::new(guard.bind(Arc::new(principal())).expect("the principal binds"));
            (guard, bound)
        });
        Target { guard, bound, runtime, _folder: folder }
    }

    /// The first byte says which tool.
    pub(crate) fn run(&mut self, input: &[u8]) -> u64 {
        let (first, args) = input.split_first().map_or((0, input), |(first, args)| (*first, args));
        let tool = TOOLS[usize::from(first.wrapping_sub(b'0')) % TOOLS.len()];
        let reply = self.runtime.block_on(self.guard.call(&self.bound, tool, args));
        let body: Json = serde_json::from_slice(&reply.body).expect("the answer is JSON");
        let text = String::from_utf8_lossy(&reply.body);
        assert!(!text.contains("FOREIGN") && !text.contains("globex"), "{tool}: somebody else's row: {text}");
        let code = body["error"]["code"].as_str().unwrap_or("").to_owned();
        assert_ne!(code, "INTERNAL_ERROR", "{tool}: {text}");
        let message = body["error"]["message"].as_str().unwrap_or("");
        answer((tool, code, message.split('`').next().unwrap_or("").to_owned(), body["success"].as_bool()))
    }
}
