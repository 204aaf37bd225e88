//! The pages of a login.

use axum::http::StatusCode;
use axum::response::Response;
use tenantry_identity::Refusal;
use tenantry_identity::authorize::{Brand, Consenting, Place, Sent, Step, Stopped};
use tenantry_identity::oauth::OAuthKind;

use crate::browser::visit::{Asked, to};
use crate::browser::{cookies, query};
use crate::html::{Page, escaped, origin};

/// A page of a sentence.
pub(super) fn plain(status: StatusCode, title: &str, sentence: &str) -> Response {
    Page::new(status, title, format!("<p>{}</p>", escaped(sentence))).response()
}

/// Our own fault.
pub(super) fn failed(refusal: &Refusal) -> Response {
    tracing::error!(code = refusal.code(), %refusal, "a step of a login failed on our side");
    plain(StatusCode::SERVICE_UNAVAILABLE, "Not now", "It failed on our side. Try again in a moment.")
}

/// There is no login: the person is told, or the client.
pub(super) fn stopped(stopped: &Stopped) -> Response {
    match stopped {
        Stopped::Sent(sent) => to(&query::location(sent)),
        Stopped::Shown(error) => {
            let status = match error.kind {
                OAuthKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
                OAuthKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
                OAuthKind::TooManyAttempts { .. } => StatusCode::TOO_MANY_REQUESTS,
                _ => StatusCode::BAD_REQUEST,
            };
            let body = format!(
                "<p>{}</p><p>The application that sent you here asked for a login that cannot be. Nothing was sent to it.</p>",
                escaped(&error.description)
            );
            Page::new(status, "This login cannot go on", body).response()
        }
    }
}

/// A form that does not belong to what this browser was shown.
pub(super) fn not_ours(asked: &Asked) -> Response {
    let body = format!(
        "<p>The form is not one that this browser was just shown, or what it was for has changed since.</p>\
         <p><a href=\"/authorize?{}\">Begin again</a></p>",
        escaped(&asked.query)
    );
    Page::new(StatusCode::FORBIDDEN, "This form has ended", body).response()
}

/// What comes next, as a page or as the way to the client.
pub(super) async fn next(asked: &Asked, step: Step) -> Response {
    match step {
        Step::Sent(sent) => to(&query::location(&sent)),
        Step::Login => login(asked, StatusCode::OK, asked.authorization.login_hint().unwrap_or_default(), None).await,
        Step::Factor => factor(asked, StatusCode::OK, None).await,
        Step::Place(places) => place(asked, &places).await,
        Step::Consent(consenting) => consent(asked, &consenting).await,
        Step::Nowhere(sent) => nowhere(asked, &sent),
    }
}

/// A page with a form of a step. `inside` is what stands in the form.
async fn form(
    asked: &Asked,
    status: StatusCode,
    step: &'static str,
    title: &str,
    before: &str,
    inside: &str,
) -> Response {
    let brand = match asked.app.identity.brand(&asked.authorization).await {
        Ok(brand) => brand,
        Err(stopped) => return self::stopped(&stopped),
    };
    let (token, new) = match asked.token(step) {
        Ok(made) => made,
        Err(refusal) => return failed(&refusal),
    };
    let body = format!(
        "{before}<form method=\"post\" accept-charset=\"utf-8\" action=\"/u/{step}?{}\">\
         <input type=\"hidden\" name=\"token\" value=\"{}\">{inside}</form>",
        escaped(&asked.query),
        escaped(&token),
    );
    let Brand { name, logo, colour } = brand;
    let title = match &name {
        Some(name) => format!("{title} – {name}"),
        None => title.to_owned(),
    };
    let page = Page {
        picture: logo.map(|logo| (logo, name.unwrap_or_default())),
        colour,
        leads_to: origin(asked.authorization.redirect_uri()),
        told_here: true,
        ..Page::new(status, &title, body)
    };
    let mut response = page.response();
    if let Some(new) = new {
        cookies::set(response.headers_mut(), cookies::BROWSER, &new);
    }
    response
}

fn alert(wrong: Option<&str>) -> (String, &'static str) {
    match wrong {
        Some(why) => (
            format!("<p class=\"wrong\" role=\"alert\" id=\"wrong\">{}</p>", escaped(why)),
            " aria-invalid=\"true\" aria-describedby=\"wrong\"",
        ),
        None => (String::new(), ""),
    }
}

