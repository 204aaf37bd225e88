//! The statements of a snapshot. Every name is qualified, every type one that the driver knows by itself.

/// What begins the transaction.
pub(super) const BEGIN: &str = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY";

pub(super) const SERVER: &str = "\
SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4, pg_catalog.current_database()::pg_catalog.text,
       current_user::pg_catalog.text, r.rolsuper, pg_catalog.pg_is_in_recovery(),
       pg_catalog.current_setting('default_transaction_read_only') = 'on'
  FROM pg_catalog.pg_roles r WHERE r.rolname = current_user
";

/// `valid_until` that lies at infinity is none. Seconds since 1970 as a decimal are exact.
pub(super) const ROLES: &str = "\
SELECT r.oid, r.rolname::pg_catalog.text, r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin,
       r.rolreplication, r.rolbypassrls, r.rolconnlimit,
       CASE WHEN pg_catalog.isfinite(r.rolvaliduntil)
            THEN (EXTRACT(epoch FROM r.rolvaliduntil) * 1000000)::pg_catalog.int8 END,
       d.description
  FROM pg_catalog.pg_roles r
  LEFT JOIN pg_catalog.pg_shdescription d
         ON d.objoid = r.oid AND d.classoid = 'pg_catalog.pg_authid'::pg_catalog.regclass
";

/// Of roles, of databases, and of roles in databases.
pub(super) const SETTINGS: &str = "\
SELECT s.setrole, d.datname::pg_catalog.text, s.setconfig
  FROM pg_catalog.pg_db_role_setting s LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
";

/// The columns that came with version 16 are read through the row's JSON, so that one statement serves all.
pub(super) const MEMBERS: &str = "\
SELECT m.roleid, m.member, m.grantor, m.admin_option,
       (pg_catalog.to_jsonb(m) ->> 'inherit_option')::pg_catalog.bool,
       (pg_catalog.to_jsonb(m) ->> 'set_option')::pg_catalog.bool
  FROM pg_catalog.pg_auth_members m
";

/// Tables and what reads like one, and sequences.
pub(super) const RELATIONS: &str = "\
SELECT c.oid, n.nspname::pg_catalog.text, c.relname::pg_catalog.text, c.relkind::pg_catalog.text, c.relowner,
       c.relrowsecurity, c.relforcerowsecurity, c.reloptions, c.relacl IS NOT NULL, e.extname::pg_catalog.text,
       CASE WHEN c.relkind = 'S'
            THEN (SELECT s.refobjid FROM pg_catalog.pg_depend s
                   WHERE s.objid = c.oid AND s.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                     AND s.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND s.deptype IN ('a', 'i') LIMIT 1)
            ELSE (SELECT i.inhparent FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid ORDER BY i.inhseqno LIMIT 1)
       END
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN (pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid)
         ON d.objid = c.oid AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0
        AND d.deptype = 'e' AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
  LEFT JOIN pg_catalog.pg_init_privs i
         ON i.objoid = c.oid AND i.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND i.objsubid = 0
        AND i.privtype = 'i'
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
   AND n.nspname !~ '^pg_(toast|temp)'
   AND (n.nspname NOT IN ('pg_catalog', 'information_schema') OR c.relacl IS DISTINCT FROM i.initprivs)
";

pub(super) const COLUMNS: &str = "\
SELECT a.attrelid, pg_catalog.array_agg(a.attname::pg_catalog.text ORDER BY a.attnum),
       coalesce(pg_catalog.array_agg(a.attname::pg_catalog.text ORDER BY a.attnum) FILTER (WHERE a.attstattarget = 0), '{}')
  FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE a.attnum > 0 AND NOT a.attisdropped
   AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
 GROUP BY a.attrelid
";

/// What views read directly.
pub(super) const READS: &str = "\
SELECT DISTINCT r.ev_class, d.refobjid
  FROM pg_catalog.pg_rewrite r
  JOIN pg_catalog.pg_class c ON c.oid = r.ev_class AND c.relkind IN ('v', 'm')
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  JOIN pg_catalog.pg_depend d ON d.objid = r.oid AND d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
        AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> r.ev_class
 WHERE r.rulename = '_RETURN'
";

