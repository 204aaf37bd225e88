//! Values go to the server and come back as they were, to the last digit.

use std::str::FromStr as _;
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use rust_decimal::Decimal;
use tenantry_policy::catalog::Storage;
use tenantry_policy::redact::HashKey;
use tenantry_policy::{Type, Value};
use tenantry_sql::program::{Output, Param, Show};

use super::super::bind::Argument;
use super::Database;
use crate::answer::Redactor;
use crate::emit::{Record as _, value_of, write_row};

fn output(ty: Type) -> Output {
    Output { name: Arc::from("v"), ty, storage: Storage::Native, scale: None, show: Show::Plain }
}

/// The JSON that a value is shown as, and the value that a cursor would hold.
async fn shown(database: &Database, sql: &str, ty: Type) -> (String, Result<Option<Value>, crate::RunError>) {
    let row = database.owner.query_one(sql, &[]).await.unwrap();
    let outputs = [output(ty)];
    let redactor = Redactor { hash: HashKey::derive(b"test", "acme") };
    let mut out = Vec::new();
    write_row(&mut out, &outputs, &row, &redactor).unwrap();
    let text = String::from_utf8(out).unwrap();
    let text = text.strip_prefix("{\"v\":").and_then(|text| text.strip_suffix('}')).unwrap().to_owned();
    let value = row.cell(0, &outputs[0]).and_then(|cell| value_of(ty, &cell));
    (text, value)
}

#[tokio::test]
async fn cells_are_exact() {
    let Some(database) = Database::new().await else { return };
    database.run("CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE DOMAIN cents AS numeric(12, 2)").await;
    for (sql, ty, wanted) in [
        ("SELECT true", Type::Bool, "true"),
        ("SELECT (-32768)::int2", Type::Int, "-32768"),
        ("SELECT 2147483647::int4", Type::Int, "2147483647"),
        ("SELECT (-9223372036854775808)::int8", Type::Int, "-9223372036854775808"),
        ("SELECT sum(x) FROM (VALUES (9223372036854775806::int8), (1)) AS t(x)", Type::Int, "9223372036854775807"),
        ("SELECT 0.1::float4", Type::Float, "0.1"),
        ("SELECT 0.1::float8 + 0.2::float8", Type::Float, "0.30000000000000004"),
        ("SELECT 'NaN'::float8", Type::Float, "null"),
        ("SELECT 0::numeric", Type::Decimal, "0"),
        ("SELECT 0.00::numeric(5,2)", Type::Decimal, "0.00"),
        ("SELECT 10000::numeric", Type::Decimal, "10000"),
        ("SELECT 100000000.5::numeric", Type::Decimal, "100000000.5"),
        ("SELECT -12.340::numeric", Type::Decimal, "-12.340"),
        ("SELECT 0.000000000000000000000000001::numeric", Type::Decimal, "0.000000000000000000000000001"),
        ("SELECT 99999999999999999999999999999999.99::numeric", Type::Decimal, "99999999999999999999999999999999.99"),
        ("SELECT 1e40::numeric", Type::Decimal, "10000000000000000000000000000000000000000"),
        ("SELECT 12::cents", Type::Decimal, "12.00"),
        ("SELECT 'NaN'::numeric", Type::Decimal, "\"NaN\""),
        ("SELECT '-Infinity'::numeric", Type::Decimal, "\"-Infinity\""),
        ("SELECT 'a \"b\" ü\n'", Type::Text, "\"a \\\"b\\\" ü\\n\""),
        ("SELECT 'x'::char(3)", Type::Text, "\"x  \""),
        ("SELECT 'glad'::mood", Type::Text, "\"glad\""),
        ("SELECT '6F9619FF-8B86-D011-B42D-00CF4FC964FF'::uuid", Type::Uuid, "\"6f9619ff-8b86-d011-b42d-00cf4fc964ff\""),
        ("SELECT '2024-02-29 23:59:59.123456+00'::timestamptz", Type::Timestamp, "\"2024-02-29T23:59:59.123456Z\""),
        ("SELECT '1969-12-31 23:59:59'::timestamp", Type::Timestamp, "\"1969-12-31T23:59:59Z\""),
        ("SELECT 'infinity'::timestamptz", Type::Timestamp, "\"infinity\""),
        ("SELECT '1999-12-31'::date", Type::Date, "\"1999-12-31\""),
        ("SELECT '-infinity'::date", Type::Date, "\"-infinity\""),
        ("SELECT '{\"a\": [1, null]}'::json", Type::Json, "{\"a\": [1, null]}"),
        ("SELECT '{\"b\":1,\"a\":2}'::jsonb", Type::Json, "{\"a\": 2, \"b\": 1}"),
        ("SELECT '\\x00ff10'::bytea", Type::Bytes, "\"AP8Q\""),
        ("SELECT NULL::int8", Type::Int, "null"),
    ] {
        assert_eq!(shown(&database, sql, ty).await.0, wanted, "{sql}");
    }
    // More digits than a cursor's decimal holds, and what JSON has no number for.
    let (_, value) = shown(&database, "SELECT 1e40::numeric", Type::Decimal).await;
    assert_eq!(value, Err(crate::RunError::ValueOutOfRange));
}

