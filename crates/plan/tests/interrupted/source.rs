//! A database of its own as a source, beside a store.

use std::collections::BTreeMap;

use tenantry_file::{Loaded, SourceText};
use tenantry_plan::{Applied, Consent, Flow, Plan, PlanError, Selection, SourceAccess, Wish};
use tenantry_policy::Policy;
use tenantry_source::SourceUrl;
use tokio_postgres::{Client, NoTls};

use crate::wire::Wire;
use crate::world::World;

/// The source, and a wire to it.
pub struct Source {
    pub name: String,
    pub wire: Wire,
    pub client: Client,
    server: String,
    owner: String,
    runtime: String,
}

fn with_database(server: &str, user: Option<&str>, name: &str) -> String {
    let (head, rest) = server.split_once("://").unwrap();
    let (authority, _) = rest.split_once('/').unwrap();
    let (login, place) = authority.rsplit_once('@').unwrap();
    format!("{head}://{}@{place}/{name}", user.unwrap_or(login))
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

impl Source {
    /// None where no server is given. `settings` are the database's.
    pub async fn make(name: &str, settings: &[&str]) -> Option<Source> {
        let Ok(server) = std::env::var("TENANTRY_TEST_POSTGRES") else {
            eprintln!("skipped: TENANTRY_TEST_POSTGRES is not set");
            return None;
        };
        let name = format!("cut_{name}_{}", std::process::id());
        let root = connect(&server).await;
        root.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        for setting in settings {
            root.batch_execute(&format!("ALTER DATABASE {name} SET {setting}")).await.unwrap();
        }
        let owner = with_database(&server, None, &name);
        let runtime = with_database(&server, Some(&format!("{name}_run:Runtime-Pa55word")), &name);
        let client = connect(&owner).await;
        let wire = Wire::to(&server).await;
        Some(Source { name, wire, client, server, owner, runtime })
    }

    /// `{p}` is the source's name.
    pub fn text(&self, text: &str) -> String {
        text.replace("{p}", &self.name)
    }

    /// Is this the password that the server checks a role's against?
    pub async fn checks(&self, role: &str, password: &str) -> bool {
        let verifier = "SELECT rolpassword, decode(split_part(split_part(rolpassword, '$', 2), ':', 2), 'base64')
                          FROM pg_authid WHERE rolname = $1";
        let row = self.client.query_one(verifier, &[&self.text(role)]).await.unwrap();
        let (kept, salt): (String, Vec<u8>) = (row.get(0), row.get(1));
        let made = tenantry_sql::cluster::scram::Verifier::of(password, salt.try_into().unwrap()).unwrap();
        let attributes = tenantry_sql::cluster::Attributes { password: Some(&made), ..Default::default() };
        tenantry_sql::cluster::create_role("x", &attributes).sql().contains(&kept)
    }

    /// A file with `{p}` for the source's name.
    pub fn loaded(&self, file: &str) -> Loaded {
        let head = "[source.main]\nurl = \"env:URL\"\nadmin_url = \"env:ADMIN\"\n";
        let text = [head, &self.text(file)].concat();
        tenantry_file::load(vec![SourceText::new("tenantry.toml", text)]).unwrap_or_else(|found| panic!("{found:#?}"))
    }

    /// The source, through the wire or past it.
    pub fn access(&self, through: bool) -> Vec<SourceAccess> {
        let owner = if through { self.wire.url(&self.owner) } else { self.owner.clone() };
        let parse = |url: &str| SourceUrl::parse(url).unwrap();
        vec![SourceAccess { name: "main".to_owned(), runtime: parse(&self.runtime), owner: Some(parse(&owner)) }]
    }

    pub async fn apply(&self, world: &World, file: &str, through: bool) -> Result<Applied, PlanError> {
        let (loaded, policy, catalogs, sources) =
            (self.loaded(file), Policy::default(), BTreeMap::new(), self.access(through));
        let wish = Wish { loaded: &loaded, policy: &policy, catalogs: &catalogs, sources: &sources };
        let consent = Consent { everything: true, ..Consent::default() };
        world.engine(0).apply(&wish, &Selection::default(), &consent, None, &mut |_| Flow::On).await
    }

    pub async fn plan(&self, world: &World, file: &str) -> Plan {
        let (loaded, policy, catalogs, sources) =
            (self.loaded(file), Policy::default(), BTreeMap::new(), self.access(false));
        let wish = Wish { loaded: &loaded, policy: &policy, catalogs: &catalogs, sources: &sources };
        world.engine(0).plan(&wish, &Selection::default()).await.unwrap().plan
    }

    pub async fn destroy(&self, world: &World, file: &str) {
        let (loaded, policy, catalogs, sources) =
            (self.loaded(file), Policy::default(), BTreeMap::new(), self.access(false));
        let wish = Wish { loaded: &loaded, policy: &policy, catalogs: &catalogs, sources: &sources };
        let consent = Consent { everything: true, ..Consent::default() };
        world.engine(0).destroy(&wish, &Selection::default(), &consent, &mut |_| Flow::On).await.unwrap();
    }

    /// The first column of what a question answers.
    pub async fn ask(&self, sql: &str) -> Vec<String> {
        let rows = self.client.query(&self.text(sql), &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    pub async fn end(self, roles: &[&str]) {
        let Source { name, client, server, .. } = self;
        drop(client);
        let root = connect(&server).await;
        root.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
        for role in roles {
            root.batch_execute(&format!("DROP ROLE IF EXISTS {name}_{role}")).await.unwrap();
        }
    }
}