/// The types of arguments travel as three arrays: schema, name of the type or of its element, is it an array.
pub(super) const ROUTINES: &str = "\
SELECT p.oid, n.nspname::pg_catalog.text, p.proname::pg_catalog.text, p.prokind::pg_catalog.text, p.proowner,
       p.prosecdef, p.proleakproof, p.proconfig, l.lanname::pg_catalog.text,
       p.prorettype IN ('pg_catalog.trigger'::pg_catalog.regtype, 'pg_catalog.event_trigger'::pg_catalog.regtype),
       p.proacl IS NOT NULL, e.extname::pg_catalog.text, a.schemas, a.names, a.arrays
  FROM pg_catalog.pg_proc p
  JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  JOIN pg_catalog.pg_language l ON l.oid = p.prolang
  LEFT JOIN (pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid)
         ON d.objid = p.oid AND d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.deptype = 'e'
        AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
  LEFT JOIN pg_catalog.pg_init_privs i
         ON i.objoid = p.oid AND i.classoid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND i.privtype = 'i'
 CROSS JOIN LATERAL (
       SELECT coalesce(pg_catalog.array_agg(tn.nspname::pg_catalog.text ORDER BY g.place), '{}') AS schemas,
              coalesce(pg_catalog.array_agg(coalesce(el.typname, t.typname)::pg_catalog.text ORDER BY g.place), '{}')
                AS names,
              coalesce(pg_catalog.array_agg(el.oid IS NOT NULL ORDER BY g.place), '{}') AS arrays
         FROM pg_catalog.unnest(p.proargtypes) WITH ORDINALITY AS g(type, place)
         JOIN pg_catalog.pg_type t ON t.oid = g.type
         LEFT JOIN pg_catalog.pg_type el ON el.typarray = t.oid AND t.typelem = el.oid
         JOIN pg_catalog.pg_namespace tn ON tn.oid = coalesce(el.typnamespace, t.typnamespace)) a
 WHERE n.nspname !~ '^pg_temp'
   AND (n.nspname NOT IN ('pg_catalog', 'information_schema') OR p.proacl IS DISTINCT FROM i.initprivs)
";

/// Everything that is but a name, an owner and its rights. `one` and `two` are what only a kind has.
pub(super) const OTHERS: &str = "\
SELECT o.kind, o.oid, o.schema, o.name, o.owner, o.changed, e.extname::pg_catalog.text, o.number, o.flag, o.other
  FROM (SELECT 'database' AS kind, d.oid, NULL::pg_catalog.text AS schema, d.datname::pg_catalog.text AS name,
               d.datdba AS owner, d.datacl IS NOT NULL AS changed, 0::pg_catalog.oid AS class,
               d.datconnlimit AS number, d.datallowconn AS flag, d.datistemplate AS other
          FROM pg_catalog.pg_database d
        UNION ALL
        SELECT 'schema', n.oid, NULL, n.nspname, n.nspowner, n.nspacl IS NOT NULL,
               'pg_catalog.pg_namespace'::pg_catalog.regclass, NULL, NULL, NULL
          FROM pg_catalog.pg_namespace n
          LEFT JOIN pg_catalog.pg_init_privs i ON i.objoid = n.oid AND i.privtype = 'i'
                AND i.classoid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
         WHERE n.nspname !~ '^pg_(toast|temp)'
           AND (n.nspname NOT IN ('pg_catalog', 'information_schema') OR n.nspacl IS DISTINCT FROM i.initprivs)
        UNION ALL
        SELECT 'type', t.oid, n.nspname, t.typname, t.typowner, t.typacl IS NOT NULL,
               'pg_catalog.pg_type'::pg_catalog.regclass, NULL, NULL, NULL
          FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
          LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
         WHERE t.typtype IN ('b', 'c', 'd', 'e', 'r')
           AND (t.typelem = 0 OR t.typsubscript <> 'pg_catalog.array_subscript_handler'::pg_catalog.regproc)
           AND (t.typtype <> 'c' OR c.relkind = 'c')
           AND n.nspname !~ '^pg_(toast|temp)'
           AND (n.nspname NOT IN ('pg_catalog', 'information_schema') OR t.typacl IS NOT NULL)
        UNION ALL
        SELECT 'language', l.oid, NULL, l.lanname, l.lanowner, l.lanacl IS NOT NULL,
               'pg_catalog.pg_language'::pg_catalog.regclass, NULL, l.lanpltrusted, NULL
          FROM pg_catalog.pg_language l WHERE l.lanispl
        UNION ALL
        SELECT 'fdw', f.oid, NULL, f.fdwname, f.fdwowner, f.fdwacl IS NOT NULL,
               'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass, NULL, NULL, NULL
          FROM pg_catalog.pg_foreign_data_wrapper f
        UNION ALL
        SELECT 'server', s.oid, NULL, s.srvname, s.srvowner, s.srvacl IS NOT NULL,
               'pg_catalog.pg_foreign_server'::pg_catalog.regclass, NULL, NULL, NULL
          FROM pg_catalog.pg_foreign_server s
        UNION ALL
        SELECT 'large object', m.oid, NULL, m.oid::pg_catalog.text, m.lomowner, m.lomacl IS NOT NULL, 0, NULL, NULL, NULL
          FROM pg_catalog.pg_largeobject_metadata m
        UNION ALL
        SELECT 'parameter', p.oid, NULL, p.parname, 0, true, 0, NULL, NULL, NULL FROM pg_catalog.pg_parameter_acl p
        UNION ALL
        SELECT 'tablespace', t.oid, NULL, t.spcname, t.spcowner, t.spcacl IS NOT NULL, 0, NULL, NULL, NULL
          FROM pg_catalog.pg_tablespace t) o
  LEFT JOIN (pg_catalog.pg_depend x JOIN pg_catalog.pg_extension e ON e.oid = x.refobjid)
         ON x.objid = o.oid AND x.classid = o.class AND o.class <> 0 AND x.deptype = 'e'
        AND x.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
