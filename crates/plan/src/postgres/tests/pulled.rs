//! A database written as a file: a plan of it is empty, nothing of it is unsaid, and it says the same again.

use std::collections::BTreeSet;

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use tenantry_policy::object::Object;

use super::random::seeds;
use super::things::{by_hand, make, unmake};
use super::{World, servers};
use crate::postgres::{Asked, Pulled, Seen, written};

impl World {
    /// What is there of the roles of this world, in the file's words.
    async fn pulled(&self, roles: &[&str]) -> Pulled {
        let roles: Vec<String> = roles.iter().map(|role| self.text(role)).collect();
        let governed = BTreeSet::new();
        let asked = Asked { source: "main", urls: None, governed: &governed, runtime: None, roles: &roles };
        written(&self.snapshot().await, &asked)
    }

    /// As a plan of somebody would see it whose state knows nothing of this database.
    async fn see_alone(&self, text: &str) -> Seen {
        self.beside().await.see(text).await.unwrap()
    }

    /// A plan of the text is empty, it leaves nothing of its roles unsaid, and applied it is written the same again.
    async fn comes_round(&mut self, text: &str, roles: &[&str], seed: u64) {
        let seen =
            self.see(text).await.unwrap_or_else(|error| panic!("seed {seed}: {error} {:?}\n{text}", error.place()));
        let left = crate::step::difference(&seen.desired, &seen.current);
        assert!(left.is_empty(), "seed {seed}: {left:#?}\n{text}");
        let unsaid: Vec<_> = seen.findings.iter().filter(|finding| finding.code.starts_with("undeclared")).collect();
        assert!(unsaid.is_empty(), "seed {seed}: {unsaid:#?}\n{text}");
        self.becomes(text).await;
        // What else is in the cluster is others' to change meanwhile.
        let said = |text: &str| -> Vec<String> {
            text.lines().filter(|line| !line.starts_with("# - ")).map(str::to_owned).collect()
        };
        assert_eq!(said(&self.pulled(roles).await.text), said(text), "seed {seed}");
        let formatted = tenantry_file::format(&tenantry_file::SourceText::new("pulled.toml", text)).unwrap();
        let head = "[source.main]\nurl = \"env:URL\"\n";
        let read = |text: &str| {
            let text = tenantry_file::SourceText::new("pulled.toml", [head, text].concat());
            tenantry_file::load(vec![text]).unwrap_or_else(|found| panic!("{found:#?}")).canonical()
        };
        assert_eq!(read(&formatted), read(text), "seed {seed}");
        assert_eq!(formatted.matches("\n# - ").count(), text.matches("\n# - ").count(), "comments stay: {formatted}");
    }
}

#[tokio::test]
async fn what_is_pulled_is_planned_as_nothing_to_do() {
    for server in servers() {
        for seed in seeds(4) {
            let mut random = ChaCha8Rng::seed_from_u64(seed + 1_000);
            let mut world = World::new(&server).await;
            make(&world).await;
            let mut taken = 0;
            for _ in 0..60 {
                let statement = world.text(&by_hand(&mut random));
                taken += u32::from(world.tried(&statement).await);
            }
            assert!(taken > 20, "seed {seed}: the server took {taken} of 60 statements");
            let roles = ["{p}*"];
            let pulled = world.pulled(&roles).await;
            assert_eq!((pulled.roles, pulled.unknown.len()), (4, 0), "seed {seed}: {}", pulled.text);
            world.comes_round(&pulled.text, &roles, seed).await;
            unmake(&world).await;
            world.end().await;
        }
    }
}

