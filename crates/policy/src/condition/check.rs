//! From the syntax tree to a checked condition: every name resolved, every type known.

use std::ops::Range;

use uuid::Uuid;

use crate::attribute::{AttrId, AttrPath, AttributeConflict, Attributes};
use crate::catalog::{CatalogColumn, Storage};
use crate::condition::cond::{Cmp, ColumnRef, Cond, Term};
use crate::condition::error::{CondCode, CondError};
use crate::condition::parse::{parse, parse_path};
use crate::condition::suggest::{closest, one_of};
use crate::condition::syntax::{Atom, AtomKind, Literal, Path, TermTree, Tree, literal_text};
use crate::ids::{ColumnId, RelationId};
use crate::value::{Type, Value, format_timestamp, parse_decimal, parse_timestamp};

/// The names that a condition on one table may use: the outside world of the checker.
pub trait Names {
    /// The column of that exact name, and what the catalog says of it.
    fn column(&self, name: &str) -> Option<(ColumnId, &CatalogColumn)>;
    /// Every column's name, for "did you mean".
    fn column_names(&self) -> Vec<&str>;
    /// The declared relation of that exact name.
    fn relation(&self, name: &str) -> Option<RelationInfo>;
    /// Every relation's name, for "did you mean".
    fn relation_names(&self) -> Vec<&str>;
    /// A column of the table that a relation leads to.
    fn related_column(&self, relation: RelationId, name: &str) -> Option<(ColumnId, &CatalogColumn)>;
    /// Every column's name of the table that a relation leads to.
    fn related_column_names(&self, relation: RelationId) -> Vec<&str>;
}

/// A declared relation, as far as conditions care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelationInfo {
    /// Its position in the table's list.
    pub id: RelationId,
    /// Does it lead to at most one row?
    pub to_one: bool,
}

/// Compiles a condition's text. `attributes` learns each attribute that the condition reads, with
/// its type; it is unchanged when the condition does not compile.
///
/// # Errors
/// [`CondError`] with the place, the reason and what to write instead.
pub fn compile(text: &str, names: &dyn Names, attributes: &mut Attributes) -> Result<Cond, CondError> {
    let tree = parse(text)?;
    let mut checker = Checker { names, attributes: attributes.clone() };
    // An attribute's type comes from what it is compared with. Comparisons with a column or a
    // literal settle it first, so that `HAS x AND x = 3` and `x = y AND y = 3` do not depend on the
    // order of their parts. Mistakes are reported below, in the order of the text.
    tree.atoms(&mut |atom| {
        if settles(&atom.kind) {
            let _ = checker.atom(atom);
        }
    });
    let cond = checker.tree(&tree)?;
    *attributes = checker.attributes;
    Ok(cond)
}

/// Which side of a scope entry an error is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScopeSide {
    /// The key: `tenant_id`, `invoice.customer_id`.
    Column,
    /// The value: `principal.tenant_id`.
    Attribute,
}

/// A scope entry that does not compile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct ScopeError {
    /// The text that the error's span counts in.
    pub side: ScopeSide,
    /// What is wrong.
    pub error: CondError,
}

/// Compiles one entry of a table's `scope`: the column (`tenant_id`, or `invoice.customer_id`
/// through a to-one relation) equals the attribute (`principal.tenant_id`), with the same checks as
/// a comparison in a condition. The result is always a [`Cond::Compare`] with the column left.
///
/// # Errors
/// [`ScopeError`] with the side and the place in that side's text.
pub fn scope_equality(
    column: &str,
    attribute: &str,
    names: &dyn Names,
    attributes: &mut Attributes,
) -> Result<Cond, ScopeError> {
    let of_column = |error| ScopeError { side: ScopeSide::Column, error };
    let of_attribute = |error| ScopeError { side: ScopeSide::Attribute, error };
    let mut checker = Checker { names, attributes: attributes.clone() };
    // A key in the file may name a column that conditions could not, such as one with blanks.
    let column = match names.column(column) {
        Some(_) => Path { parts: vec![column.into()], span: 0..column.len() },
        None => parse_path(column, CondCode::BadScopeEntry, "a column or `relation.column`").map_err(of_column)?,
    };
    if column.is_attribute() {
        let error = CondError::new(column.span, CondCode::BadScopeEntry, "the key of a scope entry is a column")
            .hint("write `tenant_id = \"principal.tenant_id\"`");
        return Err(of_column(error));
    }
    let left = checker.column_side(&column).map_err(of_column)?;
    let path = parse_attr_path(attribute).map_err(of_attribute)?;
    let span = 0..attribute.len();
    let right = Side::Attr(path, span.clone());
    let cond = checker.compare(left, Cmp::Eq, right, &span).map_err(of_attribute)?;
    *attributes = checker.attributes;
    Ok(cond)
}

