//! A step while it is being drafted.

use serde_json::Value;
use tenantry_identity::Refusal;
use tenantry_identity::draft::Draft;
use tenantry_identity::text::Fields;
use zeroize::Zeroizing;

use crate::identity::ground::{Ground, texts};
use crate::step::{Action, Step};
use crate::work::{Done, Work};

/// A step, what it is drafted into, and what it stands on.
pub(crate) struct Doing<'d, 'w> {
    pub(crate) draft: &'d mut Draft<'w>,
    pub(crate) ground: &'d mut Ground,
    pub(crate) work: &'d Work<'w>,
    pub(crate) step: &'d Step,
    /// The keys of the step's address.
    pub(crate) keys: &'d [String],
}

impl Doing<'_, '_> {
    /// The key at a place of the address.
    pub(crate) fn key(&self, at: usize) -> &str {
        self.keys.get(at).map(String::as_str).unwrap_or_default()
    }

    /// What the thing is called in the store.
    pub(crate) fn id(&self) -> &str {
        self.step.id.as_deref().unwrap_or_default()
    }

    /// The id of the user whom the address's last key names.
    pub(crate) fn user(&self) -> String {
        let known = self.keys.last().and_then(|key| self.ground.users.get(key));
        known.map_or_else(|| self.id().to_owned(), Clone::clone)
    }

    /// What the file wants of a field; null when it is not there.
    pub(crate) fn field(&self, name: &str) -> Value {
        let wanted = self.step.wanted.as_ref().and_then(|wanted| wanted.fields.get(name));
        wanted.cloned().unwrap_or(Value::Null)
    }

    /// The same, for texts.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.field(name).as_str().map(str::to_owned)
    }

    /// The same, for what is true or false.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.field(name) == Value::Bool(true)
    }

    /// The same, for lists.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        texts(Some(&self.field(name))).into_iter().map(str::to_owned).collect()
    }

    /// Does the file want anything of the field?
    pub(crate) fn says(&self, name: &str) -> bool {
        self.step.wanted.as_ref().is_some_and(|wanted| wanted.fields.contains_key(name))
    }

    /// Is there a change of the field, or of something in it?
    pub(crate) fn changes(&self, name: &str) -> bool {
        self.step
            .changes
            .iter()
            .any(|change| change.field.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
    }

    /// The secret that is set.
    pub(crate) fn secret(&self, field: &str) -> Option<&Zeroizing<String>> {
        self.work.secret(self.step, field)
    }

    /// Is something removed, alone or to be made anew?
    pub(crate) fn removes(&self) -> bool {
        matches!(self.step.action, Action::Delete | Action::Replace)
    }

    /// Is something made?
    pub(crate) fn makes(&self) -> bool {
        matches!(self.step.action, Action::Create | Action::Replace)
    }

    /// It was done with a thing of that id.
    pub(crate) fn done(&self, id: impl Into<String>) -> Result<Done, Refusal> {
        Ok(Done::new(self.step, id))
    }

    /// It is gone.
    pub(crate) fn gone(&self) -> Result<Done, Refusal> {
        Ok(Done::gone(self.step))
    }
}

/// Members of a change.
pub(crate) fn change(members: impl IntoIterator<Item = (&'static str, Value)>) -> Fields {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
