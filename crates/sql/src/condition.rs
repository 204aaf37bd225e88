//! Conditions as SQL: TRUE, FALSE and UNKNOWN exactly where the evaluator says them.
//!
//! What the principal alone decides is decided here, by the evaluator itself, so that only tests of
//! the row reach the database.

use std::borrow::Cow;

use tenantry_policy::attribute::{AttrId, AttrPath, Attribute};
use tenantry_policy::bound::Slot;
use tenantry_policy::catalog::CatalogColumn;
use tenantry_policy::condition::{AttrView, Cmp, ColumnRef, Cond, NoRow, Term, Truth, eval};
use tenantry_policy::filter::Place;
use tenantry_policy::{RelationId, Value};

use crate::RenderError;
use crate::builder::From;
use crate::dialect::{Adjusted, Form, Piece, Use, flipped, operator, postgres, use_of};
use crate::scribe::{Law, Need, Row, Scribe};

/// Who brings a value into a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The caller.
    Caller,
    /// A rule, as a literal.
    Literal,
    /// A rule, through an attribute of the principal.
    Attribute(AttrId),
}

/// A side of a comparison, as far as it is known.
enum Side<'a> {
    Column(ColumnRef),
    Known(Cow<'a, Value>, Origin),
    /// Row security: an attribute, as the database knows it.
    Setting(&'a Attribute),
}

impl<'a> Scribe<'a> {
    /// Writes a condition about a row.
    pub(crate) fn cond(&mut self, row: Row<'a>, cond: &'a Cond, need: Need) -> Result<(), RenderError> {
        if let Some(truth) = self.constant(cond) {
            self.truth(truth);
            return Ok(());
        }
        if need == Need::Truth
            && let Some(relation) = self.lifts(row, cond)
        {
            let other = self.lift(row, relation)?;
            self.cond(other, cond, need)?;
            return self.end_lift(other);
        }
        match cond {
            Cond::And(parts) => self.join(row, parts, Truth::True, " AND ", need),
            Cond::Or(parts) => self.join(row, parts, Truth::False, " OR ", need),
            Cond::Not(inner) => {
                self.sql.push("NOT (");
                self.cond(row, inner, Need::Exact)?;
                self.sql.push(")");
                Ok(())
            }
            Cond::Has(id) => {
                let attribute = self.attribute(*id)?;
                self.has(attribute);
                Ok(())
            }
            Cond::IsNull { column, negated } => {
                self.operand(row, *column, Form::Raw)?;
                self.sql.push(if *negated { " IS NOT NULL" } else { " IS NULL" });
                Ok(())
            }
            Cond::Const(_) => Err(RenderError::Inconsistent("a constant that is none")),
            Cond::Compare { .. } | Cond::InLiterals { .. } | Cond::InAttr { .. } | Cond::StartsWith { .. } => {
                self.atom(row, cond)
            }
        }
    }

    /// The relation that a condition reaches through, when that is all it reads of any row: then it
    /// is TRUE exactly when there is such a related row, readable, of which it is TRUE. Without that
    /// row every test of it is UNKNOWN; where something else could still make the whole TRUE, there
    /// is no such relation.
    pub(crate) fn lifts(&self, row: Row<'_>, cond: &Cond) -> Option<RelationId> {
        if row.lifted.is_some() || self.constant(cond).is_some() || !self.needs_row(cond, true) {
            return None;
        }
        let (mut through, mut only) = (None, true);
        cond.columns(&mut |column| match (column, through) {
            (ColumnRef::Hop(relation, _), None) => through = Some(relation),
            (ColumnRef::Hop(relation, _), Some(known)) if relation == known => {}
            _ => only = false,
        });
        if only { through } else { None }
    }

    /// Can no part of the condition be TRUE (or FALSE, under a NOT) when every column is NULL because
    /// there is no row? In a call, parts that the principal alone decides are constants, and do not
    /// matter when the whole is none. In row security nothing is known of the principal: a test of
    /// attributes alone may be TRUE, and so may NOT IN when the list turns out to be empty.
    fn needs_row(&self, cond: &Cond, positive: bool) -> bool {
        let settings = !matches!(self.law, Law::Call(_));
        let column = |term: &Term| matches!(term, Term::Column(_));
        match cond {
            Cond::IsNull { .. } => false,
            Cond::Const(_) => true,
            Cond::Has(_) => !settings,
            Cond::And(parts) | Cond::Or(parts) => parts.iter().all(|part| self.needs_row(part, positive)),
            Cond::Not(inner) => self.needs_row(inner, !positive),
            Cond::Compare { left, right, .. } => !settings || column(left) || column(right),
            Cond::StartsWith { term, .. } | Cond::InLiterals { term, .. } => !settings || column(term),
            Cond::InAttr { term, negated, .. } => !settings || (column(term) && positive != *negated),
        }
    }

    /// How many parts can change the outcome?
    fn matter(&self, parts: &[Cond], neutral: Truth) -> usize {
        parts.iter().filter(|part| self.constant(part) != Some(neutral)).count()
    }

    /// Does [`Scribe::cond`] write this one in parentheses of its own?
    pub(crate) fn in_parentheses(&self, row: Row<'_>, cond: &Cond) -> bool {
        self.constant(cond).is_none()
            && self.lifts(row, cond).is_none()
            && match cond {
                Cond::And(parts) => self.matter(parts, Truth::True) > 1,
                Cond::Or(parts) => self.matter(parts, Truth::False) > 1,
                _ => false,
            }
    }

    /// Parts joined by AND or OR, without those that cannot change the outcome.
    fn join(
        &mut self,
        row: Row<'a>,
        parts: &'a [Cond],
        neutral: Truth,
        word: &'static str,
        need: Need,
    ) -> Result<(), RenderError> {
        let mut first = true;
        let many = self.matter(parts, neutral) > 1;
        if many {
            self.sql.push("(");
        }
        for part in parts {
            if self.constant(part) == Some(neutral) {
                continue;
            }
            if !first {
                self.sql.push(word);
            }
            first = false;
            self.cond(row, part, need)?;
        }
        if many {
            self.sql.push(")");
        }
        Ok(())
    }

    /// The truth of a condition, where no row can change it.
    pub(crate) fn constant(&self, cond: &Cond) -> Option<Truth> {
        match cond {
            Cond::Const(value) => Some(Truth::from(*value)),
            Cond::Not(inner) => self.constant(inner).map(Truth::not),
            Cond::And(parts) => {
                let mut all = Some(Truth::True);
                for part in parts {
                    match (all, self.constant(part)) {
                        (_, Some(Truth::False)) => return Some(Truth::False),
                        (Some(known), Some(truth)) => all = Some(known.and(truth)),
                        _ => all = None,
                    }
                }
                all
            }
            Cond::Or(parts) => {
                let mut any = Some(Truth::False);
                for part in parts {
                    match (any, self.constant(part)) {
                        (_, Some(Truth::True)) => return Some(Truth::True),
                        (Some(known), Some(truth)) => any = Some(known.or(truth)),
                        _ => any = None,
                    }
                }
                any
            }
            Cond::Has(id) => match self.law {
                Law::Call(context) => Some(eval(cond, &NoRow, context)),
                Law::Settings => {
                    let now = self.policy.attributes.get(*id).is_some_and(|attr| attr.path == AttrPath::Now);
                    now.then_some(Truth::True)
                }
                Law::Seat => self.unsaid(*id).then_some(Truth::False),
            },
            Cond::IsNull { .. } => None,
            Cond::Compare { left, right, .. } => self.constant_atom(cond, &[left, right], None),
            Cond::StartsWith { term, prefix } => self.constant_atom(cond, &[term, prefix], None),
            Cond::InLiterals { list, negated, .. } if list.is_empty() => Some(Truth::from(*negated)),
            Cond::InLiterals { term, .. } => self.constant_atom(cond, &[term], None),
            Cond::InAttr { term, list, .. } => self.constant_atom(cond, &[term], Some(*list)),
        }
    }

    fn constant_atom(&self, cond: &Cond, terms: &[&Term], list: Option<AttrId>) -> Option<Truth> {
        let columns = terms.iter().any(|term| matches!(term, Term::Column(_)));
        let Law::Call(context) = self.law else {
            let all = terms.iter().filter_map(|term| if let Term::Attr(id) = term { Some(*id) } else { None });
            let mut all = all.chain(list).peekable();
            let attributes = all.peek().is_some();
            if matches!(self.law, Law::Seat) && all.any(|id| self.unsaid(id)) {
                return Some(Truth::Unknown);
            }
            return (!columns && !attributes).then(|| eval(cond, &NoRow, &NoAttributes));
        };
        let lacks = |id: AttrId| matches!(context.slot(id), Slot::Missing | Slot::Many(_));
        match list.map(|list| context.slot(list)) {
            None => {}
            // `eval` knows that an empty list decides even for NULL, and that anything but a list
            // leaves the atom UNKNOWN: no row takes part.
            Some(Slot::Many(items)) if !items.is_empty() => {}
            Some(_) => return Some(eval(cond, &NoRow, context)),
        }
        if terms.iter().any(|term| matches!(term, Term::Attr(id) if lacks(*id))) {
            return Some(Truth::Unknown);
        }
        (!columns).then(|| eval(cond, &NoRow, context))
    }

    /// Is nothing known of an attribute of a seat? Only its tenant is.
    fn unsaid(&self, id: AttrId) -> bool {
        !self.policy.attributes.get(id).is_some_and(|attr| attr.path == AttrPath::TenantId && !attr.list)
    }

    fn atom(&mut self, row: Row<'a>, cond: &'a Cond) -> Result<(), RenderError> {
        match cond {
            Cond::Compare { left, cmp, right, .. } => match (self.side(left)?, self.side(right)?) {
                (Side::Column(left), Side::Column(right)) => self.compare_columns(row, left, *cmp, right),
                (Side::Column(column), other) => self.compare(row, column, *cmp, &other),
                (other, Side::Column(column)) => self.compare(row, column, flipped(*cmp), &other),
                (left, right) => {
                    self.plain_side(&left)?;
                    self.sql.push(operator(*cmp));
                    self.plain_side(&right)
                }
            },
            Cond::InLiterals { term, list, negated } => match self.side(term)? {
                Side::Column(column) => self.rule_list(row, column, list, *negated, Origin::Literal),
                side => {
                    self.plain_side(&side)?;
                    self.sql.push(if *negated { " NOT IN (" } else { " IN (" });
                    self.plain_list(list);
                    self.sql.push(")");
                    Ok(())
                }
            },
            Cond::InAttr { term, list, negated } => {
                let attribute = self.attribute(*list)?;
                match (self.law, self.side(term)?) {
                    (Law::Call(context), Side::Column(column)) => match context.slot(*list) {
                        Slot::Many(items) => self.rule_list(row, column, items, *negated, Origin::Attribute(*list)),
                        _ => Err(RenderError::Inconsistent("a list that is none")),
                    },
                    (Law::Call(_), _) => Err(RenderError::Inconsistent("a test without a row")),
                    (Law::Settings | Law::Seat, Side::Column(column)) => {
                        let form = self.form(row, column, Use::List)?;
                        self.operand(row, column, form)?;
                        self.array_test(attribute, *negated);
                        Ok(())
                    }
                    (Law::Settings | Law::Seat, side) => {
                        self.plain_side(&side)?;
                        self.array_test(attribute, *negated);
                        Ok(())
                    }
                }
            }
            Cond::StartsWith { term, prefix } => {
                let (term, prefix) = (self.side(term)?, self.side(prefix)?);
                match (&term, &prefix) {
                    (Side::Column(column), Side::Known(value, origin)) => {
                        self.part(row, *column, Place::Start, value, *origin)
                    }
                    (_, Side::Column(_)) => Err(RenderError::Inconsistent("a prefix from a column")),
                    (Side::Column(column), Side::Setting(_)) => {
                        let form = self.form(row, *column, Use::Equal)?;
                        self.sql.push("starts_with(");
                        self.operand(row, *column, form)?;
                        self.sql.push(", ");
                        self.plain_side(&prefix)?;
                        self.sql.push(")");
                        Ok(())
                    }
                    _ => {
                        self.sql.push("starts_with(");
                        self.plain_side(&term)?;
                        self.sql.push(", ");
                        self.plain_side(&prefix)?;
                        self.sql.push(")");
                        Ok(())
                    }
                }
            }
            _ => Err(RenderError::Inconsistent("an atom that is none")),
        }
    }

    fn attribute(&self, id: AttrId) -> Result<&'a Attribute, RenderError> {
        self.policy.attributes.get(id).ok_or(RenderError::Inconsistent("an attribute"))
    }

    fn side(&self, term: &'a Term) -> Result<Side<'a>, RenderError> {
        match term {
            Term::Column(column) => Ok(Side::Column(*column)),
            Term::Literal(value) => Ok(Side::Known(Cow::Borrowed(value), Origin::Literal)),
            Term::Attr(id) => match self.law {
                Law::Settings | Law::Seat => self.attribute(*id).map(Side::Setting),
                Law::Call(context) => match context.slot(*id) {
                    Slot::One(value) => Ok(Side::Known(Cow::Borrowed(value), Origin::Attribute(*id))),
                    Slot::Now => {
                        let now = Value::Timestamp(context.now_micros());
                        Ok(Side::Known(Cow::Owned(now), Origin::Attribute(*id)))
                    }
                    Slot::Missing | Slot::Many(_) => Err(RenderError::Inconsistent("an attribute without a value")),
                },
            },
        }
    }

    /// The form of a column in a rule, which must compare exactly.
    fn form(&self, row: Row<'a>, column: ColumnRef, usage: Use) -> Result<Form, RenderError> {
        let facts = self.facts(row, column)?;
        let speech = self.sql.speech();
        if !speech.exact(facts) {
            return Err(RenderError::Inconsistent("a rule on a decimal without a scale"));
        }
        Ok(speech.form(facts, usage))
    }

    fn compare(&mut self, row: Row<'a>, column: ColumnRef, cmp: Cmp, side: &Side<'a>) -> Result<(), RenderError> {
        let form = self.form(row, column, use_of(cmp))?;
        match side {
            Side::Known(value, origin) => self.compare_value(row, column, form, cmp, value, *origin),
            Side::Setting(attribute) => {
                let facts = self.facts(row, column)?;
                self.operand(row, column, form)?;
                self.sql.push(operator(cmp));
                postgres::setting(&mut self.sql, attribute, postgres::loses_zone(facts, form));
                Ok(())
            }
            Side::Column(_) => Err(RenderError::Inconsistent("a comparison of columns")),
        }
    }

    /// Writes `column cmp value`.
    pub(crate) fn compare_value(
        &mut self,
        row: Row<'a>,
        column: ColumnRef,
        form: Form,
        cmp: Cmp,
        value: &Value,
        origin: Origin,
    ) -> Result<(), RenderError> {
        let facts = self.facts(row, column)?;
        match self.sql.speech().adjust(form, cmp, value) {
            Adjusted::Compare(cmp, value) => {
                self.operand(row, column, form)?;
                self.sql.push(operator(cmp));
                let from = self.from(facts, origin)?;
                self.sql.value(&value, facts, form, from);
                Ok(())
            }
            Adjusted::Present(truth) => self.present(row, column, truth),
        }
    }

    /// Writes a test that is UNKNOWN for NULL and otherwise always the same.
    fn present(&mut self, row: Row<'a>, column: ColumnRef, truth: bool) -> Result<(), RenderError> {
        self.sql.push("(");
        self.operand(row, column, Form::Raw)?;
        self.sql.push(if truth { " IS NOT NULL OR NULL)" } else { " IS NULL AND NULL)" });
        Ok(())
    }

    fn compare_columns(
        &mut self,
        row: Row<'a>,
        left: ColumnRef,
        cmp: Cmp,
        right: ColumnRef,
    ) -> Result<(), RenderError> {
        let (left_facts, right_facts) = (self.facts(row, left)?, self.facts(row, right)?);
        let speech = self.sql.speech();
        if !speech.exact(left_facts) || !speech.exact(right_facts) {
            return Err(RenderError::Inconsistent("a rule on a decimal without a scale"));
        }
        let (left_form, right_form) = speech.forms(left_facts, right_facts);
        self.operand(row, left, left_form)?;
        self.sql.push(operator(cmp));
        self.operand(row, right, right_form)
    }

    fn rule_list(
        &mut self,
        row: Row<'a>,
        column: ColumnRef,
        values: &[Value],
        negated: bool,
        origin: Origin,
    ) -> Result<(), RenderError> {
        self.form(row, column, Use::List)?;
        self.list(row, column, values, negated, origin)
    }

    /// Writes `column [NOT] IN values`, which are not empty.
    pub(crate) fn list(
        &mut self,
        row: Row<'a>,
        column: ColumnRef,
        values: &[Value],
        negated: bool,
        origin: Origin,
    ) -> Result<(), RenderError> {
        let facts = self.facts(row, column)?;
        let speech = self.sql.speech();
        let form = speech.form(facts, Use::List);
        let Some(first) = values.first() else {
            self.truth(Truth::from(negated));
            return Ok(());
        };
        let from = self.from(facts, origin)?;
        if self.sql.is_row_security() {
            self.operand(row, column, form)?;
            self.sql.push(if negated { " NOT IN (" } else { " IN (" });
            self.plain_list(values);
            self.sql.push(")");
            return Ok(());
        }
        if speech.lists_are_arrays() {
            self.operand(row, column, form)?;
            let ty = first.ty();
            let at = self.sql.add_list(values, ty, from);
            speech.list(&mut self.sql, at + 1, ty, negated);
            return Ok(());
        }
        // Values that the column cannot hold take no place in the list.
        let mut possible = Vec::with_capacity(values.len());
        for value in values {
            if let Adjusted::Compare(_, value) = speech.adjust(form, Cmp::Eq, value) {
                possible.push(value);
            }
        }
        if possible.is_empty() {
            return self.present(row, column, negated);
        }
        self.operand(row, column, form)?;
        self.sql.push(if negated { " NOT IN (" } else { " IN (" });
        for (at, value) in possible.iter().enumerate() {
            if at > 0 {
                self.sql.push(", ");
            }
            self.sql.value(value, facts, form, from);
        }
        self.sql.push(")");
        Ok(())
    }

    /// Writes the test for a part of a text.
    pub(crate) fn part(
        &mut self,
        row: Row<'a>,
        column: ColumnRef,
        place: Place,
        value: &Value,
        origin: Origin,
    ) -> Result<(), RenderError> {
        let facts = self.facts(row, column)?;
        let speech = self.sql.speech();
        let form = speech.form(facts, Use::Equal);
        let from = self.from(facts, origin)?;
        let mut number = None;
        for piece in speech.part(place) {
            match piece {
                Piece::Text(text) => self.sql.push(text),
                Piece::Whole => self.operand(row, column, form)?,
                Piece::Part if self.sql.is_row_security() => postgres::plain_literal(&mut self.sql, value),
                Piece::Part => {
                    let at = match number {
                        Some(at) => at,
                        None => self.sql.add_value(Some(value), value.ty(), facts.storage, from),
                    };
                    number = Some(at);
                    speech.parameter(&mut self.sql, at + 1, value.ty(), facts.storage, facts, form);
                }
            }
        }
        Ok(())
    }

    fn from<'f>(&self, facts: &'f CatalogColumn, origin: Origin) -> Result<From<'f>, RenderError>
    where
        'a: 'f,
    {
        match origin {
            Origin::Caller => Ok(From::Field(facts)),
            Origin::Literal => Ok(From::Literal(facts)),
            Origin::Attribute(id) => Ok(From::Attribute(id, self.attribute(id)?)),
        }
    }

    /// Row security: is the attribute there?
    fn has(&mut self, attribute: &Attribute) {
        self.sql.push("(SELECT ");
        self.sql.asked(attribute);
        self.sql.push(" IS NOT NULL)");
    }

    /// Row security: a side that is no column.
    fn plain_side(&mut self, side: &Side<'a>) -> Result<(), RenderError> {
        match side {
            Side::Known(value, _) => postgres::plain_literal(&mut self.sql, value),
            Side::Setting(attribute) => postgres::setting(&mut self.sql, attribute, false),
            Side::Column(_) => return Err(RenderError::Inconsistent("a column without a row")),
        }
        Ok(())
    }

    /// Row security: literals.
    fn plain_list(&mut self, values: &[Value]) {
        for (at, value) in values.iter().enumerate() {
            if at > 0 {
                self.sql.push(", ");
            }
            postgres::plain_literal(&mut self.sql, value);
        }
    }

    /// Row security: membership in a list attribute. Missing: NULL; empty: FALSE, or TRUE for ALL.
    fn array_test(&mut self, attribute: &Attribute, negated: bool) {
        self.sql.push(if negated { " <> ALL (" } else { " = ANY (" });
        postgres::setting_array(&mut self.sql, attribute);
        self.sql.push(")");
    }
}

/// For conditions without attributes.
struct NoAttributes;

impl AttrView for NoAttributes {
    fn slot(&self, _: AttrId) -> &Slot {
        &Slot::Missing
    }

    fn now_micros(&self) -> i64 {
        0
    }
}
