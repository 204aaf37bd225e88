//! Import: something that is there becomes the file's, under the address that stands in it.

use tenantry_store::Managed;

use crate::engine::lease::Held;
use crate::engine::{Engine, Selection, Wish};
use crate::error::PlanError;
use crate::resource::Resource;
use crate::state::State;
use crate::step::{Step, difference};

impl Engine {
    /// Notes that the thing which is called `id` where it lives stands behind an address of the file. Nothing else
    /// changes. Answers what the next apply would do with it.
    ///
    /// # Errors
    /// `UNKNOWN_ADDRESS` when the file does not have it, `ALREADY_MANAGED`, `NOT_FOUND` when there is no such thing.
    pub async fn import(&self, wish: &Wish<'_>, address: &str, id: &str) -> Result<Vec<Step>, PlanError> {
        let held = Held::take(&self.parts.store, &self.parts.caller.request_id, self.now()).await?;
        let done = self.import_held(&held, wish, address, id).await;
        held.end().await;
        done
    }

    async fn import_held(&self, held: &Held, wish: &Wish<'_>, address: &str, id: &str) -> Result<Vec<Step>, PlanError> {
        let selection = Selection { targets: Vec::new(), addresses: vec![address.to_owned()] };
        let mut findings = Vec::new();
        for (target, access) in self.targets(wish, &selection, &mut findings)? {
            let state = State::read(&self.parts.store).await?;
            let part = self.look(wish, target.clone(), access.clone(), &state, &selection).await?;
            let Some(wanted) = part.desired.iter().find(|thing| thing.address.as_str() == address) else { continue };
            if let Some(known) = state.id(&target, address) {
                return Err(PlanError::invalid(
                    "ALREADY_MANAGED",
                    format!("the file manages `{address}` already, as `{known}`"),
                )
                .about(address, wanted.place.clone()));
            }
            let wanted = wanted.clone();
            let with = state.with(&target, &wanted, id);
            let part = self.look(wish, target.clone(), access, &with, &selection).await?;
            let found: Vec<Resource> = part
                .current
                .into_iter()
                .filter(|thing| thing.address.as_str() == address && thing.id.as_deref() == Some(id))
                .collect();
            if found.is_empty() {
                let what = format!("there is no {} `{id}` in {}", wanted.kind.name(), target.name());
                return Err(PlanError::invalid("NOT_FOUND", what).about(address, wanted.place.clone()));
            }
            let steps = difference(std::slice::from_ref(&wanted), &found);
            let begun = self.begin(&[Step::adopting(&wanted, found.first().unwrap_or(&wanted))], 1).await?;
            let mut batch = self.parts.store.batch();
            held.guard(&mut batch);
            batch.put_managed(&[Managed {
                target: target.name().to_owned(),
                address: address.to_owned(),
                kind: wanted.kind.name().to_owned(),
                id: Some(id.to_owned()),
                // Not of what was applied: nothing was.
                hash: String::new(),
                prints: "{}".to_owned(),
                applied_micros: self.now(),
            }]);
            batch.notes_only();
            let noted = self.parts.store.commit(batch).await;
            let step = Step::adopting(&wanted, found.first().unwrap_or(&wanted));
            self.ended(begun, &[step], usize::from(noted.is_ok()), None).await;
            noted?;
            return Ok(steps);
        }
        Err(PlanError::invalid("UNKNOWN_ADDRESS", format!("the file has nothing at `{address}`"))
            .hinted("write it into the file first; `tenantry plan --json` names every address"))
    }
}
