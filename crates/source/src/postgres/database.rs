//! Who may see which rows of a database, as its catalog says: for the prover, which judges row security that
//! nobody needs to have written with Tenantry. Twelve queries over `pg_catalog` in one snapshot; no rows are read.

use std::collections::HashMap;

use tenantry_policy::Type;
use tenantry_policy::database::{
    Database, DbCheck, DbColumn, DbCommand, DbForeignKey, DbGrant, DbPolicy, DbRole, DbSchema, Function, Relation,
    RelationKind,
};
use tokio_postgres::types::FromSql;
use tokio_postgres::{Client, Row};

use super::catalog::type_of;
use super::failure::Failure;
use super::flush::control;

const HERE: &str = "\
SELECT pg_catalog.current_database(), current_user::pg_catalog.text,
       EXISTS (SELECT FROM pg_catalog.pg_roles r
                WHERE NOT r.rolsuper AND NOT pg_catalog.starts_with(r.rolname::pg_catalog.text, 'pg_')
                  AND pg_catalog.has_database_privilege(r.oid, pg_catalog.current_database(), 'TEMP')),
       pg_catalog.current_setting('server_version_num')::pg_catalog.int4
";

const ROLES: &str = "\
SELECT r.rolname, r.rolsuper, r.rolbypassrls, r.rolcanlogin, r.rolreplication, r.rolcreaterole
  FROM pg_catalog.pg_roles r WHERE NOT pg_catalog.starts_with(r.rolname::pg_catalog.text, 'pg_')
    OR r.rolname IN ('pg_read_all_data', 'pg_write_all_data')
 ORDER BY r.rolname::pg_catalog.text COLLATE \"C\"
";

/// Who is a member of what, and whether with its rights at once. Before PostgreSQL 16 the member says so for all
/// of its memberships. That one may not SET ROLE is no fence for whoever has ADMIN, and is not looked at.
const MEMBERSHIPS: &str = "\
SELECT m.rolname, r.rolname,
       coalesce((pg_catalog.to_jsonb(a) ->> 'inherit_option')::pg_catalog.bool, m.rolinherit)
  FROM pg_catalog.pg_auth_members a
  JOIN pg_catalog.pg_roles m ON m.oid = a.member JOIN pg_catalog.pg_roles r ON r.oid = a.roleid
 WHERE NOT m.rolsuper
";

const SCHEMAS: &str = "\
SELECT n.nspname, pg_catalog.pg_get_userbyid(n.nspowner),
       ARRAY(SELECT CASE WHEN a.grantee = 0 THEN 'PUBLIC'
                         ELSE pg_catalog.pg_get_userbyid(a.grantee)::pg_catalog.text END
               FROM pg_catalog.aclexplode(coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) AS a
              WHERE a.privilege_type = 'USAGE')
  FROM pg_catalog.pg_namespace n
 WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
 ORDER BY n.nspname::pg_catalog.text COLLATE \"C\"
";

const RELATIONS: &str = "\
SELECT c.oid, n.nspname, c.relname, c.relkind::pg_catalog.text, pg_catalog.pg_get_userbyid(c.relowner),
       c.relrowsecurity, c.relforcerowsecurity,
       CASE WHEN c.reltuples >= 0 THEN c.reltuples::pg_catalog.int8 END,
       coalesce((SELECT o.option_value::pg_catalog.bool FROM pg_catalog.pg_options_to_table(c.reloptions) o
                  WHERE o.option_name = 'security_invoker'), false),
       CASE WHEN c.relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(c.oid) END,
       pn.nspname, p.relname,
       EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal)
         OR (c.relkind IN ('r', 'p') AND c.relhasrules),
       c.relkind = 'r' AND EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhparent = c.oid),
       c.relkind = 'v' AND pg_catalog.pg_relation_is_updatable(c.oid, true) & 28 <> 0,
       ARRAY(SELECT fn.nspname::pg_catalog.text || chr(10) || f.proname::pg_catalog.text
               FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc f ON f.oid = t.tgfoid
               JOIN pg_catalog.pg_namespace fn ON fn.oid = f.pronamespace
              WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled <> 'D'),
       EXISTS (SELECT FROM pg_catalog.pg_rewrite w
                WHERE w.ev_class = c.oid AND w.rulename <> '_RETURN' AND w.ev_enabled <> 'D'),
       EXISTS (SELECT FROM pg_catalog.pg_options_to_table(c.reloptions) o WHERE o.option_name = 'check_option'),
       CASE WHEN c.relispartition THEN pg_catalog.pg_get_partition_constraintdef(c.oid) END
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid AND i.inhseqno = 1
  LEFT JOIN pg_catalog.pg_class p ON p.oid = i.inhparent
  LEFT JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
   AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                      AND d.objid = c.oid AND d.deptype = 'e')
 ORDER BY n.nspname::pg_catalog.text COLLATE \"C\", c.relname::pg_catalog.text COLLATE \"C\"
