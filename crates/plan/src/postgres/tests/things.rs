//! Things of every kind, what hands do with them, and files about them: by chance, from a seed.

use std::fmt::Write as _;

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::World;

/// Names of roles; `{p}` is the world's prefix.
pub(super) const ROLES: [&str; 4] = ["{p}_r0", "{p}_r1", "{p} r2 \"Ü'; --", "{p}.r3"];

/// A thing: how the file spells it, how GRANT does, how ALTER … OWNER does, and what rights there are on it.
#[derive(Clone, Copy)]
pub(super) struct Thing {
    spelling: &'static str,
    grant: &'static str,
    owner: &'static str,
    rights: &'static [&'static str],
}

const TABLE: &[&str] = &["SELECT", "INSERT", "UPDATE", "REFERENCES", "DELETE", "TRUNCATE", "TRIGGER"];
const COLUMN: &[&str] = &["SELECT", "INSERT", "UPDATE", "REFERENCES"];
const COLUMNS: [&str; 2] = ["a", "b"];

/// An empty `owner` is a thing whose owner is nobody's to change here.
pub(super) const THINGS: [Thing; 15] = [
    Thing { spelling: "public.t0", grant: "t0", owner: "TABLE t0", rights: TABLE },
    Thing { spelling: "public.t1", grant: "t1", owner: "TABLE t1", rights: TABLE },
    Thing {
        spelling: "\"odd .schema\".\"t \"\"x\"",
        grant: "\"odd .schema\".\"t \"\"x\"",
        owner: "TABLE \"odd .schema\".\"t \"\"x\"",
        rights: TABLE,
    },
    Thing { spelling: "public.v", grant: "v", owner: "VIEW v", rights: TABLE },
    Thing {
        spelling: "sequence public.s",
        grant: "SEQUENCE s",
        owner: "SEQUENCE s",
        rights: &["USAGE", "SELECT", "UPDATE"],
    },
    Thing { spelling: "schema sales", grant: "SCHEMA sales", owner: "SCHEMA sales", rights: &["USAGE", "CREATE"] },
    Thing {
        spelling: "database {p}",
        grant: "DATABASE {p}",
        owner: "DATABASE {p}",
        rights: &["CONNECT", "CREATE", "TEMPORARY"],
    },
    Thing {
        spelling: "function public.f(integer, text[])",
        grant: "FUNCTION f(int, text[])",
        owner: "FUNCTION f(int, text[])",
        rights: &["EXECUTE"],
    },
    Thing { spelling: "type public.mood", grant: "TYPE mood", owner: "TYPE mood", rights: &["USAGE"] },
    Thing { spelling: "type public.email", grant: "TYPE email", owner: "DOMAIN email", rights: &["USAGE"] },
    Thing { spelling: "language plpgsql", grant: "LANGUAGE plpgsql", owner: "", rights: &["USAGE"] },
    Thing { spelling: "server {p}_s", grant: "FOREIGN SERVER {p}_s", owner: "", rights: &["USAGE"] },
    Thing { spelling: "fdw {p}_w", grant: "FOREIGN DATA WRAPPER {p}_w", owner: "", rights: &["USAGE"] },
    Thing {
        spelling: "large object 815",
        grant: "LARGE OBJECT 815",
        owner: "LARGE OBJECT 815",
        rights: &["SELECT", "UPDATE"],
    },
    Thing { spelling: "parameter {p}.x", grant: "PARAMETER {p}.x", owner: "", rights: &["SET", "ALTER SYSTEM"] },
];

/// Makes roles and things.
pub(super) async fn make(world: &World) {
    for role in ROLES {
        world.sql(&format!("CREATE ROLE {}", name(role))).await;
    }
    world
        .sql(
            "CREATE SCHEMA sales; CREATE SCHEMA \"odd .schema\"; CREATE TABLE t0 (a int8, b text); CREATE TABLE t1 (a int8, b text); \
             CREATE TABLE \"odd .schema\".\"t \"\"x\" (a int8, b text); CREATE VIEW v AS SELECT 1::int8 AS a, 'x' AS b; CREATE SEQUENCE s; \
             CREATE FUNCTION f(int, VARIADIC text[]) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TYPE mood AS ENUM ('x'); \
             CREATE DOMAIN email AS text; CREATE FOREIGN DATA WRAPPER {p}_w; CREATE SERVER {p}_s FOREIGN DATA WRAPPER {p}_w; \
             SELECT lo_create(815)",
        )
        .await;
}

/// Takes away what the cluster would keep.
pub(super) async fn unmake(world: &World) {
    for role in ROLES {
        world.sql(&format!("DROP OWNED BY {} CASCADE", name(role))).await;
    }
    // A list that says what is so anyway is no list.
    world.sql("REVOKE ALL ON PARAMETER {p}.x FROM postgres, PUBLIC; GRANT ALL ON PARAMETER {p}.x TO postgres").await;
}

