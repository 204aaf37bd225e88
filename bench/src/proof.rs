//! P6: the proof of many tables, and of one that was changed.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tenantry_file::{SourceText, compile, load};
use tenantry_policy::catalog::{Catalog, CatalogColumn, CatalogTable, Dialect, ForeignKey, Storage};
use tenantry_policy::{Policy, Type};
use tenantry_proof::{Outcome, Report, prove, prove_table};

use crate::Problem;
use crate::talk::say;
use crate::timing::{median, number, timed};

/// Tables: in each group of four one hangs on another.
const TABLES: usize = 1_000;
/// The most seconds for all of them.
const ALL: f64 = 10.0;
/// The most milliseconds for one.
const ONE: f64 = 50.0;

/// Proves all, and single tables.
///
/// # Errors
/// [`Problem`] when the file is refused, or something is not proved.
pub fn run(quick: bool) -> Result<Value, Problem> {
    let count = if quick { TABLES / 10 } else { TABLES };
    let policy = policy(count)?;
    let (took, report) = timed(|| prove(&policy));
    let open = report.leaks().count() + report.undecided().count() + report.idle().count();
    if open > 0 {
        return Err(Problem::new(
            "prove the tables",
            format!("{open} obligations do not hold: {:?}", first_open(&report)),
        ));
    }
    let obligations = report.obligations.len();
    let mut singles: Vec<f64> = Vec::new();
    for table in policy.tables.iter().step_by(7) {
        let (took, proved) = timed(|| prove_table(&policy, table));
        std::hint::black_box(proved);
        singles.push(took.as_secs_f64() * 1e3);
    }
    let (seconds, one) = (took.as_secs_f64(), median(&singles));
    let longest = singles.iter().copied().fold(0.0, f64::max);
    say(&format!(
        "{obligations} obligations of {count} tables ({:.1} each) in {seconds:.2} s on one thread, {:.3} ms an obligation",
        number(obligations) / number(count),
        seconds * 1e3 / number(obligations)
    ));
    say(&format!("one changed table: {one:.2} ms (median of {}), {longest:.2} ms (longest)", singles.len()));
    let each = number(obligations) / number(count);
    let scaled = seconds * number(TABLES) / number(count);
    let pass = scaled <= ALL && longest <= ONE && each >= 14.0;
    say(&format!(
        "P6: {} ({scaled:.2} s of {ALL} for {TABLES} tables, {longest:.2} ms of {ONE} for one, {each:.0} obligations a table of 14)",
        if pass { "pass" } else { "short" }
    ));
    Ok(json!({
        "promise": "P6", "pass": pass, "tables": count, "obligations": obligations, "seconds": seconds,
        "one_table_ms": one, "one_table_longest_ms": longest,
    }))
}

fn first_open(report: &Report) -> Option<String> {
    let open = report.obligations.iter().find(|one| !matches!(one.outcome, Outcome::Proved | Outcome::Shown(_)))?;
    Some(format!("{} of {}", open.promise.name(), open.table))
}

fn column(name: &str, ty: Type, nullable: bool) -> CatalogColumn {
    let native = match ty {
        Type::Int => "int8",
        Type::Decimal => "numeric",
        Type::Timestamp => "timestamptz",
        _ => "text",
    };
    CatalogColumn {
        name: name.to_owned(),
        ty: Some(ty),
        native: native.to_owned(),
        storage: Storage::Native,
        scale: (ty == Type::Decimal).then_some(2),
        whole_digits: (ty == Type::Decimal).then_some(10),
        nullable,
        has_default: name == "id",
        generated: false,
        loose_collation: None,
        padded: false,
    }
}

/// Tables as a business has them, with every kind of rule.
fn policy(count: usize) -> Result<Policy, Problem> {
    let mut tables = Vec::new();
    let mut file = String::from(
        "[source.main]\nurl = \"env:MAIN_URL\"\n[tenancy]\nreach.read = [\"principal.metadata.children\"]\n",
    );
    for at in 0..count {
        let name = format!("t{at:04}");
        // The first of each four is what the others point at.
        let parent = (at % 4 != 0).then(|| format!("t{:04}", at - at % 4));
        let mut columns = vec![
            column("id", Type::Int, false),
            column("tenant_id", Type::Text, false),
            column("status", Type::Text, true),
            column("owner", Type::Text, true),
            column("amount", Type::Int, true),
            column("total", Type::Decimal, true),
            column("made", Type::Timestamp, true),
        ];
        let fields: Vec<String> = columns.iter().map(|column| format!("{} = \"allow\"", column.name)).collect();
        let mut foreign_keys = Vec::new();
        let mut relation = String::new();
        let mut through = String::new();
        let mut reference = "";
        if let Some(parent) = &parent {
            columns.push(column("parent_id", Type::Int, true));
            let (to_schema, to_table) = ("public".to_owned(), parent.clone());
            foreign_keys.push(ForeignKey { columns: vec![7], to_schema, to_table, to_columns: vec!["id".to_owned()] });
            relation = format!("relations.parent = {{ table = \"{parent}\", key = \"parent_id\" }}\n");
            through =
                "require.open_parent = { when = \"parent.status <> 'closed' OR parent_id IS NULL\" }\n".to_owned();
            reference = "\"parent_id\", ";
        }
        let more = if parent.is_some() { ", parent_id = \"allow\"" } else { "" };
        file.push_str(&format!(
            "[table.{name}]\nsource = \"main.public.{name}\"\nscope = {{ tenant_id = \"principal.tenant_id\" }}\nfields = {{ {}{more} }}\n{relation}{through}\
             shared = \"status = 'public'\"\n\
             permit.children = {{ when = \"tenant_id IN principal.metadata.children\" }}\n\
             bypass.support = {{ when = \"'support' IN principal.roles\" }}\n\
             require.small = {{ when = \"amount < {} OR owner = principal.user_id OR total >= DECIMAL '{}.50'\" }}\n\
             require.shown = {{ when = \"NOT (status = 'hidden') AND (made IS NULL OR made <= principal.now)\" }}\n\
             write = {{ create = [{reference}\"status\", \"owner\", \"amount\"], update = [{reference}\"status\", \"amount\"], delete = true }}\n",
            fields.join(", "),
            at + 1,
            at % 90,
        ));
        tables.push(CatalogTable {
            schema: "public".to_owned(),
            name,
            is_table: true,
            columns,
            primary_key: vec![0],
            foreign_keys,
            ..CatalogTable::default()
        });
    }
    let loaded = load(vec![SourceText::new("tenantry.toml", file)])
        .map_err(|found| Problem::new("load the file", format!("{found:?}")))?;
    let catalogs = BTreeMap::from([("main".to_owned(), Catalog { dialect: Dialect::Postgres, tables })]);
    let compiled =
        compile(&loaded, &catalogs).map_err(|found| Problem::new("compile the file", format!("{found:?}")))?;
    Ok(compiled.policy)
}

#[cfg(test)]
mod tests {
    #[test]
    fn everything_is_proved() {
        super::run(true).unwrap();
    }
}
