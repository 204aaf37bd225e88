//! Scope, shared, permits, bypasses, requires, live, and the boundary made from them.

use std::sync::Arc;

use tenantry_policy::attribute::{AttrId, AttrPath};
use tenantry_policy::condition::{
    self, Cmp, ColumnRef, Cond, CondCode, CondError, NoRow, ScopeSide, Term, Truth, eval,
};
use tenantry_policy::table::MAX_RULES;
use tenantry_policy::{Address, Op, OpSet, Rule, RuleKind, Type};

use crate::code::FileCode;
use crate::compile::across::Hop;
use crate::compile::{Compiler, Draft, TableNames};
use crate::model::{DeleteDecl, RuleDecl, RuleOp, Writable};
use crate::span::Span;

/// The rules of one table.
pub(super) struct Rules {
    pub(super) list: Vec<Rule>,
    pub(super) tenant: Option<ColumnRef>,
    pub(super) boundary: [Cond; 4],
}

impl<'a> Compiler<'a> {
    pub(super) fn rules(&mut self, draft: &Draft<'a>, all: &[Option<Draft<'a>>], hops: &mut Vec<Hop>) -> Rules {
        let names = TableNames { table: draft, all };
        let mut list = Vec::new();
        let mut tenant = None;
        if !draft.decl.scope.is_empty()
            && let Some((rule, column)) = self.scope(draft, &names, hops)
        {
            tenant = column;
            list.push(rule);
        }
        if let Some(text) = &draft.decl.shared {
            let path = ["table", draft.name, "shared"];
            if let Some(when) = self.condition(draft, &names, text.as_str(), &path, hops) {
                if constant(&when) == Some(false) {
                    self.no_effect(self.span(&path), "no row is ever shared").hint("remove `shared`");
                }
                list.push(rule(draft, "shared", RuleKind::Shared, OpSet::READ, when, text.as_str()));
            }
        }
        let sections = [
            ("permit", RuleKind::Permit, &draft.decl.permit),
            ("bypass", RuleKind::Bypass, &draft.decl.bypass),
            ("require", RuleKind::Require, &draft.decl.require),
        ];
        for (word, kind, declared) in sections {
            for (name, decl) in declared {
                let path = ["table", draft.name, word, name.as_str()];
                let usual = if kind == RuleKind::Require { OpSet::ALL } else { OpSet::READ };
                let on = decl.on.as_ref().map_or(usual, |ops| OpSet::of(ops.iter().map(op)));
                let when_path = [&path[..], &["when"]].concat();
                let when = self.condition(draft, &names, decl.when.as_str(), &when_path, hops);
                let Some(when) = when else { continue };
                self.effect(draft, kind, decl, on, &when, &path);
                if kind == RuleKind::Permit {
                    self.undeclared_reach(tenant, on, &when, self.span(&when_path));
                }
                let tail = [word, ".", name.as_str()].concat();
                list.push(rule(draft, &tail, kind, on, when, decl.when.as_str()));
            }
        }
        list.extend(self.live(draft));
        if list.len() > MAX_RULES {
            let span = self.key_span(&["table", draft.name]);
            let message = format!("table `{}` has {} rules; at most {MAX_RULES} are possible", draft.name, list.len());
            self.findings.error(FileCode::TooManyRules, span, message).hint("join rules of one kind with OR or AND");
        }
        let boundary = self.boundary(draft, tenant, &names, &list);
        Rules { list, tenant, boundary }
    }

    fn condition(
        &mut self,
        draft: &Draft<'a>,
        names: &TableNames<'_>,
        text: &str,
        path: &[&str],
        hops: &mut Vec<Hop>,
    ) -> Option<Cond> {
        let span = self.span(path);
        match condition::compile(text, names, &mut self.attributes) {
            Ok(cond) => {
                note_hops(draft, &cond, span, hops);
                Some(cond)
            }
            Err(error) => {
                if !echo(draft, text, &error) {
                    self.condition_error(span, error);
                }
                None
            }
        }
    }

    /// The scope, and the column that holds the tenant.
    fn scope(
        &mut self,
        draft: &Draft<'a>,
        names: &TableNames<'_>,
        hops: &mut Vec<Hop>,
    ) -> Option<(Rule, Option<ColumnRef>)> {
        let mut parts = Vec::new();
        let mut texts = Vec::new();
        let mut tenant: Option<ColumnRef> = None;
        for (column, attribute) in &draft.decl.scope {
            let path = ["table", draft.name, "scope", column];
            match condition::scope_equality(column, attribute, names, &mut self.attributes) {
                Ok(cond) => {
                    note_hops(draft, &cond, self.key_span(&path), hops);
                    if let Cond::Compare { left: Term::Column(found), right: Term::Attr(attr), .. } = &cond
                        && self.attributes.get(*attr).is_some_and(|attribute| attribute.path == AttrPath::TenantId)
                        && (tenant.is_none() || matches!(found, ColumnRef::Own(_)))
                    {
                        tenant = Some(*found);
                    }
                    parts.push(cond);
                    texts.push([column.as_str(), " = ", attribute].concat());
                }
                Err(error) if echo(draft, column, &error.error) => {}
                Err(error) => {
                    let literal = match error.side {
                        ScopeSide::Column => self.key_span(&path),
                        ScopeSide::Attribute => self.span(&path),
                    };
                    self.condition_error(literal, error.error);
                }
            }
        }
        if parts.len() < draft.decl.scope.len() {
            return None;
        }
        let when = match parts.len() {
            1 => parts.pop()?,
            _ => Cond::And(parts),
        };
        Some((rule(draft, "scope", RuleKind::Scope, OpSet::ALL, when, &texts.join(" AND ")), tenant))
    }

    /// Rules that can never matter.
    fn effect(&mut self, draft: &Draft<'_>, kind: RuleKind, decl: &RuleDecl, on: OpSet, when: &Cond, path: &[&str]) {
        let span = self.span(&[path, &["when"]].concat());
        let name = path.last().copied().unwrap_or("");
        match (kind, constant(when)) {
            (RuleKind::Permit | RuleKind::Bypass, Some(false)) => {
                self.no_effect(span, &format!("{} `{name}` never applies", kind.name())).hint("remove it");
            }
            (RuleKind::Bypass, Some(true)) => {
                self.no_effect(span, &format!("bypass `{name}` removes every limit, for everyone"))
                    .hint("say who: `'support' IN principal.roles`; rows that everyone may read are `shared`");
            }
            (RuleKind::Require, Some(true)) => {
                self.no_effect(span, &format!("require `{name}` hides nothing")).hint("remove it");
            }
            (RuleKind::Require, Some(false)) => {
                self.no_effect(span, &format!("require `{name}` hides every row"))
                    .hint("to switch the table off, remove it from the file");
            }
            _ => {}
        }
        if kind == RuleKind::Permit && draft.decl.scope.is_empty() {
            self.no_effect(self.key_span(path), &format!("permit `{name}` widens nothing: the table has no scope"))
                .hint("a table without a scope has no own tenant; write a `bypass`, or add the scope");
        }
        if let Some(listed) = &decl.on {
            let on_span = self.span(&[path, &["on"]].concat());
            if listed.is_empty() {
                self.no_effect(on_span, &format!("{} `{name}` is for no operation", kind.name()));
            } else if !on.iter().any(|op| enabled(draft, op)) {
                let words: Vec<&str> = on.iter().map(Op::name).collect();
                self.no_effect(
                    on_span,
                    &format!("{} `{name}` is for {}, which `write` leaves off", kind.name(), words.join(" and ")),
                )
                .hint(format!("switch it on under `[table.{}.write]`, or remove the rule", draft.name));
            }
        }
    }

    fn no_effect(&mut self, span: Span, message: &str) -> &mut crate::diagnostic::Finding {
        self.findings.error(FileCode::RuleWithoutEffect, span, message)
    }

    /// Warns of a permit that looks beyond the boundary without a declared reach.
    fn undeclared_reach(&mut self, tenant: Option<ColumnRef>, on: OpSet, when: &Cond, span: Span) {
        let Some(tenant) = tenant else { return };
        let mut beyond = Vec::new();
        widenings(when, tenant, &mut beyond);
        for other in beyond {
            let (what, hint) = match other {
                Beyond::Attr(attr, list) => {
                    let Some(attribute) = self.attributes.get(attr).cloned() else { continue };
                    let listed = |kind: &str| {
                        self.items(&["tenancy", "reach", kind])
                            .iter()
                            .any(|(text, _)| *text == attribute.path.to_string())
                    };
                    let declared = on.iter().all(|op| listed(kind_of(op)));
                    if attribute.path == AttrPath::TenantId || (list && declared) {
                        continue;
                    }
                    let kinds: Vec<&str> =
                        ["read", "write"].into_iter().filter(|kind| on.iter().any(|op| kind_of(op) == *kind)).collect();
                    let hint = match list {
                        true => format!(
                            "declare it: `[tenancy] reach.{} = [\"{}\"]`, or write a `bypass`",
                            kinds.join(", reach."),
                            attribute.path
                        ),
                        false => "keep such tenants in a list attribute and declare it under `[tenancy] reach`, or write a `bypass`".to_owned(),
                    };
                    (format!("`{}`", attribute.path), hint)
                }
                Beyond::Literal => ("a literal".to_owned(), "write a `bypass`, or share the rows".to_owned()),
                Beyond::Column => ("another column".to_owned(), "write a `bypass`, or share the rows".to_owned()),
            };
            let message = format!("the permit compares the tenant with {what}, but shows nothing beyond the boundary");
            self.findings.warning(FileCode::UndeclaredReach, span, message).hint(hint);
        }
    }

    /// The rule that hides rows which a soft delete marked.
    fn live(&mut self, draft: &Draft<'_>) -> Option<Rule> {
        let Some(DeleteDecl::Soft(soft)) = draft.decl.write.as_ref().map(|write| &write.delete) else { return None };
        let id = draft.find(&soft.soft)?;
        let facts = draft.facts(id)?;
        let column = ColumnRef::Own(id);
        let (when, text) = match facts.ty {
            Some(Type::Timestamp) if facts.nullable => {
                (Cond::IsNull { column, negated: false }, [&soft.soft, " IS NULL"].concat())
            }
            Some(Type::Bool) => {
                let right = Term::Literal(tenantry_policy::Value::Bool(false));
                let when = Cond::Compare { left: Term::Column(column), cmp: Cmp::Eq, right, ty: Type::Bool };
                (when, [&soft.soft, " = FALSE"].concat())
            }
            // `writes` notes the error.
            _ => return None,
        };
        Some(rule(draft, "live", RuleKind::Live, OpSet::ALL, when, &text))
    }

    /// Per operation: own tenant, or declared reach, or shared, or a bypass.
    fn boundary(
        &mut self,
        draft: &Draft<'_>,
        tenant: Option<ColumnRef>,
        names: &TableNames<'_>,
        rules: &[Rule],
    ) -> [Cond; 4] {
        let mut own = None;
        let mut reach: Vec<(&'static str, AttrId)> = Vec::new();
        if let Some(tenant) = tenant
            && let Some(ty) = type_of(draft, tenant, names)
            && let Some(attr) = self.attributes.find(&AttrPath::TenantId)
        {
            own = Some((tenant, attr, ty));
            for kind in ["read", "write"] {
                for (text, span) in self.items(&["tenancy", "reach", kind]) {
                    let Ok(path) = condition::parse_attr_path(&text) else { continue };
                    match self.attributes.note(path, ty, true) {
                        Ok(id) => reach.push((kind, id)),
                        Err(conflict) => {
                            let scope = self.key_span(&["table", draft.name, "scope"]);
                            self.findings
                                .error(CondCode::AttributeConflict, span, conflict.to_string())
                                .label(scope, format!("compared with the tenant of `{}`, which is {ty}", draft.name));
                        }
                    }
                }
            }
        }
        Op::ALL.map(|op| {
            let mut parts = Vec::new();
            if let Some((column, attr, ty)) = own {
                let left = Term::Column(column);
                parts.push(Cond::Compare { left: left.clone(), cmp: Cmp::Eq, right: Term::Attr(attr), ty });
                let lists = reach.iter().filter(|(kind, _)| *kind == kind_of(op));
                parts.extend(lists.map(|(_, list)| Cond::InAttr { term: left.clone(), list: *list, negated: false }));
            }
            let crossing =
                rules.iter().filter(|rule| matches!(rule.kind, RuleKind::Shared | RuleKind::Bypass) && rule.on.has(op));
            parts.extend(crossing.map(|rule| rule.when.clone()));
            if parts.contains(&Cond::Const(true)) {
                return Cond::Const(true);
            }
            match (parts.pop(), parts.is_empty()) {
                (None, _) => Cond::Const(false),
                (Some(only), true) => only,
                (Some(last), false) => {
                    parts.push(last);
                    Cond::Or(parts)
                }
            }
        })
    }
}

