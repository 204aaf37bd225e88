//! The principal's attributes that a policy reads, each with the one type the rules give it.

use std::fmt;

use crate::value::Type;

/// An attribute by its position in [`Attributes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttrId(pub u16);

impl AttrId {
    /// The position as an index.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// Where an attribute's value stands in the principal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttrPath {
    /// `principal.tenant_id`
    TenantId,
    /// `principal.user_id`
    UserId,
    /// `principal.workspace_id`
    WorkspaceId,
    /// `principal.roles`, always a list of text
    Roles,
    /// `principal.now`, the host's clock, always a timestamp
    Now,
    /// `principal.metadata.a.b`; each part is `[a-z_][a-z0-9_]*`, at most 8 parts
    Metadata(Vec<Box<str>>),
}

impl fmt::Display for AttrPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("principal.")?;
        match self {
            AttrPath::TenantId => f.write_str("tenant_id"),
            AttrPath::UserId => f.write_str("user_id"),
            AttrPath::WorkspaceId => f.write_str("workspace_id"),
            AttrPath::Roles => f.write_str("roles"),
            AttrPath::Now => f.write_str("now"),
            AttrPath::Metadata(path) => {
                f.write_str("metadata")?;
                for part in path {
                    write!(f, ".{part}")?;
                }
                Ok(())
            }
        }
    }
}

/// One attribute that some rule reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Where it stands.
    pub path: AttrPath,
    /// The type of its value, or of each element of the list.
    pub ty: Type,
    /// Is it a list?
    pub list: bool,
}

impl Attribute {
    /// The name of the PostgreSQL setting that carries it: `tenantry.tenant_id`,
    /// `tenantry.metadata.org_id`.
    #[must_use]
    pub fn setting(&self) -> String {
        let text = self.path.to_string();
        let tail = text.strip_prefix("principal.").unwrap_or(&text);
        let mut name = String::from("tenantry.");
        name.push_str(tail);
        name
    }
}

/// Every attribute that the policy reads. `tenant_id` and `user_id` need not be among them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    known: Vec<Attribute>,
    /// Of each: is it only tested with HAS, so that its type and shape are not settled?
    presence_only: Vec<bool>,
}

impl Attributes {
    /// The attribute at a position.
    #[must_use]
    pub fn get(&self, id: AttrId) -> Option<&Attribute> {
        self.known.get(id.index())
    }

    /// The position of a path.
    #[must_use]
    pub fn find(&self, path: &AttrPath) -> Option<AttrId> {
        let at = self.known.iter().position(|attribute| &attribute.path == path)?;
        u16::try_from(at).ok().map(AttrId)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (AttrId, &Attribute)> {
        self.known.iter().enumerate().filter_map(|(at, attribute)| Some((AttrId(u16::try_from(at).ok()?), attribute)))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Are there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Notes that a rule reads `path` with this type and shape.
    ///
    /// # Errors
    /// [`AttributeConflict`] when another rule gave the same path another type or shape, or there
    /// are more than 65,536 attributes.
    pub fn note(&mut self, path: AttrPath, ty: Type, list: bool) -> Result<AttrId, AttributeConflict> {
        self.settle(Attribute { path, ty, list }, false)
    }

    /// Notes that a rule only tests whether `path` is there. Until another rule reads its value, the
    /// attribute counts as text, and any value that is neither NULL nor empty text makes it present.
    ///
    /// # Errors
    /// [`AttributeConflict`] when there are more than 65,536 attributes.
    pub fn note_presence(&mut self, path: AttrPath) -> Result<AttrId, AttributeConflict> {
        self.settle(Attribute { path, ty: Type::Text, list: false }, true)
    }

    /// Is the attribute only tested with HAS, its value never read?
    #[must_use]
    pub fn presence_only(&self, id: AttrId) -> bool {
        self.presence_only.get(id.index()).copied().unwrap_or(false)
    }

    fn settle(&mut self, wanted: Attribute, presence: bool) -> Result<AttrId, AttributeConflict> {
        let Some(id) = self.find(&wanted.path) else {
            let Ok(at) = u16::try_from(self.known.len()) else {
                return Err(AttributeConflict { ty: wanted.ty, list: wanted.list, known: wanted });
            };
            self.known.push(wanted);
            self.presence_only.push(presence);
            return Ok(AttrId(at));
        };
        if presence {
            return Ok(id);
        }
        if let (Some(known), Some(open)) = (self.known.get_mut(id.index()), self.presence_only.get_mut(id.index())) {
            if !*open && *known != wanted {
                return Err(AttributeConflict { known: known.clone(), ty: wanted.ty, list: wanted.list });
            }
            *known = wanted;
            *open = false;
        }
        Ok(id)
    }
}

/// Two rules read one attribute with different types or shapes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} is read as {}{} here and as {}{} by another rule",
    known.path, if *list { "a list of " } else { "" }, ty.name(), if known.list { "a list of " } else { "" }, known.ty.name()
)]
pub struct AttributeConflict {
    /// What was known before.
    pub known: Attribute,
    /// The type wanted now.
    pub ty: Type,
    /// The shape wanted now.
    pub list: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> AttrPath {
        AttrPath::Metadata(text.split('.').map(Box::from).collect())
    }

    #[test]
    fn a_type_is_settled_by_the_first_rule_that_reads_the_value() {
        let mut attributes = Attributes::default();
        let level = attributes.note_presence(path("level")).unwrap();
        assert!(attributes.presence_only(level));
        assert_eq!(attributes.note(path("level"), Type::Int, false), Ok(level));
        assert!(!attributes.presence_only(level));
        assert_eq!(attributes.note_presence(path("level")), Ok(level));
        assert_eq!(attributes.get(level).map(|known| known.ty), Some(Type::Int));
        let conflict = attributes.note(path("level"), Type::Text, false).unwrap_err();
        assert_eq!(conflict.to_string(), "principal.metadata.level is read as text here and as int by another rule");
        assert!(attributes.note(path("level"), Type::Int, true).is_err());
    }

    #[test]
    fn settings_are_named_after_the_path() {
        let attribute = Attribute { path: path("org.id"), ty: Type::Text, list: false };
        assert_eq!(attribute.setting(), "tenantry.metadata.org.id");
    }
}
