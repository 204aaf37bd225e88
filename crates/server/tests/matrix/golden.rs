//! I3: which role may do what, as one table that a reviewer reads.

use tenantry_identity::Audience;

use crate::stage::Tenant;
use crate::table::entries;
use crate::world::{Who, World};

/// A column: its heading, the context, the roles held, and whether the token is for one workspace.
const COLUMNS: &[(&str, Audience, &[&str], Place)] = &[
    ("portal: owner", Audience::Portal, &["platform-owner"], Place::Account),
    ("operator", Audience::Portal, &["platform-operator"], Place::Account),
    ("auditor", Audience::Portal, &["platform-auditor"], Place::Account),
    ("nobody", Audience::Portal, &[], Place::Account),
    ("dashboard: owner", Audience::Dashboard, &["account-owner"], Place::Account),
    ("admin", Audience::Dashboard, &["account-admin"], Place::Account),
    ("auditor", Audience::Dashboard, &["account-auditor"], Place::Account),
    ("workspace admin", Audience::Dashboard, &["workspace-admin"], Place::Workspace),
    ("of another workspace", Audience::Dashboard, &["workspace-admin"], Place::Elsewhere),
    ("nobody", Audience::Dashboard, &[], Place::Account),
    ("app: anybody", Audience::App, &[], Place::Workspace),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Account,
    Workspace,
    Elsewhere,
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_roles_permit_what_the_golden_table_says() {
    let mut columns = Vec::new();
    for (_, context, roles, place) in COLUMNS {
        columns.push(column(*context, roles, *place).await);
    }
    let mut text = String::new();
    for (place, context) in [Audience::Portal, Audience::Dashboard, Audience::App].into_iter().enumerate() {
        let chosen: Vec<usize> =
            COLUMNS.iter().enumerate().filter(|(_, column)| column.1 == context).map(|(at, _)| at).collect();
        if place > 0 {
            text.push('\n');
        }
        let headings: Vec<&str> = chosen.iter().map(|at| COLUMNS[*at].0).collect();
        text.push_str(&format!("{:<102}{}\n", context.name(), line(&headings, &headings)));
        let mut names: Vec<&String> = columns[chosen[0]].iter().map(|(name, _)| name).collect();
        names.sort_by_key(|name| name.split_once(' ').map(|(method, path)| (path.to_owned(), method.to_owned())));
        for name in names {
            let words: Vec<&str> = chosen
                .iter()
                .map(|at| columns[*at].iter().find(|(known, _)| known == name).map_or("?", |(_, word)| word.as_str()))
                .collect();
            text.push_str(&format!("{name:<102}{}\n", line(&words, &headings)));
        }
    }
    let text: String = text.lines().map(|line| [line.trim_end(), "\n"].concat()).collect();
    insta::assert_snapshot!("roles", text);
}

fn line(words: &[&str], headings: &[&str]) -> String {
    words.iter().zip(headings).map(|(word, heading)| format!("{word:<width$}", width = heading.len() + 2)).collect()
}

/// What each endpoint of a context answers to one role, each role in a world of its own.
async fn column(context: Audience, roles: &[&str], place: Place) -> Vec<(String, String)> {
    let world = World::small().await;
    let ours = Tenant::new(&world, "ours").await;
    let account = (context != Audience::Portal).then_some(ours.id.as_str());
    let workspace = match place {
        Place::Account => None,
        Place::Workspace => Some(ours.workspace.as_str()),
        Place::Elsewhere => Some(ours.elsewhere.as_str()),
    };
    let workspace = workspace.filter(|workspace| !workspace.is_empty());
    let user = ours.values.get("caller_id").map(String::as_str);
    let mut words = Vec::new();
    for entry in entries().into_iter().filter(|entry| entry.of(context)) {
        let token = world.token(context, &Who { account, workspace, user, roles, ..Who::default() });
        let (status, text) =
            world.raw(Some(&token), entry.facts.method, &entry.path(&ours.values), entry.body(&ours.values)).await;
        let word = match status {
            200..=299 => {
                assert_eq!(status, entry.facts.status, "{}: {text}", entry.name());
                "yes".to_owned()
            }
            403 => "-".to_owned(),
            404 => "hidden".to_owned(),
            other => panic!("{} as {roles:?}: {other} {text}", entry.name()),
        };
        words.push((entry.name(), word));
    }
    words
}
