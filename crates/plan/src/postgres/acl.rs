//! Rights as they change while statements are written.
//!
//! A right is taken back by whoever gave it, and what its holder gave on hangs on it. So the statements are written
//! against a model of the rights, which each of them changes as the server will: what hangs on a right that goes is
//! given anew by the owner first, and columns that lose a right together with their table get theirs back.

use std::collections::BTreeMap;
use std::sync::Arc;

use tenantry_policy::Address;
use tenantry_policy::object::{Future, Object, Privilege};
use tenantry_source::cluster::{Detail, Grant, Grantee, Member, Snapshot, Thing};
use tenantry_sql::cluster::{
    Holder, Options, Statement, act_as, act_as_oneself, default_grant, default_revoke, grant, grant_role, revoke,
    revoke_admin, revoke_option, revoke_role,
};

use super::current::default_rights;

/// More turns than a chain of grantors can need.
const ROUNDS: usize = 8;

/// A statement, what it is for, and whose step it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The step's address.
    pub address: Address,
    /// What it is for, in a few words.
    pub purpose: &'static str,
    /// The statement.
    pub statement: Statement,
    /// May no transaction hold it?
    pub alone: bool,
}

/// The model, and the statements so far.
pub(super) struct Model<'s> {
    pub(super) snapshot: &'s Snapshot,
    rights: BTreeMap<Object, Vec<Grant>>,
    owners: BTreeMap<Object, Arc<str>>,
    members: Vec<Member>,
    pub(super) out: Vec<Written>,
    /// The step that statements belong to now.
    pub(super) address: Address,
}

fn holder(grantee: &Grantee) -> Holder<'_> {
    grantee.role().map_or(Holder::Everybody, Holder::Role)
}

