//! `tenantry setup`: a link by which a platform that nobody owns gets its owner.

use serde_json::json;

use crate::address;
use crate::commands::Run;
use crate::desk::{Desk, refused};
use crate::output::{Failure, Outcome};

/// Runs the command.
///
/// # Errors
/// `OWNED` when the platform has an owner; what keeps the file or the store from opening.
pub async fn run(run: Run<'_>) -> Result<Outcome, Failure> {
    let desk = Desk::open(&run).await?;
    let ticket = desk.identity.setup_ticket(&desk.caller).await.map_err(refused)?;
    let Some(ticket) = ticket else {
        return Err(Failure::no("OWNED", "the platform has an owner").hint("tenantry user list"));
    };
    let link = link(&address::issuer(&run.project()?, &desk.loaded), &ticket);
    run.output.note("Whoever opens this link owns the platform. It is good once, for a day, while a server runs.");
    Ok(Outcome::new(json!({ "link": link }), link))
}

/// The address of the page.
#[must_use]
pub fn link(issuer: &str, ticket: &str) -> String {
    [issuer.trim_end_matches('/'), "/setup/", ticket].concat()
}