/// A name as SQL quotes it.
pub(super) fn name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as TOML quotes it.
fn toml(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A name as the file's spellings quote it.
fn spelt(role: &str) -> String {
    tenantry_policy::object::quote_name(role).into_owned()
}

fn one<T: Copy>(random: &mut ChaCha8Rng, list: &[T]) -> T {
    list[random.random_range(0..list.len())]
}

const KINDS: [(&str, &str, &[&str]); 6] = [
    ("tables", "TABLES", COLUMN),
    ("sequences", "SEQUENCES", &["USAGE", "SELECT"]),
    ("functions", "FUNCTIONS", &["EXECUTE"]),
    ("types", "TYPES", &["USAGE"]),
    ("schemas", "SCHEMAS", &["USAGE", "CREATE"]),
    ("large objects", "LARGE OBJECTS", &["SELECT", "UPDATE"]),
];

/// A statement that a hand may have run; those that the server refuses are as good.
pub(super) fn by_hand(random: &mut ChaCha8Rng) -> String {
    let (role, other) = (name(one(random, &ROLES)), name(one(random, &ROLES)));
    let thing = one(random, &THINGS);
    let (right, on) = (one(random, thing.rights), thing.grant);
    let (column, columns) = (one(random, &COLUMNS), one(random, COLUMN));
    let table = one(random, &["t0", "t1", "\"odd .schema\".\"t \"\"x\""]);
    let option = if random.random_bool(0.4) { " WITH GRANT OPTION" } else { "" };
    let (kind, kinds) = {
        let (_, kind, rights) = one(random, &KINDS);
        (kind, one(random, rights))
    };
    let inside =
        if random.random_bool(0.5) && !matches!(kind, "SCHEMAS" | "LARGE OBJECTS") { " IN SCHEMA sales" } else { "" };
    match random.random_range(0..22) {
        0..=2 => format!("GRANT {right} ON {on} TO {role}{option}"),
        3 => format!("GRANT {columns} ({column}) ON {table} TO {role}{option}"),
        4 => format!("SET ROLE {role}; GRANT {right} ON {on} TO {other}{option}; RESET ROLE"),
        5 => format!("SET ROLE {role}; GRANT {columns} ({column}) ON {table} TO {other}{option}; RESET ROLE"),
        6 => format!("REVOKE {right} ON {on} FROM {role} CASCADE"),
        7 => format!("REVOKE {right} ON {on} FROM PUBLIC CASCADE"),
        8 => format!("GRANT {right} ON {on} TO PUBLIC"),
        9 | 10 if thing.owner.is_empty() => format!("GRANT ALL ON {on} TO {role}"),
        9 | 10 => format!("ALTER {} OWNER TO {role}", thing.owner),
        11 => {
            let options = ["", " WITH ADMIN OPTION", " WITH INHERIT FALSE", " WITH SET FALSE, ADMIN TRUE"];
            format!("GRANT {role} TO {other}{}", one(random, &options))
        }
        12 => {
            let attributes =
                ["LOGIN", "CREATEDB", "NOINHERIT", "CONNECTION LIMIT 3", "VALID UNTIL '2031-02-03 04:05:06.5+02'"];
            format!("ALTER ROLE {role} {}", one(random, &attributes))
        }
        13 => {
            let settings =
                ["jit = 'on'", "work_mem = '1MB'", "search_path = \"$user\", \"odd .schema\"", "\"a.b\" = 'x''y'"];
            let place = one(random, &["", " IN DATABASE {p}"]);
            format!("ALTER ROLE {role}{place} SET {}", one(random, &settings))
        }
        14 => format!("COMMENT ON ROLE {role} IS 'it''s \"one\"\n\\ of \u{202e}them'"),
        15 | 16 => {
            format!("ALTER DEFAULT PRIVILEGES FOR ROLE {role}{inside} GRANT {kinds} ON {kind} TO {other}{option}")
        }
        17 => format!("ALTER DEFAULT PRIVILEGES FOR ROLE {role} REVOKE {kinds} ON {kind} FROM PUBLIC, {role}"),
        18 => format!(
            "ALTER TABLE {table} {} ROW LEVEL SECURITY",
            one(random, &["ENABLE", "FORCE", "DISABLE", "NO FORCE"])
        ),
        19 => {
            let command = [
                "FOR ALL TO {r} USING (a > 1 AND b = 'it''s')",
                "FOR SELECT USING (b = CURRENT_USER)",
                "FOR INSERT TO {r} WITH CHECK (a IN (SELECT a FROM public.t0))",
                "FOR UPDATE USING (true) WITH CHECK (a < 5)",
            ];
            let command = one(random, &command).replace("{r}", &role);
            let kind = one(random, &["PERMISSIVE", "RESTRICTIVE"]);
            format!("CREATE POLICY \"p{} x\" ON {table} AS {kind} {command}", random.random_range(0..3))
        }
        20 => format!(
            "ALTER DATABASE {{p}} {}",
            one(random, &["CONNECTION LIMIT 9", "SET work_mem = '3MB'", "SET jit = 'off'"])
        ),
        _ => format!("GRANT {} TO {role}", one(random, &["pg_read_all_stats", "pg_signal_backend"])),
    }
}

fn rights(random: &mut ChaCha8Rng, among: &[&str], options: bool) -> String {
    let mut list = Vec::new();
    for right in among {
        if random.random_bool(0.4) {
            let option = if options && random.random_bool(0.3) { " WITH GRANT OPTION" } else { "" };
            list.push(format!("\"{right}{option}\""));
        }
    }
    list.join(", ")
}

/// A file about the same things. `modern` servers know options of memberships, `newest` ones default privileges of
/// large objects.
pub(super) fn file(random: &mut ChaCha8Rng, major: u32) -> String {
    let mut text = String::new();
    for (at, role) in ROLES.iter().enumerate() {
        if random.random_bool(0.2) {
            continue;
        }
        let mode = one(random, &["managed", "adopted"]);
        writeln!(text, "[source.main.role.{}]\nmode = \"{mode}\"", toml(role)).unwrap();
        if random.random_bool(0.3) {
            writeln!(text, "login = {}", random.random_bool(0.5)).unwrap();
        }
        if random.random_bool(0.3) {
            writeln!(text, "settings = {{ work_mem = \"2MB\" }}\nsettings_in.{{p}} = {{ jit = \"off\" }}").unwrap();
        }
        if random.random_bool(0.2) {
            writeln!(text, "valid_until = \"2030-01-01T00:00:00Z\"\ncomment = \"one\"").unwrap();
        }
        // Only downwards, so that there is no circle.
        for group in &ROLES[at + 1..] {
            if random.random_bool(0.3) {
                let mut options = format!("admin = {}", random.random_bool(0.5));
                if major >= 16 && random.random_bool(0.5) {
                    write!(options, ", inherit = {}, set = {}", random.random_bool(0.5), random.random_bool(0.5))
                        .unwrap();
                }
                writeln!(text, "member_of.{} = {{ {options} }}", toml(group)).unwrap();
            }
        }
        for thing in &THINGS {
            if random.random_bool(0.4) {
                writeln!(text, "grants.{} = [{}]", toml(thing.spelling), rights(random, thing.rights, true)).unwrap();
            }
        }
        for (table, column) in
            [("public.t0", "a"), ("public.t0", "b"), ("public.t1", "a"), ("\"odd .schema\".\"t \"\"x\"", "b")]
        {
            if random.random_bool(0.3) {
                let key = toml(&format!("{table}({column})"));
                writeln!(text, "grants.{key} = [{}]", rights(random, COLUMN, true)).unwrap();
            }
        }
        for (word, _, among) in KINDS.iter().filter(|(word, ..)| *word != "large objects" || major >= 18) {
            if random.random_bool(0.2) {
                let inside = match *word {
                    "schemas" | "large objects" => "",
                    _ => one(random, &["", " in schema sales"]),
                };
                let key = toml(&format!("{word}{inside} by {}", spelt(one(random, &ROLES))));
                writeln!(text, "default_privileges.{key} = [{}]", rights(random, among, true)).unwrap();
            }
        }
    }
    for thing in &THINGS {
        if random.random_bool(0.2) {
            let key = toml(thing.spelling);
            writeln!(text, "[source.main.public]\ngrants.{key} = [{}]", rights(random, thing.rights, false)).unwrap();
            break;
        }
    }
    for thing in &THINGS {
        if random.random_bool(0.1) && !thing.owner.is_empty() {
            let owner = toml(one(random, &ROLES));
            writeln!(text, "[source.main.owner]\n{} = {owner}", toml(thing.spelling)).unwrap();
            break;
        }
    }
    for table in ["public.t0", "\"odd .schema\".\"t \"\"x\""] {
        if random.random_bool(0.4) {
            let key = toml(table);
            writeln!(text, "[source.main.row_security.{key}]\nforced = {}", random.random_bool(0.5)).unwrap();
            let to = toml(one(random, &ROLES));
            writeln!(
                text,
                "[source.main.row_security.{key}.policy.\"p0 x\"]\nto = [{to}]\nusing = \"a>1  and b='it''s'\""
            )
            .unwrap();
        }
    }
    if random.random_bool(0.4) {
        // Its owner stands among the owners, if anywhere.
        writeln!(text, "[source.main.database.{{p}}]\nconnection_limit = 7\nsettings = {{ work_mem = \"5MB\" }}")
            .unwrap();
    }
    if random.random_bool(0.3) && !text.contains("\n\"schema sales\" = \"") {
        writeln!(text, "[source.main.schema.sales]\nowner = {}", toml(one(random, &ROLES))).unwrap();
    }
    text
}
