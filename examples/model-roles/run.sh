#!/usr/bin/env bash
# Applies the file, logs two users in, and compares what their tokens permit: before and after the role is taken away.
set -euo pipefail

port="${PORT:-8443}"
sed -i "s/127.0.0.1:[0-9]*/127.0.0.1:$port/" tenantry.toml
base="https://127.0.0.1:$port"
api="https://my-ai-model-api.example/"
export NOTEBOOK_SECRET='not-a-secret-of-anybody-0123456789'
export ADA_PASSWORD='Predict nothing ada 1!' BOB_PASSWORD='Predict nothing bob 1!'

tenantry apply
tenantry plan --exit-code
tenantry serve --listen "127.0.0.1:$port" >serve.log 2>&1 &
server=$!
trap 'kill $server' EXIT
eval "$(tenantry trust --quiet)"
until curl --silent --fail --output /dev/null "$base/readyz"; do kill -0 $server; done

id="$(tenantry output --quiet client.notebook)"
claims() { # USER PASSWORD: the payload of an access token for the API, in the organization
    local answer payload
    answer="$(curl --silent --show-error "$base/oauth/token" --data-urlencode "client_id=$id" --data-urlencode "client_secret=$NOTEBOOK_SECRET" \
        --data-urlencode grant_type=http://auth0.com/oauth/grant-type/password-realm --data-urlencode realm=Username-Password-Authentication \
        --data-urlencode "username=$1@example.com" --data-urlencode "password=$2" \
        --data-urlencode "audience=$api" --data-urlencode organization=research --data-urlencode scope=read:predictions)"
    payload="$(sed -n 's/.*"access_token":"[^".]*\.\([^".]*\)\..*/\1/p' <<<"$answer" | tr '_-' '/+')"
    while [ $((${#payload} % 4)) -ne 0 ]; do payload="$payload="; done
    base64 --decode <<<"$payload" | grep --only-matching '"permissions":\[[^]]*\]'
}
echo "ada: $(claims ada "$ADA_PASSWORD")"
echo "bob: $(claims bob "$BOB_PASSWORD")"

# A role given by hand is drift: the plan names it, and takes it back.
tenantry role grant ModelConsumer --user bob@example.com --account research >/dev/null
status=0
tenantry drift || status=$?
[ "$status" -eq 2 ]
tenantry apply
echo "bob: $(claims bob "$BOB_PASSWORD")"

# A change in review: Ada's role goes. It counts within a second.
sed -i 's/roles = \["ModelConsumer"\]/roles = []/' tenantry.toml
tenantry plan
tenantry apply
echo "ada, without it: $(claims ada "$ADA_PASSWORD")"

kill $server
trap - EXIT
wait $server || true
tenantry destroy --yes