/// Reads a bare attribute path such as `principal.metadata.tenant_hierarchy`, for reach lists and
/// values of `auto_set`. The caller notes the type and the shape in [`Attributes`].
///
/// # Errors
/// [`CondError`] when the text is not one path of a known attribute.
pub fn parse_attr_path(text: &str) -> Result<AttrPath, CondError> {
    let path = parse_path(text, CondCode::UnknownAttribute, "an attribute such as `principal.tenant_id`")?;
    if path.is_attribute() {
        return attr_path(&path);
    }
    let name = path.to_text();
    let message = format!("`{name}` is not an attribute of the principal");
    let error = CondError::new(path.span, CondCode::UnknownAttribute, message);
    Err(error.hint(format!("attributes begin with `principal.`: `principal.tenant_id`, `principal.metadata.{name}`")))
}

/// The parts of `principal.…` as the attribute they name.
fn attr_path(path: &Path) -> Result<AttrPath, CondError> {
    const KNOWN: [&str; 6] = ["tenant_id", "user_id", "workspace_id", "roles", "now", "metadata"];
    let mut parts = path.parts.iter().map(AsRef::as_ref).skip(1);
    let first = parts.next().unwrap_or_default();
    let rest: Vec<Box<str>> = parts.map(Box::from).collect();
    let plain = match first {
        "tenant_id" => AttrPath::TenantId,
        "user_id" => AttrPath::UserId,
        "workspace_id" => AttrPath::WorkspaceId,
        "roles" => AttrPath::Roles,
        "now" => AttrPath::Now,
        "metadata" => return metadata(rest, &path.span),
        _ => {
            let hint = match closest(first, KNOWN) {
                Some(name) => format!("did you mean `principal.{name}`?"),
                None => format!("further attributes stand under `principal.metadata.{first}`"),
            };
            let message = format!("the principal has no attribute `{first}`");
            return Err(CondError::new(path.span.clone(), CondCode::UnknownAttribute, message).hint(hint));
        }
    };
    if rest.is_empty() {
        return Ok(plain);
    }
    let message = format!("`{plain}` has no parts");
    Err(CondError::new(path.span.clone(), CondCode::UnknownAttribute, message)
        .hint(format!("write `{plain}` or `principal.metadata.…`")))
}

fn metadata(parts: Vec<Box<str>>, span: &Range<usize>) -> Result<AttrPath, CondError> {
    let bad = |message: String| {
        CondError::new(span.clone(), CondCode::BadAttributePath, message)
            .hint("write `principal.metadata.org_id`: 1 to 8 parts of lower-case letters, digits and `_`")
    };
    if !(1..=8).contains(&parts.len()) {
        return Err(bad(format!("a metadata path has 1 to 8 parts, this one has {}", parts.len())));
    }
    let fits = |part: &str| {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        part.len() <= 63 && part.chars().all(plain) && !part.starts_with(|c: char| c.is_ascii_digit())
    };
    match parts.iter().find(|part| !fits(part)) {
        Some(part) => Err(bad(format!("`{part}` cannot be part of a metadata path"))),
        None => Ok(AttrPath::Metadata(parts)),
    }
}

