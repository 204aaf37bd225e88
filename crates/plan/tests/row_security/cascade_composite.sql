-- What follows is the same tenant's.
CREATE TABLE projects (id bigserial, tenant_id text NOT NULL, PRIMARY KEY (tenant_id, id));
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, project_id bigint NOT NULL, FOREIGN KEY (tenant_id, project_id) REFERENCES projects ON DELETE CASCADE ON UPDATE CASCADE);
ALTER TABLE projects ENABLE ROW LEVEL SECURITY; ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON projects USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), ''));
