//! What somebody tries who holds the role `app`, and what came of it.

use crate::dice::{Mode, Schema};

/// Values of a tenant, one of them nobody's where the type has such a one.
pub(crate) fn tenants(ty: &str) -> &'static [&'static str] {
    match ty {
        "int" => &["1", "2", "11"],
        "uuid" => &["00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"],
        _ => &["a", "b", "ab", "A", "", " a"],
    }
}

fn literal(value: Option<&str>, ty: &str) -> String {
    value.map_or_else(|| format!("NULL::{ty}"), |value| format!("'{value}'::{ty}"))
}

/// Whether a row is the principal's, by the tables as they were, and without asking any policy.
fn own(schema: &Schema, table: &str, row: &str, documents: &str) -> String {
    let through = table == "items" && !schema.own_items;
    let tenant = if through {
        format!("(SELECT x.tenant_id FROM {documents} x WHERE x.id = {row}.doc_id LIMIT 1)")
    } else {
        format!("{row}.tenant_id")
    };
    let by_tenant = match schema.mode {
        Mode::Setting => format!("{tenant}::text = current_setting('app.tenant', true)"),
        Mode::Profile => format!(
            "{tenant} = (SELECT p.tenant_id FROM adv.profiles p WHERE p.user_id = current_setting('app.user', true))"
        ),
        Mode::Member => format!(
            "{tenant} IN (SELECT m.tenant_id FROM adv.members m WHERE m.user_id = current_setting('app.user', true))"
        ),
    };
    format!("({by_tenant}) IS TRUE")
}

/// May a row be read that is not of the own tenant? A membership is its member's to read, a profile its user's.
fn readable(schema: &Schema, table: &str, row: &str) -> String {
    let own = own(schema, table, row, "adv.docs");
    match (table, schema.mode) {
        ("members", Mode::Member) => {
            format!("({own} OR {row}.user_id = current_setting('app.user', true)) IS TRUE")
        }
        _ => own,
    }
}

pub(crate) const TABLES: [&str; 4] = ["docs", "items", "members", "profiles"];

