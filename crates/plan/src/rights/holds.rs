//! Memberships followed to their end, and the rights found on the way.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;

use tenantry_policy::object::{Object, ObjectKind, Privilege};
use tenantry_source::cluster::{Grant, Grantee, Member, Snapshot, Thing};

/// PostgreSQL's own role that the owner of a database is in without anybody having said so.
const DATABASE_OWNER: &str = "pg_database_owner";

/// How somebody comes to a right.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// As a superuser, whom nothing is asked of.
    Superuser,
    /// By a grant to everybody.
    Public,
    /// By a grant to itself or to a role that it is in.
    Granted {
        /// The roles from the one that asks to the one that the right was given to; empty for itself.
        by: Vec<String>,
        /// Is the last one the owner, whose right comes with owning?
        owner: bool,
        /// May it be passed on?
        grantable: bool,
    },
    /// By one of PostgreSQL's own roles (`pg_read_all_data`), which need no grant.
    Predefined {
        /// The roles from the one that asks to the predefined one.
        by: Vec<String>,
    },
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Way::Superuser => f.write_str("superuser"),
            Way::Public => f.write_str("granted to PUBLIC"),
            Way::Granted { by, owner, grantable } => {
                let option = if *grantable && !owner { ", with grant option" } else { "" };
                match (by.as_slice(), owner) {
                    ([], true) => f.write_str("owner"),
                    ([], false) => write!(f, "granted{option}"),
                    (by, true) => write!(f, "member of the owner {}", by.join(" > ")),
                    (by, false) => write!(f, "member of {}{option}", by.join(" > ")),
                }
            }
            Way::Predefined { by } => write!(f, "member of {}", by.join(" > ")),
        }
    }
}

/// The memberships of a snapshot, ready to be followed.
#[derive(Debug)]
pub struct Holds<'a> {
    snapshot: &'a Snapshot,
    above: HashMap<&'a str, Vec<&'a Member>>,
    owner_of_database: Option<&'a str>,
}

/// Which memberships are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Follow {
    /// Those whose rights are used at once.
    Inherit,
    /// Those that SET ROLE is allowed by.
    Set,
}

impl<'a> Holds<'a> {
    /// The memberships of a snapshot.
    #[must_use]
    pub fn new(snapshot: &'a Snapshot) -> Holds<'a> {
        let mut above: HashMap<&str, Vec<&Member>> = HashMap::new();
        for member in &snapshot.members {
            above.entry(&member.member).or_default().push(member);
        }
        let database = Object::Database(snapshot.server.database.to_string());
        let owner_of_database = snapshot.things.get(&database).map(|thing| thing.owner.as_ref());
        Holds { snapshot, above, owner_of_database }
    }

    /// The snapshot.
    #[must_use]
    pub fn snapshot(&self) -> &'a Snapshot {
        self.snapshot
    }

    /// The roles whose rights a role uses at once, with the way to each; itself with an empty one.
    #[must_use]
    pub fn inherited(&self, role: &'a str) -> BTreeMap<&'a str, Vec<&'a str>> {
        self.reach(role, Follow::Inherit)
    }

    /// The roles that a role may become by SET ROLE, with the way to each; itself with an empty one.
    #[must_use]
    pub fn settable(&self, role: &'a str) -> BTreeMap<&'a str, Vec<&'a str>> {
        self.reach(role, Follow::Set)
    }

    /// Breadth first, so that each is found by a shortest way.
    fn reach(&self, role: &'a str, follow: Follow) -> BTreeMap<&'a str, Vec<&'a str>> {
        let mut found = BTreeMap::from([(role, Vec::new())]);
        let mut next = VecDeque::from([role]);
        while let Some(here) = next.pop_front() {
            let way = found.get(here).cloned().unwrap_or_default();
            let members = self.above.get(here).map(Vec::as_slice).unwrap_or_default();
            let followed = members.iter().filter(|member| match follow {
                Follow::Inherit => member.inherit,
                Follow::Set => member.set,
            });
            let implied = (self.owner_of_database == Some(here)).then_some(DATABASE_OWNER);
            for role in followed.map(|member| member.role.as_ref()).chain(implied) {
                if !found.contains_key(role) {
                    let mut longer = way.clone();
                    longer.push(role);
                    found.insert(role, longer);
                    next.push_back(role);
                }
            }
        }
        found
    }

    /// Is a role a superuser?
    #[must_use]
    pub fn is_superuser(&self, role: &str) -> bool {
        self.snapshot.roles.get(role).is_some_and(|role| role.superuser)
    }

    /// Does row security not concern a role at all?
    #[must_use]
    pub fn skips_row_security(&self, role: &str) -> bool {
        self.snapshot.roles.get(role).is_some_and(|role| role.superuser || role.bypassrls)
    }

    /// The ways by which a role comes to a right on a thing; none when it does not have it. For a column also
    /// by its whole table.
    #[must_use]
    pub fn ways(&self, role: &'a str, privilege: Privilege, object: &Object) -> Vec<Way> {
        self.ways_of(role, &self.inherited(role), privilege, object)
    }

    /// The same for a role whose memberships were followed already.
    pub(super) fn ways_of(
        &self,
        role: &str,
        inherited: &BTreeMap<&'a str, Vec<&'a str>>,
        privilege: Privilege,
        object: &Object,
    ) -> Vec<Way> {
        if self.is_superuser(role) {
            return vec![Way::Superuser];
        }
        let mut ways = Vec::new();
        let whole = object.table_of_column();
        for object in [Some(object), whole.as_ref()].into_iter().flatten() {
            let Some(thing) = self.snapshot.things.get(object) else { continue };
            ways.extend(
                thing
                    .rights
                    .iter()
                    .filter(|grant| grant.privilege == privilege)
                    .filter_map(|grant| way(thing, grant, inherited)),
            );
        }
        for predefined in predefined(privilege, object.kind()) {
            if let Some(by) = inherited.get(predefined) {
                ways.push(Way::Predefined { by: names(by) });
            }
        }
        ways.sort();
        ways.dedup();
        ways
    }
}

fn way(thing: &Thing, grant: &Grant, inherited: &BTreeMap<&str, Vec<&str>>) -> Option<Way> {
    match &grant.grantee {
        Grantee::Public => Some(Way::Public),
        Grantee::Role(to) => inherited.get(to.as_ref()).map(|by| Way::Granted {
            by: names(by),
            owner: *to == thing.owner,
            grantable: grant.grantable,
        }),
    }
}

fn names(by: &[&str]) -> Vec<String> {
    by.iter().map(|role| (*role).to_owned()).collect()
}

/// The predefined roles that have a right without a grant (PostgreSQL's documentation, "Predefined Roles").
fn predefined(privilege: Privilege, kind: ObjectKind) -> &'static [&'static str] {
    match (privilege, kind) {
        (Privilege::Select, ObjectKind::Table | ObjectKind::Column | ObjectKind::Sequence) => &["pg_read_all_data"],
        (Privilege::Insert | Privilege::Update, ObjectKind::Table | ObjectKind::Column)
        | (Privilege::Delete, ObjectKind::Table)
        | (Privilege::Update, ObjectKind::Sequence) => &["pg_write_all_data"],
        (Privilege::Usage, ObjectKind::Schema) => &["pg_read_all_data", "pg_write_all_data"],
        (Privilege::Maintain, ObjectKind::Table) => &["pg_maintain"],
        _ => &[],
    }
}