";

/// That a domain is NOT NULL is not relied on: a subselect that finds nothing gives its column a NULL. Nor is a NOT NULL
/// that was never validated (PostgreSQL 18).
const COLUMNS: &str = "\
WITH RECURSIVE domain(oid, base, typmod) AS (
  SELECT t.oid, t.typbasetype, t.typtypmod FROM pg_catalog.pg_type t WHERE t.typtype = 'd'
  UNION ALL
  SELECT d.oid, t.typbasetype, CASE WHEN t.typtypmod >= 0 THEN t.typtypmod ELSE d.typmod END
    FROM domain d JOIN pg_catalog.pg_type t ON t.oid = d.base WHERE t.typtype = 'd'
), heir(root, oid) AS (
  SELECT i.inhparent, i.inhrelid FROM pg_catalog.pg_inherits i
  UNION
  SELECT h.root, i.inhrelid FROM pg_catalog.pg_inherits i JOIN heir h ON i.inhparent = h.oid
), loose(root, name) AS (
  SELECT DISTINCT h.root, x.attname FROM heir h JOIN pg_catalog.pg_attribute x ON x.attrelid = h.oid
   WHERE NOT x.attnotnull AND x.attnum > 0
)
SELECT a.attrelid, a.attnum, a.attname, tn.nspname, t.typname, pg_catalog.format_type(a.atttypid, a.atttypmod),
       NOT a.attnotnull OR EXISTS (SELECT FROM pg_catalog.pg_constraint f
         WHERE f.contype = 'n' AND f.conrelid = a.attrelid AND f.conkey[1] = a.attnum AND NOT f.convalidated)
         OR l.root IS NOT NULL,
       a.atthasdef OR a.attidentity <> '', a.attgenerated <> '',
       ARRAY(SELECT e.enumlabel::pg_catalog.text FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid
              ORDER BY e.enumsortorder),
       CASE WHEN t.typname = 'varchar' THEN CASE WHEN d.oid IS NULL THEN a.atttypmod ELSE d.typmod END END,
       NOT coalesce(co.collisdeterministic, true) OR t.typname IN ('bpchar', 'citext')
  FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  LEFT JOIN domain d ON d.oid = a.atttypid
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_type u WHERE u.oid = d.base AND u.typtype = 'd')
  JOIN pg_catalog.pg_type t ON t.oid = coalesce(d.base, a.atttypid)
  JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace
  LEFT JOIN pg_catalog.pg_collation co ON co.oid = a.attcollation
  LEFT JOIN loose l ON l.root = a.attrelid AND l.name = a.attname
 WHERE a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attrelid, a.attnum
";

const KEYS: &str = "\
SELECT i.indrelid, (i.indkey::pg_catalog.int2[])[0:i.indnkeyatts - 1]
  FROM pg_catalog.pg_index i
 WHERE i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
 ORDER BY i.indrelid, i.indisprimary DESC, i.indexrelid
";

const CONSTRAINTS: &str = "\
SELECT f.conrelid, f.conname, f.contype::pg_catalog.text, f.conkey, n.nspname, c.relname,
       ARRAY(SELECT a.attname::pg_catalog.text
               FROM pg_catalog.unnest(f.confkey) WITH ORDINALITY AS k(attnum, place)
               JOIN pg_catalog.pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.attnum
              ORDER BY k.place),
       CASE WHEN f.contype = 'c' AND f.convalidated AND NOT f.connoinherit
            THEN pg_catalog.pg_get_expr(f.conbin, f.conrelid) END,
       f.convalidated AND NOT f.condeferrable
         AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgconstraint = f.oid AND t.tgenabled IN ('D', 'R')),
       f.confdeltype IN ('c', 'n', 'd'), f.confupdtype IN ('c', 'n', 'd')
  FROM pg_catalog.pg_constraint f
  LEFT JOIN pg_catalog.pg_class c ON c.oid = f.confrelid
  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE f.contype IN ('f', 'c') AND f.conrelid <> 0
 ORDER BY f.conrelid, f.conname::pg_catalog.text COLLATE \"C\"
