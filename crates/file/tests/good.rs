//! A whole file, from text to policy.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use tenantry_file::words::{SecretRef, SourceLocation};
use tenantry_file::{Compiled, Loaded, SourceText, Style, compile, format, load, render};
use tenantry_policy::catalog::{Catalog, Storage};
use tenantry_policy::principal::Datum;
use tenantry_policy::table::{AutoValue, DeleteMode};
use tenantry_policy::{Op, Policy, Tool, Type};

const LANGUAGE: &str = include_str!("language.toml");

fn read(texts: &[(&str, &str)]) -> Loaded {
    let inputs = texts.iter().map(|(name, text)| SourceText::new(*name, *text)).collect();
    load(inputs).unwrap_or_else(|errors| panic!("{}", render(&errors, Style::Plain)))
}

fn law(loaded: &Loaded, catalogs: &BTreeMap<String, Catalog>) -> Compiled {
    compile(loaded, catalogs).unwrap_or_else(|errors| panic!("{}", render(&errors, Style::Plain)))
}

fn policy(text: &str) -> Policy {
    law(&read(&[("tenantry.toml", text)]), &support::catalogs()).policy
}

/// The policy as a reviewer reads it.
fn describe(policy: &Policy) -> String {
    let mut out = String::new();
    for table in &policy.tables {
        writeln!(out, "{} = {}.{}.{}", table.name, table.source, table.schema, table.db_name).unwrap();
        writeln!(out, "  key {:?} tenant {:?}", table.key, table.tenant).unwrap();
        for column in table.columns.iter().filter(|column| column.field.visible()) {
            writeln!(out, "  field {} {:?}", column.facts.name, column.field).unwrap();
        }
        for relation in &table.relations {
            writeln!(
                out,
                "  relation {} to {:?} one {} {:?}",
                relation.name, relation.to, relation.to_one, relation.pairs
            )
            .unwrap();
        }
        for rule in &table.rules {
            let on: Vec<_> = rule.on.iter().map(Op::name).collect();
            writeln!(out, "  {} [{}] {}\n    {:?}", rule.address, on.join(" "), rule.text, rule.when).unwrap();
        }
        for op in Op::ALL {
            writeln!(out, "  boundary {} {:?}", op.name(), table.boundary[op.index()]).unwrap();
        }
        writeln!(out, "  {:?}\n  {:?}", table.writes, table.budget).unwrap();
    }
    for (id, attribute) in policy.attributes.iter() {
        writeln!(out, "{id:?} {} {} {}", attribute.path, attribute.ty, attribute.list).unwrap();
    }
    writeln!(out, "reach {:?} {:?}", policy.reach_read, policy.reach_write).unwrap();
    let mut roles: Vec<_> = policy.roles.iter().collect();
    roles.sort_by_key(|(name, _)| *name);
    for (name, grants) in roles {
        for (table, tools) in &grants.tools {
            let tools: Vec<_> = tools.iter().map(Tool::name).collect();
            writeln!(out, "role {name} {table:?} {}", tools.join(" ")).unwrap();
        }
    }
    out
}

#[test]
fn the_language_page_compiles() {
    let loaded = read(&[("tenantry.toml", LANGUAGE)]);
    let compiled = law(&loaded, &support::catalogs());
    assert_eq!(render(&compiled.warnings, Style::Plain), "");
    insta::assert_snapshot!(describe(&compiled.policy));
}

