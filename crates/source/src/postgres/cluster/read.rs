//! Reads a snapshot: everything sent at once, then put together by number.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures_util::future;
use tenantry_policy::object::{Object, ObjectKind, Privilege, TypeName};
use tenantry_sql::cluster::seats::SHAPE;
use tokio_postgres::types::FromSql;
use tokio_postgres::{Client, Row};

use super::super::failure::Failure;
use super::super::flush::control;
use super::statements::{
    BEGIN, COLUMNS, DEFAULTS, ELSEWHERE, EXTENSIONS, MEMBERS, NUMBERED, OTHERS, POLICIES, READS, RELATIONS, RIGHTS,
    ROLES, ROUTINES, SEATED, SEATS, SERVER, SETTINGS,
};
use super::{
    Database, DefaultRights, Detail, Elsewhere, Extension, Grant, Grantee, Member, Relation, RelationKind, Role,
    Routine, RowPolicy, Server, Snapshot, Thing,
};

/// Reads a snapshot. `own` says whether a transaction is made for it; otherwise the caller has begun one, at the
/// isolation level of repeatable reads.
///
/// # Errors
/// What the server says; the connection may be in a transaction then.
pub(crate) async fn read(client: &Client, own: bool) -> Result<Snapshot, Failure> {
    let begin = async { if own { control(client, BEGIN).await } else { Ok(()) } };
    let ask = |sql| async move { client.query_typed(sql, &[]).await.map_err(|error| Failure::of(&error)) };
    // INVARIANT: so few joined futures are polled in their order, so the server gets BEGIN first.
    let ((), answers) = future::try_join(begin, future::try_join_all(STATEMENTS.map(ask))).await?;
    let answers = <[Vec<Row>; STATEMENTS.len()]>::try_from(answers).map_err(|_| Failure::Internal)?;
    let [
        server,
        roles,
        others,
        settings,
        members,
        relations,
        columns,
        reads,
        routines,
        rights,
        numbered,
        policies,
        defaults,
        extensions,
        elsewhere,
        seats,
    ] = answers;
    let mut draft = Draft::default();
    draft.server(&server)?;
    draft.roles(&roles)?;
    draft.others(&others)?;
    draft.settings(&settings)?;
    draft.members(&members)?;
    draft.relations(&relations, &columns, &reads)?;
    draft.routines(&routines)?;
    draft.rights(&rights, &numbered)?;
    draft.policies(&policies)?;
    draft.defaults(&defaults)?;
    draft.extensions(&extensions)?;
    draft.elsewhere(&elsewhere)?;
    if draft.seats(&seats)? {
        draft.seated(&ask(SEATED).await?)?;
    }
    if own {
        control(client, "COMMIT").await?;
    }
    Ok(draft.snapshot)
}

/// Everything that is asked in one flush.
const STATEMENTS: [&str; 16] = [
    SERVER, ROLES, OTHERS, SETTINGS, MEMBERS, RELATIONS, COLUMNS, READS, ROUTINES, RIGHTS, NUMBERED, POLICIES,
    DEFAULTS, EXTENSIONS, ELSEWHERE, SEATS,
];

/// What a thing's number means: the class's letter, the number, the column.
type Key = (u8, u32, i32);

#[derive(Default)]
struct Draft {
    snapshot: Snapshot,
    names: HashMap<u32, Arc<str>>,
    objects: HashMap<Key, Object>,
}

fn get<'a, T: FromSql<'a>>(row: &'a Row, at: usize) -> Result<T, Failure> {
    row.try_get(at).map_err(|error| {
        tracing::debug!(at, %error, "a column of the catalog is not as expected");
        Failure::Internal
    })
}

fn text(row: &Row, at: usize) -> Result<Arc<str>, Failure> {
    Ok(Arc::from(get::<&str>(row, at)?))
}

fn maybe(row: &Row, at: usize) -> Result<Option<Arc<str>>, Failure> {
    Ok(get::<Option<&str>>(row, at)?.map(Arc::from))
}

