"""A whole story with the Python clients: management, authentication, and two libraries that verify.

Environment: DOMAIN (host:port), CLIENT_ID and CLIENT_SECRET of a client that may use the Management API,
SSL_CERT_FILE and REQUESTS_CA_BUNDLE naming the authority's certificate. It prints one line per step.
"""

import asyncio
import os
import uuid

import requests
from auth0.authentication import GetToken, Users
from auth0.authentication.token_verifier import AsymmetricSignatureVerifier, TokenVerifier
from auth0.management import ManagementClient
from auth0_api_python import ApiClient, ApiClientOptions
from authlib.jose import JsonWebKey, jwt

DOMAIN = os.environ["DOMAIN"]
ISSUER = f"https://{DOMAIN}/"
MARK = uuid.uuid4().hex[:8]
AUDIENCE = f"https://ledger.example/{MARK}"
REALM = "Username-Password-Authentication"
PASSWORD = f"Long enough and odd {MARK}!"


def step(name):
    print(f"ok {name}", flush=True)


def main():
    management = ManagementClient(
        domain=DOMAIN, client_id=os.environ["CLIENT_ID"], client_secret=os.environ["CLIENT_SECRET"]
    )

    api = management.resource_servers.create(
        identifier=AUDIENCE,
        name=f"Ledger {MARK}",
        scopes=[
            {"value": "read:entries", "description": "Read entries"},
            {"value": "write:entries", "description": "Write entries"},
        ],
        enforce_policies=True,
        token_dialect="access_token_authz",
        allow_offline_access=True,
    )
    assert api.identifier == AUDIENCE, api
    assert [scope.value for scope in management.resource_servers.get(id=api.id).scopes] == [
        "read:entries",
        "write:entries",
    ]
    step("api")

    role = management.roles.create(name=f"clerk-{MARK}", description="Reads entries")
    management.roles.permissions.add(
        id=role.id,
        permissions=[{"resource_server_identifier": AUDIENCE, "permission_name": "read:entries"}],
    )
    held = list(management.roles.permissions.list(id=role.id))
    assert [permission.permission_name for permission in held] == ["read:entries"], held
    step("role and permission")

    organization = management.organizations.create(name=f"acme-{MARK}", display_name="Acme")
    user = management.users.create(
        connection=REALM,
        email=f"ada.{MARK}@example.com",
        password=PASSWORD,
        email_verified=True,
        user_metadata={"colour": "green"},
    )
    management.organizations.members.create(id=organization.id, members=[user.user_id])
    management.organizations.members.roles.assign(id=organization.id, user_id=user.user_id, roles=[role.id])
    assert [member.user_id for member in management.organizations.members.list(id=organization.id)] == [user.user_id]
    roles = list(management.organizations.members.roles.list(id=organization.id, user_id=user.user_id))
    assert [held.id for held in roles] == [role.id], roles
    # Held in the organization, and so nowhere else.
    assert list(management.users.roles.list(id=user.user_id)) == []
    assert [found.user_id for found in management.users.list_users_by_email(email=user.email)] == [user.user_id]
    step("organization, user, membership, roles")

    client = management.clients.create(
        name=f"Ledger app {MARK}",
        app_type="regular_web",
        grant_types=["password", "http://auth0.com/oauth/grant-type/password-realm", "refresh_token", "client_credentials"],
        organization_usage="allow",
    )
    grant = management.client_grants.create(
        client_id=client.client_id,
        audience=AUDIENCE,
        scope=["read:entries", "write:entries"],
        organization_usage="allow",
        allow_any_organization=True,
    )
    assert grant.client_id == client.client_id
    step("client and grant")

    tokens = GetToken(DOMAIN, client.client_id, client_secret=client.client_secret)
    machine = tokens.client_credentials(audience=AUDIENCE)
    claims = verified(machine["access_token"])
    assert claims["sub"] == f"{client.client_id}@clients", claims
    assert claims["gty"] == "client-credentials", claims
    assert set(claims["scope"].split()) == {"read:entries", "write:entries"}, claims
    in_organization = tokens.client_credentials(audience=AUDIENCE, organization=organization.id)
    assert verified(in_organization["access_token"])["org_id"] == organization.id
    step("machine token, in an organization too")

    login = tokens.login(
        username=user.email,
        password=PASSWORD,
        realm=REALM,
        scope="openid profile email offline_access read:entries write:entries",
        audience=AUDIENCE,
    )
    claims = verified(login["access_token"])
    assert claims["sub"] == user.user_id, claims
    # No organization was named, so nothing that is held in one counts.
    assert claims.get("permissions", []) == [], claims
    assert "org_id" not in claims, claims
    profile = Users(DOMAIN).userinfo(login["access_token"])
    assert profile["sub"] == user.user_id and profile["email"] == user.email, profile
    TokenVerifier(
        signature_verifier=AsymmetricSignatureVerifier(f"{ISSUER}.well-known/jwks.json"),
        issuer=ISSUER,
        audience=client.client_id,
    ).verify(login["id_token"])
    step("login, userinfo, id token")

    inside = organization_login(client, user, organization)
    claims = verified(inside["access_token"])
    assert claims["org_id"] == organization.id, claims
    assert claims["permissions"] == ["read:entries"], claims
    step("permissions and org_id in an organization")

    turned = tokens.refresh_token(refresh_token=login["refresh_token"])
    assert verified(turned["access_token"])["sub"] == user.user_id
    step("refresh")

    management.users.update(id=user.user_id, blocked=True)
    answer = requests.get(f"{ISSUER}userinfo", headers={"Authorization": f"Bearer {turned['access_token']}"}, timeout=10)
    assert answer.status_code == 401, answer.text
    step("a blocked user's token ends")

    management.organizations.delete(id=organization.id)
    management.users.delete(id=user.user_id)
    management.clients.delete(id=client.client_id)
    management.roles.delete(id=role.id)
    management.resource_servers.delete(id=api.id)
    step("all removed")


def organization_login(client, user, organization):
    """The realm grant with an organization; the client library has no parameter for it."""
    answer = requests.post(
        f"{ISSUER}oauth/token",
        json={
            "grant_type": "http://auth0.com/oauth/grant-type/password-realm",
            "client_id": client.client_id,
            "client_secret": client.client_secret,
            "username": user.email,
            "password": PASSWORD,
            "realm": REALM,
            "audience": AUDIENCE,
            "scope": "read:entries write:entries",
            "organization": organization.id,
        },
        timeout=20,
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def verified(token):
    """The claims, verified by two libraries that have nothing in common with the server."""
    metadata = requests.get(f"{ISSUER}.well-known/openid-configuration", timeout=10).json()
    assert metadata["issuer"] == ISSUER, metadata
    keys = JsonWebKey.import_key_set(requests.get(metadata["jwks_uri"], timeout=10).json())
    claims = jwt.decode(token, keys)
    claims.validate()
    audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    assert AUDIENCE in audiences and claims["iss"] == ISSUER, claims
    checked = asyncio.run(
        ApiClient(ApiClientOptions(domain=DOMAIN, audience=AUDIENCE)).verify_access_token(access_token=token)
    )
    assert checked["sub"] == claims["sub"]
    return dict(claims)


main()
print("the story is told")
