// A whole story with the Node clients: management, authentication, and an Express API that verifies.
//
// Environment: DOMAIN (host:port), CLIENT_ID and CLIENT_SECRET of a client that may use the Management API,
// NODE_EXTRA_CA_CERTS naming the authority's certificate. It prints one line per step.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { AuthClient } from "@auth0/auth0-auth-js";
import { ManagementClient } from "auth0";
import express from "express";
import { auth, claimIncludes, requiredScopes } from "express-oauth2-jwt-bearer";

const domain = process.env.DOMAIN;
const mark = randomBytes(4).toString("hex");
const audience = `https://orders.example/${mark}`;
const realm = "Username-Password-Authentication";
const password = `Long enough and odd ${mark}!`;
const step = (name) => console.log(`ok ${name}`);

async function all(page) {
  const items = [];
  for await (const item of await page) items.push(item);
  return items;
}

const management = new ManagementClient({
  domain,
  clientId: process.env.CLIENT_ID,
  clientSecret: process.env.CLIENT_SECRET,
});

const api = await management.resourceServers.create({
  identifier: audience,
  name: `Orders ${mark}`,
  scopes: [{ value: "read:orders", description: "Read orders" }],
  enforce_policies: true,
  token_dialect: "access_token_authz",
});
const role = await management.roles.create({ name: `seller-${mark}`, description: "Reads orders" });
await management.roles.permissions.add(role.id, {
  permissions: [{ resource_server_identifier: audience, permission_name: "read:orders" }],
});
step("api, role, permission");

const organization = await management.organizations.create({ name: `globex-${mark}`, display_name: "Globex" });
const other = await management.organizations.create({ name: `initech-${mark}`, display_name: "Initech" });
const user = await management.users.create({ connection: realm, email: `grace.${mark}@example.com`, password, email_verified: true });
for (const { id } of [organization, other]) await management.organizations.members.create(id, { members: [user.user_id] });
await management.organizations.members.roles.assign(organization.id, user.user_id, { roles: [role.id] });
const members = await all(management.organizations.members.list(organization.id));
assert.deepEqual(members.map((member) => member.user_id), [user.user_id]);
const organizations = await all(management.users.organizations.list(user.user_id));
assert.deepEqual(organizations.map(({ id }) => id).sort(), [organization.id, other.id].sort());
step("two organizations, user, memberships, role in one");

const client = await management.clients.create({
  name: `Orders app ${mark}`,
  app_type: "regular_web",
  grant_types: ["http://auth0.com/oauth/grant-type/password-realm", "client_credentials"],
  organization_usage: "allow",
});
await management.clientGrants.create({
  client_id: client.client_id,
  audience,
  scope: ["read:orders"],
  organization_usage: "allow",
  allow_any_organization: true,
});
const authentication = new AuthClient({ domain, clientId: client.client_id, clientSecret: client.client_secret });
const machine = await authentication.getTokenByClientCredentials({ audience, organization: organization.id });
step("client, grant, machine token");

const app = express();
app.get("/orders", auth({ issuerBaseURL: `https://${domain}/`, audience }), claimIncludes("permissions", "read:orders"), (request, response) => {
  response.json({ organization: request.auth.payload.org_id, subject: request.auth.payload.sub });
});
app.get("/scoped", auth({ issuerBaseURL: `https://${domain}/`, audience }), requiredScopes("read:orders"), (request, response) => {
  response.json({ organization: request.auth.payload.org_id });
});
app.use((error, _request, response, _next) => response.status(error.status ?? 500).json({ error: error.message }));
const server = app.listen(0, "127.0.0.1");
await new Promise((ready) => server.once("listening", ready));
const base = `http://127.0.0.1:${server.address().port}`;
async function call(path, token) {
  const answer = await fetch(`${base}${path}`, { headers: { authorization: `Bearer ${token}` } });
  return [answer.status, await answer.json()];
}

async function login(organizationId) {
  const answer = await fetch(`https://${domain}/oauth/token`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      grant_type: "http://auth0.com/oauth/grant-type/password-realm",
      client_id: client.client_id,
      client_secret: client.client_secret,
      username: user.email,
      password,
      realm,
      audience,
      scope: "read:orders",
      organization: organizationId,
    }),
  });
  const body = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(body));
  return body.access_token;
}

assert.deepEqual(await call("/scoped", machine.accessToken), [200, { organization: organization.id }]);
const inside = await login(organization.id);
assert.deepEqual(await call("/orders", inside), [200, { organization: organization.id, subject: user.user_id }]);
const elsewhere = await login(other.id);
assert.equal((await call("/orders", elsewhere))[0], 401, "a role of one organization counts in another");
assert.equal((await call("/orders", `${inside.slice(0, -8)}AAAAAAAA`))[0], 401);
step("an Express API lets the permission through in the right organization only");

server.close();
server.closeAllConnections();
for (const { id } of [organization, other]) await management.organizations.delete(id);
await management.users.delete(user.user_id);
await management.clients.delete(client.client_id);
await management.roles.delete(role.id);
await management.resourceServers.delete(api.id);
await assert.rejects(() => management.users.get(user.user_id), (error) => error.statusCode === 404);
step("all removed");
console.log("the story is told");