";

const POLICIES: &str = "\
SELECT p.polrelid, p.polname, p.polpermissive, p.polcmd::pg_catalog.text,
       ARRAY(SELECT CASE WHEN r.id = 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(r.id)::pg_catalog.text END
               FROM pg_catalog.unnest(p.polroles) AS r(id)),
       pg_catalog.pg_get_expr(p.polqual, p.polrelid), pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)
  FROM pg_catalog.pg_policy p
 ORDER BY p.polrelid, p.polname::pg_catalog.text COLLATE \"C\"
";

const GRANTS: &str = "\
SELECT g.oid, CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(g.grantee)::pg_catalog.text END,
       g.privilege, g.attnum
  FROM (SELECT c.oid, a.grantee, a.privilege_type, NULL::pg_catalog.int2
          FROM pg_catalog.pg_class c
         CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner))) AS a
         WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
        UNION ALL
        SELECT t.attrelid, a.grantee, a.privilege_type, t.attnum
          FROM pg_catalog.pg_attribute t
         CROSS JOIN LATERAL pg_catalog.aclexplode(t.attacl) AS a
         WHERE t.attacl IS NOT NULL AND t.attnum > 0 AND NOT t.attisdropped) AS g(oid, grantee, privilege, attnum)
 ORDER BY 1, 2, 3, 4
";

const FUNCTIONS: &str = "\
SELECT n.nspname, p.proname, pg_catalog.pg_get_userbyid(p.proowner), p.prosecdef, l.lanname, p.prosrc,
       pg_catalog.pg_get_function_sqlbody(p.oid), p.proisstrict, p.proretset,
       pg_catalog.format_type(p.prorettype, NULL), rn.nspname, rt.typname,
       ARRAY(SELECT coalesce(p.proargnames[k.place], '')
               FROM pg_catalog.unnest(p.proargtypes::pg_catalog.oid[]) WITH ORDINALITY AS k(oid, place)
              ORDER BY k.place),
       ARRAY(SELECT CASE WHEN t.typtype = 'e' THEN 'text' WHEN tn.nspname = 'pg_catalog' THEN t.typname::pg_catalog.text
                         ELSE '' END
               FROM pg_catalog.unnest(p.proargtypes::pg_catalog.oid[]) WITH ORDINALITY AS k(oid, place)
               JOIN pg_catalog.pg_type t ON t.oid = k.oid
               JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace
              ORDER BY k.place),
       p.pronargdefaults::pg_catalog.int4, coalesce(p.proconfig, '{}'),
       ARRAY(SELECT CASE WHEN a.grantee = 0 THEN 'PUBLIC'
                         ELSE pg_catalog.pg_get_userbyid(a.grantee)::pg_catalog.text END
               FROM pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) AS a
              WHERE a.privilege_type = 'EXECUTE'),
       p.provolatile = 'i'
  FROM pg_catalog.pg_proc p
  JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  JOIN pg_catalog.pg_language l ON l.oid = p.prolang
  JOIN pg_catalog.pg_type rt ON rt.oid = p.prorettype
  JOIN pg_catalog.pg_namespace rn ON rn.oid = rt.typnamespace
 WHERE p.prokind IN ('f', 'p')
   AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                      AND d.objid = p.oid AND d.deptype = 'e')
 ORDER BY n.nspname::pg_catalog.text COLLATE \"C\", p.proname::pg_catalog.text COLLATE \"C\", p.oid
";

/// Names alone: which arguments they take does not matter to whoever reads them in a body.
const OPERATORS: &str = "\
SELECT DISTINCT o.oprname::pg_catalog.text
  FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
 WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_operator'::pg_catalog.regclass
                      AND d.objid = o.oid AND d.deptype = 'e')
 ORDER BY 1