/// Is the error only that a relation is missing which the file declares, wrongly? That has its own error.
fn echo(draft: &Draft<'_>, text: &str, error: &CondError) -> bool {
    let name = text.get(error.span.clone()).and_then(|path| path.split('.').next()).unwrap_or("");
    error.code == CondCode::UnknownRelation && draft.decl.relations.contains_key(name)
}

fn type_of(draft: &Draft<'_>, column: ColumnRef, names: &TableNames<'_>) -> Option<Type> {
    match column {
        ColumnRef::Own(id) => draft.facts(id)?.ty,
        ColumnRef::Hop(relation, id) => names.other(relation)?.facts(id)?.ty,
    }
}

/// The section of `[tenancy] reach` that counts for an operation.
fn kind_of(op: Op) -> &'static str {
    match op {
        Op::Read => "read",
        Op::Create | Op::Update | Op::Delete => "write",
    }
}

/// Does the table allow the operation at all?
pub(super) fn enabled(draft: &Draft<'_>, op: Op) -> bool {
    let Some(write) = &draft.decl.write else { return op == Op::Read };
    let some = |columns: &Writable| match columns {
        Writable::All(all) => *all,
        Writable::These(names) => !names.is_empty(),
    };
    match op {
        Op::Read => true,
        // A create may set nothing but what the server sets.
        Op::Create => write.create != Writable::All(false),
        Op::Update => some(&write.update),
        Op::Delete => write.delete != DeleteDecl::Plain(false),
    }
}

