"""Makes a client that may use the whole Management API and prints its id and secret as JSON.

Environment: DOMAIN, TOKEN (of `tenantry token --management`), REQUESTS_CA_BUNDLE.
"""

import json
import os

import requests

BASE = f"https://{os.environ['DOMAIN']}"
HEADERS = {"Authorization": f"Bearer {os.environ['TOKEN']}"}


def call(method, path, body=None):
    answer = requests.request(method, BASE + path, json=body, headers=HEADERS, timeout=30)
    assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
    return answer.json()


client = call("POST", "/api/v2/clients", {"name": "Administration", "app_type": "non_interactive", "grant_types": ["client_credentials"]})
audience = f"{BASE}/api/v2/"
scopes = [scope["value"] for scope in call("GET", "/api/v2/resource-servers/" + requests.utils.quote(audience, safe=""))["scopes"]]
call("POST", "/api/v2/client-grants", {"client_id": client["client_id"], "audience": audience, "scope": scopes})
# The stories log in with passwords, which is off until the platform allows it.
call("PATCH", "/api/v2/tenants/settings", {"default_directory": "Username-Password-Authentication"})
print(json.dumps({"client_id": client["client_id"], "client_secret": client["client_secret"]}))
