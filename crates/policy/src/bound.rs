//! A principal bound to a policy: attributes typed, roles resolved, done once per token.

use std::sync::Arc;

use rust_decimal::Decimal;
use uuid::Uuid;

use crate::attribute::{AttrId, AttrPath, Attribute};
use crate::condition::{AttrView, Cond, NoRow, RowView, Term, Truth, eval};
use crate::ids::TableId;
use crate::policy::Policy;
use crate::principal::{Datum, Principal};
use crate::table::{MAX_RULES, Op, OpSet, RuleKind, Table};
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
    /// The operations that are left to it, whatever its roles grant.
    kept: OpSet,
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

    /// Is this row of `table` visible for the operation? `table` is the one that the access was made
    /// for, `attrs` the same principal at the time of the call. Allocates nothing.
    ///
    /// This is the first of the four forms; the statements say the same to the databases.
    #[must_use]
    pub fn shows(&self, table: &Table, row: &dyn RowView, attrs: &dyn AttrView) -> bool {
        if self.verdict != Verdict::Open || table.id != self.table {
            return false;
        }
        let mut widened = false;
        let mut left = self.active;
        while left != 0 {
            let at = usize::try_from(left.trailing_zeros()).unwrap_or(usize::MAX);
            left &= left - 1;
            // A bit without a rule belongs to another policy's table.
            let Some(rule) = table.rules.get(at) else { return false };
            if rule.kind.widens() {
                widened = widened || eval(&rule.when, row, attrs).is_true();
            } else if !eval(&rule.when, row, attrs).is_true() {
                return false;
            }
        }
        widened && table.boundary.get(self.op.index()).is_some_and(|within| eval(within, row, attrs).is_true())
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
            .map(|(id, attribute)| value_of(&policy, id, attribute, &principal))
            .collect::<Result<Vec<_>, _>>()?;
        check_keys(&principal)?;
        let mut tools = vec![ToolSet::NONE; policy.tables.len()];
        for role in &principal.roles {
            let Some(grants) = policy.roles.get(role.as_str()) else { continue };
            for (table, set) in &grants.tools {
                if let Some(slot) = tools.get_mut(table.index()) {
                    *slot = slot.union(*set);
                }
            }
        }
        let access = policy.tables.iter().map(|table| Op::ALL.map(|op| access(table, op, &Slots(&values)))).collect();
        Ok(Bound { principal, policy, values, tools, access, kept: OpSet::ALL })
    }

    /// The same with nothing but the tools of these operations: only ever fewer than before.
    #[must_use]
    pub fn keeping(mut self, ops: OpSet) -> Bound {
        self.kept = OpSet::of(self.kept.iter().filter(|op| ops.has(*op)));
        for tools in &mut self.tools {
            *tools = tools.iter().filter(|tool| self.kept.has(tool.op())).fold(ToolSet::NONE, ToolSet::with);
        }
        self
    }

    /// The operations that are left to it.
    #[must_use]
    pub fn kept(&self) -> OpSet {
        self.kept
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

/// Are the names of the account, the user, the workspace and the roles such that each has one spelling?
pub(crate) fn check_keys(principal: &Principal) -> Result<(), BindError> {
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
    Ok(())
}

/// Can a token carry the value for an attribute that rules read?
#[must_use]
pub fn fits_attribute(value: &Value) -> bool {
    match value {
        Value::Text(text) => fit_key(text),
        Value::Timestamp(micros) => crate::value::format_timestamp(*micros).is_some(),
        _ => true,
    }
}

/// Text that may be a key: 1 to 256 bytes, no control characters, in Unicode's composed form (NFC).
fn fit_key(text: &str) -> bool {
    if text.is_empty() || text.len() > 256 {
        return false;
    }
    // Printable ASCII is composed already.
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        || (!text.chars().any(char::is_control) && unicode_normalization::is_nfc(text))
}

/// The value that an attribute of the policy has for a principal.
pub(crate) fn value_of(
    policy: &Policy,
    id: AttrId,
    attribute: &Attribute,
    principal: &Principal,
) -> Result<Slot, BindError> {
    if policy.attributes.presence_only(id) { presence(attribute, principal) } else { read(attribute, principal) }
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

pub(crate) fn access<A: AttrView>(table: &Table, op: Op, attrs: &A) -> Access {
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
        if !rule.kind.widens() || foresee(&rule.when, attrs) != Foreseen::Never {
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
    table.rules.iter().enumerate().take(64).any(|(at, rule)| {
        active & (1 << at) != 0 && matches!(rule.kind, RuleKind::Scope | RuleKind::Permit | RuleKind::Bypass)
    })
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
fn foresee<A: AttrView>(cond: &Cond, attrs: &A) -> Foreseen {
    let (can_true, can_false, can_unknown) = possible(cond, attrs);
    match (can_true, can_false || can_unknown) {
        (true, false) => Foreseen::Always,
        (false, _) => Foreseen::Never,
        (true, true) => Foreseen::Depends,
    }
}

/// Which truths a condition may have over all rows: (TRUE, FALSE, UNKNOWN).
fn possible<A: AttrView>(cond: &Cond, attrs: &A) -> (bool, bool, bool) {
    let exactly = |truth: Truth| (truth == Truth::True, truth == Truth::False, truth == Truth::Unknown);
    let slot = |id: &AttrId| attrs.slot(*id);
    let missing = |term: &Term| matches!(term, Term::Attr(id) if *slot(id) == Slot::Missing);
    match cond {
        Cond::Const(value) => (*value, !*value, false),
        Cond::Has(attr) => exactly(Truth::from(*slot(attr) != Slot::Missing)),
        Cond::Not(inner) => {
            let (t, f, u) = possible(inner, attrs);
            (f, t, u)
        }
        Cond::And(parts) => parts.iter().fold((true, false, false), |(t, f, u), part| {
            let (pt, pf, pu) = possible(part, attrs);
            (t && pt, f || pf, (u && (pu || pt)) || (pu && t))
        }),
        Cond::Or(parts) => parts.iter().fold((false, true, false), |(t, f, u), part| {
            let (pt, pf, pu) = possible(part, attrs);
            (t || pt, f && pf, (u && (pu || pf)) || (pu && f))
        }),
        Cond::IsNull { .. } => (true, true, false),
        Cond::Compare { left, right, .. } | Cond::StartsWith { term: left, prefix: right } => {
            if missing(left) || missing(right) {
                exactly(Truth::Unknown)
            } else if let (Some(_), Some(_)) = (fixed(left, attrs), fixed(right, attrs)) {
                exactly(eval(cond, &NoRow, attrs))
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
            if missing(term) || list_missing || empty || fixed(term, attrs).is_some() {
                exactly(eval(cond, &NoRow, attrs))
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

fn fixed<'a, A: AttrView>(term: &'a Term, attrs: &'a A) -> Option<&'a Value> {
    match term {
        Term::Literal(value) => Some(value),
        Term::Attr(id) => match attrs.slot(*id) {
            Slot::One(value) => Some(value),
            _ => None,
        },
        Term::Column(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::attribute::Attributes;
    use crate::condition::tests::arbitrary::{self, Person, Row};
    use crate::ids::Address;
    use crate::table::{Budget, OpSet, Rule, Writes};

    fn rule(kind: RuleKind, on: OpSet, when: Cond) -> Rule {
        Rule { address: Address::new("table.t.rule"), kind, on, when, text: "".into() }
    }

    fn table(rules: Vec<Rule>) -> Table {
        Table {
            id: TableId(0),
            name: "t".into(),
            description: None,
            source: "main".into(),
            dialect: crate::catalog::Dialect::Sqlite,
            schema: "main".into(),
            db_name: "t".into(),
            columns: Vec::new(),
            key: Vec::new(),
            unique: Vec::new(),
            relations: Vec::new(),
            tenant: None,
            rules,
            boundary: [Cond::Const(true), Cond::Const(true), Cond::Const(true), Cond::Const(true)],
            writes: Writes::default(),
            budget: Budget::default(),
            by_name: BTreeMap::new(),
        }
    }

    fn policy(attributes: Attributes, rules: Vec<Rule>) -> Arc<Policy> {
        Arc::new(Policy { attributes, tables: vec![table(rules)], ..Policy::default() })
    }

    fn rules() -> impl Strategy<Value = Vec<Rule>> {
        let kinds =
            [RuleKind::Scope, RuleKind::Shared, RuleKind::Permit, RuleKind::Bypass, RuleKind::Require, RuleKind::Live];
        let one = (prop::sample::select(kinds.to_vec()), any::<bool>(), arbitrary::cond())
            .prop_map(|(kind, all, when)| rule(kind, if all { OpSet::ALL } else { OpSet::READ }, when));
        vec(one, 0..6)
    }

    /// Is the row visible by the rules that `takes_part` lets through?
    fn visible(table: &Table, op: Op, row: &Row, person: &Person, takes_part: impl Fn(usize, &Rule) -> bool) -> bool {
        let on = || table.rules.iter().enumerate().filter(|(at, rule)| rule.on.has(op) && takes_part(*at, rule));
        let holds = |rule: &Rule| eval(&rule.when, row, person).is_true();
        on().any(|(_, rule)| rule.kind.widens() && holds(rule))
            && on().all(|(_, rule)| rule.kind.widens() || holds(rule))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn what_is_foreseen_holds_for_every_row(
            cond in arbitrary::cond(), row in arbitrary::row(), person in arbitrary::person(),
        ) {
            let (can_true, can_false, can_unknown) = possible(&cond, &Slots(&person.slots));
            let truth = eval(&cond, &row, &person);
            let allowed = match truth {
                Truth::True => can_true,
                Truth::False => can_false,
                Truth::Unknown => can_unknown,
            };
            prop_assert!(allowed, "{:?} is {:?}", cond, truth);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn dropping_rules_changes_no_row(
            rules in rules(), rows in vec(arbitrary::row(), 1..5), person in arbitrary::person(),
        ) {
            let table = table(rules);
            for op in Op::ALL {
                let access = access(&table, op, &Slots(&person.slots));
                for row in &rows {
                    let all = visible(&table, op, row, &person, |_, _| true);
                    prop_assert_eq!(visible(&table, op, row, &person, |at, _| access.has_rule(at)), all);
                    prop_assert_eq!(access.shows(&table, row, &person), all && access.verdict() == Verdict::Open);
                    match access.verdict() {
                        Verdict::Open => {}
                        Verdict::Nothing => prop_assert!(!all),
                        Verdict::ScopeRequired => {
                            let own = |_: usize, rule: &Rule| rule.kind != RuleKind::Shared;
                            prop_assert!(!visible(&table, op, row, &person, own));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn the_time_of_the_call_is_never_foreseen() {
        let attributes = arbitrary::attributes();
        let now = Term::Attr(attributes.find(&AttrPath::Now).unwrap());
        let past = Term::Literal(Value::Timestamp(0));
        let when = Cond::Compare { left: now, cmp: crate::condition::Cmp::Gt, right: past, ty: Type::Timestamp };
        let bound =
            Bound::new(policy(attributes, vec![rule(RuleKind::Permit, OpSet::ALL, when)]), Arc::default()).unwrap();
        let access = bound.access(TableId(0), Op::Read);
        assert!(access.has_rule(0));
        assert_eq!(access.verdict(), Verdict::Open);
    }

    #[test]
    fn verdicts() {
        let mut attributes = Attributes::default();
        let tenant = attributes.note(AttrPath::TenantId, Type::Text, false).unwrap();
        let own = |kind, on| rule(kind, on, Cond::Has(tenant));
        let open = |kind, on| {
            rule(
                kind,
                on,
                Cond::IsNull { column: crate::condition::ColumnRef::Own(crate::ids::ColumnId(0)), negated: false },
            )
        };
        let (read, all) = (OpSet::READ, OpSet::ALL);
        for (rules, op, tenant, wanted) in [
            (vec![], Op::Read, true, Verdict::Nothing),
            (vec![own(RuleKind::Scope, all)], Op::Read, true, Verdict::Open),
            (vec![own(RuleKind::Scope, all)], Op::Read, false, Verdict::ScopeRequired),
            (vec![own(RuleKind::Scope, all), open(RuleKind::Shared, read)], Op::Read, false, Verdict::ScopeRequired),
            (vec![own(RuleKind::Scope, all), open(RuleKind::Bypass, read)], Op::Read, false, Verdict::Open),
            (vec![own(RuleKind::Scope, all), open(RuleKind::Bypass, read)], Op::Delete, false, Verdict::ScopeRequired),
            (vec![open(RuleKind::Shared, read)], Op::Read, false, Verdict::Open),
            (vec![open(RuleKind::Shared, read)], Op::Create, true, Verdict::Nothing),
            (vec![own(RuleKind::Permit, read)], Op::Read, false, Verdict::Nothing),
            // A rule without a bit might narrow: nothing is shown.
            (vec![own(RuleKind::Scope, all); MAX_RULES], Op::Read, true, Verdict::Open),
            (vec![own(RuleKind::Scope, all); MAX_RULES + 1], Op::Read, true, Verdict::Nothing),
        ] {
            let principal = Principal { tenant_id: tenant.then(|| "acme".to_owned()), ..Principal::default() };
            let bound = Bound::new(policy(attributes.clone(), rules.clone()), Arc::new(principal)).unwrap();
            assert_eq!(bound.access(TableId(0), op).verdict(), wanted, "{rules:?} {op:?} {tenant}");
            assert_eq!(bound.access(TableId(9), op).verdict(), Verdict::Nothing);
        }
    }

    /// The datum under `principal.metadata.x` read with a type and shape; `None` for only HAS.
    fn read_metadata(datum: Option<Datum>, wanted: Option<(Type, bool)>) -> Result<Slot, String> {
        let mut attributes = Attributes::default();
        let path = AttrPath::Metadata(vec!["x".into()]);
        let id = match wanted {
            Some((ty, list)) => attributes.note(path, ty, list),
            None => attributes.note_presence(path),
        };
        let metadata = datum.into_iter().map(|datum| ("x".to_owned(), datum)).collect();
        let principal = Principal { metadata, ..Principal::default() };
        match Bound::new(policy(attributes, Vec::new()), Arc::new(principal)) {
            Ok(bound) => Ok(bound.slot(id.unwrap()).clone()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn attributes_are_read_strictly() {
        let text = |text: &str| Datum::Text(text.to_owned());
        let number = |text: &str| Datum::Number(text.to_owned());
        let uuid = "018f3c1e-7c1a-7000-8000-00000000000a";
        let scalar = |ty| Some((ty, false));
        let list = |ty| Some((ty, true));
        for (datum, wanted, value) in [
            (Datum::Bool(true), scalar(Type::Bool), Slot::One(Value::Bool(true))),
            (Datum::Int(5), scalar(Type::Int), Slot::One(Value::Int(5))),
            (Datum::Int(5), scalar(Type::Decimal), Slot::One(Value::Decimal(Decimal::from(5)))),
            (number("1.50"), scalar(Type::Decimal), Slot::One(Value::Decimal(Decimal::new(150, 2)))),
            (text("a b"), scalar(Type::Text), Slot::One(Value::text("a b"))),
            (text("1970-01-01T00:00:01Z"), scalar(Type::Timestamp), Slot::One(Value::Timestamp(1_000_000))),
            (text(uuid), scalar(Type::Uuid), Slot::One(Value::Uuid(Uuid::try_parse(uuid).unwrap()))),
            (Datum::List(vec![]), list(Type::Text), Slot::Many(vec![])),
            (Datum::List(vec![text("a")]), list(Type::Text), Slot::Many(vec![Value::text("a")])),
            (Datum::Bool(false), None, Slot::One(Value::text("present"))),
            (Datum::List(vec![]), None, Slot::One(Value::text("present"))),
        ] {
            assert_eq!(read_metadata(Some(datum.clone()), wanted), Ok(value), "{datum:?} {wanted:?}");
            assert_eq!(read_metadata(None, wanted), Ok(Slot::Missing));
        }
        for (datum, wanted) in [
            (Datum::Null, scalar(Type::Text)),
            (Datum::Null, None),
            (text(""), None),
            (text(""), scalar(Type::Text)),
            (text("a\0b"), scalar(Type::Text)),
            // The decomposed spelling of `é` would be a second name of one tenant.
            (text("e\u{301}"), scalar(Type::Text)),
            (text("5"), scalar(Type::Int)),
            (Datum::Int(1), scalar(Type::Bool)),
            (Datum::Int(5), scalar(Type::Text)),
            (number("1e5"), scalar(Type::Decimal)),
            (number("0.12345678901234567890123456789"), scalar(Type::Decimal)),
            (text("018F3C1E-7C1A-7000-8000-00000000000A"), scalar(Type::Uuid)),
            (text("1970-01-01"), scalar(Type::Timestamp)),
            (Datum::List(vec![text("a")]), scalar(Type::Text)),
            (text("a"), list(Type::Text)),
            (Datum::List(vec![Datum::Null]), list(Type::Text)),
            (Datum::List(vec![Datum::Int(1)]), list(Type::Text)),
            (Datum::List(vec![text("")]), list(Type::Text)),
            (Datum::Map(BTreeMap::new()), scalar(Type::Text)),
        ] {
            assert!(read_metadata(Some(datum.clone()), wanted).is_err(), "{datum:?} {wanted:?}");
        }
    }

    #[test]
    fn keys_have_one_spelling() {
        for (ty, text, fits) in [
            (Type::Text, "acme", true),
            (Type::Text, "", false),
            (Type::Text, "a\n", false),
            (Type::Int, "5", true),
            (Type::Int, "-5", true),
            (Type::Int, "05", false),
            (Type::Int, "+5", false),
            (Type::Int, "x", false),
            (Type::Uuid, "018f3c1e-7c1a-7000-8000-00000000000a", true),
            (Type::Uuid, "018f3c1e7c1a7000800000000000000a", false),
        ] {
            let mut attributes = Attributes::default();
            attributes.note(AttrPath::TenantId, ty, false).unwrap();
            let principal = Principal { tenant_id: Some(text.to_owned()), ..Principal::default() };
            assert_eq!(Bound::new(policy(attributes, Vec::new()), Arc::new(principal)).is_ok(), fits, "{ty} {text:?}");
        }
        let unfit = [
            Principal { user_id: Some(String::new()), ..Principal::default() },
            Principal { workspace_id: Some("a\0".to_owned()), ..Principal::default() },
            Principal { roles: vec!["support".to_owned(), String::new()], ..Principal::default() },
        ];
        for principal in unfit {
            assert!(Bound::new(Arc::default(), Arc::new(principal)).is_err());
        }
    }
}
