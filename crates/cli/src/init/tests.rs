use tenantry_policy::Type;
use tenantry_policy::catalog::{CatalogColumn, CatalogTable, Dialect, ForeignKey, Storage};

use super::*;

/// A table from a line: `orders: id* int, tenant_id text, customer_id int? -> customers.id`.
/// `*` marks the key, `?` a nullable column.
fn table(line: &str) -> CatalogTable {
    let (name, rest) = line.split_once(": ").unwrap();
    let mut table = CatalogTable {
        schema: "public".to_owned(),
        name: name.to_owned(),
        is_table: true,
        strict: true,
        ..CatalogTable::default()
    };
    for (at, column) in rest.split(", ").enumerate() {
        let (column, target) = column.split_once(" -> ").map_or((column, None), |(left, right)| (left, Some(right)));
        let (name, ty) = column.split_once(' ').unwrap();
        if name.ends_with('*') {
            table.primary_key.push(at);
        }
        if let Some((to, to_column)) = target.and_then(|target| target.split_once('.')) {
            table.foreign_keys.push(ForeignKey {
                columns: vec![at],
                to_schema: "public".to_owned(),
                to_table: to.to_owned(),
                to_columns: vec![to_column.to_owned()],
            });
        }
        table.columns.push(CatalogColumn {
            name: name.trim_end_matches('*').to_owned(),
            ty: match ty.trim_end_matches('?') {
                "int" => Some(Type::Int),
                "uuid" => Some(Type::Uuid),
                "text" => Some(Type::Text),
                "array" => None,
                other => panic!("{other}"),
            },
            native: ty.to_owned(),
            storage: Storage::Native,
            scale: None,
            whole_digits: None,
            nullable: ty.ends_with('?'),
            has_default: false,
            generated: false,
            loose_collation: None,
            padded: false,
        });
    }
    table
}

fn catalog(lines: &[&str]) -> Catalog {
    Catalog { dialect: Dialect::Postgres, tables: lines.iter().map(|line| table(line)).collect() }
}

fn wishes(url: &str, tenant: Option<&str>) -> Wishes {
    Wishes { tenant: tenant.map(str::to_owned), url: url.to_owned(), rights: String::new(), holders: Vec::new() }
}

fn drafted(lines: &[&str]) -> Draft {
    draft(&catalog(lines), &wishes("env:DATABASE_URL", None)).unwrap()
}

const SHOP: &[&str] = &[
    "organizations: id* uuid, name text",
    "users: id* uuid, email text, password_hash text",
    "products: id* int, name text, tags array",
    "orders: id* int, organization_id uuid -> organizations.id, product_id int -> products.id, buyer_id uuid -> users.id, parent_id int? -> orders.id",
    "order_lines: id* int, order_id int -> orders.id, product_id int -> products.id",
    "line_notes: id* int, line_id int -> order_lines.id",
    "schema_migrations: version* text",
    "events: organization_id uuid?, payload text",
];

#[test]
fn tenants_hops_catalogues_and_doubts_are_told_apart() {
    let draft = drafted(SHOP);
    assert_eq!(draft.models, ["organizations", "products", "orders", "order_lines", "events"]);
    assert_eq!(draft.left_out, ["users", "line_notes", "schema_migrations"]);
    for expected in [
        "url = \"env:DATABASE_URL\"",
        "[table.organizations]\nsource = \"main.organizations\"\nscope = { id = \"principal.tenant_id\" }",
        "[table.orders]\nsource = \"main.orders\"\nscope = { organization_id = \"principal.tenant_id\" }",
        "scope = { \"order.organization_id\" = \"principal.tenant_id\" }",
        "order = { table = \"orders\", key = \"order_id\" }",
        "order_lines = { table = \"order_lines\", foreign_key = \"order_id\" }",
        "orders_by_parent = { table = \"orders\", foreign_key = \"parent_id\" }",
        "shared = \"TRUE\"",
        "# tags: values of type array are not governed",
        "\"events.query\", \"events.aggregate\",",
    ] {
        assert!(draft.text.contains(expected), "{expected}\n----\n{}", draft.text);
    }
    // A table left out is never a relation's target.
    assert!(!draft.text.contains("buyer = {"), "{}", draft.text);
    let about: Vec<Option<&str>> = draft.decisions.iter().map(|decision| decision.table.as_deref()).collect();
    assert_eq!(
        about,
        [None, Some("products"), Some("events"), Some("events"), Some("users"), Some("line_notes")],
        "{:#?}",
        draft.decisions
    );
}