fn rule(draft: &Draft<'_>, tail: &str, kind: RuleKind, on: OpSet, when: Cond, text: &str) -> Rule {
    let address = Address::new(["table.", draft.name, ".", tail].concat());
    Rule { address, kind, on, when, text: Arc::from(text) }
}

fn op(op: &RuleOp) -> Op {
    match op {
        RuleOp::Read => Op::Read,
        RuleOp::Create => Op::Create,
        RuleOp::Update => Op::Update,
        RuleOp::Delete => Op::Delete,
    }
}

fn note_hops(draft: &Draft<'_>, cond: &Cond, span: Span, hops: &mut Vec<Hop>) {
    cond.columns(&mut |column| {
        if let ColumnRef::Hop(relation, _) = column
            && let Some(relation) = draft.relations.get(relation.index())
        {
            hops.push(Hop { from: draft.id, to: relation.to, span });
        }
    });
}

/// The truth of a condition that depends neither on the row nor on the principal.
fn constant(cond: &Cond) -> Option<bool> {
    match cond {
        Cond::Const(value) => Some(*value),
        Cond::Not(inner) => constant(inner).map(|value| !value),
        Cond::And(parts) => {
            let truths: Vec<_> = parts.iter().map(constant).collect();
            if truths.contains(&Some(false)) {
                return Some(false);
            }
            truths.iter().all(|truth| *truth == Some(true)).then_some(true)
        }
        Cond::Or(parts) => {
            let truths: Vec<_> = parts.iter().map(constant).collect();
            if truths.contains(&Some(true)) {
                return Some(true);
            }
            truths.iter().all(|truth| *truth == Some(false)).then_some(false)
        }
        other => {
            let mut reads = false;
            other.columns(&mut |_| reads = true);
            other.attributes(&mut |_| reads = true);
            if reads {
                return None;
            }
            match eval(other, &NoRow, &NoAttributes) {
                Truth::True => Some(true),
                Truth::False => Some(false),
                Truth::Unknown => None,
            }
        }
    }
}

