//! A database's roles and rights as a file: `pull --source`, and `init --from`, with real processes.

use serde_json::{Value, json};

use crate::postgres::Database;
use crate::support::{Home, Ran};

/// Roles of a test, dropped with it.
struct Stage<'a> {
    database: &'a Database,
    roles: [String; 3],
}

impl<'a> Stage<'a> {
    /// A reader with a password, a group whose name wants quotes, somebody who is in both; rights, and a policy.
    fn set(database: &'a Database) -> Stage<'a> {
        let name = &database.name;
        let roles = [format!("{name}_reader"), format!("{name} \"the\" Gruppe ü"), format!("{name}_person")];
        let stage = Stage { database, roles };
        let [reader, group, person] = &stage.roles.each_ref().map(|role| format!("\"{}\"", role.replace('"', "\"\"")));
        database.own(
            "CREATE TABLE orders (id bigint PRIMARY KEY, tenant_id text NOT NULL, note text); \
             CREATE TABLE \"odd things\" (id bigint PRIMARY KEY, said text); \
             CREATE FUNCTION total(bigint) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'; \
             ALTER TABLE \"odd things\" ENABLE ROW LEVEL SECURITY; \
             CREATE TABLE people (id bigint PRIMARY KEY, email text); ALTER TABLE people ENABLE ROW LEVEL SECURITY; \
             CREATE POLICY self ON people USING (email = CURRENT_USER); \
             CREATE POLICY \"who said it\" ON \"odd things\" FOR SELECT USING (said = CURRENT_USER)",
        );
        database.root(
            name,
            &format!(
                "CREATE ROLE {reader} LOGIN PASSWORD 'Cl3ar-Pa55word' CONNECTION LIMIT 4; CREATE ROLE {group}; CREATE ROLE {person} LOGIN; \
                 ALTER ROLE {reader} SET statement_timeout = '5s'; COMMENT ON ROLE {group} IS 'it''s \"one\"'; \
                 GRANT {group} TO {person} WITH ADMIN OPTION; GRANT {reader} TO {person}; \
                 GRANT SELECT ON orders TO {reader}; GRANT SELECT, UPDATE (said) ON \"odd things\" TO {group} WITH GRANT OPTION; \
                 REVOKE EXECUTE ON FUNCTION total(bigint) FROM PUBLIC; GRANT EXECUTE ON FUNCTION total(bigint) TO {group}; \
                 ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT SELECT ON TABLES TO {group}",
                owner = database.owner
            ),
        );
        stage
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        for role in &self.roles {
            let role = format!("\"{}\"", role.replace('"', "\"\""));
            self.database.root(&self.database.name, &format!("DROP OWNED BY {role}; DROP ROLE {role}"));
        }
    }
}

fn code(ran: &Ran) -> (i32, String) {
    (ran.code, ran.envelope()["error"]["code"].as_str().unwrap_or_default().to_owned())
}

fn steps(ran: &Ran) -> Vec<String> {
    let plan = ran.envelope();
    let text = |step: &Value, field: &str| step[field].as_str().unwrap().to_owned();
    let steps = plan["data"]["steps"].as_array().unwrap();
    steps.iter().map(|step| format!("{} {}", text(step, "action"), text(step, "address"))).collect()
}

#[test]
fn what_is_pulled_from_a_database_is_planned_as_adopted() {
    let Some(database) = Database::make() else { return };
    let stage = Stage::set(&database);
    let [reader, group, person] = &stage.roles;
    let mut home = Home::empty();
    home.set("DATABASE_URL", &database.app_url());
    home.set("DATABASE_ADMIN_URL", &database.owner_url());
    let sources = "[source.main]\nurl = \"env:DATABASE_URL\"\nadmin_url = \"env:DATABASE_ADMIN_URL\"\n[source.small]\nurl = \"sqlite:small.sqlite\"\n";
    home.write("tenantry.toml", sources);
    let told = home.run(&["pull", "--source", "main", "--out", "pulled.toml"]);
    assert_eq!(told.code, 0, "{}", told.err);
    assert!(
        told.out.contains("Wrote pulled.toml: 4 database roles.") && told.err.contains("passwords: none is read"),
        "{}{}",
        told.out,
        told.err
    );
    let text = home.read("pulled.toml");
    for said in [
        format!(
            "[source.main.role.{reader}]\nlogin = true\nconnection_limit = 4\nsettings = {{ statement_timeout = \"5s\" }}\n"
        ),
        format!("[source.main.role.{reader}.grants]\n\"public.orders\" = [\"SELECT\"]\n"),
        format!("[source.main.role.{:?}]\ncomment = \"it's \\\"one\\\"\"\n", group.as_str()),
        "\"public.\\\"odd things\\\"\" = [\"SELECT WITH GRANT OPTION\"]".to_owned(),
        "\"public.\\\"odd things\\\"(said)\" = [\"UPDATE WITH GRANT OPTION\"]".to_owned(),
        format!("\"tables in schema public by {}\" = [\"SELECT\"]", database.owner),
        format!("[source.main.role.{person}]\nlogin = true\n"),
        format!("member_of.{:?} = {{ admin = true }}\n", group.as_str()),
        format!("[source.main.role.{}]\nmode = \"external\"\n", database.owner),
        "[source.main.public.grants]\n".to_owned(),
        "\"function public.total(bigint)\" = []".to_owned(),
        "[source.main.row_security.\"public.\\\"odd things\\\"\"]\nforced = false\n".to_owned(),
        "for = \"select\"\nusing = \"said = CURRENT_USER\"\n".to_owned(),
        "# - passwords: none is read.".to_owned(),
    ] {
        assert!(text.contains(&said), "{said}\n{text}");
    }
    assert!(!text.contains("Cl3ar") && !text.contains("SCRAM") && !text.contains("postgres://"), "{text}");
    // It is a file: it checks, and a plan of it has nothing to do but to take over what is there.
    home.good(&["check", "--file", "pulled.toml"]);
    let planned = home.run(&["plan", "--file", "pulled.toml", "--source", "main", "--json"]);
    let all = steps(&planned);
    assert!(all.len() > 12 && all.iter().all(|step| step.starts_with("adopt ")), "{all:#?}");
    let looks = planned.envelope()["data"]["findings"].to_string();
    assert!(!looks.contains("undeclared"), "{looks}");
    home.good(&["apply", "--file", "pulled.toml", "--source", "main"]);
    assert_eq!(home.run(&["plan", "--file", "pulled.toml", "--source", "main", "--exit-code"]).code, 0);
    assert_eq!(home.run(&["drift", "--file", "pulled.toml", "--source", "main"]).code, 0);
    // Now a change by hand is drift.
    database.root(&database.name, &format!("GRANT DELETE ON orders TO \"{reader}\"; ALTER ROLE \"{reader}\" CREATEDB"));
    let drift = home.run(&["drift", "--file", "pulled.toml", "--source", "main", "--json"]);
    assert_eq!(drift.code, 2, "{}", drift.out);
    assert!(drift.out.contains("privileges.DELETE") && drift.out.contains("createdb"), "{}", drift.out);
    // Only some of them.
    let one =
        home.run(&["pull", "--source", "main", "--role", &format!("{}_rea*", database.name), "--json"]).envelope();
    assert_eq!(one["data"]["roles"], 1, "{one}");
    for (args, wanted) in [
        (["pull", "--source", "nobody", "--json", "--quiet"].as_slice(), (3, "UNKNOWN_SOURCE")),
        (&["pull", "--source", "small", "--json"], (3, "NOT_POSTGRESQL")),
        (&["pull", "--source", "main", "--role", "no such role*", "--json"], (3, "UNKNOWN_DB_ROLE")),
        (&["pull", "--source", "main", "--out", "pulled.toml", "--json"], (4, "FILE_EXISTS")),
    ] {
        assert_eq!(code(&home.run(args)), (wanted.0, wanted.1.to_owned()), "{args:?}");
    }
}

#[test]
fn a_first_file_holds_the_roles_rights_and_policies_that_are_there() {
    let Some(database) = Database::make() else { return };
    let stage = Stage::set(&database);
    let [reader, group, _] = &stage.roles;
    let mut home = Home::empty();
    let told = home.good(&["init", "--from", &database.owner_url()]);
    assert!(told.contains("Which role will `url` name?") && told.contains(reader.as_str()), "{told}");
    let text = home.read("tenantry.toml");
    for said in [
        format!("[source.main.role.{reader}.grants]\n\"public.orders\" = [\"SELECT\"]\n"),
        format!("[source.main.role.{:?}.grants]\n", group.as_str()),
        "[table.orders]\nsource = \"main.orders\"\n".to_owned(),
        // Left out of the tables, so what guards it stays as it is; of a governed one the rules guard the rows.
        "[source.main.row_security.\"public.people\".policy.self]\nusing = \"email = CURRENT_USER\"\n".to_owned(),
        "# - policies of public.\"odd things\", which is governed: ".to_owned(),
    ] {
        assert!(text.contains(&said), "{said}\n{text}");
    }
    assert!(!text.contains("postgres://") && !text.contains("Cl3ar"), "{text}");
    home.write("tenantry.toml", text.replace("# admin_url = ", "admin_url = "));
    home.set("DATABASE_ADMIN_URL", &database.owner_url());
    home.set("DATABASE_URL", &database.app_url());
    home.good(&["check"]);
    // What is there is adopted; what the rules want of governed tables is made.
    let all = steps(&home.run(&["plan", "--source", "main", "--json"]));
    assert!(all.contains(&format!("adopt source.main.role.{reader}")), "{all:#?}");
    assert!(all.contains(&"create source.main.row_security.\"public.orders\"".to_owned()), "{all:#?}");
    let more: Vec<&String> =
        all.iter().filter(|step| !step.starts_with("adopt ") && !step.starts_with("create ")).collect();
    assert_eq!(more, ["update source.main.row_security.\"public.\"\"odd things\"\"\""], "it was not forced");
    // The role that the data tools are given holds what follows from the rules, and nothing else.
    home.set("DATABASE_URL", &database.app_url().replace(&database.app, reader));
    let refused = home.run(&["plan", "--source", "main", "--json"]);
    assert_eq!((refused.code, &refused.envelope()["error"]["code"]), (3, &json!("RUNTIME_GRANT")), "{}", refused.out);
}
