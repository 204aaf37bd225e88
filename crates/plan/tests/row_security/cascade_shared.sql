-- Everybody may read a project and refer to it; its owner removes it, and with it rows of others.
-- args: --shared projects
-- leaks: docs.refers
CREATE TABLE projects (id bigserial PRIMARY KEY, tenant_id text NOT NULL);
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, project_id bigint NOT NULL REFERENCES projects ON DELETE CASCADE);
ALTER TABLE projects ENABLE ROW LEVEL SECURITY; ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY everybody ON projects FOR SELECT USING (true);
CREATE POLICY own ON projects FOR DELETE USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