";

/// The rights on everything, PostgreSQL's defaults filled in. `aclexplode` unpacks a long list again for each of
/// its rows, which takes ten times as long; a slice of the list is unpacked already.
pub(super) const RIGHTS: &str = "\
SELECT o.kind, o.oid, o.sub, a.grantor, a.grantee, a.privilege_type, a.is_grantable
  FROM (SELECT CASE WHEN c.relkind = 'S' THEN 's' ELSE 'r' END AS kind, c.oid, 0 AS sub,
               coalesce(c.relacl, pg_catalog.acldefault(CASE WHEN c.relkind = 'S' THEN 's' ELSE 'r' END::pg_catalog.\"char\",
                                                        c.relowner)) AS acl
          FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
           AND (c.oid >= 16384 OR c.relacl IS NOT NULL)
        UNION ALL
        SELECT 'c', t.attrelid, t.attnum, t.attacl FROM pg_catalog.pg_attribute t
         WHERE t.attacl IS NOT NULL AND t.attnum > 0 AND NOT t.attisdropped
        UNION ALL
        SELECT 'f', p.oid, 0, coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner)) FROM pg_catalog.pg_proc p
         WHERE p.oid >= 16384 OR p.proacl IS NOT NULL
        UNION ALL
        SELECT 'd', d.oid, 0, coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba)) FROM pg_catalog.pg_database d
        UNION ALL
        SELECT 'n', n.oid, 0, coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner)) FROM pg_catalog.pg_namespace n
        UNION ALL
        SELECT 'T', t.oid, 0, coalesce(t.typacl, pg_catalog.acldefault('T', t.typowner)) FROM pg_catalog.pg_type t
         WHERE t.oid >= 16384 OR t.typacl IS NOT NULL
        UNION ALL
        SELECT 'l', l.oid, 0, coalesce(l.lanacl, pg_catalog.acldefault('l', l.lanowner)) FROM pg_catalog.pg_language l
         WHERE l.lanispl
        UNION ALL
        SELECT 'F', f.oid, 0, coalesce(f.fdwacl, pg_catalog.acldefault('F', f.fdwowner))
          FROM pg_catalog.pg_foreign_data_wrapper f
        UNION ALL
        SELECT 'S', s.oid, 0, coalesce(s.srvacl, pg_catalog.acldefault('S', s.srvowner))
          FROM pg_catalog.pg_foreign_server s
        UNION ALL
        SELECT 'L', m.oid, 0, coalesce(m.lomacl, pg_catalog.acldefault('L', m.lomowner))
          FROM pg_catalog.pg_largeobject_metadata m
        UNION ALL
        SELECT 'p', p.oid, 0, p.paracl FROM pg_catalog.pg_parameter_acl p
        UNION ALL
        SELECT 't', t.oid, 0, coalesce(t.spcacl, pg_catalog.acldefault('t', t.spcowner))
          FROM pg_catalog.pg_tablespace t) o
 CROSS JOIN LATERAL pg_catalog.aclexplode(CASE WHEN pg_catalog.cardinality(o.acl) > 0 THEN o.acl[:] END) a