";

/// Reads the catalog.
///
/// # Errors
/// What the server says; the connection is in a transaction then and must be closed.
pub(super) async fn read(client: &Client) -> Result<Database, Failure> {
    control(client, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let here = query(client, HERE).await?;
    let (roles, memberships, schemas, relations, columns, keys) = tokio::try_join!(
        query(client, ROLES),
        query(client, MEMBERSHIPS),
        query(client, SCHEMAS),
        query(client, RELATIONS),
        query(client, COLUMNS),
        query(client, KEYS),
    )?;
    let (constraints, policies, grants, functions, operators) = tokio::try_join!(
        query(client, CONSTRAINTS),
        query(client, POLICIES),
        query(client, GRANTS),
        query(client, FUNCTIONS),
        query(client, OPERATORS),
    )?;
    control(client, "COMMIT").await?;

    let mut reading = Reading::default();
    if let Some(row) = here.first() {
        reading.database.name = get(row, 0)?;
        reading.database.reader = get(row, 1)?;
        reading.database.temporary = get(row, 2)?;
    }
    let (acts, mut becomes) = memberships_of(&memberships)?;
    if here.first().map(|row| get::<i32>(row, 3)).transpose()?.is_some_and(|version| version < 160_000) {
        creators(&roles, &mut becomes)?;
    }
    for row in &roles {
        let (name, superuser): (String, bool) = (get(row, 0)?, get(row, 1)?);
        let of = |edges: &Edges| if superuser { Vec::new() } else { reached(edges, &name) };
        reading.database.roles.push(DbRole {
            superuser,
            bypasses: get(row, 2)?,
            login: get(row, 3)?,
            replicates: get(row, 4)?,
            creates_roles: get(row, 5)?,
            acts_as: of(&acts),
            member_of: of(&becomes),
            name,
        });
    }
    for row in &schemas {
        reading.database.schemas.push(DbSchema { name: get(row, 0)?, owner: get(row, 1)?, used_by: get(row, 2)? });
    }
    relations.iter().try_for_each(|row| reading.relation(row))?;
    columns.iter().try_for_each(|row| reading.column(row))?;
    keys.iter().try_for_each(|row| reading.key(row))?;
    constraints.iter().try_for_each(|row| reading.constraint(row))?;
    policies.iter().try_for_each(|row| reading.policy(row))?;
    grants.iter().try_for_each(|row| reading.grant(row))?;
    for row in &operators {
        reading.database.operators.push(get(row, 0)?);
    }
    for row in &functions {
        reading.database.functions.push(function(row)?);
    }
    reading.database.relations.iter_mut().filter(|relation| relation.heirs).for_each(with_heirs);
    Ok(reading.database)
}

async fn query(client: &Client, sql: &str) -> Result<Vec<Row>, Failure> {
    client.query(sql, &[]).await.map_err(|error| Failure::of(&error))
}

fn get<'a, T: FromSql<'a>>(row: &'a Row, at: usize) -> Result<T, Failure> {
    row.try_get(at).map_err(|_| Failure::Internal)
}

/// The roles that each role is a direct member of.
type Edges = HashMap<String, Vec<String>>;

/// Memberships that give rights at once, and those by which a role may become another.
fn memberships_of(rows: &[Row]) -> Result<(Edges, Edges), Failure> {
    let (mut acts, mut becomes) = (Edges::new(), Edges::new());
    for row in rows {
        let (member, role): (String, String) = (get(row, 0)?, get(row, 1)?);
        if get(row, 2)? {
            acts.entry(member.clone()).or_default().push(role.clone());
        }
        becomes.entry(member).or_default().push(role);
    }
    Ok((acts, becomes))
}

/// Before PostgreSQL 16 whoever has CREATEROLE may make itself a member of everything but a superuser. Since then it
/// takes ADMIN, which is a membership.
fn creators(roles: &[Row], becomes: &mut Edges) -> Result<(), Failure> {
    let mut all: Vec<String> = PREDEFINED.iter().map(|name| (*name).to_owned()).collect();
    let mut creators: Vec<String> = Vec::new();
    for row in roles {
        let (name, superuser, creates): (String, bool, bool) = (get(row, 0)?, get(row, 1)?, get(row, 5)?);
        if superuser {
            continue;
        }
        if creates {
            creators.push(name.clone());
        }
        all.push(name);
    }
    for creator in creators {
        let others = all.iter().filter(|name| **name != creator).cloned();
        becomes.entry(creator.clone()).or_default().extend(others);
    }
    Ok(())
}

/// Predefined roles that have something to do with rows.
const PREDEFINED: [&str; 5] = [
    "pg_execute_server_program",
    "pg_read_all_data",
    "pg_read_server_files",
    "pg_write_all_data",
    "pg_write_server_files",
];

/// A role and all that its memberships lead to.
fn reached(edges: &Edges, name: &str) -> Vec<String> {
    let mut all = vec![name.to_owned()];
    let mut at = 0;
    while at < all.len() {
        let next = all.get(at).and_then(|name| edges.get(name)).cloned().unwrap_or_default();
        for role in next {
            if !all.contains(&role) {
                all.push(role);
            }
        }
        at += 1;
    }
    all.sort_unstable();
    all
}

/// The database as it grows.
#[derive(Default)]
struct Reading {
    database: Database,
    /// Positions of the relations by their object identifier.
    by_oid: HashMap<u32, usize>,
    /// Positions of columns by relation and attribute number; dropped columns leave gaps.
    attributes: HashMap<(u32, i16), usize>,
}

impl Reading {
    fn of(&mut self, oid: u32) -> Option<&mut Relation> {
        self.by_oid.get(&oid).and_then(|at| self.database.relations.get_mut(*at))
    }

    fn relation(&mut self, row: &Row) -> Result<(), Failure> {
        // Heirs of several parents: the first one counts.
        let oid = get(row, 0)?;
        if self.by_oid.contains_key(&oid) {
            return Ok(());
        }
        self.by_oid.insert(oid, self.database.relations.len());
        let kind: &str = get(row, 3)?;
        let parent: (Option<String>, Option<String>) = (get(row, 10)?, get(row, 11)?);
        self.database.relations.push(Relation {
            schema: get(row, 1)?,
            name: get(row, 2)?,
            kind: match kind {
                "p" => RelationKind::Partitioned,
                "v" => RelationKind::View,
                "m" => RelationKind::Materialized,
                "f" => RelationKind::Foreign,
                _ => RelationKind::Table,
            },
            owner: get(row, 4)?,
            secured: get(row, 5)?,
            forced: get(row, 6)?,
            rows: get(row, 7)?,
            invoker: get(row, 8)?,
            definition: get(row, 9)?,
            parent: parent.0.zip(parent.1),
            triggers: get(row, 12)?,
            heirs: get(row, 13)?,
            writable: get(row, 14)?,
            fires: fires(get(row, 15)?),
            rules: get(row, 16)?,
            checked: get(row, 17)?,
            // What keeps rows out of a partition is as good as a CHECK.
            checks: get::<Option<String>>(row, 18)?
                .map(|text| DbCheck { name: "partition".to_owned(), text })
                .into_iter()
                .collect(),
            ..Relation::default()
        });
        Ok(())
    }

    fn column(&mut self, row: &Row) -> Result<(), Failure> {
        let (oid, number): (u32, i16) = (get(row, 0)?, get(row, 1)?);
        let Some(relation) = self.of(oid) else { return Ok(()) };
        let labels: Vec<String> = get(row, 9)?;
        let position = relation.columns.len();
        let modifier: Option<i32> = get(row, 10)?;
        relation.columns.push(DbColumn {
            name: get(row, 2)?,
            ty: if labels.is_empty() { type_of(get(row, 3)?, get(row, 4)?) } else { Some(Type::Text) },
            native: get(row, 5)?,
            nullable: get(row, 6)?,
            has_default: get(row, 7)?,
            generated: get(row, 8)?,
            longest: modifier.and_then(|modifier| usize::try_from(modifier.checked_sub(4)?).ok()),
            loose: get(row, 11)?,
            labels,
        });
        self.attributes.insert((oid, number), position);
        Ok(())
    }

    fn positions(&self, oid: u32, numbers: &[i16]) -> Option<Vec<usize>> {
        numbers.iter().map(|number| self.attributes.get(&(oid, *number)).copied()).collect()
    }

    fn key(&mut self, row: &Row) -> Result<(), Failure> {
        let oid: u32 = get(row, 0)?;
        let numbers: Vec<i16> = get(row, 1)?;
        let Some(positions) = self.positions(oid, &numbers) else { return Ok(()) };
        if let Some(relation) = self.of(oid)
            && !relation.keys.contains(&positions)
        {
            relation.keys.push(positions);
        }
        Ok(())
    }

    fn constraint(&mut self, row: &Row) -> Result<(), Failure> {
        let oid: u32 = get(row, 0)?;
        let name: String = get(row, 1)?;
        let kind: &str = get(row, 2)?;
        if kind == "c" {
            let text: Option<String> = get(row, 7)?;
            if let (Some(relation), Some(text)) = (self.of(oid), text) {
                relation.checks.push(DbCheck { name, text });
            }
            return Ok(());
        }
        let numbers: Vec<i16> = get(row, 3)?;
        let Some(columns) = self.positions(oid, &numbers) else { return Ok(()) };
        let to = (get(row, 4)?, get(row, 5)?);
        let (to_columns, enforced) = (get(row, 6)?, get(row, 8)?);
        let (follows_delete, follows_update) = (get(row, 9)?, get(row, 10)?);
        if let Some(relation) = self.of(oid) {
            relation.foreign_keys.push(DbForeignKey {
                name,
                columns,
                to,
                to_columns,
                follows_delete,
                follows_update,
                enforced,
            });
        }
        Ok(())
    }

    fn policy(&mut self, row: &Row) -> Result<(), Failure> {
        let command: &str = get(row, 3)?;
        let policy = DbPolicy {
            name: get(row, 1)?,
            permissive: get(row, 2)?,
            command: match command {
                "r" => DbCommand::Select,
                "a" => DbCommand::Insert,
                "w" => DbCommand::Update,
                "d" => DbCommand::Delete,
                _ => DbCommand::All,
            },
            roles: get(row, 4)?,
            using: get(row, 5)?,
            check: get(row, 6)?,
        };
        if let Some(relation) = self.of(get(row, 0)?) {
            relation.policies.push(policy);
        }
        Ok(())
    }

    fn grant(&mut self, row: &Row) -> Result<(), Failure> {
        let oid: u32 = get(row, 0)?;
        let number: Option<i16> = get(row, 3)?;
        let column = number.and_then(|number| self.attributes.get(&(oid, number)).copied());
        let grant = DbGrant { grantee: get(row, 1)?, privilege: get(row, 2)?, column };
        if let Some(relation) = self.of(oid) {
            relation.grants.push(grant);
        }
        Ok(())
    }
}

/// Schemas and names, each pair in one text.
fn fires(pairs: Vec<String>) -> Vec<(String, String)> {
    pairs.iter().filter_map(|pair| pair.split_once('\n')).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
}

/// Rows of heirs are read as the table's own, and need be neither unique nor refer to anything. Where they may be NULL,
/// the query of columns says so.
fn with_heirs(relation: &mut Relation) {
    relation.keys.clear();
    relation.foreign_keys.iter_mut().for_each(|key| key.enforced = false);
}

fn function(row: &Row) -> Result<Function, Failure> {
    let names: Vec<String> = get(row, 12)?;
    let types: Vec<String> = get(row, 13)?;
    let (schema, ty): (&str, &str) = (get(row, 10)?, get(row, 11)?);
    let defaults: i32 = get(row, 14)?;
    Ok(Function {
        schema: get(row, 0)?,
        name: get(row, 1)?,
        owner: get(row, 2)?,
        definer: get(row, 3)?,
        language: get(row, 4)?,
        source: get(row, 5)?,
        parsed: get(row, 6)?,
        strict: get(row, 7)?,
        returns_set: get(row, 8)?,
        returns: get(row, 9)?,
        ty: type_of(schema, ty),
        arguments: names.into_iter().zip(types.iter().map(|ty| type_of("pg_catalog", ty))).collect(),
        defaults: usize::try_from(defaults).unwrap_or(0),
        settings: get(row, 15)?,
        run_by: get(row, 16)?,
        immutable: get(row, 17)?,
    })
}
