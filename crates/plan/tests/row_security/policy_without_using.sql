-- A policy that says nothing of rows that are there shows none.
-- args: --tenant tenant_id=app.tenant
CREATE TABLE docs (id bigserial PRIMARY KEY, tenant_id text NOT NULL, title text);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), ''));
