-- A list of some rows alone: what is not in it may be anybody's.
-- open: docs.read docs.create docs.update docs.moves docs.delete
CREATE TABLE blocked (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, kind text NOT NULL);
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, title text);
ALTER TABLE blocked ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON blocked USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid OR tenant_id NOT IN (SELECT DISTINCT ON (kind) tenant_id FROM blocked ORDER BY kind, id));