/// Does the atom give the attributes in it a type, without looking at other atoms?
fn settles(atom: &AtomKind) -> bool {
    let anchor = |term: &TermTree| match term {
        TermTree::Name(path) => !path.is_attribute(),
        TermTree::Literal(_) => true,
    };
    match atom {
        AtomKind::Const(_) | AtomKind::Has(_) | AtomKind::IsNull { .. } => false,
        AtomKind::Compare { left, right, .. } => anchor(left) || anchor(right),
        AtomKind::InList { term, list, .. } => anchor(term) || !list.is_empty(),
        AtomKind::InAttr { term, .. } => anchor(term),
        AtomKind::StartsWith { .. } => true,
    }
}

/// A resolved side of a comparison; an attribute takes its type from the other side.
enum Side<'a> {
    Column(ColumnRef, &'a CatalogColumn, Type, Range<usize>),
    Attr(AttrPath, Range<usize>),
    Literal(&'a Literal),
}

impl Side<'_> {
    fn span(&self) -> Range<usize> {
        match self {
            Side::Column(.., span) | Side::Attr(_, span) => span.clone(),
            Side::Literal(literal) => literal.span.clone(),
        }
    }

    /// The type, when it does not come from the other side.
    fn ty(&self) -> Option<Type> {
        match self {
            Side::Column(_, _, ty, _) => Some(*ty),
            Side::Literal(literal) => Some(literal.value.ty()),
            Side::Attr(AttrPath::Now, _) => Some(Type::Timestamp),
            Side::Attr(..) => None,
        }
    }

    /// The side as messages name it.
    fn describe(&self, ty: Type) -> String {
        match self {
            Side::Column(_, column, ..) => format!("`{}` is {ty}", column.name),
            Side::Attr(path, _) => format!("`{path}` is {ty}"),
            Side::Literal(literal) => format!("{} is {ty}", literal_text(&literal.value)),
        }
    }
}

struct Checker<'a> {
    names: &'a dyn Names,
    attributes: Attributes,
}

impl<'a> Checker<'a> {
    fn tree(&mut self, tree: &Tree) -> Result<Cond, CondError> {
        match tree {
            Tree::And(parts) => self.trees(parts).map(Cond::And),
            Tree::Or(parts) => self.trees(parts).map(Cond::Or),
            Tree::Not(inner) => self.tree(inner).map(|inner| Cond::Not(Box::new(inner))),
            Tree::Atom(atom) => self.atom(atom),
        }
    }

    fn trees(&mut self, parts: &[Tree]) -> Result<Vec<Cond>, CondError> {
        parts.iter().map(|part| self.tree(part)).collect()
    }

    fn atom(&mut self, atom: &Atom) -> Result<Cond, CondError> {
        match &atom.kind {
            AtomKind::Const(value) => Ok(Cond::Const(*value)),
            AtomKind::Has(path) => self.has(path),
            AtomKind::IsNull { column, negated } => self.is_null(column, *negated),
            AtomKind::Compare { left, cmp, right } => {
                let (left, right) = (self.side(left)?, self.side(right)?);
                self.compare(left, *cmp, right, &atom.span)
            }
            AtomKind::InList { term, list, negated } => self.in_list(term, list, *negated),
            AtomKind::InAttr { term, list, negated } => self.in_attr(term, list, *negated),
            AtomKind::StartsWith { term, prefix, negated } => {
                let starts = self.starts_with(term, prefix)?;
                Ok(if *negated { Cond::Not(Box::new(starts)) } else { starts })
            }
        }
    }

    fn has(&mut self, path: &Path) -> Result<Cond, CondError> {
        let attr = match attr_path(path)? {
            AttrPath::Roles => self.note(AttrPath::Roles, Type::Text, true, &path.span)?,
            AttrPath::Now => self.note(AttrPath::Now, Type::Timestamp, false, &path.span)?,
            other => self.attributes.note_presence(other).map_err(|conflict| too_many(&path.span, &conflict))?,
        };
        Ok(Cond::Has(attr))
    }

