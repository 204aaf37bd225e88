//! What the audit must hold, whatever happened.

use std::collections::BTreeSet;

use serde_json::Value;
use tenantry_store::{Filter, Phase, Store};

use crate::world::TENANTS;

/// Verifies the chains, and that each of `refs` has an entry from before its write.
pub async fn check(store: &Store, refs: &[(String, String, i64)]) {
    let report = store.verify(None, &[]).await.expect("the store answers");
    assert!(report.is_sound(), "{report:?}");
    let mut started = BTreeSet::new();
    for tenant in TENANTS {
        let mut before_seq = None;
        loop {
            let filter = Filter { phase: Some(Phase::Started), limit: 5_000, before_seq, ..Filter::of(tenant) };
            let page = store.list(&filter).await.expect("the store answers");
            let Some(last) = page.last() else { break };
            before_seq = Some(last.seq);
            for recorded in &page {
                let Some(inputs) = &recorded.entry.inputs else { continue };
                let inputs: Value = serde_json::from_str(inputs).expect("JSON");
                let many = inputs["rows"].as_array().into_iter().flatten().map(|row| &row["ref"]);
                let refs = many.chain([&inputs["data"]["ref"]]).filter_map(Value::as_str);
                started.extend(refs.map(|name| (name.to_owned(), tenant.to_owned())));
            }
        }
    }
    for (name, tenant, _) in refs {
        assert!(started.contains(&(name.clone(), tenant.clone())), "`{name}` was written without a record");
    }
}
