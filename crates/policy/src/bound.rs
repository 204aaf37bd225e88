//! A principal bound to a policy: attributes typed, roles resolved, done once per token.

use std::sync::Arc;

use rust_decimal::Decimal;
use uuid::Uuid;

use crate::attribute::{AttrId, AttrPath, Attribute};
use crate::condition::{AttrView, Cond, NoRow, Term, Truth, eval};
use crate::ids::TableId;
use crate::policy::Policy;
use crate::principal::{Datum, Principal};
use crate::table::{MAX_RULES, Op, RuleKind, Table};
use crate::tool::ToolSet;
use crate::value::{Type, Value, parse_decimal, parse_timestamp};

/// A principal whose attributes have the types that the policy gives them.
#[derive(Debug, Clone)]
pub struct Bound {
    /// Who.
    pub principal: Arc<Principal>,
    /// The law it was bound to.
    pub policy: Arc<Policy>,
    /// A value for each attribute that rules read; `principal.now` is filled in by the call.
    values: Vec<Slot>,
    /// The tools granted, by table.
    tools: Vec<ToolSet>,
    /// The rules that take part, by table and operation.
    access: Vec<[Access; 4]>,
}

/// An attribute's value.
#[derive(Debug, Clone, PartialEq)]
pub enum Slot {
    /// The principal has no such attribute.
    Missing,
    /// A single value.
    One(Value),
    /// A list; may be empty.
    Many(Vec<Value>),
    /// The time of the call.
    Now,
}

/// Which rules of a table take part in an operation of one principal: those that are not already
/// FALSE or UNKNOWN by the principal's attributes alone. Small and copied, so that deciding
/// allocates nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Access {
    /// The table.
    pub table: TableId,
    /// The operation.
    pub op: Op,
    /// A bit per rule, by its position in the table's list.
    active: u64,
    /// Can anything be visible at all?
    verdict: Verdict,
}

/// What the principal alone already decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Rows decide.
    Open,
    /// No rule that widens takes part, because the scope lacks an attribute.
    ScopeRequired,
    /// No rule can show a row.
    Nothing,
}

impl Access {
    /// Does the rule at this position take part?
    #[must_use]
    pub fn has_rule(&self, at: usize) -> bool {
        at < 64 && self.active & (1 << at) != 0
    }

    /// What the principal alone already decides.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }
}

/// A token's attribute does not fit the policy: the token is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} {problem}")]
pub struct BindError {
    /// The attribute.
    pub path: String,
    /// What is wrong with it; never the value.
    pub problem: &'static str,
}

