-- A reference that may cross tenants.
-- leaks: docs.refers
CREATE TABLE projects (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL);
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, project_id bigint NOT NULL REFERENCES projects);
ALTER TABLE projects ENABLE ROW LEVEL SECURITY;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON projects USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
