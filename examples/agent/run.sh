#!/usr/bin/env bash
# An agent answers people of two organizations, each from their own rows: LangChain asks the model through the gateway,
# and reaches the rows over MCP. PYTHON names a Python that has requirements.txt installed.
set -euo pipefail

python="${PYTHON:-python3}"
port="${PORT:-8443}"
sed -i "s/127.0.0.1:[0-9]*/127.0.0.1:$port/" tenantry.toml
export ADA_PASSWORD='Answer kindly ada 1!' TOM_PASSWORD='Answer kindly tom 1!' GUS_PASSWORD='Answer kindly gus 1!'

"$python" rows.py desk.sqlite
tenantry apply --quiet >/dev/null
tenantry serve --listen "127.0.0.1:$port" >serve.log 2>&1 &
server=$!
trap 'kill $server' EXIT
eval "$(tenantry trust --quiet)"
until curl --silent --fail --output /dev/null "https://127.0.0.1:$port/readyz"; do kill -0 $server; done

ask() { # ACCOUNT USER QUESTION: an agent with what this person may reach, and nothing else
    TOOLS_TOKEN="$(tenantry token --quiet --account "$1" --user "$2")" \
        MODEL_TOKEN="$(tenantry token --quiet --account "$1" --user "$2" --audience https://models.desk.example/)" \
        BASE="https://127.0.0.1:$port" "$python" agent.py "$2" "$3"
}

ask acme ada@acme.example 'What is open? call query {"model":"tickets","select":["id","subject"],"where":{"field":"status","op":"eq","value":"open"}}'
ask globex gus@globex.example 'What is open? call query {"model":"tickets","select":["id","subject"],"where":{"field":"status","op":"eq","value":"open"}}'
# Ticket 7 is Globex's. To Ada's agent there is none.
ask acme ada@acme.example 'What does ticket 7 say? call get {"model":"tickets","id":7}'
# A trainee's agent has fewer tools: it cannot even try.
ask acme tom@acme.example 'How many are there? call aggregate {"model":"tickets","operation":"count"}'

# Every call is on record, in the chain of the organization whose rows they were.
tenantry audit list --account acme --tool query
