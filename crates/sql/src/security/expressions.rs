//! Which policies row security has, and what they say.

use std::sync::Arc;

use tenantry_policy::condition::Cond;
use tenantry_policy::table::{DeleteMode, Rule};
use tenantry_policy::{ColumnId, Op, OpSet, Policy, RuleKind, Table, TableId};

use crate::RenderError;
use crate::builder::{Alias, Voice};
use crate::scribe::{Need, Row, Scribe, boundary};

/// One policy of row security, as it is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyExpression {
    /// The table's name in the tenantry policy.
    pub table: Arc<str>,
    /// The table's schema in the database.
    pub schema: Arc<str>,
    /// The table's name in the database.
    pub db_name: Arc<str>,
    /// The policy's name: `tenantry:scope`, `tenantry:permit:parent-access:select`. At most 63 bytes.
    pub name: String,
    /// PERMISSIVE, rather than RESTRICTIVE?
    pub permissive: bool,
    /// For which command.
    pub command: Command,
    /// Which rows of the table it concerns (SELECT, UPDATE, DELETE, ALL).
    pub using: Option<String>,
    /// Which new rows it concerns (INSERT, UPDATE, ALL).
    pub check: Option<String>,
    /// The columns of other tables that it reads, for which whoever it is for needs the right to.
    pub reads: Vec<(TableId, ColumnId)>,
}

impl PolicyExpression {
    /// What the policy does, in a few words.
    #[must_use]
    pub fn purpose(&self) -> &'static str {
        if self.permissive { "show rows by a rule" } else { "hide rows by a rule" }
    }
}

/// The command that a policy is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Command {
    /// All four.
    All,
    /// SELECT
    Select,
    /// INSERT
    Insert,
    /// UPDATE
    Update,
    /// DELETE
    Delete,
}

impl Command {
    /// The word in SQL.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Command::All => "ALL",
            Command::Select => "SELECT",
            Command::Insert => "INSERT",
            Command::Update => "UPDATE",
            Command::Delete => "DELETE",
        }
    }

    pub(super) fn of(op: Op) -> Command {
        match op {
            Op::Read => Command::Select,
            Op::Create => Command::Insert,
            Op::Update => Command::Update,
            Op::Delete => Command::Delete,
        }
    }

    /// What a policy's name ends with.
    fn suffix(self) -> &'static str {
        match self {
            Command::All => "",
            Command::Select => ":select",
            Command::Insert => ":insert",
            Command::Update => ":update",
            Command::Delete => ":delete",
        }
    }
}

/// Tenantry's own connections say who asks.
const VOICE: Voice = Voice::Settings;

/// Every policy that row security on a source of PostgreSQL must have, table by table; to make them,
/// and to compare with what the catalog holds.
///
/// # Errors
/// [`RenderError`] when the policy contradicts itself.
pub fn policy_expressions(policy: &Policy, source: &str) -> Result<Vec<PolicyExpression>, RenderError> {
    let mut list = Vec::new();
    for table in super::governed(policy, source) {
        for rule in &table.rules {
            if rule.kind == RuleKind::Live {
                continue;
            }
            for command in commands(operations(table, rule)) {
                let name = name(&tail(table, rule), command);
                list.push(expression(policy, table, name, rule.kind.widens(), command, &[&rule.when], VOICE)?);
            }
        }
        let boundaries = Op::ALL.into_iter().map(|op| boundaries(table, op)).collect::<Result<Vec<_>, _>>()?;
        let same = boundaries.windows(2).all(|pair| matches!(pair, [a, b] if a == b));
        if same {
            if let Some(conds) = boundaries.first() {
                let name = name("boundary", Command::All);
                list.push(expression(policy, table, name, false, Command::All, conds, VOICE)?);
            }
            continue;
        }
        for (op, conds) in Op::ALL.into_iter().zip(&boundaries) {
            let command = Command::of(op);
            list.push(expression(policy, table, name("boundary", command), false, command, conds, VOICE)?);
        }
    }
    Ok(list)
}

fn is_soft(table: &Table) -> bool {
    matches!(table.writes.delete, DeleteMode::Soft(_))
}