#[test]
fn people_and_sources_are_found() {
    let loaded = read(&[("tenantry.toml", LANGUAGE)]);
    let user = loaded.find_user("acme", Some("prod"), "user@example.com").unwrap();
    assert_eq!(loaded.find_user("acme", None, "user@example.com").unwrap(), user);
    assert!(loaded.find_user("acme", Some("dev"), "user@example.com").is_none());
    assert!(loaded.find_user("globex", None, "user@example.com").is_none());
    let principal = user.principal();
    assert_eq!(principal.tenant_id.as_deref(), Some("acme"));
    assert_eq!(principal.workspace_id.as_deref(), Some("prod"));
    assert_eq!(principal.roles, ["model-consumer"]);
    assert_eq!(principal.metadata.get("role"), None, "user_metadata is the user's own and never a rule's");
    assert_eq!(principal.metadata.get("ratio"), Some(&Datum::Number("0.10".to_owned())));
    assert_eq!(principal.metadata.get("big"), Some(&Datum::Int(9_007_199_254_740_993)));
    let ops = loaded.find_principal("ops@platform.example").unwrap();
    assert_eq!((ops.account, ops.accounts), (None, vec!["acme".to_owned()]));
    let sources = loaded.sources();
    assert_eq!(sources[0].name, "main");
    let env = SourceLocation::Secret(SecretRef::Env("DATABASE_URL".to_owned()));
    assert_eq!(sources[0].url.parse(), Some(env));
    let role = &loaded.document().source["main"].role["admin_service_role"];
    assert!(role.createrole == Some(true) && role.member_of["app_service_role"].admin);
    assert_eq!(loaded.span(&["table", "orders", "write", "create"]).unwrap().line, 41);
}

#[test]
fn who_a_user_is_stands_in_one_place_and_roles_have_a_level() {
    let text = "[role.reader]\n[role.editor]\nlevel = \"workspace\"\n[role.idle]\n[role.writer]\n[role.support]\n\
        [user.ada]\ndisplay_name = \"Ada\"\napp_metadata = { team = \"a\" }\n[account.acme.user.ada]\nroles = [\"reader\"]\n\
        [account.acme.workspace.prod.user.ada]\nroles = [\"writer\"]\n[principal.ops]\nroles = [\"support\", \"reader\"]\n";
    let loaded = read(&[("tenantry.toml", text)]);
    for workspace in [None, Some("prod")] {
        let ada = loaded.find_user("acme", workspace, "ada").unwrap();
        assert_eq!(ada.display_name.as_deref(), Some("Ada"));
        assert_eq!(ada.metadata.get("team"), Some(&Datum::Text("a".to_owned())));
    }
    let levels = ["reader", "editor", "idle", "writer", "support"].map(|role| loaded.level(role).name());
    assert_eq!(levels, ["account", "workspace", "account", "workspace", "platform"]);
}

#[test]
fn a_folder_equals_one_file_and_json_equals_toml() {
    let text = LANGUAGE.replace("0.10", "0.5");
    let whole = read(&[("tenantry.toml", &text)]);
    let (first, second) = text.split_at(text.find("[tenancy]").unwrap());
    let folder = read(&[("b.toml", second), ("a.toml", first)]);
    assert_eq!(whole.digest(), folder.digest());
    let value = to_json(text.parse::<toml_edit::DocumentMut>().unwrap().as_table());
    let json = read(&[("<stdin>", &serde_json::to_string_pretty(&value).unwrap())]);
    assert_eq!(whole.digest(), json.digest());
    assert_eq!(whole.document(), json.document());
    let catalogs = support::catalogs();
    let versions = [&whole, &folder, &json].map(|loaded| law(loaded, &catalogs).policy.version);
    assert!(versions.iter().all(|version| *version == versions[0]));
}

fn to_json(table: &toml_edit::Table) -> serde_json::Value {
    fn value(given: &toml_edit::Value) -> serde_json::Value {
        match given {
            toml_edit::Value::String(text) => text.value().clone().into(),
            toml_edit::Value::Integer(number) => (*number.value()).into(),
            toml_edit::Value::Float(number) => serde_json::from_str(number.display_repr().as_ref()).unwrap(),
            toml_edit::Value::Boolean(truth) => (*truth.value()).into(),
            toml_edit::Value::Datetime(_) => panic!("no dates here"),
            toml_edit::Value::Array(items) => items.iter().map(value).collect::<Vec<_>>().into(),
            toml_edit::Value::InlineTable(table) => {
                serde_json::Value::Object(table.iter().map(|(key, inner)| (key.to_owned(), value(inner))).collect())
            }
        }
    }
    let entries = table.iter().map(|(key, item)| {
        let json = match item {
            toml_edit::Item::Table(table) => to_json(table),
            toml_edit::Item::Value(inner) => value(inner),
            _ => panic!("no lists of tables here"),
        };
        (key.to_owned(), json)
    });
    serde_json::Value::Object(entries.collect())
}

