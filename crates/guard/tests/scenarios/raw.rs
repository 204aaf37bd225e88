//! What really stands in the tables, as the owner reads it: past every fence, in one form for both
//! databases.

use rust_decimal::Decimal;
use tenantry_guard::json::{self, Json};

use crate::support::database::{Database, TableDef};

/// Compares with `{"orders(id, status)": [[1, "open"]], "lines": [[…]]}`; without names, all columns in
/// their order. Rows are ordered by the columns named. The difference, if there is one.
pub async fn difference(database: &Database, tables: &[TableDef], expected: &str) -> Result<Option<String>, String> {
    let Json::Object(expected) = json::parse(expected.as_bytes()).map_err(|error| error.to_string())? else {
        return Err("`database` is an object".to_owned());
    };
    for (question, rows) in expected {
        let (name, columns) = match question.split_once('(') {
            Some((name, columns)) => {
                (name.trim(), columns.trim_end_matches(')').split(',').map(|name| name.trim().to_owned()).collect())
            }
            None => (question.as_str(), Vec::new()),
        };
        let table = tables.iter().find(|table| table.name == name).ok_or_else(|| format!("no table `{name}`"))?;
        let columns: Vec<String> = match columns.is_empty() {
            true => table.columns.iter().map(|column| column.0.clone()).collect(),
            false => columns,
        };
        let kinds = columns
            .iter()
            .map(|name| table.columns.iter().find(|column| column.0 == *name).map(|column| column.1.clone()))
            .collect::<Option<Vec<String>>>()
            .ok_or_else(|| format!("no such column: {question}"))?;
        let mut got: Vec<Vec<Option<String>>> = read(database, name, &columns).await;
        for row in &mut got {
            for (cell, kind) in row.iter_mut().zip(&kinds) {
                *cell = cell.take().map(|text| one_form(kind, &text));
            }
        }
        let Json::List(rows) = &rows else { return Err(format!("{question}: not a list")) };
        let mut wanted = Vec::new();
        for row in rows {
            let Json::List(cells) = row else { return Err(format!("{question}: a row is a list")) };
            wanted.push(
                cells
                    .iter()
                    .zip(&kinds)
                    .map(|(cell, kind)| match cell {
                        Json::Null => None,
                        Json::Text(text) => Some(one_form(kind, text)),
                        other => Some(one_form(kind, &other.to_text())),
                    })
                    .collect::<Vec<_>>(),
            );
        }
        got.sort();
        wanted.sort();
        if got != wanted {
            return Ok(Some(format!("the table {question} holds\n  {got:?}\n  expected\n  {wanted:?}")));
        }
    }
    Ok(None)
}

async fn read(database: &Database, table: &str, columns: &[String]) -> Vec<Vec<Option<String>>> {
    let cast: Vec<String> = columns.iter().map(|name| format!("CAST(\"{name}\" AS text)")).collect();
    let sql = format!("SELECT {} FROM \"{table}\"", cast.join(", "));
    match database {
        Database::Sqlite { folder } => {
            let connection = rusqlite::Connection::open(folder.path().join("data.db")).expect("opens");
            let mut statement = connection.prepare(&sql).expect("prepares");
            let rows = statement.query_map([], |row| (0..columns.len()).map(|at| row.get(at)).collect()).expect("runs");
            rows.collect::<Result<_, _>>().expect("reads")
        }
        Database::Postgres { .. } => {
            let client = database.client().await;
            client.batch_execute("SET timezone = 'UTC'").await.expect("a time zone");
            let rows = client.query(&sql, &[]).await.expect("runs");
            rows.iter().map(|row| (0..columns.len()).map(|at| row.get(at)).collect()).collect()
        }
    }
}

/// One text for one value, whichever database wrote it.
fn one_form(kind: &str, text: &str) -> String {
    match kind {
        "bool" => matches!(text, "1" | "t" | "true").to_string(),
        "decimal" => text.parse::<Decimal>().map_or_else(|_| text.to_owned(), |number| number.normalize().to_string()),
        "float" => text.parse::<f64>().map_or_else(|_| text.to_owned(), |number| number.to_string()),
        "timestamp" => text.replace(' ', "T").trim_end_matches("+00").trim_end_matches('Z').to_owned(),
        "json" => text.parse::<serde_json::Value>().map_or_else(|_| text.to_owned(), |value| value.to_string()),
        _ => text.to_owned(),
    }
}
