//! Tenant settings.

use serde_json::json;

use crate::site::on_each_store;

#[tokio::test(flavor = "multi_thread")]
async fn settings_have_usual_values_merge_and_are_taken_back() {
    on_each_store(async |site| {
        let (status, usual) = site.get("/tenants/settings").await;
        assert_eq!((status, &usual["session_lifetime"], &usual["enabled_locales"]), (200, &json!(168), &json!(["en"])));
        let (status, changed) = site
            .patch(
                "/tenants/settings",
                json!({"friendly_name": "Mine", "acr_values_supported": ["foo", "bar"],
                "mtls": {"enable_endpoint_aliases": true}, "flags": {"revoke_refresh_token_grant": true},
                "country_codes": {"list": ["US"], "mode": "allow"}, "idle_ephemeral_session_lifetime_in_minutes": 15}),
            )
            .await;
        assert_eq!(status, 200, "{changed}");
        assert_eq!(site.get("/tenants/settings").await.1, changed);
        assert_eq!(
            (&changed["flags"]["revoke_refresh_token_grant"], &changed["flags"]["enable_sso"]),
            (&json!(true), &json!(true))
        );
        assert_eq!(changed["idle_ephemeral_session_lifetime"], 0.25);
        let (_, changed) = site
            .patch("/tenants/settings", json!({"acr_values_supported": null, "mtls": null, "country_codes": null}))
            .await;
        for name in ["acr_values_supported", "mtls", "country_codes"] {
            assert_eq!(changed.get(name), None, "{name}");
        }
        assert_eq!(changed["friendly_name"], "Mine");
        let (_, some) = site.get("/tenants/settings?fields=friendly_name,session_lifetime&include_fields=true").await;
        assert_eq!(some, json!({"session_lifetime": 168, "friendly_name": "Mine"}));
        let (status, refused) = site.patch("/tenants/settings", json!({"unknown": 1})).await;
        assert_eq!((status, &refused["errorCode"]), (400, &json!("invalid_body")));
        assert_eq!(site.get("/tenants/settings").await.1, changed);
    })
    .await;
}