#[test]
fn the_version_follows_the_law_and_its_ground_only() {
    let catalogs = support::catalogs();
    let base = law(&read(&[("a.toml", LANGUAGE)]), &catalogs).policy.version;
    let version = |text: &str| law(&read(&[("a.toml", text)]), &catalogs).policy.version;
    assert_eq!(base, version(&LANGUAGE.replace("Acme Corp", "Acme")));
    assert_eq!(base, version(&format(&SourceText::new("a.toml", LANGUAGE)).unwrap()));
    assert_ne!(base, version(&LANGUAGE.replace("'archived'", "'gone'")));
    assert_ne!(base, version(&LANGUAGE.replace("\"orders.aggregate\"", "\"orders.get\"")));
    let mut other = catalogs.clone();
    other.get_mut("main").unwrap().tables[0].rows = Some(5);
    assert_eq!(base, law(&read(&[("a.toml", LANGUAGE)]), &other).policy.version);
    other.get_mut("main").unwrap().tables[0].columns[5].nullable = false;
    assert_ne!(base, law(&read(&[("a.toml", LANGUAGE)]), &other).policy.version);
}

const SQLITE: &str = r#"
[source.local]
url = "sqlite:notes.db"
[role.writer]
tools = ["notes.*"]
[role.chief]
[table.notes]
source = "local.notes"
scope = { tenant_id = "principal.tenant_id" }
types = { created_at = "timestamp", deleted_at = "timestamp", done = "bool", public_id = "uuid" }
fields = { id = "allow", body = "allow", done = "allow", created_at = "allow", public_id = { mask = "all", filterable = true } }
budget.require_filter = ["done"]
[table.notes.write]
create = ["body", "done"]
update = true
delete = { soft = "deleted_at" }
required = ["body"]
readonly = ["public_id"]
auto_set = { created_at = "now", public_id = "018f3c1e-7c1a-7000-8000-000000000001" }
auto_update = { done = false }
approval = { roles = ["chief"], on = ["delete"] }
max_rows = 50
"#;

#[test]
fn sqlite_types_soft_delete_and_automatic_values() {
    let policy = policy(SQLITE);
    let notes = policy.find("notes").unwrap();
    let column = |name: &str| notes.column(notes.find_column(name).unwrap()).unwrap();
    assert_eq!(
        (column("created_at").facts.ty, column("created_at").facts.storage),
        (Some(Type::Timestamp), Storage::TimestampMicros)
    );
    assert_eq!((column("done").facts.ty, column("done").facts.storage), (Some(Type::Bool), Storage::BoolInt));
    assert_eq!(column("public_id").facts.storage, Storage::UuidText);
    let live = notes.rules.last().unwrap();
    assert_eq!((live.address.as_str(), live.text.as_ref()), ("table.notes.live", "deleted_at IS NULL"));
    assert!(matches!(notes.writes.delete, DeleteMode::Soft(id) if id == notes.find_column("deleted_at").unwrap()));
    let updatable: Vec<_> =
        notes.writes.update.iter().map(|id| notes.column(*id).unwrap().facts.name.as_str()).collect();
    assert_eq!(updatable, ["body", "created_at"], "not the key, the readonly, the automatic, the hidden");
    assert!(notes.writes.auto_set.contains(&(notes.find_column("created_at").unwrap(), AutoValue::Now)));
    let approval = notes.writes.approval.as_ref().unwrap();
    assert!(approval.on.has(Op::Delete) && !approval.on.has(Op::Update));
    let grants = &policy.roles["writer"].tools;
    assert_eq!(grants[0].1.iter().count(), 8, "every tool is on");
}

#[test]
fn a_document_can_be_empty() {
    assert!(policy("").tables.is_empty());
    assert!(policy("# nothing yet\n").tables.is_empty());
    let loaded = read(&[("<stdin>", "{}")]);
    assert!(loaded.directory().users.is_empty());
}