/// Name and password.
pub(super) async fn login(asked: &Asked, status: StatusCode, identifier: &str, wrong: Option<&str>) -> Response {
    let (wrong, described) = alert(wrong);
    let inside = format!(
        "<label for=\"identifier\">E-mail address or name</label>\
         <input id=\"identifier\" name=\"identifier\" autocomplete=\"username\" autocapitalize=\"none\" spellcheck=\"false\" \
         required maxlength=\"1024\" value=\"{}\"{described}>\
         <label for=\"password\">Password</label>\
         <input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\" required{described}>\
         <button type=\"submit\">Log in</button>",
        escaped(identifier)
    );
    form(asked, status, "login", "Log in", &wrong, &inside).await
}

/// The second factor.
pub(super) async fn factor(asked: &Asked, status: StatusCode, wrong: Option<&str>) -> Response {
    let (wrong, described) = alert(wrong);
    let before = format!("<p>Enter the code that your authenticator shows, or your recovery code.</p>{wrong}");
    let inside = format!(
        "<label for=\"code\">Code</label>\
         <input id=\"code\" name=\"code\" autocomplete=\"one-time-code\" autocapitalize=\"characters\" spellcheck=\"false\" \
         required maxlength=\"64\"{described}><button type=\"submit\">Go on</button>"
    );
    form(asked, status, "factor", "Second factor", &before, &inside).await
}

/// Which account.
async fn place(asked: &Asked, places: &[Place]) -> Response {
    let mut inside = "<fieldset><legend>You belong to</legend>".to_owned();
    for (number, place) in places.iter().enumerate() {
        let (account, workspace) = place.ids();
        let value = workspace.map_or_else(|| account.to_owned(), |workspace| [account, "/", workspace].concat());
        let name = match place.workspace_name() {
            Some(workspace) => format!("{} / {workspace}", place.account_name()),
            None => place.account_name().to_owned(),
        };
        let first = if number == 0 { " required" } else { "" };
        inside.push_str(&format!(
            "<label><input type=\"radio\" name=\"place\" value=\"{}\"{first}> <bdi>{}</bdi></label>",
            escaped(&value),
            escaped(&name)
        ));
    }
    inside.push_str("</fieldset><button type=\"submit\">Go on</button>");
    form(asked, StatusCode::OK, "place", "Where to", &somebody_else(asked), &inside).await
}

/// What a client would be allowed.
async fn consent(asked: &Asked, consenting: &Consenting) -> Response {
    let mut before = format!("<p><strong><bdi>{}</bdi></strong> ", escaped(&consenting.client));
    before.push_str(if consenting.vouched {
        "wants to act for you."
    } else {
        "wants to act for you. It chose that name itself: nobody here vouches for it."
    });
    before.push_str("</p><dl>");
    let mut tell = |what: &str, value: &str| {
        before.push_str(&format!("<dt>{what}</dt><dd><bdi>{}</bdi></dd>", escaped(value)));
    };
    tell("You are", &consenting.user);
    if let Some((account, workspace)) = &consenting.place {
        tell("For", &workspace.as_ref().map_or_else(|| account.clone(), |inside| format!("{account} / {inside}")));
    }
    tell("The answer goes to", consenting.goes_to.as_deref().unwrap_or("a program on this computer"));
    if let Some(host) = &consenting.described_at {
        tell("It describes itself at", host);
    }
    before.push_str("</dl><p>It could:</p><ul>");
    for allowed in &consenting.allows {
        before.push_str(&format!("<li>{}</li>", escaped(allowed)));
    }
    before.push_str("</ul>");
    before.push_str(&somebody_else(asked));
    let inside = "<button type=\"submit\" name=\"answer\" value=\"yes\">Allow</button>\
                  <button class=\"no\" type=\"submit\" name=\"answer\" value=\"no\">Do not allow</button>";
    form(asked, StatusCode::OK, "consent", "Allow access?", &before, inside).await
}

/// Who is logged in may not go there.
fn nowhere(asked: &Asked, sent: &Sent) -> Response {
    let why = sent.params.iter().find(|(name, _)| *name == "error_description").map_or("", |(_, why)| why.as_str());
    let body = format!(
        "<p>{}</p>{}<p><a href=\"{}\" rel=\"noreferrer\">Back to the application</a></p>",
        escaped(why),
        somebody_else(asked),
        escaped(&query::location(sent))
    );
    Page::new(StatusCode::FORBIDDEN, "You cannot go there", body).response()
}

fn somebody_else(asked: &Asked) -> String {
    let query = query::somebody_else(&asked.query);
    format!("<p><a href=\"/authorize?{}\">Log in as somebody else</a></p>", escaped(&query))
}