impl Bound {
    /// Binds a principal to a policy.
    ///
    /// # Errors
    /// [`BindError`] when an attribute that rules read is present but empty, NULL, or of the wrong
    /// type: a token that could be misread is refused rather than narrowed.
    pub fn new(policy: Arc<Policy>, principal: Arc<Principal>) -> Result<Bound, BindError> {
        let values = policy
            .attributes
            .iter()
            .map(|(id, attribute)| match policy.attributes.presence_only(id) {
                true => presence(attribute, &principal),
                false => read(attribute, &principal),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let keys = [
            (AttrPath::TenantId, &principal.tenant_id),
            (AttrPath::UserId, &principal.user_id),
            (AttrPath::WorkspaceId, &principal.workspace_id),
        ];
        let unfit = keys.into_iter().find(|(_, key)| key.as_deref().is_some_and(|id| !fit_key(id)));
        if let Some((path, _)) = unfit {
            return Err(BindError { path: path.to_string(), problem: "is empty, too long, or not plain text" });
        }
        if !principal.roles.iter().all(|role| fit_key(role)) {
            let problem = "holds a name that is empty, too long, or not plain text";
            return Err(BindError { path: AttrPath::Roles.to_string(), problem });
        }
        let mut tools = vec![ToolSet::NONE; policy.tables.len()];
        for role in &principal.roles {
            let Some(grants) = policy.roles.get(role.as_str()) else { continue };
            for (table, set) in &grants.tools {
                if let Some(slot) = tools.get_mut(table.index()) {
                    *slot = slot.union(*set);
                }
            }
        }
        let access = policy.tables.iter().map(|table| Op::ALL.map(|op| access(table, op, &values))).collect();
        Ok(Bound { principal, policy, values, tools, access })
    }

    /// The tools that the principal's roles grant on a table.
    #[must_use]
    pub fn tools(&self, table: TableId) -> ToolSet {
        self.tools.get(table.index()).copied().unwrap_or(ToolSet::NONE)
    }

    /// The rules that take part in an operation on a table. Constant time, allocates nothing.
    #[must_use]
    pub fn access(&self, table: TableId, op: Op) -> Access {
        self.access.get(table.index()).and_then(|ops| ops.get(op.index())).copied().unwrap_or(Access {
            table,
            op,
            active: 0,
            verdict: Verdict::Nothing,
        })
    }

    /// An attribute's value.
    #[must_use]
    pub fn slot(&self, id: AttrId) -> &Slot {
        self.values.get(id.index()).unwrap_or(&Slot::Missing)
    }

    /// The account, or the empty text for platform principals: the chain, key and cache partition
    /// that the call belongs to.
    #[must_use]
    pub fn account(&self) -> &str {
        self.principal.tenant_id.as_deref().unwrap_or("")
    }
}

/// Text that may be a key: 1 to 256 bytes, no control characters, in Unicode's composed form (NFC).
fn fit_key(text: &str) -> bool {
    !text.is_empty() && text.len() <= 256 && !text.chars().any(char::is_control) && unicode_normalization::is_nfc(text)
}

fn read(attribute: &Attribute, principal: &Principal) -> Result<Slot, BindError> {
    let refuse = |problem| BindError { path: attribute.path.to_string(), problem };
    let of_text = |text: &Option<String>| match text {
        None => Ok(Slot::Missing),
        Some(text) => typed_text(text, attribute.ty)
            .map(Slot::One)
            .ok_or_else(|| refuse("does not have the type that the rules expect")),
    };
    match &attribute.path {
        AttrPath::TenantId => of_text(&principal.tenant_id),
        AttrPath::UserId => of_text(&principal.user_id),
        AttrPath::WorkspaceId => of_text(&principal.workspace_id),
        AttrPath::Now => Ok(Slot::Now),
        AttrPath::Roles => Ok(Slot::Many(principal.roles.iter().map(|role| Value::text(role)).collect())),
        AttrPath::Metadata(path) => match (principal.metadata_at(path), attribute.list) {
            (None, _) => Ok(Slot::Missing),
            (Some(Datum::List(items)), true) => items
                .iter()
                .map(|item| typed(item, attribute.ty))
                .collect::<Option<Vec<_>>>()
                .map(Slot::Many)
                .ok_or_else(|| refuse("holds an element that is NULL, empty, or not of the expected type")),
            (Some(_), true) => Err(refuse("is not a list")),
            (Some(datum), false) => typed(datum, attribute.ty)
                .map(Slot::One)
                .ok_or_else(|| refuse("is NULL, empty, or not of the expected type")),
        },
    }
}

/// An attribute that is only tested with HAS: any value that is neither NULL nor empty text makes it
/// present, whatever its type. No rule reads the value itself, so a word stands for it.
fn presence(attribute: &Attribute, principal: &Principal) -> Result<Slot, BindError> {
    let present = match &attribute.path {
        AttrPath::Metadata(path) => match principal.metadata_at(path) {
            Some(Datum::Null) => {
                return Err(BindError { path: attribute.path.to_string(), problem: "is NULL" });
            }
            Some(Datum::Text(text)) if text.is_empty() => {
                return Err(BindError { path: attribute.path.to_string(), problem: "is empty" });
            }
            datum => datum.is_some(),
        },
        _ => return read(attribute, principal),
    };
    Ok(if present { Slot::One(Value::text("present")) } else { Slot::Missing })
}

/// A text attribute (tenant, user, workspace) read as the type of the column it is compared with.
fn typed_text(text: &str, ty: Type) -> Option<Value> {
    match ty {
        Type::Text => fit_key(text).then(|| Value::text(text)),
        Type::Int => {
            let number: i64 = text.parse().ok()?;
            // Only the canonical spelling: `+5`, `05` and `5` must not be three names of one tenant.
            (number.to_string() == text).then_some(Value::Int(number))
        }
        Type::Uuid => {
            let id = Uuid::try_parse(text).ok()?;
            (id.hyphenated().to_string() == text).then_some(Value::Uuid(id))
        }
        _ => None,
    }
}

fn typed(datum: &Datum, ty: Type) -> Option<Value> {
    match (datum, ty) {
        (Datum::Bool(value), Type::Bool) => Some(Value::Bool(*value)),
        (Datum::Int(value), Type::Int) => Some(Value::Int(*value)),
        (Datum::Int(value), Type::Decimal) => Some(Value::Decimal(Decimal::from(*value))),
        (Datum::Number(text) | Datum::Text(text), Type::Decimal) => parse_decimal(text).map(Value::Decimal),
        (Datum::Text(text), Type::Text) => fit_key(text).then(|| Value::text(text)),
        (Datum::Text(text), Type::Uuid) => typed_text(text, Type::Uuid),
        (Datum::Text(text), Type::Timestamp) => parse_timestamp(text).map(Value::Timestamp),
        _ => None,
    }
}

fn access(table: &Table, op: Op, values: &[Slot]) -> Access {
    // The compiler refuses such a table. A rule without a bit could be one that narrows, so nothing
    // at all is visible then.
    if table.rules.len() > MAX_RULES {
        return Access { table: table.id, op, active: 0, verdict: Verdict::Nothing };
    }
    let mut active = 0_u64;
    let mut widening = false;
    let mut scope_missing = false;
    for (at, rule) in table.rules.iter().enumerate() {
        if !rule.on.has(op) {
            continue;
        }
        let truth = foresee(&rule.when, values);
        let takes_part = if rule.kind.widens() { truth != Foreseen::Never } else { true };
        if takes_part {
            active |= 1 << at;
            widening |= rule.kind.widens();
        } else if rule.kind == RuleKind::Scope {
            scope_missing = true;
        }
    }
    let verdict = match (widening, scope_missing) {
        (true, false) => Verdict::Open,
        // Shared rows stay readable without the scope's attributes only when another rule widens
        // by name; otherwise a caller without a tenant would silently see a part.
        (true, true) if widens_beyond_shared(table, active) => Verdict::Open,
        (_, true) => Verdict::ScopeRequired,
        (false, false) => Verdict::Nothing,
    };
    Access { table: table.id, op, active, verdict }
}

fn widens_beyond_shared(table: &Table, active: u64) -> bool {
    table
        .rules
        .iter()
        .enumerate()
        .take(64)
        .any(|(at, rule)| active & (1 << at) != 0 && matches!(rule.kind, RuleKind::Permit | RuleKind::Bypass))
}

/// What the principal alone says of a condition, before any row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Foreseen {
    /// TRUE for every row.
    Always,
    /// FALSE or UNKNOWN for every row.
    Never,
    /// Depends on the row.
    Depends,
}

/// Looks at a condition with three possible truths for what a row decides. Sound: `Never` is only
/// answered when no row can make the condition TRUE.
fn foresee(cond: &Cond, values: &[Slot]) -> Foreseen {
    let (can_true, can_false, can_unknown) = possible(cond, values);
    match (can_true, can_false || can_unknown) {
        (true, false) => Foreseen::Always,
        (false, _) => Foreseen::Never,
        (true, true) => Foreseen::Depends,
    }
}

/// Which truths a condition may have over all rows: (TRUE, FALSE, UNKNOWN).
fn possible(cond: &Cond, values: &[Slot]) -> (bool, bool, bool) {
    let exactly = |truth: Truth| (truth == Truth::True, truth == Truth::False, truth == Truth::Unknown);
    let slot = |id: &AttrId| values.get(id.index()).unwrap_or(&Slot::Missing);
    let missing = |term: &Term| matches!(term, Term::Attr(id) if *slot(id) == Slot::Missing);
    match cond {
        Cond::Const(value) => (*value, !*value, false),
        Cond::Has(attr) => exactly(Truth::from(*slot(attr) != Slot::Missing)),
        Cond::Not(inner) => {
            let (t, f, u) = possible(inner, values);
            (f, t, u)
        }
        Cond::And(parts) => parts.iter().fold((true, false, false), |(t, f, u), part| {
            let (pt, pf, pu) = possible(part, values);
            (t && pt, f || pf, (u && (pu || pt)) || (pu && t))
        }),
        Cond::Or(parts) => parts.iter().fold((false, true, false), |(t, f, u), part| {
            let (pt, pf, pu) = possible(part, values);
            (t || pt, f && pf, (u && (pu || pf)) || (pu && f))
        }),
        Cond::IsNull { .. } => (true, true, false),
        Cond::Compare { left, right, .. } | Cond::StartsWith { term: left, prefix: right } => {
            if missing(left) || missing(right) {
                exactly(Truth::Unknown)
            } else if let (Some(_), Some(_)) = (fixed(left, values), fixed(right, values)) {
                exactly(eval(cond, &NoRow, &Slots(values)))
            } else {
                (true, true, true)
            }
        }
        Cond::InLiterals { term, .. } | Cond::InAttr { term, .. } => {
            let list_missing = matches!(cond, Cond::InAttr { list, .. } if *slot(list) == Slot::Missing);
            let empty = match cond {
                Cond::InAttr { list, .. } => matches!(slot(list), Slot::Many(items) if items.is_empty()),
                Cond::InLiterals { list, .. } => list.is_empty(),
                _ => false,
            };
            if missing(term) || list_missing || empty || fixed(term, values).is_some() {
                exactly(eval(cond, &NoRow, &Slots(values)))
            } else {
                (true, true, true)
            }
        }
    }
}

/// Attributes before the call's time is known. Conditions on `principal.now` are left to the row.
struct Slots<'a>(&'a [Slot]);

impl AttrView for Slots<'_> {
    fn slot(&self, id: AttrId) -> &Slot {
        self.0.get(id.index()).unwrap_or(&Slot::Missing)
    }

    fn now_micros(&self) -> i64 {
        0
    }
}

fn fixed<'a>(term: &'a Term, values: &'a [Slot]) -> Option<&'a Value> {
    match term {
        Term::Literal(value) => Some(value),
        Term::Attr(id) => match values.get(id.index()) {
            Some(Slot::One(value)) => Some(value),
            _ => None,
        },
        Term::Column(_) => None,
    }
}