#[test]
fn an_earlier_word_for_a_tenant_wins_and_the_other_is_asked_about() {
    let draft = drafted(&[
        "customers: id* int, tenant_id text",
        "orders: id* int, tenant_id text, customer_id int -> customers.id",
    ]);
    assert!(
        draft.text.contains("[table.customers]\nsource = \"main.customers\"\nscope = { tenant_id"),
        "{}",
        draft.text
    );
    assert!(draft.decisions[1].question.contains("customer"), "{:#?}", draft.decisions);
}

#[test]
fn a_named_table_wins_over_guesses() {
    let lines = ["site: id* int, name text", "page: id* int, site_id int -> site.id, account_id int"];
    let draft = draft(&catalog(&lines), &wishes("env:X", Some("site"))).unwrap();
    assert!(draft.text.contains("scope = { site_id = \"principal.tenant_id\" }"), "{}", draft.text);
}

#[test]
fn composite_keys_that_carry_the_tenant_lead_back_to_the_primary_key() {
    let mut catalog =
        catalog(&["customers: id* int, tenant_id text", "orders: id* int, tenant_id text, customer_id int"]);
    catalog.tables[1].foreign_keys.push(ForeignKey {
        columns: vec![1, 2],
        to_schema: "public".to_owned(),
        to_table: "customers".to_owned(),
        to_columns: vec!["tenant_id".to_owned(), "id".to_owned()],
    });
    let draft = draft(&catalog, &wishes("env:X", None)).unwrap();
    assert!(draft.text.contains("customer = { table = \"customers\", key = \"customer_id\" }"), "{}", draft.text);
    assert!(draft.text.contains("orders = { table = \"orders\", foreign_key = \"customer_id\" }"), "{}", draft.text);
}

#[test]
fn a_tenant_column_that_cannot_be_compared_is_left_out() {
    let mut catalog = catalog(&[
        "orders: id* int, tenant_id text",
        "invoices: id* int, tenant_id text",
        "legacy: id* int, tenant_id int",
        "padded: id* int, tenant_id text",
    ]);
    catalog.tables[3].columns[1].padded = true;
    let draft = draft(&catalog, &wishes("env:X", None)).unwrap();
    assert_eq!(draft.left_out, ["legacy", "padded"]);
}

#[test]
fn without_a_tenant_the_likeliest_tables_are_named() {
    let lines = ["site: id* int", "page: id* int, site_id int -> site.id"];
    let wishes = |tenant: Option<&str>| wishes("env:X", tenant);
    assert_eq!(
        draft(&catalog(&lines), &wishes(None)).unwrap_err(),
        NoTenancy::NotFound { candidates: vec!["site".to_owned()] }
    );
    assert!(matches!(draft(&catalog(&lines), &wishes(Some("sight"))).unwrap_err(), NoTenancy::NoSuchTable { .. }));
}

#[test]
fn hostile_names_stay_inside_quotes_and_comments() {
    let draft = drafted(&["or\"d\\ers: id* int, tenant_id text, we\nird text", "x]\n[principal.evil]: id* int"]);
    assert!(!draft.text.contains("\n[principal"), "{}", draft.text);
    assert!(draft.text.contains("source = \"main.or\\\"d\\\\ers\""), "{}", draft.text);
    assert!(draft.text.contains("\"we\\u000Aird\" = \"allow\""), "{}", draft.text);
}

#[test]
fn roles_and_rights_stand_below_their_source() {
    let rights = "# Not here: passwords.\n[source.main.role.app]\nlogin = true\n";
    let wishes = Wishes { rights: rights.to_owned(), holders: vec!["app".to_owned()], ..wishes("env:X", None) };
    let draft = draft(&catalog(SHOP), &wishes).unwrap();
    let text = tenantry_file::format(&tenantry_file::SourceText::new("tenantry.toml", draft.text)).unwrap();
    let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what}: {text}"));
    assert!(at("[source.main]") < at("Which role will `url` name?"), "{text}");
    assert!(at("Which role will `url` name?") < at("# Not here") && at("# Not here") < at("[source.main.role.app]"));
    assert!(at("[source.main.role.app]") < at("[table.organizations]"), "{text}");
    assert!(draft.decisions[0].question.contains("Some have such rights now: app."), "{:#?}", draft.decisions);
    let governed = governed(&catalog(SHOP), None).unwrap();
    assert!(governed.iter().any(|object| object.to_string() == "public.orders"), "{governed:?}");
    assert!(!governed.iter().any(|object| object.to_string() == "public.users"), "{governed:?}");
}
