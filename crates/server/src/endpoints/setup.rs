//! `GET` and `POST /setup/{ticket}`: the page on which the first owner sets an address and a password.
//!
//! Plain HTML without scripts. The ticket in the address is the secret that makes a form from another site
//! useless (that site does not know it); what the browser says of where the form came from is checked as well.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use http_body_util::{BodyExt as _, Limited};
use tenantry_identity::{Caller, Reach, Refusal};
use zeroize::Zeroizing;

use crate::app::App;
use crate::html::{Page, escaped, from_here};
use crate::limits::told;
use crate::serve::Peer;

/// The largest form, in bytes.
const LARGEST: usize = 16 * 1024;

/// Shows the form.
pub(crate) async fn show(
    State(app): State<App>,
    peer: Option<Extension<Peer>>,
    Path(ticket): Path<String>,
) -> Response {
    if let Err(response) = counted(&app, peer) {
        return *response;
    }
    match app.identity.setup_open(&ticket).await {
        Ok(()) => page(StatusCode::OK, "Set up Tenantry", &form("", None)),
        Err(refusal) => refused(&refusal, ""),
    }
}

/// Makes the owner.
pub(crate) async fn submit(
    State(app): State<App>,
    peer: Option<Extension<Peer>>,
    Path(ticket): Path<String>,
    headers: HeaderMap,
    sent: Body,
) -> Response {
    let address = match counted(&app, peer) {
        Ok(address) => address,
        Err(response) => return *response,
    };
    if !from_here(&headers) {
        return page(StatusCode::FORBIDDEN, "Not from here", "<p>The form was sent from another site.</p>");
    }
    let read = tokio::time::timeout(crate::body::SLOWEST, Limited::new(sent, LARGEST).collect()).await;
    let Ok(Ok(body)) = read else {
        return page(StatusCode::BAD_REQUEST, "Not read", "<p>The form did not arrive whole.</p>");
    };
    let bytes = Zeroizing::new(body.to_bytes().to_vec());
    let (mut email, mut password, mut again) = (String::new(), Zeroizing::default(), Zeroizing::<String>::default());
    for (name, value) in url::form_urlencoded::parse(&bytes) {
        match name.as_ref() {
            "email" => email = value.into_owned(),
            "password" => password = Zeroizing::new(value.into_owned()),
            "again" => again = Zeroizing::new(value.into_owned()),
            _ => {}
        }
    }
    if password != again {
        // A ticket that is no good says so first.
        return match app.identity.setup_open(&ticket).await {
            Ok(()) => {
                let form = form(&email, Some("The two passwords are not the same."));
                page(StatusCode::BAD_REQUEST, "Set up Tenantry", &form)
            }
            Err(refusal) => refused(&refusal, ""),
        };
    }
    let caller = Caller {
        user: None,
        client: None,
        delegate: None,
        reach: Reach::Platform(Vec::new()),
        address,
        request_id: app.request_id(),
    };
    let shown = email.clone();
    // A task of its own: a browser that goes away must not leave half a set-up.
    let made = tokio::spawn(async move { app.identity.set_up(&caller, &ticket, email, password).await }).await;
    match made {
        Ok(Ok(user)) => {
            let email = user.email.as_deref().unwrap_or_default();
            let text = format!(
                "<p><strong>{}</strong> owns this platform now. This link is used up.</p>\
                 <p><code>tenantry user list</code> shows the platform's users.</p>",
                escaped(email)
            );
            page(StatusCode::CREATED, "Tenantry is set up", &text)
        }
        Ok(Err(refusal)) => refused(&refusal, &shown),
        Err(_) => refused(&Refusal::Internal("a set-up did not end"), &shown),
    }
}

/// Nobody vouches for these requests: they count for the address.
fn counted(app: &App, peer: Option<Extension<Peer>>) -> Result<Option<std::net::IpAddr>, Box<Response>> {
    let address = peer.map(|Extension(Peer(address))| address);
    match app.limits.stranger(address) {
        Ok(_) => Ok(address),
        Err(count) => {
            let text = format!("<p>Again in {} s.</p>", count.retry_after());
            Err(Box::new(told(Some(count), page(StatusCode::TOO_MANY_REQUESTS, "Too many requests", &text))))
        }
    }
}

fn refused(refusal: &Refusal, email: &str) -> Response {
    let again = |status, why: &str| page(status, "Set up Tenantry", &form(email, Some(why)));
    match refusal {
        Refusal::Missing(_) | Refusal::Hidden => page(
            StatusCode::NOT_FOUND,
            "This link is not good",
            "<p>It was used, has ended, or never was; or the platform has an owner already.</p>\
             <p><code>tenantry setup</code> prints a new one as long as there is no owner.</p>",
        ),
        Refusal::Password(_) | Refusal::Invalid { .. } => again(StatusCode::BAD_REQUEST, &refusal.to_string()),
        Refusal::Exists(_) => again(StatusCode::CONFLICT, "There is a user with this address."),
        _ => {
            tracing::error!(code = refusal.code(), %refusal, "a set-up failed on our side");
            again(StatusCode::SERVICE_UNAVAILABLE, "It failed on our side. Try again.")
        }
    }
}

fn form(email: &str, wrong: Option<&str>) -> String {
    let wrong = wrong.map_or_else(String::new, |why| format!("<p class=\"wrong\" role=\"alert\">{}</p>", escaped(why)));
    let described = if wrong.is_empty() { "" } else { " aria-invalid=\"true\"" };
    format!(
        "<p>Whoever fills in this form owns the platform. The link is good once.</p>{wrong}\
         <form method=\"post\" accept-charset=\"utf-8\">\
         <label for=\"email\">E-mail address</label>\
         <input id=\"email\" name=\"email\" type=\"email\" autocomplete=\"username\" required maxlength=\"320\" value=\"{}\">\
         <label for=\"password\">Password</label>\
         <input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"new-password\" required{described}>\
         <label for=\"again\">The same password again</label>\
         <input id=\"again\" name=\"again\" type=\"password\" autocomplete=\"new-password\" required{described}>\
         <button type=\"submit\">Become the owner</button></form>",
        escaped(email)
    )
}

fn page(status: StatusCode, title: &str, body: &str) -> Response {
    Page::new(status, title, body).response()
}