/// Everything that has no words is named, with the reason; hostile names break out of nothing.
#[tokio::test]
async fn what_the_file_cannot_say_is_listed_with_the_reason() {
    for server in servers() {
        let mut world = World::new(&server).await;
        let evil = "{p}\n[principal.evil]\u{202e}";
        world
            .sql(&format!(
                "CREATE ROLE {{p}}_a LOGIN PASSWORD 'Clear-0-Password'; CREATE ROLE {{p}}_root SUPERUSER REPLICATION; CREATE ROLE {{p}}_seer BYPASSRLS; \
                 CREATE ROLE {{p}}_far; CREATE ROLE \"{evil}\"; GRANT \"{evil}\" TO {{p}}_a; GRANT {{p}}_a TO {{p}}_root WITH ADMIN OPTION; \
                 ALTER ROLE {{p}}_a SET \"app.jwt_secret\" = 'hunter2-in-a-setting'; ALTER ROLE {{p}}_a SET work_mem = '1MB'; \
                 ALTER DATABASE {{p}} SET \"app.api_token\" = 'hunter2-in-a-setting'; COMMENT ON ROLE {{p}}_seer IS '\u{202e}back'; \
                 CREATE TABLE t (id int8, \"c\n\" text); GRANT SELECT ON t TO \"{evil}\", {{p}}_a, {{p}}_seer; GRANT UPDATE (\"c\n\") ON t TO {{p}}_a; \
                 CREATE TABLE \"t\n[x]\" (id int8); ALTER TABLE \"t\n[x]\" ENABLE ROW LEVEL SECURITY; GRANT SELECT ON \"t\n[x]\" TO {{p}}_a; \
                 CREATE POLICY \"tenantry:old\" ON t USING (true); CREATE POLICY none ON t FOR SELECT; CREATE POLICY back ON t USING (\"c\n\" = E'a\\\\b'); \
                 GRANT {{p}}_a TO pg_monitor; GRANT SELECT ON t TO pg_monitor; \
                 ALTER DEFAULT PRIVILEGES FOR ROLE \"{evil}\" GRANT SELECT ON TABLES TO {{p}}_a"
            ))
            .await;
        let pulled = world.pulled(&[]).await;
        let text = &pulled.text;
        for secret in ["Clear-0-Password", "hunter2", "SCRAM"] {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(!text.contains("\n[principal") && !text.contains('\u{202e}') && !text.contains("_far]"), "{text}");
        for said in [
            "[source.main.role.{p}_a]\nmode = \"adopted\"\nlogin = true\nsettings = { work_mem = \"1MB\" }\n",
            "[source.main.role.{p}_root]\nmode = \"external\"\n",
            "# `tenantry apply` takes it only with a waiver: bypassrls.\n[source.main.role.{p}_seer]\nbypassrls = true\ncomment = \"\\u202Eback\"\n",
            "[source.main.row_security.\"public.t\".policy.back]\nusing = '''\n(\"c\n\" = 'a\\b'::text)'''\n",
            "[source.main.role.pg_monitor]\nmode = \"external\"\n\n[source.main.role.pg_monitor.grants]\n\"public.t\" = [\"SELECT\"]\n",
        ] {
            assert!(text.contains(&world.text(said)), "{said}\n{text}");
        }
        for left in [
            "passwords: none is read",
            "`pg_monitor` is a member of `{p}_a`",
            "setting `app.jwt_secret`, whose value may be a secret",
            "the database's settings (app.api_token)",
            "role `{p}\\u{a}[principal.evil]\\u{202e}`, with what it holds: the file cannot say its name",
            "that {p}_a is a member of `{p}\\u{a}[principal.evil]",
            "role {p}_root: It is a member of: {p}_a (with admin).",
            "role {p}_root: It has: superuser, replication.",
            "row security of `public.\"t\\u{a}[x]\"`: the file cannot say its name",
            "rights, since the file cannot say one of the names: ",
            "owners, since the file cannot say one of the names: ",
            "policies of public.t that were made from rules",
            "policy none of public.t: it has no USING, and lets no row through",
            "default privileges of roles that are not here, or whose names the file cannot say: ",
            "the owners of what belongs to an extension: plpgsql (",
        ] {
            let left = world.text(left);
            assert!(pulled.left_out.iter().any(|why| why.contains(&left)), "{left}\n{:#?}", pulled.left_out);
        }
        for why in &pulled.left_out {
            assert!(text.contains(&format!("# - {why}\n")) && !why.contains('\n'), "{why}\n{text}");
        }
        // What it does say is so, and what it leaves alone stays: the roles that it names own nothing unsaid.
        let seen = world.see(text).await.unwrap();
        let left = crate::step::difference(&seen.desired, &seen.current);
        assert!(left.is_empty(), "{left:#?}\n{text}");
        world.becomes(text).await;
        let role = &world.snapshot().await.roles[world.text("{p}_a").as_str()];
        assert_eq!(role.settings.len(), 2, "what may be a secret stays: {role:?}");
        // The catalog takes one of them at a time.
        world.sql("REVOKE {p}_a FROM pg_monitor; REVOKE ALL ON t FROM pg_monitor").await;
        for role in [evil, "{p}_a", "{p}_root", "{p}_seer", "{p}_far"] {
            world.sql(&format!("DROP OWNED BY \"{role}\"")).await;
            world.sql(&format!("DROP ROLE \"{role}\"")).await;
        }
        world.end().await;
    }
}

/// Without names: the roles that have to do with the database, and none of its neighbours'. Governed tables are left
/// to their rules.
#[tokio::test]
async fn only_what_has_to_do_with_the_database_is_pulled() {
    for server in servers() {
        let world = World::new(&server).await;
        world
            .sql(
                "CREATE ROLE {p}_holds; CREATE ROLE {p}_person LOGIN; CREATE ROLE {p}_group; CREATE ROLE {p}_other; CREATE ROLE {p}_run LOGIN; \
                 GRANT {p}_holds TO {p}_person; GRANT {p}_group TO {p}_person; GRANT {p}_group TO {p}_other; \
                 CREATE TABLE t (id int8); GRANT SELECT ON t TO {p}_holds; CREATE TABLE g (id int8, b text); GRANT SELECT ON g TO {p}_holds, {p}_run; \
                 GRANT UPDATE (b) ON g TO {p}_run; ALTER TABLE g ENABLE ROW LEVEL SECURITY; CREATE POLICY by_hand ON g USING (true)",
            )
            .await;
        let (governed, run) = (BTreeSet::from([Object::parse("public.g").unwrap()]), world.text("{p}_run"));
        let asked = Asked {
            source: "main",
            urls: Some(("env:URL", Some("env:ADMIN"))),
            governed: &governed,
            runtime: Some(&run),
            roles: &[],
        };
        let pulled = written(&world.snapshot().await, &asked);
        let text = &pulled.text;
        assert!(
            text.starts_with("[source.main]\nurl = \"env:URL\"\nadmin_url = \"env:ADMIN\"\n\n# Roles, rights"),
            "{text}"
        );
        for (role, is_there) in [("holds", true), ("person", true), ("group", true), ("run", true), ("other", false)] {
            let header = world.text(&format!("[source.main.role.{{p}}_{role}]"));
            assert_eq!(text.contains(&header), is_there, "{role}: {text}");
        }
        assert!(!text.contains("[source.main.row_security"), "{text}");
        let run = world.text("what {p}_run, which runs the data tools, may do with governed tables (public.g)");
        for left in [run.as_str(), "policies of public.g, which is governed", "nothing ties them to this database"] {
            assert!(pulled.left_out.iter().any(|why| why.contains(left)), "{left}: {:#?}", pulled.left_out);
        }
        assert_eq!(pulled.on_governed, BTreeSet::from([world.text("{p}_holds")]));
        let asked = Asked { roles: &["nobody*".to_owned()], ..asked };
        assert_eq!(written(&world.snapshot().await, &asked).unknown, ["nobody*"]);
        world.end().await;
    }
}

/// What was made from rules and for seats is made by rules and seats again, not said as if a hand had made it.
#[tokio::test]
async fn what_rules_and_seats_made_is_left_to_them() {
    for server in servers() {
        let mut world = World::new(&server).await;
        world.sql("CREATE TABLE orders (id int8 PRIMARY KEY, tenant_id text NOT NULL, note text)").await;
        world
            .becomes(
                "[account.acme]\n[table.orders]\nsource = \"main.orders\"\nscope = { tenant_id = \"principal.tenant_id\" }\n\
                 fields = { id = \"allow\" }\n[source.main.role.{p}_seat]\nlogin = true\ntenant = \"acme\"\n\
                 grants = { \"schema public\" = [\"USAGE\"], \"public.orders(id, tenant_id)\" = [\"SELECT\"] }",
            )
            .await;
        let (governed, run) = (BTreeSet::from([Object::parse("public.orders").unwrap()]), world.text("{p}_run"));
        for governed in [governed, BTreeSet::new()] {
            let asked = Asked { source: "main", urls: None, governed: &governed, runtime: Some(&run), roles: &[] };
            let pulled = written(&world.snapshot().await, &asked);
            let said: Vec<&str> = pulled.text.lines().filter(|line| !line.starts_with('#')).collect();
            let said = said.join("\n");
            assert!(!said.contains("tenantry"), "{said}");
            assert!(said.contains(&world.text("[source.main.role.{p}_seat]\nlogin = true\n")), "{said}");
            let seat =
                "# A seat of account `acme`: `tenant = \"acme\"` says so, beside an `[account.…]` of that name.\n";
            assert!(
                pulled.text.contains(&[seat, &world.text("[source.main.role.{p}_seat]")].concat()),
                "{}",
                pulled.text
            );
            let seen = world.see_alone(&pulled.text).await;
            let left = crate::step::difference(&seen.desired, &seen.current);
            assert!(left.is_empty(), "{left:#?}\n{}", pulled.text);
        }
        world.becomes("").await;
        world.end().await;
    }
}
