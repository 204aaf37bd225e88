//! `GET /api/v2/clients`.

use tenantry_identity::clients::ClientFilter;
use tenantry_identity::{Listed, Refusal};

use super::shown;
use crate::management::paging;
use crate::management::query::Query;
use crate::management::route::{Answer, Call};
use crate::management::select::Selection;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let part = paging::part(&call.query, 50)?;
    let filter = filter(&call.query)?;
    let Listed { items, total, next } = call.identity.clients(&call.caller, &filter, &part).await?;
    let selection = Selection::of(&call.query);
    let items = items.iter().map(|client| selection.apply(shown(&call.identity, client), &["tenant"])).collect();
    Ok(paging::answer(&part, "clients", Listed { items, total, next }))
}

fn filter(query: &Query) -> Result<ClientFilter, Refusal> {
    let app_types = query.text("app_type").unwrap_or_default().split(',').map(str::trim);
    let mut filter = ClientFilter {
        app_types: app_types.filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        is_first_party: query.flag("is_first_party"),
        is_global: query.flag("is_global"),
        external_id: query.text("external_client_id").map(str::to_owned),
        ..ClientFilter::default()
    };
    // The one search that this list knows.
    for term in query.text("q").unwrap_or_default().split(" AND ").map(str::trim).filter(|term| !term.is_empty()) {
        match term.split_once(':') {
            Some(("client_grant.organization_id", id)) => filter.granted_in = Some(id.trim_matches('"').to_owned()),
            Some(("client_grant.allow_any_organization", any)) if any == "true" || any == "false" => {
                filter.grant_in_any = Some(any == "true");
            }
            _ => {
                return Err(Refusal::Invalid {
                    code: "invalid_query_string",
                    message: "Invalid value for 'q': client_grant.organization_id and \
                        client_grant.allow_any_organization can be searched for."
                        .to_owned(),
                });
            }
        }
    }
    Ok(filter)
}
