//! A policy and what was proved of it, as JSON for another program.

use serde_json::{Value as Json, json};
use tenantry_policy::attribute::AttrPath;
use tenantry_policy::condition::{ColumnRef, Cond, Term};
use tenantry_policy::table::{AutoValue, DeleteMode};
use tenantry_policy::{Policy, Table, Value};
use tenantry_proof::{Obligation, Promise, Report};

use crate::possible;

pub(crate) fn line(seed: u64, file: &str, policy: &Policy, report: &Report) -> Json {
    let attributes = policy.attributes.iter().map(|(_, attribute)| {
        json!({ "path": attribute.path.to_string(), "type": attribute.ty.name(), "list": attribute.list })
    });
    // What is proved of structure is no question for a solver; lists that nothing uses are of no table.
    let asked = report.obligations.iter().filter(|one| one.promise != Promise::Structure && one.table != "tenancy");
    json!({
        "seed": seed,
        "file": file,
        "attributes": attributes.collect::<Vec<_>>(),
        "tenant_attribute": policy.attributes.find(&AttrPath::TenantId).map(|id| id.index()),
        "reach_read": policy.reach_read.iter().map(|id| id.index()).collect::<Vec<_>>(),
        "reach_write": policy.reach_write.iter().map(|id| id.index()).collect::<Vec<_>>(),
        "tables": policy.tables.iter().map(table).collect::<Vec<_>>(),
        "obligations": asked.map(|one| obligation(policy, one)).collect::<Vec<_>>(),
    })
}

fn obligation(policy: &Policy, one: &Obligation) -> Json {
    let table = policy.find(&one.table).unwrap();
    let about = one.about.as_ref().map(|about| {
        let last = about.as_str().rsplit('.').next().unwrap();
        let attribute = || policy.attributes.iter().find(|(_, known)| known.path.to_string() == about.as_str());
        match one.promise {
            Promise::Include | Promise::Reference => table.find_relation(last).unwrap().0.index(),
            Promise::Missing | Promise::Own => attribute().unwrap().0.index(),
            _ => table.rules.iter().position(|rule| rule.address == *about).unwrap(),
        }
    });
    json!({
        "promise": one.promise.name(),
        "table": table.id.index(),
        "op": one.op.map(|op| op.name()),
        "about": about,
        "possible": possible(&one.outcome),
    })
}

fn table(table: &Table) -> Json {
    let columns = table.columns.iter().map(|column| {
        let facts = &column.facts;
        json!({
            "type": facts.ty.filter(|ty| ty.in_conditions()).map(|ty| ty.name()),
            "nullable": facts.nullable,
            "scale": facts.scale,
            "whole": facts.whole_digits,
        })
    });
    let rules = table.rules.iter().map(|rule| {
        json!({
            "kind": rule.kind.name(),
            "on": rule.on.iter().map(|op| op.name()).collect::<Vec<_>>(),
            "when": cond(&rule.when),
        })
    });
    let relations = table.relations.iter().map(|relation| {
        let pairs = relation.pairs.iter().map(|(own, theirs)| [own.index(), theirs.index()]);
        json!({ "to": relation.to.index(), "to_one": relation.to_one, "pairs": pairs.collect::<Vec<_>>() })
    });
    let automatic = table.writes.auto_update.iter().map(|(column, value)| match value {
        AutoValue::Attr(attr) => json!([column.index(), attr.index()]),
        other => panic!("{other:?} is not made here"),
    });
    json!({
        "tenant": table.tenant.map(column),
        "columns": columns.collect::<Vec<_>>(),
        "rules": rules.collect::<Vec<_>>(),
        "boundary": table.boundary.iter().map(cond).collect::<Vec<_>>(),
        "relations": relations.collect::<Vec<_>>(),
        "writes": {
            "create": table.writes.create.as_ref().map(|create| create.iter().map(|id| id.index()).collect::<Vec<_>>()),
            "update": table.writes.update.iter().map(|id| id.index()).collect::<Vec<_>>(),
            "delete": table.writes.delete != DeleteMode::Off,
            "auto_update": automatic.collect::<Vec<_>>(),
        },
    })
}

fn column(column: ColumnRef) -> Json {
    match column {
        ColumnRef::Own(id) => json!({ "own": id.index() }),
        ColumnRef::Hop(relation, id) => json!({ "hop": relation.index(), "of": id.index() }),
    }
}

fn value(value: &Value) -> Json {
    match value {
        Value::Bool(value) => json!({ "bool": value }),
        Value::Int(value) => json!({ "int": value }),
        Value::Decimal(value) => json!({ "decimal": value.to_string() }),
        Value::Text(value) => json!({ "text": value.as_ref() }),
        Value::Uuid(value) => json!({ "uuid": value.hyphenated().to_string() }),
        Value::Timestamp(value) => json!({ "timestamp": value }),
        other => panic!("{other:?} is in no condition"),
    }
}

fn term(term: &Term) -> Json {
    match term {
        Term::Column(id) => json!({ "column": column(*id) }),
        Term::Attr(id) => json!({ "attribute": id.index() }),
        Term::Literal(literal) => json!({ "literal": value(literal) }),
    }
}

fn cond(told: &Cond) -> Json {
    match told {
        Cond::Const(value) => json!({ "const": value }),
        Cond::And(parts) => json!({ "and": parts.iter().map(cond).collect::<Vec<_>>() }),
        Cond::Or(parts) => json!({ "or": parts.iter().map(cond).collect::<Vec<_>>() }),
        Cond::Not(inner) => json!({ "not": cond(inner) }),
        Cond::Has(attr) => json!({ "has": attr.index() }),
        Cond::IsNull { column: id, negated } => json!({ "null": { "column": column(*id), "negated": negated } }),
        Cond::Compare { left, cmp, right, .. } => {
            json!({ "compare": { "left": term(left), "cmp": cmp.symbol(), "right": term(right) } })
        }
        Cond::InLiterals { term: member, list, negated } => {
            json!({ "in": { "term": term(member), "list": list.iter().map(value).collect::<Vec<_>>(), "negated": negated } })
        }
        Cond::InAttr { term: member, list, negated } => {
            json!({ "within": { "term": term(member), "list": list.index(), "negated": negated } })
        }
        Cond::StartsWith { term: text, prefix } => json!({ "starts": { "term": term(text), "prefix": term(prefix) } }),
    }
}
