//! Mail that asks a user to confirm its address.

use serde_json::{Value, json};

use crate::act::Act;
use crate::caller::Target;
use crate::jobs::Job;
use crate::text::Fields;
use crate::{Caller, Identity, Refusal};

impl Identity {
    /// Asks for a mail that lets a user confirm its address. Nothing sends mail here yet, so the job fails and
    /// says what to do instead.
    ///
    /// # Errors
    /// [`Refusal::Missing`]; [`Refusal::Invalid`] for a user without an address.
    pub async fn send_verification_email(&self, caller: &Caller, user: &str) -> Result<Job, Refusal> {
        caller.may(&["update:users"], Target::Platform)?;
        let found = self.known_user(user).await?;
        if found.email.is_none() {
            return Err(Refusal::invalid("The user has no address."));
        }
        let fields: Fields = [("user_id".to_owned(), Value::String(user.to_owned()))].into_iter().collect();
        let job = self.new_job("verification_email", fields)?;
        let mut kept = job.clone();
        kept.fail("No mail can be sent from here: make a link with POST /api/v2/tickets/email-verification.");
        let inputs = json!({ "id": job.id, "user": user });
        let act = Act { name: "jobs.verification_email", tenant: "", workspace: None, inputs };
        self.act(caller, act, async {
            let mut batch = self.store.batch();
            batch.insert_job(&kept.to_row());
            self.store.commit(batch).await?;
            Ok(())
        })
        .await?;
        Ok(job)
    }
}