    fn is_null(&self, path: &Path, negated: bool) -> Result<Cond, CondError> {
        if path.is_attribute() {
            let name = path.to_text();
            let not = if negated { "" } else { "NOT " };
            let message = format!("`{name}` is an attribute, IS NULL tests columns");
            return Err(CondError::new(path.span.clone(), CondCode::NullTestOfAttribute, message)
                .hint(format!("write `{not}HAS {name}`")));
        }
        let (column, facts) = self.column(path)?;
        if facts.ty.is_none() {
            return Err(unusable(facts, &path.span));
        }
        if let ColumnRef::Hop(..) = column {
            let message = format!("`{}` is NULL also when the related row is absent or hidden", path.to_text());
            return Err(CondError::new(path.span.clone(), CondCode::NullTestThroughRelation, message)
                .hint("test the key column of this table for NULL, or compare the related column with a value"));
        }
        Ok(Cond::IsNull { column, negated })
    }

    fn compare(&mut self, left: Side<'_>, cmp: Cmp, right: Side<'_>, span: &Range<usize>) -> Result<Cond, CondError> {
        let ty = self.common_type(&left, &right, span)?;
        if cmp.orders() && !ty.ordered_in_conditions() {
            let message = format!("`{}` compares int, decimal and timestamp, not {ty}", cmp.symbol());
            let hint = match ty {
                Type::Text => "for text use `=`, `<>`, `IN` or `STARTS WITH`",
                _ => "use `=`, `<>` or `IN`",
            };
            return Err(CondError::new(span.clone(), CondCode::NotOrdered, message).hint(hint));
        }
        scale_fits(&left, &right)?;
        scale_fits(&right, &left)?;
        Ok(Cond::Compare { left: self.term(left, ty)?, cmp, right: self.term(right, ty)?, ty })
    }

    fn in_list(&mut self, term: &TermTree, list: &[Literal], negated: bool) -> Result<Cond, CondError> {
        let side = self.side(term)?;
        let ty = match (list.first(), side.ty()) {
            (Some(first), _) => self.common_type(&side, &Side::Literal(first), &first.span)?,
            (None, Some(ty)) => ty,
            (None, None) => self.known_type(&side).unwrap_or(Type::Text),
        };
        for literal in list {
            let item = Side::Literal(literal);
            self.common_type(&side, &item, &literal.span)?;
            if literal.value.ty() != ty {
                let message = format!("{}, the first of the list is {ty}", item.describe(literal.value.ty()));
                return Err(CondError::new(literal.span.clone(), CondCode::TypeMismatch, message));
            }
            scale_fits(&side, &item)?;
        }
        let list = list.iter().map(|literal| literal.value.clone()).collect();
        Ok(Cond::InLiterals { term: self.term(side, ty)?, list, negated })
    }

    fn in_attr(&mut self, term: &TermTree, list: &Path, negated: bool) -> Result<Cond, CondError> {
        let side = self.side(term)?;
        let path = attr_path(list)?;
        if !matches!(path, AttrPath::Roles | AttrPath::Metadata(_)) {
            let message = format!("`{path}` is a single value, not a list");
            return Err(
                CondError::new(list.span.clone(), CondCode::ScalarAsList, message).hint(format!("write `= {path}`"))
            );
        }
        let known = self.attributes.find(&path).filter(|id| !self.attributes.presence_only(*id));
        let known = known.and_then(|id| self.attributes.get(id)).map(|attribute| attribute.ty);
        let ty = side.ty().or_else(|| self.known_type(&side)).or(known).unwrap_or(Type::Text);
        if path == AttrPath::Roles && ty != Type::Text {
            let message = format!("{}, but `{path}` holds text", side.describe(ty));
            return Err(CondError::new(side.span(), CondCode::TypeMismatch, message));
        }
        let term = self.term(side, ty)?;
        let list = self.note(path, ty, true, &list.span)?;
        Ok(Cond::InAttr { term, list, negated })
    }