#[tokio::test]
async fn parameters_come_back_as_they_went() {
    let Some(database) = Database::new().await else { return };
    let text = "ü 'quote\" \\ \u{10ffff}";
    for (cast, value) in [
        ("bool", Value::Bool(false)),
        ("int8", Value::Int(i64::MIN)),
        ("int8", Value::Int(i64::MAX)),
        ("numeric", Value::Decimal(Decimal::from_str("-0.0100").unwrap())),
        ("numeric", Value::Decimal(Decimal::MAX)),
        ("numeric", Value::Decimal(Decimal::MIN)),
        ("numeric", Value::Decimal(Decimal::from_str("0.0000000000000000000000000001").unwrap())),
        ("text", Value::text(text)),
        ("text", Value::text("")),
        ("uuid", Value::Uuid(uuid::Uuid::from_u128(7))),
        ("timestamptz", Value::Timestamp(-62_135_596_800_000_000)),
        ("timestamptz", Value::Timestamp(253_402_300_799_999_999)),
        ("date", Value::Date(-719_162)),
        ("float8", Value::Float(f64::MIN_POSITIVE)),
        ("bytea", Value::Bytes(Arc::from([0, 255, 7]))),
    ] {
        for (sql, array) in [(format!("SELECT $1::{cast}"), false), (format!("SELECT ($1::{cast}[])[2]"), true)] {
            let row = send(&database, &sql, &value, array).await;
            let back = row.cell(0, &output(value.ty())).and_then(|cell| value_of(value.ty(), &cell)).unwrap();
            assert!(back.as_ref().is_some_and(|back| back.same(&value) || *back == value), "{sql} {value:?} {back:?}");
        }
    }
    let none = database.owner.query_one("SELECT cardinality($1::int8[])", &[&Vec::<i64>::new()]).await.unwrap();
    assert_eq!(none.get::<_, i32>(0), 0);
}

/// Sends a value in the way that programs do; as a list, twice.
async fn send(database: &Database, sql: &str, value: &Value, array: bool) -> tokio_postgres::Row {
    let label = Arc::from("v");
    let param = if array {
        Param::List { values: vec![value.clone(), value.clone()], ty: value.ty(), label }
    } else {
        Param::Value { value: Some(value.clone()), ty: value.ty(), storage: Storage::Native, label }
    };
    let statement = database.owner.prepare(sql).await.unwrap();
    let params = [param];
    let rows = database.owner.query_raw(&statement, Argument::list(&params, &[])).await.unwrap();
    rows.try_collect::<Vec<_>>().await.unwrap().remove(0)
}
