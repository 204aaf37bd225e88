//! What the server says of itself (RFC 8414; OpenID Connect Discovery, section 4). It names what is offered
//! and nothing that is not.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::json;
use tenantry_identity::oauth::GRANT_TYPES;

use crate::answer;
use crate::app::App;
use crate::oauth::open;

/// The document.
pub(crate) async fn handle(State(app): State<App>) -> Response {
    let issuer = app.issuer.url();
    let at = |path: &str| [issuer, path].concat();
    let methods = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"];
    let algorithms = ["RS256", "RS384", "PS256", "ES256", "ES384"];
    let openness = app.identity.openness();
    let mut body = json!({
        "issuer": issuer,
        "authorization_endpoint": at("authorize"),
        "token_endpoint": at("oauth/token"),
        "userinfo_endpoint": at("userinfo"),
        "jwks_uri": at(".well-known/jwks.json"),
        "revocation_endpoint": at("oauth/revoke"),
        "introspection_endpoint": at("oauth/introspect"),
        "end_session_endpoint": at("oidc/logout"),
        "grant_types_supported": GRANT_TYPES,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "profile", "email", "phone", "offline_access"],
        "claims_supported": [
            "iss", "sub", "aud", "iat", "exp", "auth_time", "nonce", "sid", "org_id", "org_name", "name", "given_name",
            "family_name", "nickname", "picture", "updated_at", "email", "email_verified", "phone_number",
            "phone_number_verified",
        ],
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported":
            ["client_secret_basic", "client_secret_post", "private_key_jwt"],
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "request_uri_parameter_supported": false,
        "request_parameter_supported": false,
        "claims_parameter_supported": false,
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        // RFC 9207.
        "authorization_response_iss_parameter_supported": true,
    });
    if let Some(body) = body.as_object_mut() {
        if openness.registration {
            body.insert("registration_endpoint".to_owned(), json!(at("oidc/register")));
        }
        if openness.documents {
            body.insert("client_id_metadata_document_supported".to_owned(), json!(true));
        }
    }
    let mut response = open(answer::json(StatusCode::OK, body.to_string().into_bytes()));
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=15, stale-while-revalidate=15"));
    response
}
