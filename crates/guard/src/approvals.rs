//! Writes that somebody else must agree to first.
//!
//! The exact arguments are stored, sealed, with their hash and with who asked. An approver of the same
//! account, never the requester, decides once; the call then runs once, as the requester, with those
//! arguments, and through the same decision as any other call.

use std::borrow::Cow;

use tenantry_policy::value::format_timestamp;
use tenantry_policy::{Bound, Code, Denied, OpSet, Principal, Query, Table, Tool};
use tenantry_store::Approval;

use crate::json::{self, Json};
use crate::sanitize;

/// How long a request waits for a decision, in microseconds: seven days.
pub(crate) const LIFETIME_MICROS: i64 = 7 * 24 * 3600 * 1_000_000;

/// The end of the subject of a client that acts for itself.
const CLIENTS: &str = "@clients";

/// Does this write need an approval?
pub(crate) fn needed<'p>(bound: &'p Bound, query: &Query) -> Option<&'p Table> {
    let (table, op, dry_run) = match query {
        Query::Create(create) => (create.table, tenantry_policy::Op::Create, create.dry_run),
        Query::Update(update) => (update.table, tenantry_policy::Op::Update, update.dry_run),
        Query::Delete(delete) => (delete.table, tenantry_policy::Op::Delete, delete.dry_run),
        Query::Read(_) | Query::Aggregate(_) => return None,
    };
    let table = bound.policy.table(table)?;
    let approval = table.writes.approval.as_ref()?;
    (approval.on.has(op) && !dry_run).then_some(table)
}

/// May this principal decide on writes to the table that another one asked for?
pub(crate) fn may_decide(bound: &Bound, table: &Table, requester: &Principal) -> Result<(), Denied> {
    let Some(approval) = &table.writes.approval else {
        return Err(Denied::new(Code::WriteDisabled, "the table no longer takes approvals"));
    };
    let principal = bound.principal.as_ref();
    if bound.kept() != OpSet::ALL {
        // A token that was left less than the roles grant does not decide for others.
        return Err(absent());
    }
    if !principal.roles.iter().any(|role| approval.roles.iter().any(|wanted| wanted.as_ref() == role)) {
        // Whoever may not decide cannot tell the request from one that does not exist.
        return Err(absent());
    }
    let asked = hands(requester);
    if principal.user_id.is_none() || hands(principal).iter().any(|hand| asked.contains(hand)) {
        return Err(Denied::new(Code::WriteDisabled, "nobody decides on a request of their own"));
    }
    Ok(())
}

/// Everybody who has a hand in what a principal does: the subject, and who acts on its behalf. A
/// client that acts for itself goes by the subject of its own token, as a delegate would name it.
fn hands(principal: &Principal) -> Vec<Cow<'_, str>> {
    let client = match (&principal.user_id, &principal.client_id) {
        (None, Some(client)) => Some(Cow::Owned([client, CLIENTS].concat())),
        _ => None,
    };
    let named = [&principal.user_id, &principal.delegate].into_iter().flatten();
    named.map(|name| Cow::Borrowed(name.as_str())).chain(client).collect()
}

/// No such request for this caller.
pub(crate) fn absent() -> Denied {
    Denied::new(Code::NotFound, "there is no such approval request")
}

/// A request as an approver sees it.
pub(crate) fn view(approval: &Approval, content: Option<&[u8]>, bound: &Bound) -> Json {
    let text = |value: &str| Json::Text(value.to_owned());
    let moment = |micros: i64| format_timestamp(micros).map_or(Json::Null, Json::Text);
    let json = content.and_then(|content| json::parse(content).ok());
    let arguments = json.map_or(Json::Null, |json| sanitize::arguments(bound, &json));
    Json::Object(vec![
        ("id".to_owned(), text(&approval.id)),
        ("status".to_owned(), text(approval.status.name())),
        ("tool".to_owned(), text(&approval.tool)),
        ("model".to_owned(), approval.model.as_deref().map_or(Json::Null, text)),
        ("arguments".to_owned(), arguments),
        ("content_sha256".to_owned(), Json::Text(approval.content_sha256.to_string())),
        ("requester".to_owned(), approval.requester.user_id.as_deref().map_or(Json::Null, text)),
        ("created".to_owned(), moment(approval.created_micros)),
        ("expires".to_owned(), moment(approval.expires_micros)),
    ])
}

/// The governed table that a stored request writes to, as long as it still takes approvals for that
/// tool.
pub(crate) fn table_of<'p>(bound: &'p Bound, approval: &Approval) -> Option<&'p Table> {
    let table = bound.policy.find(approval.model.as_deref()?)?;
    let op = Tool::parse(&approval.tool)?.op();
    table.writes.approval.as_ref().filter(|rule| rule.on.has(op)).map(|_| table)
}