    fn starts_with(&mut self, term: &TermTree, prefix: &TermTree) -> Result<Cond, CondError> {
        let text = self.side(term)?;
        let begin = self.side(prefix)?;
        let hint = "write `column STARTS WITH 'text'` or `column STARTS WITH principal.metadata.x`";
        for side in [&text, &begin] {
            if let Some(ty) = side.ty().filter(|ty| *ty != Type::Text) {
                let message = format!("STARTS WITH compares text, {}", side.describe(ty));
                return Err(CondError::new(side.span(), CondCode::PrefixNotText, message).hint(hint));
            }
        }
        match &begin {
            Side::Column(..) => {
                let message = "the beginning is a text literal or an attribute, not a column";
                return Err(CondError::new(begin.span(), CondCode::PrefixNotText, message).hint(hint));
            }
            Side::Literal(Literal { value: Value::Text(prefix), .. }) if prefix.is_empty() => {
                return Err(CondError::new(
                    begin.span(),
                    CondCode::EmptyPrefix,
                    "every text begins with the empty text",
                )
                .hint("write `column IS NOT NULL` if that is meant"));
            }
            _ => {}
        }
        Ok(Cond::StartsWith { term: self.term(text, Type::Text)?, prefix: self.term(begin, Type::Text)? })
    }