/// `name=value`, as settings are kept.
fn pairs(list: Option<Vec<String>>) -> BTreeMap<String, String> {
    let split = |pair: String| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    list.into_iter().flatten().filter_map(split).collect()
}

impl Draft {
    fn name(&self, oid: u32) -> Arc<str> {
        self.names.get(&oid).cloned().unwrap_or_else(|| Arc::from(oid.to_string()))
    }

    fn grantee(&self, oid: u32) -> Grantee {
        if oid == 0 { Grantee::Public } else { Grantee::Role(self.name(oid)) }
    }

    fn server(&mut self, rows: &[Row]) -> Result<(), Failure> {
        let row = rows.first().ok_or(Failure::Internal)?;
        self.snapshot.server = Server {
            version: u32::try_from(get::<i32>(row, 0)?).map_err(|_| Failure::Internal)?,
            database: text(row, 1)?,
            user: text(row, 2)?,
            superuser: get(row, 3)?,
            in_recovery: get(row, 4)?,
            read_only: get(row, 5)?,
        };
        Ok(())
    }

    fn roles(&mut self, rows: &[Row]) -> Result<(), Failure> {
        for row in rows {
            let name = text(row, 1)?;
            self.names.insert(get(row, 0)?, Arc::clone(&name));
            let role = Role {
                superuser: get(row, 2)?,
                inherit: get(row, 3)?,
                createrole: get(row, 4)?,
                createdb: get(row, 5)?,
                login: get(row, 6)?,
                replication: get(row, 7)?,
                bypassrls: get(row, 8)?,
                connection_limit: get(row, 9)?,
                valid_until: get(row, 10)?,
                comment: get(row, 11)?,
                ..Role::default()
            };
            self.snapshot.roles.insert(name, role);
        }
        Ok(())
    }

    fn settings(&mut self, rows: &[Row]) -> Result<(), Failure> {
        for row in rows {
            let (role, database) = (get::<u32>(row, 0)?, maybe(row, 1)?);
            let settings = pairs(get(row, 2)?);
            if role == 0 {
                // Sessions of ours say otherwise themselves; whoever set this meant all sessions.
                let locked = settings.get("default_transaction_read_only").is_some_and(|value| value == "on");
                let here = database.as_ref().is_none_or(|name| *name == self.snapshot.server.database);
                self.snapshot.server.read_only |= locked && here;
                if database.is_none() {
                    self.snapshot.settings = settings;
                    continue;
                }
                let thing = database.and_then(|name| self.snapshot.things.get_mut(&Object::Database(name.to_string())));
                if let Some(Detail::Database(found)) = thing.map(|thing| &mut thing.detail) {
                    found.settings = settings;
                }
                continue;
            }
            let Some(role) = self.names.get(&role).and_then(|name| self.snapshot.roles.get_mut(name)) else { continue };
            match database {
                Some(database) => drop(role.settings_in.insert(database, settings)),
                None => role.settings = settings,
            }
        }
        Ok(())
    }

    fn members(&mut self, rows: &[Row]) -> Result<(), Failure> {
        for row in rows {
            let member = self.name(get(row, 1)?);
            let inherits = self.snapshot.roles.get(&member).is_some_and(|role| role.inherit);
            let member = Member {
                role: self.name(get(row, 0)?),
                member,
                grantor: self.name(get(row, 2)?),
                admin: get(row, 3)?,
                inherit: get::<Option<bool>>(row, 4)?.unwrap_or(inherits),
                set: get::<Option<bool>>(row, 5)?.unwrap_or(true),
            };
            self.snapshot.members.push(member);
        }
        self.snapshot.members.sort();
        Ok(())
    }

    fn keep(&mut self, key: Key, object: Object, thing: Thing) {
        self.objects.insert(key, object.clone());
        self.snapshot.things.insert(object, thing);
    }

