// auth0-deploy-cli: imports a description, exports it again, and imports what it exported.
//
// Environment: DOMAIN, CLIENT_ID, CLIENT_SECRET, NODE_EXTRA_CA_CERTS, and WORK, an empty folder.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import deployCli from "auth0-deploy-cli";

const work = process.env.WORK;
const config = {
  AUTH0_DOMAIN: process.env.DOMAIN,
  AUTH0_CLIENT_ID: process.env.CLIENT_ID,
  AUTH0_CLIENT_SECRET: process.env.CLIENT_SECRET,
  AUTH0_ALLOW_DELETE: false,
  AUTH0_API_MAX_RETRIES: 0,
  // What a self-hosted platform has; the client would ask for everything that its own service sells.
  AUTH0_EXCLUDED_RESOURCE_SERVERS: ["Tenantry App API", "Tenantry Dashboard API", "Tenantry Portal API"],
  AUTH0_INCLUDED_ONLY: ["tenant", "resourceServers", "roles", "clients", "clientGrants", "organizations"],
};
const step = (name) => console.log(`ok ${name}`);

const description = join(work, "tenant.yaml");
writeFileSync(
  description,
  `
tenant:
  friendly_name: Deployed
  support_email: help@deployed.example
resourceServers:
  - name: Deployed API
    identifier: https://deployed.example/api
    scopes:
      - value: read:things
        description: Read things
    enforce_policies: true
    token_dialect: access_token_authz
roles:
  - name: deployed reader
    description: Reads things
    permissions:
      - permission_name: read:things
        resource_server_identifier: https://deployed.example/api
clients:
  - name: Deployed machine
    app_type: non_interactive
    grant_types: [client_credentials]
clientGrants:
  - client_id: Deployed machine
    audience: https://deployed.example/api
    scope: ["read:things"]
organizations:
  - name: deployed-org
    display_name: Deployed organization
    branding:
      colors:
        primary: "#112233"
        page_background: "#ffffff"
    connections: []
`,
);
await deployCli.deploy({ input_file: description, config });
step("imported");

const folder = join(work, "exported");
mkdirSync(folder);
await deployCli.dump({ output_folder: folder, format: "yaml", config });
const exported = readFileSync(join(folder, "tenant.yaml"), "utf8");
for (const expected of ["Deployed API", "deployed reader", "Deployed machine", "deployed-org", "help@deployed.example", "read:things"]) {
  assert.ok(exported.includes(expected), `the export holds ${expected}`);
}
step("exported");

await deployCli.deploy({ input_file: join(folder, "tenant.yaml"), config });
step("imported again");
console.log("the story is told");