/// Statements that make what the attack needs, as a superuser: rows, a copy of them, and `adv.attack`, which tries
/// a statement, says what it did that nobody should, and takes it back.
pub(crate) fn prepare(schema: &Schema, app: &str) -> Vec<String> {
    let ty = schema.ty;
    let mut all = Vec::new();
    let mut values: Vec<Option<&str>> = tenants(ty).iter().copied().map(Some).collect();
    if schema.nullable {
        values.push(None);
    }
    let mut id = 0;
    let put = |sql: String| format!("DO $put$ BEGIN {sql}; EXCEPTION WHEN OTHERS THEN NULL; END $put$");
    for tenant in &values {
        for (status, owner, title, public) in [
            ("public", "'u1'", "'pa'", "true"),
            ("draft", "NULL", "NULL", "NULL"),
            ("draft", "'u2'", "'x'", "false"),
            ("open", "''", "'public'", "NULL"),
        ] {
            id += 1;
            let tenant = literal(*tenant, ty);
            let parent = if id % 3 == 0 { "NULL".to_owned() } else { (id - id % 3).max(1).to_string() };
            all.push(put(format!(
                "INSERT INTO public.docs VALUES ({id}, {tenant}, {owner}, '{status}', {title}, {public}, {parent})"
            )));
            if id % 2 == 0 {
                let note = ["'public'", "NULL", "'x'"][id % 3];
                let own = if schema.own_items { format!("{tenant}, ") } else { String::new() };
                all.push(put(format!("INSERT INTO public.items VALUES ({id}, {own}{id}, {note})")));
                all.push(put(format!("INSERT INTO public.items VALUES (100 + {id}, {own}{}, {note})", id - 1)));
            }
        }
    }
    for (number, (user, tenant, role, active)) in [
        ("u1", 0, "'admin'", "true"),
        ("u1", 1, "NULL", "false"),
        ("u2", 1, "'admin'", "NULL"),
        ("u2", 0, "'member'", "true"),
        ("", 0, "'admin'", "true"),
    ]
    .into_iter()
    .enumerate()
    {
        let tenant = literal(Some(tenants(ty)[tenant]), ty);
        // The second user is a member of the first tenant in some schemas alone.
        if number != 3 || schema.statements.len().is_multiple_of(2) {
            all.push(put(format!(
                "INSERT INTO public.members VALUES ({number}, {tenant}, '{user}', {role}, {active})"
            )));
        }
    }
    for (number, (user, tenant)) in
        [("u1", Some(0)), ("u2", Some(1)), ("u3", None), ("", Some(0))].into_iter().enumerate()
    {
        let tenant = literal(tenant.map(|at: usize| tenants(ty)[at]), ty);
        all.push(put(format!("INSERT INTO public.profiles VALUES ({number}, '{user}', {tenant})")));
    }
    all.push("DROP SCHEMA IF EXISTS adv CASCADE".to_owned());
    all.push("CREATE SCHEMA adv".to_owned());
    all.push(format!("GRANT USAGE ON SCHEMA adv TO {app}"));
    let mut measures = Vec::new();
    for table in TABLES {
        all.push(format!("CREATE TABLE adv.{table} AS SELECT * FROM public.{table}"));
        let before = own(schema, table, "b", "adv.docs");
        let after = own(schema, table, "n", "public.docs");
        let now = format!("SELECT * FROM public.{table}");
        let is = |kind: &str| format!("SELECT '{table} {kind} ' ||");
        measures.push(format!(
            "{} b.id::text FROM adv.{table} b JOIN adv.seen s ON s.name = '{table}' AND s.id = b.id WHERE NOT {}",
            is("read"),
            readable(schema, table, "b")
        ));
        measures.push(format!(
            "{} b.id::text FROM adv.{table} b WHERE NOT {before} AND NOT EXISTS (SELECT FROM public.{table} n WHERE n.id = b.id)",
            is("delete")
        ));
        measures.push(format!(
            "{} b.id::text FROM adv.{table} b JOIN ({now}) n ON n.id = b.id WHERE NOT {before} AND n IS DISTINCT FROM b::text::public.{table}",
            is("update")
        ));
        measures.push(format!(
            "{} b.id::text FROM adv.{table} b JOIN ({now}) n ON n.id = b.id WHERE {before} AND NOT {after} AND n IS DISTINCT FROM b::text::public.{table}",
            is("moves")
        ));
        measures.push(format!(
            "{} n.id::text FROM ({now}) n WHERE NOT {after} AND NOT EXISTS (SELECT FROM adv.{table} b WHERE b.id = n.id)",
            is("create")
        ));
    }
    all.push("CREATE TABLE adv.seen (name text, id int)".to_owned());
    all.push(format!("GRANT INSERT ON adv.seen TO {app}"));
    all.push(format!(
        "CREATE FUNCTION adv.found() RETURNS text LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $found$ BEGIN \
         RETURN (SELECT string_agg(f, ',') FROM ({}) AS all_of(f)); END $found$",
        measures.join(" UNION ALL ")
    ));
    all.push(
        "CREATE FUNCTION adv.attack(act text) RETURNS text LANGUAGE plpgsql VOLATILE AS $attack$ \
         DECLARE found text; touched bigint; BEGIN \
           BEGIN \
             EXECUTE act; \
             GET DIAGNOSTICS touched = ROW_COUNT; \
             IF touched = 0 THEN RETURN NULL; END IF; \
             found := adv.found(); \
             RAISE EXCEPTION USING ERRCODE = 'ADV01', MESSAGE = coalesce(found, 'nothing'); \
           EXCEPTION WHEN SQLSTATE 'ADV01' THEN RETURN nullif(SQLERRM, 'nothing'); \
             WHEN OTHERS THEN RETURN 'refused'; \
           END; \
         END $attack$"
            .to_owned(),
    );
    all
}

/// What a session tries: what it is done through, and the statement, each by itself.
pub(crate) fn acts(schema: &Schema) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    for name in ["docs", "items", "members", "profiles", "shown"] {
        if name != "shown" || schema.view {
            all.extend(through(schema, name).into_iter().map(|act| (name, act)));
        }
    }
    all
}