    fn relations(&mut self, rows: &[Row], columns: &[Row], reads: &[Row]) -> Result<(), Failure> {
        let mut parents = Vec::new();
        let mut sequences = Vec::new();
        for row in rows {
            let oid = get::<u32>(row, 0)?;
            let (schema, name) = (get::<String>(row, 1)?, get::<String>(row, 2)?);
            let mut thing = Thing {
                owner: self.name(get(row, 4)?),
                changed: get(row, 8)?,
                extension: maybe(row, 9)?,
                ..Thing::default()
            };
            let kind = match get::<&str>(row, 3)? {
                "S" => {
                    let object = Object::Sequence { schema, name };
                    if let Some(table) = get::<Option<u32>>(row, 10)? {
                        sequences.push((object.clone(), table));
                    }
                    self.keep((b's', oid, 0), object, thing);
                    continue;
                }
                "p" => RelationKind::Partitioned,
                "v" => RelationKind::View,
                "m" => RelationKind::Materialized,
                "f" => RelationKind::Foreign,
                _ => RelationKind::Table,
            };
            let options = pairs(get(row, 7)?);
            let on = |name: &str| {
                options.get(name).is_some_and(|value| matches!(value.as_str(), "true" | "on" | "yes" | "1"))
            };
            thing.detail = Detail::Relation(Relation {
                kind,
                row_security: get(row, 5)?,
                forced: get(row, 6)?,
                parent: None,
                security_invoker: on("security_invoker"),
                security_barrier: on("security_barrier"),
                columns: Vec::new(),
                unsampled: Vec::new(),
                reads: Vec::new(),
            });
            let object = Object::Table { schema, name };
            if let Some(parent) = get::<Option<u32>>(row, 10)? {
                parents.push((object.clone(), parent));
            }
            self.keep((b'r', oid, 0), object, thing);
        }
        for (object, parent) in parents {
            let parent = self.objects.get(&(b'r', parent, 0)).cloned();
            if let Some(relation) = self.relation(&object) {
                relation.parent = parent;
            }
        }
        for (sequence, table) in sequences {
            let Some(table) = self.objects.get(&(b'r', table, 0)).cloned() else { continue };
            if let Some(thing) = self.snapshot.things.get_mut(&sequence) {
                thing.detail = Detail::Sequence(table);
            }
        }
        for row in columns {
            let Some(object) = self.objects.get(&(b'r', get(row, 0)?, 0)).cloned() else { continue };
            let (columns, unsampled): (Vec<&str>, Vec<&str>) = (get(row, 1)?, get(row, 2)?);
            if let Some(relation) = self.relation(&object) {
                relation.columns = columns.into_iter().map(Arc::from).collect();
                relation.unsampled = unsampled.into_iter().map(Arc::from).collect();
            }
        }
        for row in reads {
            let view = self.objects.get(&(b'r', get(row, 0)?, 0)).cloned();
            let read = self.objects.get(&(b'r', get(row, 1)?, 0)).cloned();
            if let (Some(view), Some(read)) = (view, read)
                && let Some(relation) = self.relation(&view)
            {
                relation.reads.push(read);
                relation.reads.sort();
            }
        }
        Ok(())
    }

    fn relation(&mut self, object: &Object) -> Option<&mut Relation> {
        match &mut self.snapshot.things.get_mut(object)?.detail {
            Detail::Relation(relation) => Some(relation),
            _ => None,
        }
    }

    fn routines(&mut self, rows: &[Row]) -> Result<(), Failure> {
        for row in rows {
            let (schemas, names, arrays): (Vec<String>, Vec<String>, Vec<bool>) =
                (get(row, 12)?, get(row, 13)?, get(row, 14)?);
            let arguments = schemas
                .into_iter()
                .zip(names)
                .zip(arrays)
                .map(|((schema, name), array)| TypeName { schema, name, array })
                .collect();
            let object = Object::Routine { schema: get(row, 1)?, name: get(row, 2)?, arguments };
            let thing = Thing {
                owner: self.name(get(row, 4)?),
                rights: Vec::new(),
                changed: get(row, 10)?,
                extension: maybe(row, 11)?,
                detail: Detail::Routine(Routine {
                    kind: get::<&str>(row, 3)?.chars().next().unwrap_or('f'),
                    security_definer: get(row, 5)?,
                    leakproof: get(row, 6)?,
                    settings: pairs(get(row, 7)?),
                    language: text(row, 8)?,
                    trigger: get(row, 9)?,
                }),
            };
            self.keep((b'f', get(row, 0)?, 0), object, thing);
        }
        Ok(())
    }