";

/// The names of columns with rights of their own.
pub(super) const NUMBERED: &str = "\
SELECT a.attrelid, a.attnum::pg_catalog.int4, a.attname::pg_catalog.text
  FROM pg_catalog.pg_attribute a WHERE a.attacl IS NOT NULL AND a.attnum > 0 AND NOT a.attisdropped
";

pub(super) const POLICIES: &str = "\
SELECT p.polrelid, p.polname::pg_catalog.text, p.polpermissive, p.polcmd::pg_catalog.text, p.polroles,
       pg_catalog.pg_get_expr(p.polqual, p.polrelid), pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid), d.description
  FROM pg_catalog.pg_policy p
  LEFT JOIN pg_catalog.pg_description d
         ON d.objoid = p.oid AND d.classoid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND d.objsubid = 0
";

pub(super) const DEFAULTS: &str = "\
SELECT d.oid, d.defaclrole, n.nspname::pg_catalog.text, d.defaclobjtype::pg_catalog.text, a.grantor, a.grantee,
       a.privilege_type, a.is_grantable
  FROM pg_catalog.pg_default_acl d
  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace
  LEFT JOIN LATERAL pg_catalog.aclexplode(d.defaclacl) a ON true
";

pub(super) const EXTENSIONS: &str = "\
SELECT e.extname::pg_catalog.text, e.extversion, n.nspname::pg_catalog.text, e.extowner
  FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
";

/// Owners, rights and policies of other databases. What the whole cluster shares stands in the snapshot itself.
pub(super) const ELSEWHERE: &str = "\
SELECT s.refobjid, s.dbid, pg_catalog.count(*) FILTER (WHERE s.deptype = 'o'),
       pg_catalog.count(*) FILTER (WHERE s.deptype <> 'o')
  FROM pg_catalog.pg_shdepend s
 WHERE s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND s.dbid <> 0
   AND s.dbid <> (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
 GROUP BY s.refobjid, s.dbid
";

/// What SQL seats rest on, in words; and may its rows be read?
pub(super) const SEATS: &str = "\
SELECT 'table',
       pg_catalog.concat_ws('; ',
         pg_catalog.concat_ws(', ', CASE WHEN c.relkind = 'r' AND c.relpersistence = 'p' THEN 'table' ELSE 'no plain table' END,
           (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' ', a.attname,
                                           pg_catalog.format_type(a.atttypid, a.atttypmod),
                                           CASE WHEN a.attnotnull THEN 'not null' END,
                                           CASE WHEN a.atthasdef THEN 'default' END), ', ' ORDER BY a.attnum)
              FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)),
         (SELECT pg_catalog.string_agg(pg_catalog.pg_get_constraintdef(k.oid), '; ' ORDER BY k.conname)
            FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid AND k.contype <> 'n'),
         CASE WHEN c.relforcerowsecurity THEN 'row security on the owner too' WHEN c.relrowsecurity THEN 'row security' END,
         CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid) THEN 'policies' END,
         CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid) THEN 'triggers' END,
         CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid) THEN 'rules' END,
         CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE c.oid IN (i.inhparent, i.inhrelid)) THEN 'inherits' END),
       pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'tenantry' AND c.relname = 'seat'
UNION ALL
SELECT 'function',
       pg_catalog.concat_ws(', ', pg_catalog.format_type(p.prorettype, NULL), l.lanname,
         CASE p.provolatile WHEN 's' THEN 'stable' WHEN 'i' THEN 'immutable' ELSE 'volatile' END,
         CASE WHEN p.prosecdef THEN 'security definer' END, CASE WHEN p.proretset THEN 'a set' END,
         CASE WHEN p.proleakproof THEN 'leakproof' END, CASE WHEN p.prosqlbody IS NOT NULL THEN 'parsed' END,
         pg_catalog.replace(pg_catalog.array_to_string(p.proconfig, '; '), '\"', '')) || ': ' || p.prosrc, false
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  JOIN pg_catalog.pg_language l ON l.oid = p.prolang
 WHERE n.nspname = 'tenantry' AND p.proname = 'seat_tenant' AND p.pronargs = 0
";

/// Whose each seat is. Only where [`SEATS`] says that there is such a table.
pub(super) const SEATED: &str = "SELECT s.role::pg_catalog.text, s.tenant FROM tenantry.seat s";