fn through(schema: &Schema, name: &'static str) -> Vec<String> {
    let ty = schema.ty;
    let mut values: Vec<String> = tenants(ty).iter().map(|value| literal(Some(value), ty)).collect();
    values.push(format!("NULL::{ty}"));
    let mut all = Vec::new();
    let table = if name == "shown" { "docs" } else { name };
    let seen = format!("INSERT INTO adv.seen SELECT '{table}',");
    let column = if table == "docs" {
        "title"
    } else if table == "items" {
        "note"
    } else {
        "tenant_id"
    };
    let hit = if column == "tenant_id" { format!("tenant_id = {}", values[1]) } else { format!("{column} = 'hit'") };
    all.push(format!("{seen} id FROM {name}"));
    all.push(format!("{seen} x.id FROM (SELECT id FROM {name} FOR UPDATE) x"));
    all.push(format!("{seen} x.id FROM (SELECT id FROM {name} FOR SHARE) x"));
    all.push(format!("{seen} n.id FROM {name} n LEFT JOIN members m ON m.tenant_id IS NOT NULL"));
    all.push(format!("DELETE FROM {name}"));
    all.push(format!("WITH gone AS (DELETE FROM {name} RETURNING id) {seen} id FROM gone"));
    all.push(format!("DELETE FROM {name} USING docs d"));
    all.push(format!("UPDATE {name} SET {hit}"));
    all.push(format!("UPDATE {name} n SET {hit} FROM docs d"));
    all.push(format!("WITH hit AS (UPDATE {name} SET {hit} RETURNING id) {seen} id FROM hit"));
    all.push(format!(
        "MERGE INTO {name} n USING (SELECT generate_series(1, 40) AS id) v ON v.id = n.id WHEN MATCHED THEN UPDATE SET {hit}"
    ));
    all.push(format!(
        "MERGE INTO {name} n USING (SELECT generate_series(1, 40) AS id) v ON v.id = n.id WHEN MATCHED THEN DELETE"
    ));
    let has_tenant = table != "items" || schema.own_items;
    for tenant in &values {
        if has_tenant {
            all.push(format!("UPDATE {name} SET tenant_id = {tenant}"));
            for id in [1, 2, 3, 4, 6, 8] {
                all.push(format!("UPDATE {name} SET tenant_id = {tenant} WHERE id = {id}"));
            }
        }
        for row in rows(schema, table, tenant) {
            all.push(format!("INSERT INTO {name} VALUES ({row})"));
            all.push(format!("WITH made AS (INSERT INTO {name} VALUES ({row}) RETURNING id) {seen} id FROM made"));
            all.push(format!(
                "MERGE INTO {name} n USING (SELECT 1) v ON false WHEN NOT MATCHED THEN INSERT VALUES ({row})"
            ));
            // Another row with a number that is taken would be taken for that row.
            let again = if schema.keyed && table != "members" && table != "profiles" {
                row.replacen("900", "2", 1)
            } else {
                row.clone()
            };
            all.push(format!("INSERT INTO {name} VALUES ({again}) ON CONFLICT DO NOTHING"));
            let key = match table {
                "members" => "tenant_id, user_id",
                "profiles" => "user_id",
                _ => "id",
            };
            all.push(format!("INSERT INTO {name} VALUES ({again}) ON CONFLICT ({key}) DO UPDATE SET {hit}"));
            if has_tenant {
                all.push(format!(
                    "INSERT INTO {name} VALUES ({again}) ON CONFLICT ({key}) DO UPDATE SET tenant_id = excluded.tenant_id"
                ));
            }
        }
    }
    for id in [1, 2, 3, 4, 5, 6, 8, 12] {
        all.push(format!("DELETE FROM {name} WHERE id = {id}"));
        all.push(format!("UPDATE {name} SET {hit} WHERE id = {id}"));
        if table == "items" {
            all.push(format!("UPDATE items SET doc_id = {id}"));
            all.push(format!("UPDATE items SET doc_id = {id} WHERE id = 2"));
            all.push(format!("UPDATE items SET doc_id = {id} WHERE id = 6"));
        }
    }
    if table == "docs" {
        for set in
            ["status = 'public'", "title = NULL", "owner_id = current_setting('app.user', true)", "parent_id = 1"]
        {
            all.push(format!("UPDATE {name} SET {set}"));
        }
        all.push(format!("{seen} id FROM docs_public UNION ALL SELECT 'docs', id FROM docs_rest"));
    }
    all
}

/// New rows of a table.
fn rows(schema: &Schema, table: &str, tenant: &str) -> Vec<String> {
    match table {
        "docs" => vec![
            format!("900, {tenant}, NULL, 'public', 'pub', true, 1"),
            format!("900, {tenant}, current_setting('app.user', true), 'draft', NULL, NULL, NULL"),
            format!("900, {tenant}, '', 'open', 'x', false, 3"),
        ],
        "items" => [1, 2, 5, 9]
            .iter()
            .map(|doc| {
                let own = if schema.own_items { format!("{tenant}, ") } else { String::new() };
                format!("900, {own}{doc}, 'public'")
            })
            .collect(),
        "members" => vec![
            format!("900, {tenant}, current_setting('app.user', true), 'admin', true"),
            format!("900, {tenant}, 'u1', 'admin', true"),
            format!("900, {tenant}, 'u9', NULL, NULL"),
        ],
        _ => vec![format!("900, 'u9', {tenant}"), format!("900, current_setting('app.user', true), {tenant}")],
    }
}

/// Settings of the sessions that try: `None` is not set.
pub(crate) fn sessions(ty: &str) -> Vec<[(&'static str, Option<&'static str>); 5]> {
    let tenant = tenants(ty);
    let (first, second) = (tenant[0], tenant[1]);
    let of = |t, u, l, r, o| [("app.tenant", t), ("app.user", u), ("app.list", l), ("app.role", r), ("app.other", o)];
    vec![
        of(Some(first), Some("u1"), Some(first), None, None),
        of(None, None, None, None, None),
        of(Some(""), Some(""), Some(""), Some("admin"), Some("")),
        of(Some(second), Some("u2"), None, Some("admin"), Some(first)),
        of(None, Some("u1"), Some(second), None, Some(second)),
        of(Some(first), None, Some(""), Some(""), None),
        of(Some(second), Some("u3"), Some("zz"), None, Some("")),
    ]
}