    fn others(&mut self, rows: &[Row]) -> Result<(), Failure> {
        for row in rows {
            let oid = get::<u32>(row, 1)?;
            let (schema, name) = (get::<Option<String>>(row, 2)?.unwrap_or_default(), get::<String>(row, 3)?);
            let mut detail = Detail::Nothing;
            let (letter, object) = match get::<&str>(row, 0)? {
                "database" => {
                    detail = Detail::Database(Database {
                        connection_limit: get::<Option<i32>>(row, 7)?.unwrap_or(-1),
                        allows_connections: get::<Option<bool>>(row, 8)?.unwrap_or(true),
                        template: get::<Option<bool>>(row, 9)?.unwrap_or(false),
                        settings: BTreeMap::new(),
                    });
                    (b'd', Object::Database(name))
                }
                "schema" => (b'n', Object::Schema(name)),
                "type" => (b'T', Object::Type { schema, name }),
                "language" => (b'l', Object::Language(name)),
                "fdw" => (b'F', Object::Wrapper(name)),
                "server" => (b'S', Object::Server(name)),
                "large object" => (b'L', Object::LargeObject(oid)),
                "parameter" => (b'p', Object::Parameter(name)),
                "tablespace" => (b't', Object::Tablespace(name)),
                _ => return Err(Failure::Internal),
            };
            let owner = match get::<u32>(row, 4)? {
                0 => Arc::default(),
                owner => self.name(owner),
            };
            let thing = Thing { owner, rights: Vec::new(), changed: get(row, 5)?, extension: maybe(row, 6)?, detail };
            self.keep((letter, oid, 0), object, thing);
        }
        Ok(())
    }

    fn rights(&mut self, rows: &[Row], numbered: &[Row]) -> Result<(), Failure> {
        for row in numbered {
            let (table, number) = (get::<u32>(row, 0)?, get::<i32>(row, 1)?);
            let Some(Object::Table { schema, name }) = self.objects.get(&(b'r', table, 0)).cloned() else { continue };
            let of = Object::Table { schema: schema.clone(), name: name.clone() };
            let owner = self.snapshot.things.get(&of).map(|thing| Arc::clone(&thing.owner)).unwrap_or_default();
            let column = Object::Column { schema, table: name, name: get(row, 2)? };
            self.keep((b'c', table, number), column, Thing { owner, changed: true, ..Thing::default() });
        }
        // Rows of one thing follow each other, so the thing is looked up once.
        let mut last: Option<(Key, Vec<Grant>)> = None;
        for row in rows {
            let letter = *get::<&str>(row, 0)?.as_bytes().first().ok_or(Failure::Internal)?;
            let key: Key = (letter, get(row, 1)?, get(row, 2)?);
            // A right that this version of ours does not know is nobody's business here.
            let Some(privilege) = Privilege::parse(get(row, 5)?) else { continue };
            let grant = Grant {
                grantee: self.grantee(get(row, 4)?),
                privilege,
                grantor: self.name(get(row, 3)?),
                grantable: get(row, 6)?,
            };
            match &mut last {
                Some((known, list)) if *known == key => list.push(grant),
                _ => {
                    if let Some((key, list)) = last.replace((key, vec![grant])) {
                        self.put(key, list);
                    }
                }
            }
        }
        if let Some((key, list)) = last {
            self.put(key, list);
        }
        Ok(())
    }

    fn put(&mut self, key: Key, list: Vec<Grant>) {
        let thing = self.objects.get(&key).and_then(|object| self.snapshot.things.get_mut(object));
        if let Some(thing) = thing {
            thing.rights.extend(list);
            thing.rights.sort();
        }
    }

