-- A default tenant for sessions that name none.
-- leaks: docs.read docs.create docs.update docs.delete
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant_id = coalesce(current_setting('app.tenant', true), 'demo'));
