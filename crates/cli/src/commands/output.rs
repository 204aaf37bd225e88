//! `tenantry output`: what other programs need to know of this installation.

use clap::Args;
use serde_json::{Map, Value, json};
use tenantry_identity::Part;
use tenantry_identity::clients::ClientFilter;
use zeroize::Zeroizing;

use crate::commands::Run;
use crate::desk::{Desk, refused};
use crate::output::{Failure, Outcome};

/// Which.
#[derive(Debug, Clone, Args)]
pub struct OutputArgs {
    /// Only the value of this name: issuer, domain, management_audience, client.NAME, or the address and field of a
    /// secret that was made for the file
    pub name: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// `UNKNOWN_OUTPUT`; what keeps the file or the store from opening.
pub async fn run(run: Run<'_>, args: &OutputArgs) -> Result<Outcome, Failure> {
    let desk = Desk::open(&run).await?;
    let values = values(&desk).await?;
    if let Some(name) = &args.name {
        if let Some(secret) = generated(&desk, name).await? {
            return Ok(Outcome::new(json!({ name.as_str(): secret.as_str() }), secret.as_str()));
        }
        let Some(value) = values.get(name) else {
            let known = values.keys().cloned().collect::<Vec<_>>();
            return Err(Failure::invalid("UNKNOWN_OUTPUT", format!("there is no output `{name}`"))
                .hint(format!("known: {}", known.join(", ")))
                .detail("known", known));
        };
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        return Ok(Outcome::new(json!({ name.as_str(): value }), text));
    }
    let mut text = String::new();
    for (name, value) in &values {
        text.push_str(&format!("{name} = {value}\n"));
    }
    Ok(Outcome::new(Value::Object(values), text))
}

/// A secret that was made for the file, by its address and field. That it was shown is on record.
async fn generated(desk: &Desk, name: &str) -> Result<Option<Zeroizing<String>>, Failure> {
    let names = desk.identity.generated_names(&desk.caller).await.map_err(refused)?;
    let Some(found) = names.into_iter().find(|one| name == [&one.address, ".", &one.field].concat()) else {
        return Ok(None);
    };
    desk.identity.show_generated(&desk.caller, &found.address, &found.field).await.map_err(refused)
}

async fn values(desk: &Desk) -> Result<Map<String, Value>, Failure> {
    let issuer = desk.identity.issuer();
    let url = issuer.url();
    let at = |path: &str| json!([url, path].concat());
    let mut values = Map::new();
    values.insert("issuer".to_owned(), json!(url));
    // What clients of the Management API call the tenant's domain.
    let domain = url.split_once("://").map_or(url, |(_, rest)| rest).trim_end_matches('/');
    values.insert("domain".to_owned(), json!(domain));
    values.insert("management_audience".to_owned(), json!(issuer.management_audience()));
    values.insert("discovery_url".to_owned(), at(".well-known/openid-configuration"));
    values.insert("jwks_url".to_owned(), at(".well-known/jwks.json"));
    values.insert("own_jwks_url".to_owned(), at(".well-known/jwks-own.json"));
    values.insert("token_url".to_owned(), at("oauth/token"));
    for api in desk.identity.apis(&desk.caller, &[], &all()).await.map_err(refused)?.items {
        let name = api.name.clone().unwrap_or_else(|| api.identifier.clone());
        values.insert(["api.", &slug(&name)].concat(), json!(api.identifier));
    }
    let filter = ClientFilter { is_global: Some(false), ..ClientFilter::default() };
    for client in desk.identity.clients(&desk.caller, &filter, &all()).await.map_err(refused)?.items {
        let name = ["client.", &slug(&client.name)].concat();
        // Two of one name: the id tells them apart.
        let name = if values.contains_key(&name) { [&name, ".", &client.id].concat() } else { name };
        values.insert(name, json!(client.id));
    }
    // What the file made, by its addresses.
    let failed = |error: tenantry_store::StoreError| Failure::failed(error.code(), error.to_string());
    for row in desk.store.managed().await.map_err(failed)? {
        let is_named = MADE.contains(&row.kind.as_str()) && row.target == "identity";
        if let Some(id) = row.id.filter(|_| is_named) {
            values.entry(row.address).or_insert_with(|| json!(id));
        }
    }
    for one in desk.identity.generated_names(&desk.caller).await.map_err(refused)? {
        // Only who asks for it by name gets it.
        values.insert([&one.address, ".", &one.field].concat(), json!("(secret)"));
    }
    Ok(values)
}

/// The kinds of things whose ids others ask for.
const MADE: [&str; 8] = ["api", "role", "client", "client grant", "connection", "account", "workspace", "user"];

fn all() -> Part {
    Part::From { from: None, take: 100 }
}

/// A name as part of an output's: lower case, `-` for what is neither letter nor digit.
fn slug(name: &str) -> String {
    let letters =
        name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' });
    letters.collect()
}
