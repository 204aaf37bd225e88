//! The platform's settings.

use serde_json::{Value, json};

use super::Draft;
use crate::act::Act;
use crate::inventory::Inventory;
use crate::settings::{NAME, update, whole};
use crate::text::Fields;
use crate::{Kind, Refusal};

impl Draft<'_> {
    /// Changes the settings, as [`crate::Identity::update_settings`]; those that `taken` names have their usual values
    /// again before.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn update_settings(&mut self, there: &mut Inventory, change: Fields, taken: &[String]) -> Result<(), Refusal> {
        let inputs = json!({ "change": change, "taken_back": taken });
        for name in taken {
            there.said_settings.shift_remove(name);
        }
        update::apply(&mut there.said_settings, change)?;
        self.begin(Kind::Account, &Act { name: "settings.update", tenant: "", workspace: None, inputs });
        let doc = Value::Object(there.said_settings.clone()).to_string();
        match there.settings_version {
            Some(version) => self.batch.update_setting(NAME, &doc, version),
            None => self.batch.insert_setting(NAME, &doc),
        };
        there.settings_version = Some(there.settings_version.unwrap_or_default().saturating_add(1));
        there.settings = whole(there.said_settings.clone());
        Ok(())
    }
}