/// For conditions that read no attribute.
struct NoAttributes;

impl condition::AttrView for NoAttributes {
    fn slot(&self, _: AttrId) -> &tenantry_policy::bound::Slot {
        &tenantry_policy::bound::Slot::Missing
    }

    fn now_micros(&self) -> i64 {
        0
    }
}

/// What a permit compares the tenant with.
enum Beyond {
    /// An attribute; is it a list?
    Attr(AttrId, bool),
    Literal,
    Column,
}

/// Where a condition equates the tenant column with something.
fn widenings(cond: &Cond, tenant: ColumnRef, out: &mut Vec<Beyond>) {
    let is_tenant = |term: &Term| *term == Term::Column(tenant);
    match cond {
        Cond::And(parts) | Cond::Or(parts) => parts.iter().for_each(|part| widenings(part, tenant, out)),
        Cond::Compare { left, cmp: Cmp::Eq, right, .. } if is_tenant(left) || is_tenant(right) => {
            let other = if is_tenant(left) { right } else { left };
            out.push(match other {
                Term::Attr(attr) => Beyond::Attr(*attr, false),
                Term::Literal(_) => Beyond::Literal,
                Term::Column(_) => Beyond::Column,
            });
        }
        Cond::InLiterals { term, negated: false, .. } if is_tenant(term) => out.push(Beyond::Literal),
        Cond::InAttr { term, list, negated: false } if is_tenant(term) => out.push(Beyond::Attr(*list, true)),
        _ => {}
    }
}
