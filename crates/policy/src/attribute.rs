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
pub struct Attributes(Vec<Attribute>);

impl Attributes {
    /// The attribute at a position.
    #[must_use]
    pub fn get(&self, id: AttrId) -> Option<&Attribute> {
        self.0.get(id.index())
    }

    /// The position of a path.
    #[must_use]
    pub fn find(&self, path: &AttrPath) -> Option<AttrId> {
        let at = self.0.iter().position(|attribute| &attribute.path == path)?;
        u16::try_from(at).ok().map(AttrId)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (AttrId, &Attribute)> {
        self.0.iter().enumerate().filter_map(|(at, attribute)| Some((AttrId(u16::try_from(at).ok()?), attribute)))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Are there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Notes that a rule reads `path` with this type and shape.
    ///
    /// # Errors
    /// [`AttributeConflict`] when another rule gave the same path another type or shape, or there
    /// are more than 65,535 attributes.
    pub fn note(&mut self, path: AttrPath, ty: Type, list: bool) -> Result<AttrId, AttributeConflict> {
        if let Some(id) = self.find(&path) {
            return match self.get(id) {
                Some(known) if known.ty == ty && known.list == list => Ok(id),
                Some(known) => Err(AttributeConflict { known: known.clone(), ty, list }),
                None => Err(AttributeConflict { known: Attribute { path, ty, list }, ty, list }),
            };
        }
        let attribute = Attribute { path, ty, list };
        let Ok(at) = u16::try_from(self.0.len()) else {
            return Err(AttributeConflict { known: attribute, ty, list });
        };
        self.0.push(attribute);
        Ok(AttrId(at))
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
