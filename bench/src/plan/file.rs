//! A file of so many resources: APIs, roles, clients with grants, accounts in trees, workspaces, users, and where they
//! are members.

use std::fmt::Write as _;

/// What an account comes to: itself, two workspaces, four users, their four memberships and six places in workspaces.
const ACCOUNT: usize = 17;

/// What comes with every tenth account: an API, two roles, a client and its grant.
const EXTRA: usize = 5;

/// The file's text. Ten accounts and what comes with them are 175 resources; users without passwords, since a hash is
/// meant to cost.
pub(super) fn text(resources: usize, on_postgres: bool) -> String {
    let mut text = String::new();
    let mut left = resources.saturating_sub(1);
    text.push_str("[platform]\nfriendly_name = \"Bench\"\n");
    if on_postgres {
        text.push_str("store = \"env:BENCH_STORE\"\nkey_file = \"keys.json\"\n");
    }
    let mut at = 0_usize;
    while left >= ACCOUNT {
        if at.is_multiple_of(10) && left >= ACCOUNT + EXTRA {
            extra(&mut text, at);
            left -= EXTRA;
        }
        account(&mut text, at);
        left -= ACCOUNT;
        at += 1;
    }
    for role in 0..left {
        put(&mut text, format_args!("[role.rest-{role}]\n"));
    }
    text
}

/// Writing to a text cannot fail.
fn put(text: &mut String, what: std::fmt::Arguments<'_>) {
    let _ = text.write_fmt(what);
}

fn extra(text: &mut String, at: usize) {
    put(
        text,
        format_args!(
            "[api.\"https://api-{at}.example/\"]\npermissions = {{ \"read:x\" = \"Read\", \"write:x\" = \"Write\" }}\n\
             [role.here-{at}]\npermissions = {{ \"https://api-{at}.example/\" = [\"read:x\"] }}\n\
             [role.there-{at}]\nlevel = \"workspace\"\npermissions = {{ \"https://api-{at}.example/\" = [\"write:x\"] }}\n\
             [client.c-{at}]\nkind = \"machine\"\n\
             [client.c-{at}.grant.\"https://api-{at}.example/\"]\npermissions = [\"read:x\"]\norganization_usage = \"allow\"\n\
             accounts = [\"a-{at}\"]\n"
        ),
    );
}

fn account(text: &mut String, at: usize) {
    let ten = at - at % 10;
    put(text, format_args!("[account.a-{at}]\ndisplay_name = \"Account {at}\"\nmetadata = {{ tier = \"gold\" }}\n"));
    if at != ten {
        put(text, format_args!("parent = \"a-{ten}\"\n"));
    }
    for user in 0..4 {
        put(
            text,
            format_args!(
                "[user.\"u{user}@a-{at}.example\"]\ndisplay_name = \"User {user}\"\napp_metadata = {{ team = \"{user}\" }}\n\
                 [account.a-{at}.user.\"u{user}@a-{at}.example\"]\nroles = [\"here-{ten}\"]\n"
            ),
        );
    }
    for (workspace, users) in [("prod", 0..2), ("dev", 0..4)] {
        for user in users {
            put(
                text,
                format_args!(
                    "[account.a-{at}.workspace.{workspace}.user.\"u{user}@a-{at}.example\"]\nroles = [\"there-{ten}\"]\n"
                ),
            );
        }
    }
}
