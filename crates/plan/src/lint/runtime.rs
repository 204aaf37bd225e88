//! The role that the running server connects as.

use tenantry_source::cluster::Member;

use super::{Ground, Level, Lint};

pub(super) fn look(ground: &Ground<'_>, found: &mut Vec<Lint>) {
    let (snapshot, runtime) = (ground.snapshot(), ground.runtime);
    let Some(role) = snapshot.roles.get(runtime) else { return };
    let mut add = |code, what: String, fix| found.push(ground.role(code, Level::Refused, runtime, what, fix));
    let owned: Vec<String> = snapshot
        .things
        .iter()
        .filter(|(_, thing)| thing.owner.as_ref() == runtime)
        .map(|(object, _)| object.to_string())
        .collect();
    if let Some(first) = owned.first() {
        let more = if owned.len() > 1 { format!(" and {} more", owned.len().saturating_sub(1)) } else { String::new() };
        add(
            "runtime-owns",
            format!("role {runtime}, which the server connects as, owns {first}{more}"),
            "ALTER ... OWNER TO the role that applies",
        );
    }
    for (has, attribute) in [(role.createrole, "CREATEROLE"), (role.createdb, "CREATEDB")] {
        if has {
            let what = format!("role {runtime}, which the server connects as, has {attribute}");
            add("runtime-attributes", what, "ALTER ROLE ... take it away");
        }
    }
    for member in snapshot.members.iter().filter(|member| member.member.as_ref() == runtime) {
        let what = format!("role {runtime}, which the server connects as, is in {}", member.role);
        add("runtime-in-role", what, "REVOKE the membership");
    }
    for member in snapshot.members.iter().filter(|member| member.role.as_ref() == runtime) {
        if !ground.is_trusted(&member.member) {
            let what = format!("role {} {} {runtime}, which the server connects as", member.member, how(member));
            add("runtime-member", what, "REVOKE the membership");
        }
    }
}

fn how(member: &Member) -> &'static str {
    match (member.inherit, member.set, member.admin) {
        (true, _, _) => "has the rights of",
        (false, true, _) => "may become",
        (false, false, true) => "may put itself into",
        (false, false, false) => "is in",
    }
}