/// For which of PostgreSQL's operations a rule counts. A soft delete is an UPDATE there, which the
/// database cannot tell from any other: what widens either widens UPDATE, and what narrows only one
/// of them cannot narrow UPDATE. The statement's own predicate keeps the two apart.
fn operations(table: &Table, rule: &Rule) -> OpSet {
    if !is_soft(table) {
        return rule.on;
    }
    let (update, delete) = (rule.on.has(Op::Update), rule.on.has(Op::Delete));
    let either = if rule.kind.widens() { update || delete } else { update && delete };
    OpSet::of(Op::ALL.into_iter().filter(|op| if *op == Op::Update { either } else { rule.on.has(*op) }))
}

/// The boundary of an operation: one of these conditions must hold.
fn boundaries(table: &Table, op: Op) -> Result<Vec<&Cond>, RenderError> {
    let own = boundary(table, op)?;
    if op == Op::Update && is_soft(table) {
        let delete = boundary(table, Op::Delete)?;
        if delete != own {
            return Ok(vec![own, delete]);
        }
    }
    Ok(vec![own])
}

pub(super) fn commands(on: OpSet) -> Vec<Command> {
    if on == OpSet::ALL { vec![Command::All] } else { on.iter().map(Command::of).collect() }
}

/// The part of a rule's address after its table's: `scope`, `permit.parent-access`, with colons.
pub(super) fn tail(table: &Table, rule: &Rule) -> String {
    let address = rule.address.as_str();
    let tail = address.strip_prefix(table.address().as_str()).and_then(|tail| tail.strip_prefix('.'));
    tail.unwrap_or(address).replacen('.', ":", 1)
}

/// A policy's name, within PostgreSQL's 63 bytes. A longer one keeps its beginning and gets a digest
/// of the whole, so that two never become one.
fn name(tail: &str, command: Command) -> String {
    named("tenantry:", tail, command)
}

/// The same with another beginning.
pub(super) fn named(head: &'static str, tail: &str, command: Command) -> String {
    const MOST: usize = 63;
    let whole = [head, tail, command.suffix()].concat();
    if whole.len() <= MOST {
        return whole;
    }
    // FNV-1a: nobody gains anything from making two names of one's own policy collide.
    let digest = tail
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let end = format!("~{digest:016x}{}", command.suffix());
    let mut short = String::from(head);
    for c in tail.chars() {
        if short.len() + c.len_utf8() + end.len() > MOST {
            break;
        }
        short.push(c);
    }
    short + &end
}

pub(super) fn expression(
    policy: &Policy,
    table: &Table,
    name: String,
    permissive: bool,
    command: Command,
    conds: &[&Cond],
    voice: Voice,
) -> Result<PolicyExpression, RenderError> {
    let mut scribe = Scribe::row_security(policy, table, voice);
    let row = Row::new(Alias::Own, table);
    for (at, cond) in conds.iter().enumerate() {
        if at > 0 {
            scribe.sql.push(" OR ");
        }
        scribe.cond(row, cond, Need::Truth)?;
    }
    let reads = scribe.sql.reads_elsewhere();
    let text = scribe.sql.into_text();
    let using = (command != Command::Insert).then(|| text.clone());
    let check = matches!(command, Command::All | Command::Insert | Command::Update).then_some(text);
    Ok(PolicyExpression {
        table: table.name.clone(),
        schema: table.schema.clone(),
        db_name: table.db_name.clone(),
        name,
        permissive,
        command,
        using,
        check,
        reads,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_into_postgres() {
        assert_eq!(name("scope", Command::All), "tenantry:scope");
        assert_eq!(name("permit:parent-access", Command::Select), "tenantry:permit:parent-access:select");
        let (long, other) = ("permit:".to_owned() + &"é".repeat(40), "permit:".to_owned() + &"é".repeat(41));
        let (long, other) = (name(&long, Command::Update), name(&other, Command::Update));
        assert!(long.len() <= 63 && other.len() <= 63, "{long} {other}");
        assert_ne!(long, other);
        assert!(long.starts_with("tenantry:permit:é") && long.ends_with(":update"));
    }
}