    fn policies(&mut self, rows: &[Row]) -> Result<(), Failure> {
        for row in rows {
            let Some(object) = self.objects.get(&(b'r', get(row, 0)?, 0)).cloned() else { continue };
            let policy = RowPolicy {
                permissive: get(row, 2)?,
                command: match get::<&str>(row, 3)? {
                    "r" => "SELECT",
                    "a" => "INSERT",
                    "w" => "UPDATE",
                    "d" => "DELETE",
                    _ => "ALL",
                },
                roles: {
                    let mut roles: Vec<Grantee> =
                        get::<Vec<u32>>(row, 4)?.into_iter().map(|oid| self.grantee(oid)).collect();
                    roles.sort();
                    roles
                },
                using: get(row, 5)?,
                check: get(row, 6)?,
                comment: get(row, 7)?,
            };
            self.snapshot.policies.insert((object, text(row, 1)?), policy);
        }
        Ok(())
    }

    fn defaults(&mut self, rows: &[Row]) -> Result<(), Failure> {
        let mut found: BTreeMap<u32, DefaultRights> = BTreeMap::new();
        for row in rows {
            let kind = match get::<&str>(row, 3)? {
                "r" => ObjectKind::Table,
                "S" => ObjectKind::Sequence,
                "f" => ObjectKind::Routine,
                "T" => ObjectKind::Type,
                "n" => ObjectKind::Schema,
                "L" => ObjectKind::LargeObject,
                _ => continue,
            };
            let owner = self.name(get(row, 1)?);
            let schema = maybe(row, 2)?;
            let entry =
                found.entry(get(row, 0)?).or_insert_with(|| DefaultRights { owner, schema, kind, rights: Vec::new() });
            let Some(privilege) = get::<Option<&str>>(row, 6)?.and_then(Privilege::parse) else { continue };
            entry.rights.push(Grant {
                grantee: self.grantee(get(row, 5)?),
                privilege,
                grantor: self.name(get(row, 4)?),
                grantable: get(row, 7)?,
            });
        }
        self.snapshot.defaults = found.into_values().collect();
        self.snapshot.defaults.iter_mut().for_each(|each| each.rights.sort());
        self.snapshot.defaults.sort();
        Ok(())
    }

    fn extensions(&mut self, rows: &[Row]) -> Result<(), Failure> {
        for row in rows {
            let extension = Extension { version: text(row, 1)?, schema: text(row, 2)?, owner: self.name(get(row, 3)?) };
            self.snapshot.extensions.insert(text(row, 0)?, extension);
        }
        Ok(())
    }

    /// Says whether there are seats that can be read.
    fn seats(&mut self, rows: &[Row]) -> Result<bool, Failure> {
        let mut there = false;
        for row in rows {
            let told = Some(get(row, 1)?);
            if get::<&str>(row, 0)? == "table" {
                there = told.as_deref() == Some(SHAPE) && get(row, 2)?;
                self.snapshot.seats.table = told;
            } else {
                self.snapshot.seats.function = told;
            }
        }
        Ok(there)
    }

    fn seated(&mut self, rows: &[Row]) -> Result<(), Failure> {
        for row in rows {
            self.snapshot.seats.rows.insert(text(row, 0)?, get(row, 1)?);
        }
        Ok(())
    }

    fn elsewhere(&mut self, rows: &[Row]) -> Result<(), Failure> {
        for row in rows {
            let database = match self.objects.get(&(b'd', get(row, 1)?, 0)) {
                Some(Object::Database(name)) => Arc::from(name.as_str()),
                _ => continue,
            };
            let elsewhere =
                Elsewhere { role: self.name(get(row, 0)?), database, owns: get(row, 2)?, rights: get(row, 3)? };
            self.snapshot.elsewhere.push(elsewhere);
        }
        self.snapshot.elsewhere.sort();
        Ok(())
    }
}
