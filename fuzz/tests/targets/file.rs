//! Files: read, checked, compiled against both catalogs, formatted, and their errors told.

use std::collections::BTreeMap;

use tenantry_file::{SourceText, compile, format, load};

use crate::answer;
use crate::world::{DIALECTS, catalog, file};

pub(crate) const WORDS: &[&str] = &[
    "[table.orders]\n",
    "[table.orders.write]\n",
    "[role.x]\n",
    "[account.a]\n",
    "[tenancy]\n",
    "[platform]\n",
    "[source.main]\n",
    "[model.m]\n",
    "scope = { tenant_id = \"principal.tenant_id\" }\n",
    "shared = \"TRUE\"\n",
    "permit.x = { when = \"",
    "require.y = { when = \"",
    "bypass.z = { when = \"",
    "\" }\n",
    "fields = { id = \"allow\" }\n",
    "relations.r = { table = \"orders\", key = \"id\" }\n",
    "write = { create = true }\n",
    "delete = { soft = \"made\" }\n",
    "reach.read = [\"principal.metadata.words\"]\n",
    "on = [\"read\"]",
    "budget = { max_rows = 0, timeout = \"9999999999h\" }\n",
    "auto_set = { amount = \"now\" }\n",
    "\"mask:last4\"",
    "limits = { requests = \"1/min\" }\n",
    "env:X",
    "file:/x",
    "generate",
    "parent = \"a\"\n",
    "tools = [\"orders.*\"]\n",
    "''' ",
    "\"\"\"",
    "= {",
    "}",
    "[",
    "]",
    "[[",
    "#",
    ".",
];

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let mut seeds: Vec<Vec<u8>> = vec![
        file("").into_bytes(),
        file("permit.x = { when = \"status = 'a'\", on = [\"read\"] }\n").into_bytes(),
        b"{\"platform\": {\"friendly_name\": \"x\"}}".to_vec(),
    ];
    for example in ["account-tree", "model-roles", "organizations"] {
        seeds.extend(std::fs::read(format!("{root}/examples/{example}/tenantry.toml")));
    }
    assert!(seeds.len() > 3, "the examples are gone");
    seeds
}

pub(crate) fn run(input: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(input).into_owned();
    let source = SourceText::new("tenantry.toml", text.clone());
    // Only TOML is formatted.
    let is_json = source.is_json();
    let formatted = format(&source).map_err(|found| found.len());
    let loaded = match load(vec![SourceText::new("tenantry.toml", text)]) {
        Ok(loaded) => loaded,
        Err(found) => {
            let codes: Vec<String> = found.iter().take(4).map(|one| format!("{:?}", one.code)).collect();
            return answer((1, codes, formatted.is_ok()));
        }
    };
    assert!(is_json || formatted.is_ok(), "a file that loads is not formatted");
    if let Ok(formatted) = formatted {
        assert!(load(vec![SourceText::new("tenantry.toml", formatted)]).is_ok(), "formatted, it no longer loads");
    }
    let mut codes = Vec::new();
    for dialect in DIALECTS {
        let catalogs = BTreeMap::from([("main".to_owned(), catalog(dialect))]);
        match compile(&loaded, &catalogs) {
            Ok(compiled) => codes.push(format!("{}", compiled.policy.tables.len())),
            Err(found) => codes.extend(found.iter().take(4).map(|one| format!("{:?}", one.code))),
        }
    }
    answer((2, codes))
}