    fn side<'t>(&self, term: &'t TermTree) -> Result<Side<'t>, CondError>
    where
        'a: 't,
    {
        match term {
            TermTree::Literal(literal) => Ok(Side::Literal(literal)),
            TermTree::Name(path) if path.is_attribute() => match attr_path(path)? {
                AttrPath::Roles => Err(list_as_scalar(&AttrPath::Roles, &path.span)),
                attr => Ok(Side::Attr(attr, path.span.clone())),
            },
            TermTree::Name(path) => self.column_side(path),
        }
    }

    /// A column that is compared, rather than tested for NULL.
    fn column_side(&self, path: &Path) -> Result<Side<'a>, CondError> {
        let (column, facts) = self.column(path)?;
        let span = path.span.clone();
        let Some(ty) = facts.ty.filter(|ty| ty.in_conditions()) else { return Err(unusable(facts, &span)) };
        let name = &facts.name;
        if facts.padded {
            let message = format!("`{name}` is padded with blanks ({})", facts.native);
            return Err(
                CondError::new(span, CondCode::PaddedColumn, message).hint("change the column to `text` or `varchar`")
            );
        }
        if let Some(collation) = &facts.loose_collation {
            let message = format!("the collation {collation} of `{name}` calls different texts equal");
            return Err(CondError::new(span, CondCode::LooseCollation, message)
                .hint("give the column a collation that compares bytes (BINARY, \"C\")"));
        }
        if facts.storage == Storage::DecimalNumber && facts.scale.is_none() {
            let message = format!("`{name}` is a decimal without a declared number of digits ({})", facts.native);
            return Err(CondError::new(span, CondCode::DecimalScale, message)
                .hint("declare the column with a scale, such as DECIMAL(10,2)"));
        }
        Ok(Side::Column(column, facts, ty, span))
    }

    fn column(&self, path: &Path) -> Result<(ColumnRef, &'a CatalogColumn), CondError> {
        match path.parts.as_slice() {
            [name] => match self.names.column(name) {
                Some((id, facts)) => Ok((ColumnRef::Own(id), facts)),
                None => Err(self.unknown_column(name, path)),
            },
            [relation, name] => self.hop(relation, name, path),
            // The parser refuses longer names.
            _ => Err(CondError::new(path.span.clone(), CondCode::LongName, "a name is `column` or `relation.column`")),
        }
    }

    fn hop(&self, relation: &str, name: &str, path: &Path) -> Result<(ColumnRef, &'a CatalogColumn), CondError> {
        let Some(info) = self.names.relation(relation) else {
            let names = self.names.relation_names();
            let hint = match closest(relation, names.iter().copied().chain(["principal"])) {
                Some(close) => format!("did you mean `{close}.{name}`?"),
                None if self.names.column(name).is_some() => {
                    format!("columns of the table itself stand alone: `{name}`")
                }
                None => {
                    one_of("the relations are", &names).unwrap_or_else(|| "the table declares no relations".to_owned())
                }
            };
            let message = format!("there is no relation `{relation}`");
            return Err(CondError::new(path.span.clone(), CondCode::UnknownRelation, message).hint(hint));
        };
        if !info.to_one {
            let message = format!("`{relation}` leads to many rows");
            return Err(CondError::new(path.span.clone(), CondCode::ToManyHop, message)
                .hint("a condition may hop through a relation declared with `key`, which leads to one row"));
        }
        match self.names.related_column(info.id, name) {
            Some((id, facts)) => Ok((ColumnRef::Hop(info.id, id), facts)),
            None => {
                let names = self.names.related_column_names(info.id);
                let hint = match closest(name, names.iter().copied()) {
                    Some(close) => Some(format!("did you mean `{relation}.{close}`?")),
                    None => one_of("its columns are", &names),
                };
                let message = format!("the table behind `{relation}` has no column `{name}`");
                let error = CondError::new(path.span.clone(), CondCode::UnknownColumn, message);
                Err(CondError { hint, ..error })
            }
        }
    }

    fn unknown_column(&self, name: &str, path: &Path) -> CondError {
        let names = self.names.column_names();
        let hint = match closest(name, names.iter().copied()) {
            Some(close) => format!("did you mean `{close}`?"),
            None => match name.to_ascii_lowercase().as_str() {
                "now" | "current_timestamp" | "current_date" | "localtimestamp" => {
                    "the time of the call is `principal.now`".to_owned()
                }
                "tenant_id" | "user_id" | "roles" | "workspace_id" | "current_user" | "session_user" => {
                    "attributes of the caller begin with `principal.`: `principal.tenant_id`".to_owned()
                }
                _ => format!("text stands in single quotes: `'{name}'`"),
            },
        };
        let message = format!("the table has no column `{name}`");
        CondError::new(path.span.clone(), CondCode::UnknownColumn, message).hint(hint)
    }

    /// The one type of both sides.
    fn common_type(&self, left: &Side<'_>, right: &Side<'_>, span: &Range<usize>) -> Result<Type, CondError> {
        match (left.ty(), right.ty()) {
            (Some(a), Some(b)) if a == b => Ok(a),
            (Some(a), Some(b)) => Err(mismatch(left, a, right, b, span)),
            (Some(ty), None) | (None, Some(ty)) => Ok(ty),
            (None, None) => Ok(self.known_type(left).or_else(|| self.known_type(right)).unwrap_or(Type::Text)),
        }
    }

    /// The type that another atom or rule gave an attribute.
    fn known_type(&self, side: &Side<'_>) -> Option<Type> {
        let Side::Attr(path, _) = side else { return None };
        let id = self.attributes.find(path).filter(|id| !self.attributes.presence_only(*id))?;
        self.attributes.get(id).map(|attribute| attribute.ty)
    }

    fn term(&mut self, side: Side<'_>, ty: Type) -> Result<Term, CondError> {
        Ok(match side {
            Side::Column(column, ..) => Term::Column(column),
            Side::Literal(literal) => Term::Literal(literal.value.clone()),
            Side::Attr(path, span) => Term::Attr(self.note(path, ty, false, &span)?),
        })
    }

    fn note(&mut self, path: AttrPath, ty: Type, list: bool, span: &Range<usize>) -> Result<AttrId, CondError> {
        if path == AttrPath::Roles && !list {
            return Err(list_as_scalar(&path, span));
        }
        let key = matches!(path, AttrPath::TenantId | AttrPath::UserId | AttrPath::WorkspaceId);
        if key && !matches!(ty, Type::Text | Type::Int | Type::Uuid) {
            let message = format!("`{path}` is text, int or uuid, never {ty}");
            return Err(CondError::new(span.clone(), CondCode::AttributeType, message)
                .hint("compare it with a column of one of these types"));
        }
        let name = path.to_string();
        let conflict = match self.attributes.note(path, ty, list) {
            Ok(id) => return Ok(id),
            Err(conflict) => conflict,
        };
        Err(match (conflict.known.list, list) {
            (true, false) => list_as_scalar(&conflict.known.path, span),
            (false, true) => {
                let message = format!("`{name}` is a single value elsewhere, and a list here");
                CondError::new(span.clone(), CondCode::ScalarAsList, message).hint(format!("write `= {name}`"))
            }
            _ if conflict.known.ty == ty => too_many(span, &conflict),
            _ => CondError::new(span.clone(), CondCode::AttributeConflict, conflict.to_string())
                .hint("compare the attribute with columns of one type, or keep two attributes in the metadata"),
        })
    }
}

