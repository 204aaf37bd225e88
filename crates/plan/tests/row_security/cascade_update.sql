-- A key that others refer to is changed, and what refers to it with it.
-- args: --shared projects
-- leaks: docs.refers
-- notes: projects: the unique key (code) holds no tenant
CREATE TABLE projects (code text PRIMARY KEY, tenant_id text NOT NULL);
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, project text NOT NULL REFERENCES projects ON UPDATE CASCADE);
ALTER TABLE projects ENABLE ROW LEVEL SECURITY; ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY everybody ON projects FOR SELECT USING (true);
CREATE POLICY own ON projects FOR UPDATE USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
