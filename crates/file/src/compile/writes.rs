//! What may be written, and the limits of a call.

use std::sync::Arc;

use rust_decimal::Decimal;
use tenantry_policy::attribute::AttrPath;
use tenantry_policy::condition::{Cmp, Cond, Term, parse_attr_path};
use tenantry_policy::table::{Approval, AutoValue, Budget, DeleteMode, Writes};
use tenantry_policy::value::{parse_date, parse_decimal, parse_timestamp};
use tenantry_policy::{ColumnId, Op, OpSet, RuleKind, Type, Value};

use crate::code::FileCode;
use crate::compile::rules::{Rules, enabled};
use crate::compile::{Compiler, Draft, own};
use crate::model::{AutoDecl, DeleteDecl, Writable, WriteDecl, WriteOp};
use crate::span::Span;
use crate::words::brief;

/// Why callers do not write a column, by column.
type Fixed = Vec<(ColumnId, &'static str)>;

impl<'a> Compiler<'a> {
    pub(super) fn writes(&mut self, draft: &Draft<'a>, all: &[Option<Draft<'a>>], rules: &Rules) -> Writes {
        let Some(decl) = &draft.decl.write else { return Writes { max_rows: 1, ..Writes::default() } };
        let list = |compiler: &mut Self, word: &str| compiler.write_columns(draft, &[word]);
        let readonly = list(self, "readonly");
        let declared_immutable = list(self, "immutable");
        let scope = scope_columns(rules);
        let delete = self.delete(draft, decl);
        let auto_set = self.auto(draft, "auto_set");
        let auto_update = self.auto(draft, "auto_update");
        self.against_scope(draft, &auto_set, rules);
        let mut fixed: Fixed = Vec::new();
        fixed.extend(scope.iter().map(|id| (*id, "the scope sets it")));
        fixed.extend(readonly.iter().map(|(id, _)| (*id, "it is readonly")));
        if let DeleteMode::Soft(id) = delete {
            fixed.push((id, "only a soft delete sets it"));
        }
        let server =
            |set: &[(ColumnId, AutoValue)]| set.iter().map(|(id, _)| (*id, "the server sets it")).collect::<Fixed>();
        let mut on_create = fixed.clone();
        on_create.extend(server(&auto_set));
        let mut on_update = fixed;
        on_update.extend(server(&auto_update));
        on_update.extend(draft.key.iter().map(|id| (*id, "it is part of the key")));
        on_update.extend(declared_immutable.iter().map(|(id, _)| (*id, "it is immutable")));
        let create = match &decl.create {
            Writable::All(false) => None,
            writable => {
                let mut columns = self.writable(draft, "create", writable, &on_create);
                if matches!(writable, Writable::All(true)) {
                    // Keys that the database makes are not the caller's to choose, unless listed.
                    columns.retain(|id| {
                        !(draft.key.contains(id) && draft.facts(*id).is_some_and(|facts| facts.has_default))
                    });
                }
                Some(columns)
            }
        };
        let update = self.writable(draft, "update", &decl.update, &on_update);
        let required = self.required(draft, create.as_deref());
        let mut immutable: Vec<ColumnId> = declared_immutable.into_iter().map(|(id, _)| id).collect();
        immutable.extend(scope.iter().chain(&draft.key));
        immutable.sort_unstable();
        immutable.dedup();
        if let Some(create) = &create {
            self.never_filled(draft, create, &auto_set, &scope);
        }
        self.pointing(draft, all, "create", create.as_deref().unwrap_or_default());
        self.pointing(draft, all, "update", &update);
        let written: Vec<ColumnId> = create.iter().flatten().chain(&update).copied().collect();
        self.colliding(draft, &written, &scope);
        for op in [Op::Create, Op::Update, Op::Delete].into_iter().filter(|op| enabled(draft, *op)) {
            self.somebody(draft, op, rules);
        }
        let approval = decl.approval.as_ref().map(|approval| Approval {
            roles: approval.roles.iter().map(|role| Arc::from(role.as_str())).collect(),
            on: match &approval.on {
                None => OpSet::of([Op::Create, Op::Update, Op::Delete]),
                Some(ops) => OpSet::of(ops.iter().map(|op| match op {
                    WriteOp::Create => Op::Create,
                    WriteOp::Update => Op::Update,
                    WriteOp::Delete => Op::Delete,
                })),
            },
        });
        if decl.approval.as_ref().and_then(|approval| approval.on.as_ref()).is_some_and(Vec::is_empty) {
            let span = self.span(&["table", draft.name, "write", "approval", "on"]);
            self.findings.error(FileCode::RuleWithoutEffect, span, "the approval is for no operation");
        }
        if approval.as_ref().is_some_and(|approval| approval.roles.is_empty()) {
            let span = self.span(&["table", draft.name, "write", "approval", "roles"]);
            self.findings.error(FileCode::MissingKey, span, "an approval names at least one role");
        }
        Writes {
            create,
            update,
            delete,
            immutable,
            required,
            auto_set,
            auto_update,
            require_reason: decl.require_reason,
            approval,
            max_rows: decl.max_rows.unwrap_or(1),
        }
    }

    /// The columns of a list under `write`, with their spans.
    fn write_columns(&mut self, draft: &Draft<'_>, tail: &[&str]) -> Vec<(ColumnId, Span)> {
        let path = [&["table", draft.name, "write"], tail].concat();
        let items = self.items(&path);
        items.iter().filter_map(|(name, span)| Some((self.column(draft, name, *span)?, *span))).collect()
    }

    /// The columns that a create or an update may set.
    fn writable(&mut self, draft: &Draft<'_>, word: &str, declared: &Writable, fixed: &Fixed) -> Vec<ColumnId> {
        if let Writable::All(all) = declared {
            if !all {
                return Vec::new();
            }
            let ids = draft.names().filter_map(|name| draft.find(name));
            return ids
                .filter(|id| {
                    let column = draft.column(*id);
                    column.is_some_and(|column| column.field.visible() && !column.facts.generated)
                        && !fixed.iter().any(|(known, _)| known == id)
                })
                .collect();
        }
        let mut columns = Vec::new();
        for (id, span) in self.write_columns(draft, &[word]) {
            let Some(column) = draft.column(id) else { continue };
            let name = &column.facts.name;
            if let Some((_, why)) = fixed.iter().find(|(known, _)| *known == id) {
                self.findings
                    .error(FileCode::WriteFixed, span, format!("`{name}` is never written by callers: {why}"))
                    .hint(format!("remove it from `{word}`"));
            } else if column.facts.generated {
                self.findings
                    .error(FileCode::WriteGenerated, span, format!("the database generates `{name}`"))
                    .hint(format!("remove it from `{word}`"));
            } else if !column.field.visible() {
                self.findings
                    .error(FileCode::WriteHidden, span, format!("`{name}` is denied, so callers cannot write it"))
                    .hint(format!("add `{name} = \"allow\"` to `fields`, or remove it here"));
            } else if !columns.contains(&id) {
                columns.push(id);
            }
        }
        columns
    }

    fn required(&mut self, draft: &Draft<'_>, create: Option<&[ColumnId]>) -> Vec<ColumnId> {
        let listed = self.write_columns(draft, &["required"]);
        let mut required = Vec::new();
        for (id, span) in listed {
            if create.is_some_and(|create| create.contains(&id)) {
                required.push(id);
            } else {
                let message = format!("`{}` is required, but a create may not set it", draft.column_name(id));
                let hint = if create.is_some() { "add it to `create`, or remove it here" } else { "`create` is off" };
                self.findings.error(FileCode::RequiredNotCreatable, span, message).hint(hint);
            }
        }
        required
    }

    fn delete(&mut self, draft: &Draft<'_>, decl: &WriteDecl) -> DeleteMode {
        let soft = match &decl.delete {
            DeleteDecl::Plain(false) => return DeleteMode::Off,
            DeleteDecl::Plain(true) => return DeleteMode::Hard,
            DeleteDecl::Soft(soft) => soft,
        };
        let span = self.span(&["table", draft.name, "write", "delete", "soft"]);
        let Some(id) = self.column(draft, &soft.soft, span) else { return DeleteMode::Off };
        let Some(facts) = draft.facts(id) else { return DeleteMode::Off };
        let fits = match facts.ty {
            Some(Type::Timestamp) => facts.nullable,
            Some(Type::Bool) => true,
            _ => false,
        };
        if !fits || facts.generated {
            let null = if facts.nullable { "nullable" } else { "not nullable" };
            let message = format!("`{}` is `{}`, {null}, and cannot mark deleted rows", facts.name, facts.native);
            let hint = match (draft.dialect, facts.ty) {
                (tenantry_policy::catalog::Dialect::Sqlite, Some(Type::Int | Type::Text)) => {
                    format!(
                        "name a nullable timestamp or a bool; if it is one, say so: `types = {{ {} = \"timestamp\" }}`",
                        facts.name
                    )
                }
                _ => "name a nullable timestamp column, or a bool column".to_owned(),
            };
            self.findings.error(FileCode::BadSoftDelete, span, message).hint(hint);
            return DeleteMode::Off;
        }
        DeleteMode::Soft(id)
    }

    /// The values that the server sets.
    fn auto(&mut self, draft: &Draft<'_>, word: &str) -> Vec<(ColumnId, AutoValue)> {
        let Some(decl) = &draft.decl.write else { return Vec::new() };
        let declared = if word == "auto_set" { &decl.auto_set } else { &decl.auto_update };
        let mut values = Vec::new();
        for (name, value) in declared {
            let path = ["table", draft.name, "write", word, name];
            let (key_span, span) = (self.key_span(&path), self.span(&path));
            let Some(id) = self.column(draft, name, key_span) else { continue };
            let Some(facts) = draft.facts(id).cloned() else { continue };
            if facts.generated {
                self.findings.error(FileCode::WriteGenerated, key_span, format!("the database generates `{name}`"));
                continue;
            }
            if word == "auto_update" && draft.key.contains(&id) {
                let message = format!("`{name}` is part of the key and never changes");
                self.findings.error(FileCode::WriteFixed, key_span, message);
                continue;
            }
            let Some(ty) = facts.ty else {
                let message = format!("`{name}` has type `{}`, which cannot be written", facts.native);
                self.findings.error(FileCode::UngovernedType, key_span, message);
                continue;
            };
            values.extend(self.auto_value(value, ty, name, span).map(|value| (id, value)));
        }
        values
    }

    fn auto_value(&mut self, value: &AutoDecl, ty: Type, name: &str, span: Span) -> Option<AutoValue> {
        let misfit = |compiler: &mut Self, what: &str| {
            let message = format!("`{name}` is {ty}, but {what}");
            compiler.findings.error(FileCode::BadAutoValue, span, message);
        };
        let text = match (value, ty) {
            (AutoDecl::Bool(value), Type::Bool) => return Some(AutoValue::Literal(Value::Bool(*value))),
            (AutoDecl::Int(value), Type::Int) => return Some(AutoValue::Literal(Value::Int(*value))),
            (AutoDecl::Int(value), Type::Decimal) => {
                return Some(AutoValue::Literal(Value::Decimal(Decimal::from(*value))));
            }
            (AutoDecl::Text(text), _) => text,
            (AutoDecl::Bool(_), _) => {
                misfit(self, "the value is true or false");
                return None;
            }
            (AutoDecl::Int(_), _) => {
                misfit(self, "the value is an integer");
                return None;
            }
        };
        if text == "now" || text == "principal.now" {
            if ty == Type::Timestamp {
                return Some(AutoValue::Now);
            }
            let message = format!("`{name}` is {ty}, but `now` is a timestamp");
            let finding = self.findings.error(FileCode::BadAutoValue, span, message);
            if ty == Type::Text {
                finding.hint("if the text is meant, quote it: \"'now'\"");
            }
            return None;
        }
        if text.starts_with("principal.") {
            return self.auto_attribute(text, ty, name, span);
        }
        let literal = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).unwrap_or(text);
        let value = match ty {
            Type::Text if !literal.contains('\0') => Some(Value::text(literal)),
            Type::Uuid => literal.parse().ok().map(Value::Uuid),
            Type::Timestamp => parse_timestamp(literal).map(Value::Timestamp),
            Type::Date => parse_date(literal).map(Value::Date),
            Type::Decimal => parse_decimal(literal).map(Value::Decimal),
            Type::Json => {
                serde_json::from_str::<serde_json::Value>(literal).ok().map(|_| Value::Json(Arc::from(literal)))
            }
            _ => None,
        };
        if value.is_none() {
            misfit(self, &format!("`{}` is not", brief(text)));
        }
        value.map(AutoValue::Literal)
    }

    fn auto_attribute(&mut self, text: &str, ty: Type, name: &str, span: Span) -> Option<AutoValue> {
        let path = match parse_attr_path(text) {
            Ok(path) => path,
            Err(error) => {
                self.condition_error(span, error);
                return None;
            }
        };
        let possible = match path {
            AttrPath::Roles => {
                self.findings.error(FileCode::BadAutoValue, span, "`principal.roles` is a list, not a single value");
                return None;
            }
            AttrPath::TenantId | AttrPath::UserId | AttrPath::WorkspaceId => {
                matches!(ty, Type::Text | Type::Int | Type::Uuid)
            }
            AttrPath::Now => ty == Type::Timestamp,
            AttrPath::Metadata(_) => ty.in_conditions(),
        };
        if !possible {
            self.findings.error(FileCode::BadAutoValue, span, format!("`{name}` is {ty}, which `{text}` can never be"));
            return None;
        }
        match self.attributes.note(path, ty, false) {
            Ok(id) => Some(AutoValue::Attr(id)),
            Err(conflict) => {
                self.findings.error(
                    tenantry_policy::condition::CondCode::AttributeConflict,
                    span,
                    conflict.to_string(),
                );
                None
            }
        }
    }

    /// A scope column is set by the scope; an `auto_set` that says otherwise would refuse every create.
    fn against_scope(&mut self, draft: &Draft<'_>, auto_set: &[(ColumnId, AutoValue)], rules: &Rules) {
        for (id, value) in auto_set {
            let Some((_, attr)) = scope_pairs(rules).into_iter().find(|(column, _)| column == id) else { continue };
            if *value != AutoValue::Attr(attr) {
                let name = draft.column_name(*id);
                let wanted = self.attributes.get(attr).map(|attribute| attribute.path.to_string()).unwrap_or_default();
                let span = self.span(&["table", draft.name, "write", "auto_set", name]);
                self.findings
                    .error(FileCode::AutoAgainstScope, span, format!("the scope says that `{name}` is `{wanted}`"))
                    .hint("remove the entry: scope columns are set by the server anyway");
            }
        }
    }

    /// A column that must have a value and never gets one.
    fn never_filled(
        &mut self,
        draft: &Draft<'_>,
        create: &[ColumnId],
        auto_set: &[(ColumnId, AutoValue)],
        scope: &[ColumnId],
    ) {
        for name in draft.names() {
            let Some(id) = draft.find(name) else { continue };
            let Some(facts) = draft.facts(id) else { continue };
            let filled = create.contains(&id) || scope.contains(&id) || auto_set.iter().any(|(known, _)| *known == id);
            if !facts.nullable && !facts.has_default && !facts.generated && !filled {
                let span = self.span(&["table", draft.name, "write", "create"]);
                self.findings
                    .warning(
                        FileCode::NeverFilled,
                        span,
                        format!("every create will fail: `{name}` must have a value and nobody sets it"),
                    )
                    .hint(format!("let callers set it, or add `auto_set = {{ {name} = … }}`"));
            }
        }
    }

    /// A column that callers write and that the database lets point at other rows needs a relation:
    /// through it the guard sees to it that the row is visible to the caller. Without one the database's
    /// own foreign key would answer, and tell which rows of other tenants exist.
    fn pointing(&mut self, draft: &Draft<'a>, all: &[Option<Draft<'a>>], word: &str, written: &[ColumnId]) {
        for foreign in &draft.catalog.foreign_keys {
            let own = written.iter().copied().filter(|id| foreign.columns.contains(&id.index()));
            for id in own {
                let guarded = draft.relations.iter().any(|relation| {
                    relation.to_one
                        && relation.pairs.iter().any(|(own, _)| *own == id)
                        && all.get(relation.to.index()).and_then(Option::as_ref).is_some_and(|other| {
                            other.catalog.name == foreign.to_table && other.catalog.schema == foreign.to_schema
                        })
                });
                if !guarded {
                    let name = draft.column_name(id).to_owned();
                    let span = self.span(&["table", draft.name, "write", word]);
                    self.findings
                        .error(
                            FileCode::UnguardedReference,
                            span,
                            format!("`{name}` points at rows of `{}`, and no relation guards it", foreign.to_table),
                        )
                        .hint(format!(
                            "govern that table and add `relations = {{ NAME = {{ table = \"…\", key = \"{name}\" }} }}`, or \
                             take `{name}` out of `{word}`"
                        ));
                }
            }
        }
    }

    /// A unique key whose values callers choose, and that holds no column of the scope, is shared by all
    /// tenants: a refused value tells that somebody has it.
    fn colliding(&mut self, draft: &Draft<'_>, written: &[ColumnId], scope: &[ColumnId]) {
        let keys = std::iter::once(&draft.catalog.primary_key).chain(&draft.catalog.unique);
        for key in keys.filter(|key| !key.is_empty() && !scope.is_empty()) {
            let ids: Vec<ColumnId> = key.iter().filter_map(|at| u16::try_from(*at).ok().map(ColumnId)).collect();
            if ids.iter().all(|id| written.contains(id)) && !ids.iter().any(|id| scope.contains(id)) {
                let names: Vec<&str> = ids.iter().map(|id| draft.column_name(*id)).collect();
                let message = format!("callers choose `{}`, which is unique across all tenants", names.join("`, `"));
                let span = self.span(&["table", draft.name, "write"]);
                self.findings.warning(FileCode::SharedUniqueKey, span, message).hint(
                    "a refused value tells that another tenant has it: begin the unique key with the tenant's column, or let \
                     the database make the value",
                );
            }
        }
    }

    /// Can any rule let anyone do it?
    fn somebody(&mut self, draft: &Draft<'_>, op: Op, rules: &Rules) {
        let any = rules.list.iter().any(|rule| rule.kind.widens() && rule.kind != RuleKind::Shared && rule.on.has(op));
        if !any {
            let word = op.name();
            let span = self.key_span(&["table", draft.name, "write", word]);
            self.findings
                .warning(
                    FileCode::WriteWithoutRule,
                    span,
                    format!("no rule lets anyone {word} rows of `{}`", draft.name),
                )
                .hint("add a `scope`, or a `bypass` whose `on` names the operation");
        }
    }

    pub(super) fn budget(&mut self, draft: &Draft<'_>) -> Budget {
        let decl = &draft.decl.budget;
        let usual = Budget::default();
        let mut budget = Budget {
            max_rows: decl.max_rows.unwrap_or(usual.max_rows),
            timeout: usual.timeout,
            max_includes: decl.max_includes.unwrap_or(usual.max_includes),
            max_depth: decl.max_depth.unwrap_or(usual.max_depth),
            max_filters: decl.max_filters.unwrap_or(usual.max_filters),
            max_in: decl.max_in.unwrap_or(usual.max_in),
            max_columns: decl.max_columns.unwrap_or(usual.max_columns),
            max_bytes: decl.max_bytes.unwrap_or(usual.max_bytes),
            max_cost: decl.max_cost.unwrap_or(usual.max_cost),
            require_filter: Vec::new(),
        };
        if let Some(timeout) = decl.timeout.as_ref().and_then(crate::words::Millis::duration) {
            if (1..=300_000).contains(&timeout.as_millis()) {
                budget.timeout = timeout;
            } else {
                let span = self.span(&["table", draft.name, "budget", "timeout"]);
                self.findings.error(FileCode::OutOfRange, span, "a statement may run 1ms to 5m");
            }
        }
        for (name, span) in self.items(&["table", draft.name, "budget", "require_filter"]) {
            let Some(id) = self.column(draft, &name, span) else { continue };
            if draft.column(id).is_some_and(|column| column.field.filterable()) {
                budget.require_filter.push(id);
            } else {
                self.findings
                    .error(
                        FileCode::FilterHidden,
                        span,
                        format!("callers cannot filter by `{name}`, so they could ask nothing"),
                    )
                    .hint(format!("add `{name} = \"allow\"` to `fields`, or remove it here"));
            }
        }
        budget
    }
}

/// The own columns that the scope fixes, with their attributes.
fn scope_pairs(rules: &Rules) -> Vec<(ColumnId, tenantry_policy::AttrId)> {
    let Some(rule) = rules.list.iter().find(|rule| rule.kind == RuleKind::Scope) else { return Vec::new() };
    let parts = match &rule.when {
        Cond::And(parts) => parts.as_slice(),
        one => std::slice::from_ref(one),
    };
    parts
        .iter()
        .filter_map(|part| match part {
            Cond::Compare { left: Term::Column(column), cmp: Cmp::Eq, right: Term::Attr(attr), .. } => {
                Some((own(*column)?, *attr))
            }
            _ => None,
        })
        .collect()
}

fn scope_columns(rules: &Rules) -> Vec<ColumnId> {
    scope_pairs(rules).into_iter().map(|(column, _)| column).collect()
}