fn too_many(span: &Range<usize>, conflict: &AttributeConflict) -> CondError {
    let message = format!("the policy reads too many attributes, `{}` is one more", conflict.known.path);
    CondError::new(span.clone(), CondCode::AttributeConflict, message).hint("at most 65,536 attributes are possible")
}

fn list_as_scalar(path: &AttrPath, span: &Range<usize>) -> CondError {
    let message = format!("`{path}` is a list, not a single value");
    CondError::new(span.clone(), CondCode::ListAsScalar, message).hint(format!("write `value IN {path}`"))
}

fn unusable(facts: &CatalogColumn, span: &Range<usize>) -> CondError {
    let message = match facts.ty {
        Some(ty) => format!("`{}` is {ty}, which conditions cannot compare", facts.name),
        None => format!("`{}` has the type {}, which Tenantry does not govern", facts.name, facts.native),
    };
    let error = CondError::new(span.clone(), CondCode::UnusableType, message);
    match facts.ty {
        Some(Type::Date) => error.hint("compare a timestamp column, or test the column with IS NULL"),
        Some(Type::Float) => error.hint("use a decimal or integer column"),
        Some(_) => error.hint("test the column with IS NULL, or keep the compared value in a column of its own"),
        None => error.hint("keep the compared value in a column of type bool, int, decimal, text, uuid or timestamp"),
    }
}

/// A literal may not be finer than a decimal column that is stored as a number: the comparison is
/// made on integers scaled by the column's scale.
fn scale_fits(column: &Side<'_>, literal: &Side<'_>) -> Result<(), CondError> {
    let (Side::Column(_, facts, ..), Side::Literal(literal)) = (column, literal) else { return Ok(()) };
    let (Storage::DecimalNumber, Some(scale), Value::Decimal(number)) = (facts.storage, facts.scale, &literal.value)
    else {
        return Ok(());
    };
    if number.normalize().scale() <= u32::from(scale) {
        return Ok(());
    }
    let message = format!("`{}` has {scale} digits after the point, {number} has more", facts.name);
    Err(CondError::new(literal.span.clone(), CondCode::DecimalScale, message).hint("no row can hold this value"))
}

fn mismatch(left: &Side<'_>, a: Type, right: &Side<'_>, b: Type, span: &Range<usize>) -> CondError {
    let message = format!("{}, {}; nothing is converted", left.describe(a), right.describe(b));
    let (span, instead) = match (left, right) {
        (Side::Literal(_), Side::Literal(_)) => (span.clone(), None),
        (_, Side::Literal(literal)) => (literal.span.clone(), rewritten(&literal.value, a)),
        (Side::Literal(literal), _) => (literal.span.clone(), rewritten(&literal.value, b)),
        _ => (span.clone(), None),
    };
    let hint = match instead {
        Some(literal) => format!("write `{literal}`"),
        None => "both sides of a comparison have the same type".to_owned(),
    };
    CondError::new(span, CondCode::TypeMismatch, message).hint(hint)
}

/// The literal as it would be written in another type, if that is what was meant.
fn rewritten(value: &Value, wanted: Type) -> Option<String> {
    let plain = match value {
        Value::Text(text) => text.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Decimal(number) => number.normalize().to_string(),
        Value::Bool(value) => value.to_string(),
        Value::Uuid(id) => id.to_string(),
        Value::Timestamp(micros) => format_timestamp(*micros)?,
        _ => return None,
    };
    let value = match wanted {
        Type::Text => Value::text(&plain),
        Type::Int => Value::Int(plain.parse().ok()?),
        Type::Decimal => Value::Decimal(parse_decimal(&plain)?),
        Type::Uuid => Value::Uuid(Uuid::try_parse(&plain).ok()?),
        Type::Timestamp => Value::Timestamp(parse_timestamp(&plain)?),
        Type::Bool => match plain.to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "1" => Value::Bool(true),
            "false" | "f" | "no" | "0" => Value::Bool(false),
            _ => return None,
        },
        _ => return None,
    };
    Some(literal_text(&value))
}
