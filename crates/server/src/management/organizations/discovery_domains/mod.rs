//! Domains by which logins find organizations.

pub(super) mod add;
pub(super) mod list;
pub(super) mod read;
pub(super) mod read_by_name;
pub(super) mod remove;
pub(super) mod update;

use serde_json::{Value, json};
use tenantry_identity::domains::Domain;

/// A domain as this API shows it.
fn shown(domain: &Domain) -> Value {
    json!({
        "id": domain.id,
        "domain": domain.domain,
        "status": domain.status(),
        "use_for_organization_discovery": domain.is_used(),
        "verification_txt": domain.verification_txt(),
        "verification_host": domain.verification_host(),
    })
}
