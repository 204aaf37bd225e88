-- The same where nobody may remove a project.
-- args: --shared projects
CREATE TABLE projects (id bigserial PRIMARY KEY, tenant_id text NOT NULL);
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, project_id bigint NOT NULL REFERENCES projects ON DELETE CASCADE);
ALTER TABLE projects ENABLE ROW LEVEL SECURITY; ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY everybody ON projects FOR SELECT USING (true);
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
REVOKE DELETE, UPDATE ON projects FROM @app;
