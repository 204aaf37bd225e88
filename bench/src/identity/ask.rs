//! What is asked of a site, whoever it holds.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::json;

use super::load::{Loaded, user};
use super::site::{Asked, Client, Site};
use crate::Problem;

/// A kind of question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A client's token within an account, signed with ES256.
    Token,
    /// A tool call of a member.
    Tool,
    /// The members of an account.
    Members,
    /// The first page of accounts.
    Accounts,
    /// A page of users, not the first.
    Users,
    /// One account.
    Account,
    /// A user by its address.
    ByEmail,
    /// Users by the beginning of a name.
    ByPrefix,
    /// Users by something in their metadata.
    ByMetadata,
}

impl Kind {
    pub(crate) const ALL: [Kind; 9] = [
        Kind::Token,
        Kind::Tool,
        Kind::Members,
        Kind::Account,
        Kind::Accounts,
        Kind::Users,
        Kind::ByEmail,
        Kind::ByPrefix,
        Kind::ByMetadata,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Token => "token in an account",
            Kind::Tool => "tool call",
            Kind::Members => "member list",
            Kind::Account => "one account",
            Kind::Accounts => "list of accounts",
            Kind::Users => "list of users",
            Kind::ByEmail => "search by address",
            Kind::ByPrefix => "search by prefix",
            Kind::ByMetadata => "search in metadata",
        }
    }
}

/// Questions of a kind, each about another account or user.
///
/// # Errors
/// [`Problem`] when a token cannot be made.
pub(crate) fn questions(
    kind: Kind,
    site: &Site,
    loaded: &Loaded,
    client: &Client,
    count: usize,
) -> Result<Vec<Asked>, Problem> {
    let mut random = ChaCha8Rng::seed_from_u64(8);
    let mut below = |most: usize| {
        let most = u64::try_from(most.max(1)).unwrap_or(1);
        usize::try_from(random.next_u64() % most).unwrap_or_default()
    };
    let mut asked = Vec::with_capacity(count);
    for _ in 0..count {
        let at = below(loaded.accounts.len());
        let account = loaded.accounts.get(at).map_or("", String::as_str);
        let someone = below(loaded.users);
        let get = |path: String| site.managing("GET", path, None);
        asked.push(match kind {
            Kind::Token => client.token(Some(account)),
            Kind::Tool => {
                let member = loaded.members(at).start;
                Asked {
                    method: "POST",
                    path: "/app/v1/tools/query".to_owned(),
                    token: Some(site.member(account, &user(member))?),
                    body: Some(json!({"model": "orders", "take": 5}).to_string().into()),
                }
            }
            Kind::Members => get(format!("/organizations/{account}/members?per_page=10")),
            Kind::Account => get(format!("/organizations/{account}")),
            Kind::Accounts => get("/organizations?per_page=50&include_totals=true".to_owned()),
            Kind::Users => get(format!("/users?per_page=50&page={}&include_totals=true", below(18))),
            Kind::ByEmail => get(format!("/users?q=email:%22user{someone}@example.com%22&include_totals=true")),
            Kind::ByPrefix => get(format!("/users?q=family_name:Family{someone}*&per_page=10&search_engine=v3")),
            Kind::ByMetadata => get(format!("/users?q=app_metadata.team:t{}&include_totals=true", someone / 10)),
        });
    }
    Ok(asked)
}
