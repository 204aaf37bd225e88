#!/usr/bin/env bash
# An API that stands for a model endpoint, a role that may call it, and two users: one may, one may not. The role is
# held in one organization and counts nowhere else.
set -euo pipefail

port="${PORT:-8443}"
sed -i "s/127.0.0.1:[0-9]*/127.0.0.1:$port/" tenantry.toml
base="https://127.0.0.1:$port"
api="https://my-ai-model-api.example/"
tenantry serve --listen "127.0.0.1:$port" >serve.log 2>&1 &
server=$!
trap 'kill $server' EXIT
eval "$(tenantry trust --quiet)"
until curl --silent --fail --output /dev/null "$base/readyz"; do kill -0 $server; done

management="$(tenantry token --quiet --management)"
call() { # METHOD PATH [JSON]
    curl --silent --show-error --fail-with-body --request "$1" "$base/api/v2$2" \
        --header "authorization: Bearer $management" --header 'content-type: application/json' ${3:+--data "$3"}
}
member() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" <<<"$2"; }

call POST /resource-servers "{\"identifier\":\"$api\",\"name\":\"Models\",\"enforce_policies\":true,\"token_dialect\":\"access_token_authz\",
    \"scopes\":[{\"value\":\"read:predictions\",\"description\":\"Call models\"},{\"value\":\"write:models\",\"description\":\"Change models\"}]}" >/dev/null
tenantry role create ModelConsumer --description "Consumes predictions" --permission "$api#read:predictions"
tenantry account create research --display-name Research
for user in ada bob; do
    printf 'Predict nothing %s 1!' $user | tenantry user create "$user@example.com" --password - >/dev/null
    tenantry member add research "$user@example.com"
done
tenantry role grant ModelConsumer --user ada@example.com --account research

client="$(call POST /clients '{"name":"Notebook","app_type":"regular_web","organization_usage":"allow",
    "grant_types":["http://auth0.com/oauth/grant-type/password-realm"]}')"
id="$(member client_id "$client")"
secret="$(member client_secret "$client")"
claims() { # USER: the payload of an access token for the API, in the organization
    local answer token
    answer="$(curl --silent --show-error "$base/oauth/token" --data-urlencode "client_id=$id" --data-urlencode "client_secret=$secret" \
        --data-urlencode grant_type=http://auth0.com/oauth/grant-type/password-realm --data-urlencode realm=Username-Password-Authentication \
        --data-urlencode "username=$1@example.com" --data-urlencode "password=Predict nothing $1 1!" \
        --data-urlencode "audience=$api" --data-urlencode organization=research --data-urlencode scope=read:predictions)"
    token="$(member access_token "$answer")"
    payload="$(cut -d. -f2 <<<"$token" | tr '_-' '/+')"
    while [ $((${#payload} % 4)) -ne 0 ]; do payload="$payload="; done
    base64 --decode <<<"$payload"
}
ada="$(claims ada)"
bob="$(claims bob)"
echo "ada: $(grep --only-matching '"permissions":\[[^]]*\]' <<<"$ada")"
echo "bob: $(grep --only-matching '"permissions":\[[^]]*\]' <<<"$bob")"
grep --quiet '"permissions":\["read:predictions"\]' <<<"$ada"
grep --quiet '"permissions":\[\]' <<<"$bob"
