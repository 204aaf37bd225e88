#!/usr/bin/env bash
# A model behind the gateway: an API with a permission, a role that holds it, two users. One may call the model; to
# the other there is no such model. Then a program calls it with a key, until the key is taken away.
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

tenantry api create "$api" --name Models --permission "read:predictions=Call models" --permission "write:models=Change models" \
    --set enforce_policies=true --set token_dialect=access_token_authz >/dev/null
tenantry role create ModelConsumer --description "Consumes predictions" --permission "$api#read:predictions" >/dev/null
tenantry account create research --tenant-id research --display-name Research >/dev/null
for user in ada bob; do
    printf 'Predict nothing %s 1!' $user | tenantry user create "$user@example.com" --password - >/dev/null
    tenantry member add research "$user@example.com" >/dev/null
done
tenantry role grant ModelConsumer --user ada@example.com --account research >/dev/null

ask() { # CREDENTIAL: what OpenAI's clients send
    curl --silent --show-error "$base/v1/chat/completions" --header "authorization: Bearer $1" --header 'content-type: application/json' \
        --data '{"model":"predictor","messages":[{"role":"user","content":"rain tomorrow"}]}'
}
said() { grep --only-matching "\"$1\":\"[^\"]*\"" <<<"$2" | head -1; }
token() { tenantry token --quiet --account research --user "$1@example.com" --audience "$api"; }

ada="$(ask "$(token ada)")"
bob="$(ask "$(token bob)")"
echo "ada: $(said content "$ada")"
echo "bob: $(said code "$bob"), $(said message "$bob")"

key="$(tenantry api-key create nightly --account research --permission "$api#read:predictions" --model predictor --days 30 --quiet)"
echo "key: $(said content "$(ask "$key")")"
id="$(tenantry api-key list --account research --json | grep --only-matching '"id":"key_[^"]*"' | cut -d'"' -f4)"
tenantry api-key delete --account research "$id" >/dev/null
# A server takes notice within a second.
until [ "$(said code "$(ask "$key")")" = '"code":"invalid_api_key"' ]; do kill -0 $server; done
echo "key: refused once it is removed"

# Every call and every refusal is on record, without a word of what was said.
tenantry audit list --account research --tool models.chat
if tenantry audit list --account research --json | grep --quiet "rain tomorrow"; then
    echo "the record holds a prompt"
    exit 1
fi
