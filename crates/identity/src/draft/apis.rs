//! APIs.

use serde_json::json;
use tenantry_store::Subject;

use super::Draft;
use crate::act::Act;
use crate::apis::{Api, NewApi, update};
use crate::inventory::Inventory;
use crate::text::Fields;
use crate::{Kind, Refusal};

impl Draft<'_> {
    /// Makes an API, as [`crate::Identity::create_api`]. A signing secret that was made is in what is answered.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn create_api(&mut self, new: NewApi) -> Result<Api, Refusal> {
        let api = self.identity.shaped_api(new)?;
        let inputs = json!({ "id": api.id, "identifier": api.identifier, "fields": api.fields });
        self.begin(Kind::Api, &Act { name: "apis.create", tenant: "", workspace: None, inputs });
        self.batch.insert_api(&api.to_row());
        for permission in api.permissions() {
            self.batch.put_permission(&permission);
        }
        Ok(api)
    }

    /// Changes an API, as [`crate::Identity::update_api`].
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn update_api(&mut self, there: &Inventory, before: &Api, change: Fields) -> Result<Api, Refusal> {
        let mut api = before.clone();
        let inputs = json!({ "id": api.id, "identifier": api.identifier, "change": change });
        self.identity.changed_api(&mut api, change)?;
        let grants = if update::loses(before, &api) {
            there.grants.values().filter(|grant| grant.api_id == api.id).map(|grant| grant.to_row()).collect()
        } else {
            Vec::new()
        };
        self.begin(Kind::Api, &Act { name: "apis.update", tenant: "", workspace: None, inputs });
        update::write(&mut self.batch, before, &api, grants);
        Ok(api)
    }

    /// Removes an API, as [`crate::Identity::delete_api`].
    ///
    /// # Errors
    /// [`Refusal::Unsupported`] for one of Tenantry's own.
    pub fn delete_api(&mut self, api: &Api) -> Result<(), Refusal> {
        if self.identity.is_own_api(&api.id) {
            return Err(Refusal::Unsupported("A system API cannot be deleted."));
        }
        let inputs = json!({ "id": api.id, "identifier": api.identifier });
        self.begin(Kind::Api, &Act { name: "apis.delete", tenant: "", workspace: None, inputs });
        self.batch.delete_api(&api.id);
        self.batch.affects(Subject::Api(api.identifier.clone()));
        Ok(())
    }
}