impl<'s> Model<'s> {
    pub(super) fn new(snapshot: &'s Snapshot) -> Model<'s> {
        Model {
            snapshot,
            rights: snapshot.things.iter().map(|(object, thing)| (object.clone(), thing.rights.clone())).collect(),
            owners: BTreeMap::new(),
            members: snapshot.members.clone(),
            out: Vec::new(),
            address: Address::new(""),
        }
    }

    pub(super) fn push(&mut self, purpose: &'static str, statement: Statement) {
        let address = self.address.clone();
        self.out.push(Written { address, purpose, statement, alone: false });
    }

    /// Things that are dropped: no right on them is left to be taken.
    pub(super) fn forget(&mut self, gone: impl Fn(&Object, &Thing) -> bool) {
        let snapshot = self.snapshot;
        self.rights.retain(|object, _| snapshot.things.get(object).is_none_or(|thing| !gone(object, thing)));
    }

    pub(super) fn owner(&self, object: &Object) -> Arc<str> {
        if let Some(owner) = self.owners.get(object) {
            return Arc::clone(owner);
        }
        if let Some(table) = object.table_of_column() {
            return self.owner(&table);
        }
        self.snapshot.things.get(object).map(|thing| Arc::clone(&thing.owner)).unwrap_or_default()
    }

    /// A thing changed hands: what the former owner held and gave is now the new one's.
    pub(super) fn owned_by(&mut self, object: &Object, owner: &str) {
        let (former, owner) = (self.owner(object), Arc::<str>::from(owner));
        let mut changed = vec![object.clone()];
        changed.extend(self.columns(object));
        for object in changed {
            for grant in self.rights.get_mut(&object).into_iter().flatten() {
                if grant.grantee.role() == Some(&former) {
                    grant.grantee = Grantee::Role(Arc::clone(&owner));
                }
                if grant.grantor == former {
                    grant.grantor = Arc::clone(&owner);
                }
            }
        }
        self.owners.insert(object.clone(), Arc::clone(&owner));
        for sequence in self.sequences(object) {
            self.owned_by(&sequence, &owner);
        }
    }

    /// The sequences of a table's columns, which belong to whom it belongs to.
    pub(super) fn sequences(&self, table: &Object) -> Vec<Object> {
        let own = |thing: &Thing| matches!(&thing.detail, Detail::Sequence(of) if of == table);
        self.snapshot.things.iter().filter(|(_, thing)| own(thing)).map(|(object, _)| object.clone()).collect()
    }

    fn columns(&self, table: &Object) -> Vec<Object> {
        let Object::Table { schema, name } = table else { return Vec::new() };
        let from = Object::Column { schema: schema.clone(), table: name.clone(), name: String::new() };
        let own = self.rights.range(from..).map(|(object, _)| object);
        own.take_while(|object| object.table_of_column().as_ref() == Some(table)).cloned().collect()
    }

    fn held(&self, object: &Object, to: &Grantee) -> Vec<Grant> {
        let all = self.rights.get(object).into_iter().flatten();
        all.filter(|grant| grant.grantee == *to).cloned().collect()
    }

    /// Everything that a role holds, thing by thing.
    pub(super) fn things_held(&self, role: &str) -> Vec<Object> {
        let any = |rights: &Vec<Grant>| rights.iter().any(|grant| grant.grantee.role() == Some(role));
        self.rights.iter().filter(|(_, rights)| any(rights)).map(|(object, _)| object.clone()).collect()
    }

    /// Makes what somebody holds on a thing exactly this.
    pub(super) fn set_rights(&mut self, object: &Object, to: &Grantee, wanted: &BTreeMap<Privilege, bool>) {
        let owner = self.owner(object);
        let is_owner = to.role() == Some(&owner);
        // What is forced may come back as the owner's own gift: once more then.
        for _ in 0..ROUNDS {
            // One REVOKE for what one grantor gave.
            let mut gone: BTreeMap<(Arc<str>, bool), Vec<Privilege>> = BTreeMap::new();
            for grant in self.held(object, to) {
                match wanted.get(&grant.privilege) {
                    None => gone.entry((grant.grantor, false)).or_default().push(grant.privilege),
                    Some(false) if grant.grantable && !is_owner => {
                        gone.entry((grant.grantor, true)).or_default().push(grant.privilege);
                    }
                    Some(_) => {}
                }
            }
            if gone.is_empty() {
                break;
            }
            for ((grantor, option), privileges) in gone {
                self.take(object, to, &grantor, &privileges, option);
            }
        }
        let held = self.held(object, to);
        for grantable in [false, true] {
            let missing: Vec<Privilege> = wanted
                .iter()
                .filter(|(privilege, wants)| {
                    **wants == grantable
                        && !held
                            .iter()
                            .any(|grant| grant.privilege == **privilege && (grant.grantable || !grantable || is_owner))
                })
                .map(|(privilege, _)| *privilege)
                .collect();
            if !missing.is_empty() {
                self.give(object, to, &missing, grantable, "give a right");
            }
        }
    }

    fn give(&mut self, object: &Object, to: &Grantee, given: &[Privilege], grantable: bool, purpose: &'static str) {
        self.push(purpose, grant(given, object, holder(to), grantable));
        let owner = self.owner(object);
        let rights = self.rights.entry(object.clone()).or_default();
        for privilege in given {
            let known = rights
                .iter_mut()
                .find(|grant| grant.grantee == *to && grant.grantor == owner && grant.privilege == *privilege);
            match known {
                Some(known) => known.grantable |= grantable,
                None => rights.push(Grant {
                    grantee: to.clone(),
                    privilege: *privilege,
                    grantor: Arc::clone(&owner),
                    grantable,
                }),
            }
        }
    }

    /// Takes rights back that one grantor gave, or only the option to give them on.
    fn take(&mut self, object: &Object, from: &Grantee, grantor: &Arc<str>, taken: &[Privilege], option: bool) {
        let owner = self.owner(object);
        let by_another = !owner.is_empty() && *grantor != owner;
        if by_another && !self.can_act(object, grantor, &owner, taken) {
            self.force(object, from, grantor, taken, option);
            return;
        }
        let columns = self.columns(object);
        let mut cascade = false;
        for object in std::iter::once(object).chain(&columns) {
            cascade |= self.keep_dependents(object, from, grantor, taken);
        }
        if by_another {
            self.push("act as who gave it", act_as(grantor));
        }
        let statement = if option {
            revoke_option(taken, object, holder(from), cascade)
        } else {
            revoke(taken, object, holder(from), cascade)
        };
        self.push("take a right back", statement);
        if by_another {
            self.push("act as oneself", act_as_oneself());
        }
        let mut lost: Vec<(Object, bool, Vec<Privilege>)> = Vec::new();
        for (at, object) in std::iter::once(object).chain(&columns).enumerate() {
            let Some(rights) = self.rights.get_mut(object) else { continue };
            let hit =
                |grant: &Grant| grant.grantee == *from && grant.grantor == *grantor && taken.contains(&grant.privilege);
            if at > 0 {
                for grantable in [false, true] {
                    let these: Vec<Privilege> = rights
                        .iter()
                        .filter(|grant| hit(grant) && grant.grantable == grantable && (!option || grantable))
                        .map(|grant| grant.privilege)
                        .collect();
                    if !these.is_empty() {
                        lost.push((object.clone(), grantable, these));
                    }
                }
            }
            if option {
                rights.iter_mut().filter(|grant| hit(grant)).for_each(|grant| grant.grantable = false);
            } else {
                rights.retain(|grant| !hit(grant));
            }
        }
        for (column, grantable, privileges) in lost {
            self.give(&column, from, &privileges, grantable, "give back what went with the table's right");
        }
    }

    /// Can a grantor take back what it gave? Not one that the server takes for the owner, and not one that may no
    /// longer give it.
    fn can_act(&self, object: &Object, grantor: &str, owner: &str, taken: &[Privilege]) -> bool {
        let power = self.snapshot.roles.get(grantor).is_none_or(|role| role.superuser);
        let of = Grantee::Role(grantor.into());
        let mut held = self.held(object, &of);
        held.extend(object.table_of_column().map(|table| self.held(&table, &of)).into_iter().flatten());
        let may = |privilege: &Privilege| held.iter().any(|grant| grant.privilege == *privilege && grant.grantable);
        !power && !self.snapshot.is_member(grantor, owner) && taken.iter().all(may)
    }

    /// Takes rights back whose grantor cannot: the owner gives the grantor the option, and takes it back together
    /// with all that hangs on it; what is to stay is given anew by the owner.
    fn force(&mut self, object: &Object, from: &Grantee, grantor: &Arc<str>, taken: &[Privilege], option: bool) {
        let owner = self.owner(object);
        let by = Grantee::Role(Arc::clone(grantor));
        for privilege in taken {
            let one = std::slice::from_ref(privilege);
            let before: Vec<Grant> =
                self.held(object, &by).into_iter().filter(|grant| grant.privilege == *privilege).collect();
            for other in before.iter().filter(|grant| grant.grantable && grant.grantor != owner) {
                self.take(object, &by, &other.grantor, one, true);
            }
            let given = |grant: &Grant| grant.grantor == *grantor && grant.privilege == *privilege;
            let rights = self.rights.get(object).cloned().unwrap_or_default();
            for dependent in rights.iter().filter(|grant| given(grant) && grant.grantee != *from) {
                self.give(object, &dependent.grantee, one, dependent.grantable, "keep what was given on");
            }
            self.give(object, &by, one, true, "let the grantor give it, so that it can be taken back");
            self.push("take a right back with its grantor's option", revoke_option(one, object, holder(&by), true));
            if let Some(rights) = self.rights.get_mut(object) {
                rights.retain(|grant| !given(grant));
                for grant in rights.iter_mut().filter(|grant| grant.grantee == by && grant.privilege == *privilege) {
                    grant.grantable = false;
                }
            }
            if option {
                self.give(object, from, one, false, "keep the right itself");
            }
            if before.iter().any(|grant| grant.grantable) {
                self.give(object, &by, one, true, "give the grantor its option back");
            } else if before.is_empty() {
                self.push("take the grantor's right back", revoke(one, object, holder(&by), false));
                if let Some(rights) = self.rights.get_mut(object) {
                    rights.retain(|grant| grant.grantee != by || grant.privilege != *privilege);
                }
            }
        }
    }

    /// What a role gave that hangs on nothing of its own any more: given anew by the owner, so that the role can go.
    pub(super) fn take_over(&mut self, role: &str) {
        let objects: Vec<Object> = self.rights.keys().cloned().collect();
        for object in objects {
            if self.owner(&object).as_ref() == role {
                continue;
            }
            let given: Vec<Grant> = self
                .rights
                .get(&object)
                .into_iter()
                .flatten()
                .filter(|grant| *grant.grantor == *role)
                .cloned()
                .collect();
            for grant in given {
                let one = std::slice::from_ref(&grant.privilege);
                self.give(&object, &grant.grantee, one, grant.grantable, "keep what was given on");
                self.force(&object, &grant.grantee, &grant.grantor, one, false);
            }
        }
    }

    /// What a holder gave on is given anew by the owner. Says whether there was any.
    fn keep_dependents(&mut self, object: &Object, from: &Grantee, grantor: &Arc<str>, taken: &[Privilege]) -> bool {
        let Some(role) = from.role() else { return false };
        let owner = self.owner(object);
        if role == owner.as_ref() {
            return false;
        }
        let rights = self.rights.get(object).cloned().unwrap_or_default();
        let still = |privilege: Privilege| {
            rights.iter().any(|grant| {
                grant.grantee == *from && grant.privilege == privilege && grant.grantable && grant.grantor != *grantor
            })
        };
        // On a column, what was given on by the table's option stays: the server follows each list by itself.
        let hangs = |privilege: Privilege| {
            rights.iter().any(|grant| {
                grant.grantee == *from && grant.privilege == privilege && grant.grantable && grant.grantor == *grantor
            })
        };
        let dependents: Vec<Grant> = rights
            .iter()
            .filter(|grant| *grant.grantor == *role && taken.contains(&grant.privilege))
            .filter(|grant| hangs(grant.privilege) && !still(grant.privilege))
            .cloned()
            .collect();
        for dependent in &dependents {
            let purpose = "keep what was given on";
            self.give(object, &dependent.grantee, &[dependent.privilege], dependent.grantable, purpose);
        }
        if let Some(rights) = self.rights.get_mut(object) {
            rights.retain(|grant| !dependents.contains(grant));
        }
        !dependents.is_empty()
    }

    /// Makes what somebody will hold on what one role makes exactly this.
    pub(super) fn set_default(&mut self, future: &Future, to: &Grantee, wanted: &BTreeMap<Privilege, bool>) {
        let held = default_rights(self.snapshot, to.role(), future);
        let to_holder = holder(to);
        let is_owner = to.role() == Some(&future.owner);
        let gone: Vec<Privilege> = held.keys().filter(|privilege| !wanted.contains_key(privilege)).copied().collect();
        let less: Vec<Privilege> = held
            .iter()
            .filter(|(privilege, grantable)| **grantable && !is_owner && wanted.get(privilege) == Some(&false))
            .map(|(privilege, _)| *privilege)
            .collect();
        if !gone.is_empty() {
            self.push("take a default right back", default_revoke(&gone, future, to_holder, false));
        }
        if !less.is_empty() {
            self.push("take a default right back", default_revoke(&less, future, to_holder, true));
        }
        for grantable in [false, true] {
            let missing: Vec<Privilege> = wanted
                .iter()
                .filter(|(privilege, wants)| {
                    **wants == grantable && held.get(privilege).is_none_or(|has| grantable && !has && !is_owner)
                })
                .map(|(privilege, _)| *privilege)
                .collect();
            if !missing.is_empty() {
                self.push("give a default right", default_grant(&missing, future, to_holder, grantable));
            }
        }
    }

    fn modern(&self) -> bool {
        self.snapshot.server.major() >= 16
    }

    /// Makes a membership what is wanted, in place: nothing is revoked that stays.
    pub(super) fn set_membership(&mut self, role: &str, member: &str, wanted: Options) {
        let rows: Vec<Member> = self.rows(role, member);
        let Some(first) = rows.first() else {
            self.push("make a member", grant_role(role, member, wanted, None, self.modern()));
            self.members.push(Member {
                role: role.into(),
                member: member.into(),
                grantor: Arc::clone(&self.snapshot.server.user),
                admin: wanted.admin.unwrap_or(false),
                inherit: wanted.inherit.unwrap_or(true),
                set: wanted.set.unwrap_or(true),
            });
            return;
        };
        if wanted.admin == Some(false) {
            for row in rows.iter().filter(|row| row.admin) {
                self.take_membership(row, true);
            }
        }
        let modern = self.modern();
        let by = |row: &Member| modern.then(|| row.grantor.to_string());
        let mut raise = Options::default();
        if wanted.admin == Some(true) && !rows.iter().any(|row| row.admin) {
            raise.admin = Some(true);
        }
        if wanted.inherit == Some(true) && !rows.iter().any(|row| row.inherit) {
            raise.inherit = Some(true);
        }
        if wanted.set == Some(true) && !rows.iter().any(|row| row.set) {
            raise.set = Some(true);
        }
        if raise != Options::default() {
            let grantor = by(first);
            self.push("change a membership in place", grant_role(role, member, raise, grantor.as_deref(), modern));
        }
        for row in &rows {
            let lower = Options {
                admin: None,
                inherit: (wanted.inherit == Some(false) && row.inherit).then_some(false),
                set: (wanted.set == Some(false) && row.set).then_some(false),
            };
            if lower != Options::default() {
                let grantor = by(row);
                self.push("change a membership in place", grant_role(role, member, lower, grantor.as_deref(), modern));
            }
        }
    }

    /// Ends a membership, whoever gave it.
    pub(super) fn end_membership(&mut self, role: &str, member: &str) {
        for row in self.rows(role, member) {
            self.take_membership(&row, false);
        }
    }

    fn rows(&self, role: &str, member: &str) -> Vec<Member> {
        self.members.iter().filter(|row| *row.role == *role && *row.member == *member).cloned().collect()
    }

    fn take_membership(&mut self, row: &Member, option: bool) {
        let modern = self.modern();
        if modern && row.admin {
            let others = self.rows(&row.role, &row.member).iter().any(|other| other != row && other.admin);
            if !others {
                self.keep_members_of(&row.role, &row.member);
            }
        }
        let grantor = modern.then_some(row.grantor.as_ref());
        let statement = if option {
            revoke_admin(&row.role, &row.member, grantor)
        } else {
            revoke_role(&row.role, &row.member, grantor)
        };
        self.push(if option { "take the admin option back" } else { "end a membership" }, statement);
        if option {
            self.members.iter_mut().filter(|known| *known == row).for_each(|known| known.admin = false);
        } else {
            self.members.retain(|known| known != row);
        }
    }

    /// Memberships in a role that one of its admins gave, given anew by whoever applies.
    pub(super) fn keep_members_of(&mut self, role: &str, admin: &str) {
        let given: Vec<Member> =
            self.members.iter().filter(|row| *row.role == *role && *row.grantor == *admin).cloned().collect();
        for mut row in given {
            let options = Options { admin: Some(row.admin), inherit: Some(row.inherit), set: Some(row.set) };
            self.push("keep what was given on", grant_role(&row.role, &row.member, options, None, true));
            self.members.retain(|known| *known != row);
            row.grantor = Arc::clone(&self.snapshot.server.user);
            self.members.push(row);
        }
    }

    /// Ends a membership of that very grantor.
    pub(super) fn end_given(&mut self, row: &Member) {
        let statement = revoke_role(&row.role, &row.member, Some(&row.grantor));
        self.push("end a membership", statement);
        self.members.retain(|known| known != row);
    }

    /// Roles in which an admin gave memberships.
    pub(super) fn given_by(&self, grantor: &str) -> Vec<Member> {
        self.members.iter().filter(|row| *row.grantor == *grantor).cloned().collect()
    }
}
